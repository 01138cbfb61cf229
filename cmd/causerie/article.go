package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// articleCommand are the commands about articles.
type articleCommand struct {
	Publish     articlePublish     `cmd:"" help:"Publish a Markdown file; the same file or slug again is a revision."`
	Draft       articleDraft       `cmd:"" help:"Save a Markdown file as a draft."`
	List        articleList        `cmd:"" help:"List articles, the last saved first."`
	Show        articleShow        `cmd:"" help:"Show one article."`
	Pin         articlePin         `cmd:"" help:"Pin an article to its author's page, here and elsewhere; at most ten."`
	Unpin       articleUnpin       `cmd:"" help:"Unpin an article."`
	Untranslate articleUntranslate `cmd:"" help:"Remove a translation; its address then leads to the original."`
	Undo        articleUndo        `cmd:"" help:"Take back an article or an edit that is held or scheduled."`
	Withdraw    articleWithdraw    `cmd:"" help:"Withdraw an article: its page says so, and other servers delete it."`
	Delete      articleDelete      `cmd:"" help:"Delete an article; a published one is withdrawn first."`
}

// articleLine is the JSON of an article.
type articleLine struct {
	ID         blog.ID `json:"id"`
	URL        string  `json:"url"`
	Object     string  `json:"object"` // the ActivityPub id, "" where there is none
	Status     string  `json:"status"`
	Deliveries int     `json:"deliveries"` // queued about it so far
	Title      string  `json:"title,omitempty"`
	Slug       string  `json:"slug,omitempty"`
	Language   string  `json:"language,omitempty"`
	Published  string  `json:"published,omitempty"` // RFC 3339
	Scheduled  string  `json:"scheduled,omitempty"`
	Held       string  `json:"held,omitempty"` // until when nothing is sent
}

// articleLine returns the JSON of an article.
func (app *app) articleLine(ctx context.Context, a blog.Article) (articleLine, error) {
	lines, err := app.articleLines(ctx, []blog.Article{a})
	if err != nil {
		return articleLine{}, err
	}
	return lines[0], nil
}

// articleLines returns the JSON of articles, with two queries for all of them.
func (app *app) articleLines(ctx context.Context, articles []blog.Article) ([]articleLine, error) {
	ids := make([]blog.ID, len(articles))
	for i, a := range articles {
		ids[i] = a.ID
	}
	held, err := app.store.HeldUntil(ctx, ids)
	if err != nil {
		return nil, err
	}
	deliveries, err := app.store.CountDeliveries(ctx, ids)
	if err != nil {
		return nil, err
	}
	lines := make([]articleLine, len(articles))
	for i, a := range articles {
		lines[i] = app.lineOf(a)
		if until, is := held[a.ID]; is {
			lines[i].Held = jsonTime(&until)
		}
		lines[i].Deliveries = deliveries[a.ID]
	}
	return lines, nil
}

// lineOf returns what the article itself says.
func (app *app) lineOf(a blog.Article) articleLine {
	line := articleLine{ID: a.ID, Status: string(a.Status), Title: a.Title, Slug: a.Slug, Language: a.Language,
		Published: jsonTime(a.PublishedAt), Scheduled: jsonTime(a.ScheduledAt)}
	if a.Month != "" { // it has an address from its first publication or schedule on
		line.URL = app.site.ArticlePage(a)
	}
	if a.ObjectID != "" {
		line.Object = app.site.ArticleID(a.ObjectID)
	}
	return line
}

// jsonTime returns a time in RFC 3339, "" for nil.
func jsonTime(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// printArticle prints what was done with the article of a file, and the notices about its text.
func (app *app) printArticle(ctx context.Context, c *console, a blog.Article, m articleFile, asJSON bool) error {
	for _, n := range m.notices {
		fmt.Fprintf(c.err, "causerie: %s\n", n)
	}
	line, err := app.articleLine(ctx, a)
	if err != nil {
		return err
	}
	if asJSON {
		line.Title, line.Slug, line.Language, line.Published = "", "", "", "" // the caller has the file
		t := newTable(c.out, true)
		t.line(line)
		return t.flush()
	}
	switch a.Status {
	case blog.Published:
		verb := m.verb(a)
		fmt.Fprintf(c.out, "%s %s\n", verb, line.URL)
		held, err := app.holdText(ctx, a)
		switch {
		case err != nil:
			return err
		case held != "":
			fmt.Fprintln(c.out, held)
		case line.Deliveries > 0 && verb != unchanged:
			return app.printServerCount(ctx, c, a)
		}
	case blog.Scheduled:
		fmt.Fprintf(c.out, "scheduled for %s: %s\n",
			a.ScheduledAt.In(app.site.Location()).Format("2 January 2006, 15:04 MST"), line.URL)
	case blog.Withdrawn:
		fmt.Fprintf(c.out, "saved; it stays withdrawn: “%s” publishes it again\n", m.publishCommand())
	default:
		fmt.Fprintf(c.out, "saved as a draft: “%s” publishes it\n", m.publishCommand())
	}
	return nil
}

// articleNamed is the argument of commands about one article.
type articleNamed struct {
	Article string `arg:"" help:"The id or the slug of the article."`
}

// with opens the blog, finds the article and runs do.
func (n articleNamed) with(ctx context.Context, config Config, log *slog.Logger,
	do func(*app, blog.Article) error) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		a, err := app.find(ctx, n.Article)
		if err != nil {
			return err
		}
		return do(app, a)
	})
}

// find returns the article with an id or a slug.
func (app *app) find(ctx context.Context, name string) (blog.Article, error) {
	var a blog.Article
	err := blog.ErrNotFound
	name = text.WrittenLine(name)
	if blog.ValidID(name) {
		a, err = app.store.Article(ctx, blog.ID(name))
	}
	if errors.Is(err, blog.ErrNotFound) {
		a, err = app.store.ArticleBySlug(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		a, err = app.draftOfAnyone(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		return a, fmt.Errorf("there is no article “%s”: “causerie article list” lists all", name)
	}
	return a, err
}

// draftOfAnyone finds a draft by its slug. Two authors may have drafts with the same slug: the first one is returned.
func (app *app) draftOfAnyone(ctx context.Context, slug string) (blog.Article, error) {
	authors, err := app.store.Authors(ctx)
	if err != nil {
		return blog.Article{}, err
	}
	for _, author := range authors {
		if a, err := app.store.ArticleByTextSlug(ctx, author.ID, slug); !errors.Is(err, blog.ErrNotFound) {
			return a, err
		}
	}
	return blog.Article{}, blog.ErrNotFound
}
