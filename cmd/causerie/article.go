package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/store"
	"causerie/internal/text"
)

type articleCommand struct {
	Publish     articlePublish     `cmd:"" help:"Publish a Markdown file with front matter; the same file, or the same slug, again is a revision."`
	Draft       articleDraft       `cmd:"" help:"Keep a Markdown file as a draft."`
	List        articleList        `cmd:"" help:"List articles, the last saved first."`
	Show        articleShow        `cmd:"" help:"Show one article."`
	Pin         articlePin         `cmd:"" help:"Put an article first on its author's page, here and elsewhere; ten at most."`
	Unpin       articleUnpin       `cmd:"" help:"Put a pinned article back among the others."`
	Untranslate articleUntranslate `cmd:"" help:"Take a translation of an article away; its address then leads to the original."`
	Undo        articleUndo        `cmd:"" help:"Take back what has not left yet: an article or an edit that is held, or one that is scheduled."`
	Withdraw    articleWithdraw    `cmd:"" help:"Take an article back: its page answers 410, and servers that have it are asked to forget it."`
	Delete      articleDelete      `cmd:"" help:"Delete an article; a published one is withdrawn first."`
}

// articleFile is what publish and draft are given.
type articleFile struct {
	File   string `arg:"" help:"A Markdown file that begins with front matter; - is standard input. Relative pictures are taken along."`
	Author string `required:"" placeholder:"HANDLE" help:"Whose article it is."`
	JSON   bool   `name:"json" help:"Print {\"id\",\"url\",\"object\",\"status\",\"deliveries\"}."`
}

type articlePublish struct {
	articleFile
	Quiet bool          `help:"Of a revision: correct it here without telling readers. Copies elsewhere keep their words until their server fetches it anew."`
	Hold  time.Duration `placeholder:"30s" help:"Let nothing leave for so long: until then “causerie article undo” takes it back, a new article as well as an edit, and no other server has heard of it."`
}

// Help is printed below the command's line by --help.
func (articlePublish) Help() string {
	return "Keys of the front matter: " + strings.Join(markup.Keys(), ", ") + ". Only title is needed. A date in the future schedules the article. " +
		"A file with a slug revises the article that has it. Without one the slug is made of the title, and a file of the same name revises what it made before; " +
		"a file of another name is told to say a slug. A file that says what is out already changes nothing, and nothing is sent. " +
		"With translation-of: SLUG the file is that article in another language; it goes out with the original, or at once when that is out: --quiet and --hold are not for it."
}

func (p articlePublish) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		how := outbox.ReviseOptions{Quiet: p.Quiet, Hold: p.Hold, SkipIfSame: true}
		m, err := d.read(ctx, c, p.articleFile, how)
		if err != nil {
			return err
		}
		a, err := d.publish(ctx, m, how)
		if err != nil {
			return err
		}
		if m.translation != nil {
			return d.tellTranslation(ctx, c, a, m, p.JSON)
		}
		d.tellPastDate(c, m)
		return d.tellArticle(ctx, c, a, m, p.JSON)
	})
}

type articleDraft struct {
	articleFile
}

func (p articleDraft) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		m, err := d.read(ctx, c, p.articleFile, outbox.ReviseOptions{})
		if err != nil {
			return err
		}
		if m.translation != nil {
			if err := d.refuseDraft(ctx, m); err != nil {
				return err
			}
			a, err := d.saveTranslation(ctx, m, true)
			if err != nil {
				return err
			}
			return d.tellTranslation(ctx, c, a, m, p.JSON)
		}
		if err := m.mayBeKept(); err != nil {
			return err
		}
		if err := d.saveDraft(ctx, &m); err != nil {
			return plain(err)
		}
		return d.tellArticle(ctx, c, m.article, m, p.JSON)
	})
}

// manuscript is an article file that was understood.
type manuscript struct {
	article     blog.Article
	before      blog.Article // the one that has its slug, as it was; zero when none has
	date        *time.Time   // when it is to go out, when the file says so
	notices     []string     // sentences about the text, with their line in the file
	missing     string       // the first picture of the text that is nowhere
	translation *translation // what the file holds where it is one of the article; nil else
}

// verb is what publishing it did, which made a of the article that it was before.
func (m manuscript) verb(a blog.Article) string {
	switch {
	case m.article.Status == blog.Published && m.article.Revision == a.Revision:
		return unchanged
	case m.translation == nil && m.article.Status == blog.Published:
		return "revised"
	}
	return "published"
}

// unchanged is the verb of a file that says what is out already.
const unchanged = "nothing changed:"

// mayBeKept tells whether the file may be kept as a draft: in place of nothing, or of what a file of the same name made that
// readers do not have.
func (m manuscript) mayBeKept() error {
	switch {
	case m.before.Status == blog.Published:
		return fmt.Errorf("“%s” is published already: “causerie article publish” revises it", m.article.Slug)
	case m.before.ID != "" && (m.article.File == "" || m.article.File != m.before.File):
		return fmt.Errorf("the slug “%s” is that %s: write another slug into the front matter, or let “causerie article publish” put this file in its place",
			m.article.Slug, whichArticle(m.before))
	}
	return nil
}

// read makes an article of a file that is to go out in a manner: a new one, or the one that this author has under its slug,
// changed.
func (d *desk) read(ctx context.Context, c *console, f articleFile, how outbox.ReviseOptions) (manuscript, error) {
	author, err := d.author(ctx, f.Author)
	if err != nil {
		return manuscript{}, err
	}
	text, err := readFile(c, f.File)
	if err != nil {
		return manuscript{}, err
	}
	if err := d.refuseManner(text, how); err != nil {
		return manuscript{}, fmt.Errorf("%s: %w", f.File, err)
	}
	folder := filepath.Dir(f.File)
	m, err := d.compose(ctx, author, f.File, text, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(folder, filepath.FromSlash(name)))
	})
	if err != nil {
		return m, fmt.Errorf("%s: %w", f.File, plain(err))
	}
	return m, nil
}

// maxFile is how much of an article file is read: its text and its front matter.
const maxFile = markup.MaxArticle + 128<<10

func readFile(c *console, name string) ([]byte, error) {
	in := c.in
	if name != "-" {
		file, err := os.Open(name)
		if err != nil {
			return nil, fmt.Errorf("the article cannot be read: %w", err)
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1))
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is longer than one megabyte: part it into several articles", name)
	}
	return text, err
}

// compose understands an article file. path is where it was found; open reads the pictures beside it.
func (d *desk) compose(ctx context.Context, author blog.Author, path string, file []byte, open func(string) (io.ReadCloser, error)) (manuscript, error) {
	front, body, err := markup.ParseFrontMatter(file, d.site.Location())
	if err != nil {
		return manuscript{}, err
	}
	above := bytes.Count(file, []byte("\n")) - strings.Count(body, "\n")
	if front.TranslationOf != "" {
		return d.composeTranslation(ctx, author, front, path, body, above, open)
	}
	a, before, err := d.sheet(ctx, author, front, fileName(path))
	if err != nil {
		return manuscript{}, err
	}
	a.Markdown = body
	if err := d.fill(ctx, &a, front); err != nil {
		return manuscript{}, err
	}
	beside, err := d.takePictures(ctx, &a, front, open)
	if err != nil {
		return manuscript{}, err
	}
	rendered, err := d.library.Compose(ctx, &a, beside)
	if err != nil {
		return manuscript{}, err
	}
	m := manuscript{article: a, before: before, date: front.Date}
	m.note(rendered, path, above)
	return m, a.Check()
}

// note takes over what the renderer says of the text, with lines as they are counted in the file: above is how many
// stand over the text.
func (m *manuscript) note(r markup.Rendered, path string, above int) {
	for _, n := range r.Notices {
		if n.Line > 0 {
			n.Line += above
		}
		if n.Trouble == markup.MissingPicture && m.missing == "" {
			m.missing = n.Detail
		}
		m.notices = append(m.notices, path+": "+n.String())
	}
}

// missingPicture keeps a text from going out with a hole in it. A new article is kept as a draft.
func (d *desk) missingPicture(ctx context.Context, m manuscript) error {
	err := fmt.Errorf("the picture “%s” is not there: put the file beside the article, or name one of the library", m.missing)
	if m.translation != nil || m.article.Status == blog.Published || m.article.Status == blog.Scheduled {
		return fmt.Errorf("%w; nothing is changed", err)
	}
	if err := d.saveDraft(ctx, &m); err != nil {
		return plain(err)
	}
	return fmt.Errorf("%w (it is kept as a draft)", err)
}

// tellDeparture says how many servers an article is on its way to.
func (d *desk) tellDeparture(ctx context.Context, c *console, a blog.Article) error {
	letters, err := d.store.Reports(ctx, a.ID)
	if err != nil {
		return err
	}
	waiting := 0
	for _, s := range blog.Standings(letters) {
		if !s.Status.Settled() {
			waiting++
		}
	}
	if waiting > 0 {
		fmt.Fprintf(c.out, "on its way to %s: “causerie deliveries %s” shows how they fare\n", text.Plural(waiting, "server", "servers"), a.Slug)
	}
	return nil
}

// tellPastDate says that a date which has passed is not taken, where it would have had a meaning.
func (d *desk) tellPastDate(c *console, m manuscript) {
	if m.date == nil || m.article.PublishedAt != nil || m.date.After(d.outbox.Now()) {
		return
	}
	const day = "2 January 2006"
	said, today := m.date.In(d.site.Location()).Format(day), d.outbox.Now().In(d.site.Location()).Format(day)
	if said != today {
		fmt.Fprintf(c.err, "causerie: the date %s is past: the article goes out now, dated %s\n", said, today)
	}
}

// fileName is the name by which a file is known again: that of the folder goes with it where all files are called index.
// What came on standard input has none.
func fileName(path string) string {
	name := filepath.Base(path)
	switch {
	case path == "-":
		return ""
	case strings.TrimSuffix(name, filepath.Ext(name)) == "index":
		if whole, err := filepath.Abs(path); err == nil {
			name = filepath.Base(filepath.Dir(whole)) + "/" + name
		}
	}
	return strings.ToValidUTF8(name, "\uFFFD")
}

// sheet is the article that a file speaks of, with the file's slug, and as it was: the author's own with the same slug, or an
// empty one, which was none. A slug that the file does not say, and that only follows from its title, is that of another
// article unless it came from a file of this name.
func (d *desk) sheet(ctx context.Context, author blog.Author, front markup.FrontMatter, file string) (a, before blog.Article, err error) {
	language := cmp.Or(front.Language, author.Language, d.site.Language)
	slug := cmp.Or(front.Slug, authoring.Slug(front.Title, language))
	before, err = d.known(ctx, author, slug)
	if err == nil && front.Slug == "" && (file == "" || before.File != file) {
		return a, before, fmt.Errorf("the title makes the slug “%s”, which is that %s: write “slug: %s” into the front matter to revise that one, or another slug for a new article",
			slug, whichArticle(before), slug)
	}
	a = before
	if errors.Is(err, blog.ErrNotFound) {
		a, before, err = blog.Article{ID: blog.NewID(now()), VoiceID: author.ID, Status: blog.Draft, Format: blog.FullArticle,
			Visibility: blog.Public, Comments: blog.Open, Quotes: "everyone", CreatedAt: now()}, blog.Article{}, nil
	}
	a.Slug, a.Language, a.File = slug, language, file
	return a, before, err
}

// known is the author's own article that has a slug, or had it when it was published.
func (d *desk) known(ctx context.Context, author blog.Author, slug string) (blog.Article, error) {
	a, err := d.store.DraftBySlug(ctx, author.ID, slug)
	if !errors.Is(err, blog.ErrNotFound) {
		return a, err
	}
	a, err = d.store.ArticleBySlug(ctx, slug)
	switch {
	case err != nil:
		return a, err
	case a.VoiceID != author.ID || a.Status == blog.Deleted:
		return a, fmt.Errorf("the slug “%s” belongs to another article: choose another in the front matter", slug)
	case a.Translated:
		return a, fmt.Errorf("the slug “%s” is that of a translation: say translation-of in the front matter", slug)
	}
	return a, nil
}

// whichArticle tells one's own article from the file that has its title.
func whichArticle(a blog.Article) string {
	if a.File == "" {
		return fmt.Sprintf("of the article “%s”, which came from no file", a.Title)
	}
	return fmt.Sprintf("of the article “%s”, which came from %s", a.Title, a.File)
}

// fill puts what the front matter says into the article. What a file leaves out is as if it had never been said.
func (d *desk) fill(ctx context.Context, a *blog.Article, front markup.FrontMatter) error {
	a.Title, a.Subtitle, a.Summary, a.Warning, a.Tags = front.Title, front.Subtitle, front.Summary, front.Warning, front.Tags
	a.Format = blog.Format(cmp.Or(front.Format, string(blog.FullArticle)))
	a.Visibility = blog.Visibility(cmp.Or(front.Visibility, string(blog.Public)))
	a.Comments = blog.Policy(cmp.Or(front.Comments, string(blog.Open)))
	a.Quotes = cmp.Or(front.Quotes, "everyone")
	a.Answers, a.Quoted = a.Answers.At(front.InReplyTo), a.Quoted.At(front.Quoting)
	var err error
	if a.Authors, err = d.byline(ctx, a.VoiceID, front); err != nil {
		return err
	}
	if front.Part > 0 && front.Series == "" {
		return blog.Invalid{Field: "part", Problem: blog.PartOfNothing}
	}
	a.Part = front.Part
	return d.store.WishSeries(ctx, a, front.Series, authoring.Slug(front.Series, a.Language), 0)
}

// byline is the owner, then the other authors of ours, then a guest.
func (d *desk) byline(ctx context.Context, owner blog.ID, front markup.FrontMatter) ([]blog.Byline, error) {
	names := []blog.Byline{{VoiceID: owner}}
	for _, handle := range front.Authors {
		author, err := d.author(ctx, handle)
		if err != nil {
			return nil, err
		}
		if author.ID != owner {
			names = append(names, blog.Byline{VoiceID: author.ID})
		}
	}
	if front.Guest != "" {
		name, address, _ := strings.Cut(front.Guest, "<")
		names = append(names, blog.Byline{Name: strings.TrimSpace(name), URL: strings.TrimSpace(strings.TrimSuffix(strings.TrimSpace(address), ">"))})
	}
	return names, nil
}

// takePictures brings the pictures beside a file into the library, and says which reference means which.
func (d *desk) takePictures(ctx context.Context, a *blog.Article, front markup.FrontMatter, open func(string) (io.ReadCloser, error)) (map[string]blog.Picture, error) {
	found, err := markup.Article(a.Markdown, markup.Options{Language: a.Language})
	if err != nil {
		return nil, nil // Compose says what is wrong
	}
	beside := map[string]blog.Picture{}
	for _, image := range found.Images {
		if p, err := d.takePicture(ctx, a.VoiceID, image.Source, image.Alt, open); err != nil {
			return nil, err
		} else if p.ID != "" {
			beside[image.Source] = p
		}
	}
	hero, err := d.takePicture(ctx, a.VoiceID, front.Picture, front.PictureAlt, open)
	if err != nil {
		return nil, err
	}
	a.PictureID, a.PictureAlt = hero.ID, front.PictureAlt
	if front.Picture != "" && hero.ID == "" {
		return nil, blog.Invalid{Field: "picture", Problem: fmt.Sprintf("“%s” is not there: put the file beside the article, or name one of the library", front.Picture)}
	}
	return beside, nil
}

// takePicture accepts one file; what is not beside the text may be in the library, and what lies elsewhere on the web
// stays there: both are the zero picture here when the text names them, but a hero is looked up.
func (d *desk) takePicture(ctx context.Context, owner blog.ID, name, alt string, open func(string) (io.ReadCloser, error)) (blog.Picture, error) {
	if name == "" || strings.Contains(name, "://") {
		return blog.Picture{}, nil
	}
	var file io.ReadCloser
	err := fs.ErrNotExist
	if !strings.HasPrefix(name, "/") {
		file, err = open(name)
	}
	if err != nil {
		p, missing := d.library.Picture(ctx, owner, name)
		if errors.Is(missing, blog.ErrNotFound) {
			return blog.Picture{}, nil
		}
		return p, missing
	}
	defer file.Close()
	p, err := d.library.Accept(ctx, owner, name, file)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, plain(err))
	}
	if p.Alt == "" && alt != "" {
		p.Alt, err = alt, d.store.DescribePicture(ctx, p.ID, alt)
	}
	return p, err
}

// saveDraft writes an article down that is not public, with its text among the revisions.
func (d *desk) saveDraft(ctx context.Context, m *manuscript) error {
	a := &m.article
	if a.Status == blog.Scheduled {
		a.Status, a.ScheduledAt = blog.Draft, nil
	}
	return d.store.InTx(ctx, func(s *store.Store) error {
		if err := s.SaveArticle(ctx, a, now()); err != nil {
			return err
		}
		return s.AddRevision(ctx, store.Revision{ArticleID: a.ID, Language: a.Language, Kind: "saved", Title: a.Title, Summary: a.Summary,
			Markdown: a.Markdown, At: now()})
	})
}

// publish lets an article out: a public one as a revision, one with a date in the future at that date, any other now.
func (d *desk) publish(ctx context.Context, m manuscript, how outbox.ReviseOptions) (blog.Article, error) {
	if how.Hold < 0 {
		return m.article, errors.New("--hold is a time to come, such as 30s")
	}
	if m.missing != "" {
		return m.article, d.missingPicture(ctx, m)
	}
	if m.translation != nil {
		return d.saveTranslation(ctx, m, false)
	}
	if m.article.Status == blog.Published {
		err := d.outbox.ReviseAs(ctx, &m.article, how)
		return m.article, plain(err)
	}
	if how.Quiet {
		return m.article, errors.New("--quiet corrects an article that is published, and this one is not: leave it out")
	}
	if err := d.saveDraft(ctx, &m); err != nil {
		return m.article, plain(err)
	}
	publish := func(ctx context.Context, id blog.ID) (blog.Article, error) {
		return d.outbox.PublishHeld(ctx, id, how.Hold)
	}
	if m.date != nil && m.date.After(d.outbox.Now()) {
		publish = func(ctx context.Context, id blog.ID) (blog.Article, error) {
			return d.outbox.Schedule(ctx, id, *m.date)
		}
	}
	a, err := publish(ctx, m.article.ID)
	if err != nil {
		return a, fmt.Errorf("%w (it is kept as a draft)", plain(err))
	}
	return a, nil
}

// articleLine is an article as programs read one.
type articleLine struct {
	ID         blog.ID `json:"id"`
	URL        string  `json:"url"`
	Object     string  `json:"object"` // the ActivityPub id, "" where there is none
	Status     string  `json:"status"`
	Deliveries int     `json:"deliveries"` // letters written about it so far
	Title      string  `json:"title,omitempty"`
	Slug       string  `json:"slug,omitempty"`
	Language   string  `json:"language,omitempty"`
	Published  string  `json:"published,omitempty"` // RFC 3339
	Scheduled  string  `json:"scheduled,omitempty"`
	Held       string  `json:"held,omitempty"` // until when nothing leaves
}

func (d *desk) articleLine(ctx context.Context, a blog.Article) (articleLine, error) {
	line := articleLine{ID: a.ID, Status: string(a.Status), Title: a.Title, Slug: a.Slug, Language: a.Language,
		Published: instant(a.PublishedAt), Scheduled: instant(a.ScheduledAt)}
	if a.Month != "" {
		line.URL = d.site.ArticlePage(a)
	}
	if a.ObjectID != "" {
		line.Object = d.site.ArticleID(a.ObjectID)
	}
	hold, err := d.store.Hold(ctx, a.ID)
	switch {
	case err == nil:
		line.Held = instant(&hold.Until)
	case !errors.Is(err, blog.ErrNotFound):
		return line, err
	}
	line.Deliveries, err = d.store.CountLetters(ctx, a.ID)
	return line, err
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// tellArticle says what became of an article that a manuscript was made of, and what its author should know of the text.
func (d *desk) tellArticle(ctx context.Context, c *console, a blog.Article, m manuscript, asJSON bool) error {
	for _, n := range m.notices {
		fmt.Fprintf(c.err, "causerie: %s\n", n)
	}
	line, err := d.articleLine(ctx, a)
	if err != nil {
		return err
	}
	if asJSON {
		line.Title, line.Slug, line.Language, line.Published = "", "", "", ""
		t := newTable(c.out, true)
		t.line(line)
		return t.flush()
	}
	switch a.Status {
	case blog.Published:
		verb := m.verb(a)
		fmt.Fprintf(c.out, "%s %s\n", verb, line.URL)
		held, err := d.holdWords(ctx, a)
		switch {
		case err != nil:
			return err
		case held != "":
			fmt.Fprintln(c.out, held)
		case line.Deliveries > 0 && verb != unchanged:
			return d.tellDeparture(ctx, c, a)
		}
	case blog.Scheduled:
		fmt.Fprintf(c.out, "scheduled for %s: %s\n", a.ScheduledAt.In(d.site.Location()).Format("2 January 2006, 15:04 MST"), line.URL)
	case blog.Withdrawn:
		fmt.Fprintf(c.out, "kept, and withdrawn as before: “causerie article publish” lets it out again\n")
	default:
		fmt.Fprintf(c.out, "kept as a draft: “causerie article publish” lets it out\n")
	}
	return nil
}

type articleList struct {
	Status string `enum:",draft,scheduled,published,withdrawn,deleted" default:"" help:"Only those: draft, scheduled, published, withdrawn or deleted."`
	JSON   bool   `name:"json" help:"Print one JSON object a line."`
}

func (l articleList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		filter := store.Filter{Recent: true}
		if l.Status != "" {
			filter.Statuses = []blog.Status{blog.Status(l.Status)}
		}
		t := newTable(c.out, l.JSON)
		for {
			articles, err := d.store.Articles(ctx, filter)
			if err != nil {
				return err
			}
			for _, a := range articles {
				line, err := d.articleLine(ctx, a)
				if err != nil {
					return err
				}
				t.line(line, string(a.ID), line.Status, a.SavedAt.In(d.site.Location()).Format("2006-01-02 15:04"), a.Slug, cmp.Or(text.Excerpt(a.Title, 60), "(no title yet)"))
			}
			if len(articles) < pageOfList {
				return t.flushOr("no articles")
			}
			filter.Offset += len(articles)
		}
	})
}

// pageOfList is how many rows the store gives at once.
const pageOfList = 1000

// articleNamed is what commands about one article are given.
type articleNamed struct {
	Article string `arg:"" help:"Its id or its slug."`
}

// find is the article of an id or a slug.
func (d *desk) find(ctx context.Context, name string) (blog.Article, error) {
	var a blog.Article
	err := blog.ErrNotFound
	if blog.ValidID(name) {
		a, err = d.store.Article(ctx, blog.ID(name))
	}
	if errors.Is(err, blog.ErrNotFound) {
		a, err = d.store.ArticleBySlug(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		a, err = d.draft(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		return a, fmt.Errorf("there is no article “%s”: “causerie article list” shows them all", name)
	}
	return a, err
}

// draft finds an article that was never public by its slug, which nobody else has to respect yet.
func (d *desk) draft(ctx context.Context, slug string) (blog.Article, error) {
	authors, err := d.store.Authors(ctx)
	if err != nil {
		return blog.Article{}, err
	}
	for _, author := range authors {
		if a, err := d.store.DraftBySlug(ctx, author.ID, slug); !errors.Is(err, blog.ErrNotFound) {
			return a, err
		}
	}
	return blog.Article{}, blog.ErrNotFound
}

type articleShow struct {
	articleNamed
	JSON bool `name:"json" help:"Print one JSON object."`
}

func (s articleShow) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, s.Article)
		if err != nil {
			return err
		}
		line, err := d.articleLine(ctx, a)
		if err != nil {
			return err
		}
		if s.JSON {
			t := newTable(c.out, true)
			t.line(line)
			return t.flush()
		}
		counts, err := d.store.Counts(ctx, []blog.ID{a.ID})
		if err != nil {
			return err
		}
		letters, err := d.store.Samples(ctx, []blog.ID{a.ID})
		if err != nil {
			return err
		}
		translations, err := d.translationWords(ctx, a)
		if err != nil {
			return err
		}
		t := newTable(c.out, false)
		for _, row := range [][]string{{"title", a.Title}, {"id", string(a.ID)}, {"status", line.Status}, {"address", line.URL}, {"object", line.Object},
			{"by", bylineWords(a)}, {"language", a.Language}, {"translations", translations}, {"words", fmt.Sprint(a.Words)}, {"published", line.Published}, {"scheduled", line.Scheduled}, {"held until", line.Held},
			{"delivered", d.progressWords(blog.Standings(letters[a.ID]))},
			{"answered", fmt.Sprintf("%s, %s, %s", text.Plural(counts[a.ID].Replies, "comment", "comments"), text.Plural(counts[a.ID].Likes, "like", "likes"), text.Plural(counts[a.ID].Boosts, "boost", "boosts"))}} {
			if row[1] != "" {
				t.line(nil, row...)
			}
		}
		if err := t.flush(); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "\n%s\n", strings.TrimSpace(a.Markdown))
		return nil
	})
}

func bylineWords(a blog.Article) string {
	names := make([]string, len(a.Authors))
	for i, by := range a.Authors {
		names[i] = by.Name
	}
	return strings.Join(names, ", ")
}

type articlePin struct {
	articleNamed
}

func (p articlePin) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, p.Article)
		if err != nil {
			return err
		}
		if err := d.outbox.Pin(ctx, a.ID); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "pinned “%s”\n", a.Title)
		return nil
	})
}

type articleUnpin struct {
	articleNamed
}

func (u articleUnpin) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, u.Article)
		if err != nil {
			return err
		}
		if err := d.outbox.Unpin(ctx, a.ID); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "“%s” stands among the others\n", a.Title)
		return nil
	})
}

type articleWithdraw struct {
	articleNamed
}

func (w articleWithdraw) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, w.Article)
		if err != nil {
			return err
		}
		err = d.outbox.Withdraw(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("“%s” %s", a.Slug, notOutWords(a))
		}
		if err != nil {
			return err
		}
		now, err := d.store.Article(ctx, a.ID)
		if err != nil {
			return err
		}
		if now.Revision < a.Revision {
			fmt.Fprintln(c.out, undoneWords(now))
			return nil
		}
		fmt.Fprintf(c.out, "withdrawn: %s answers 410 now, and the text stays here: “causerie article delete %s” puts it away\n", d.site.ArticlePage(a), a.Slug)
		return nil
	})
}

// notOutWords says what to do with an article that cannot be withdrawn, since it is not out.
func notOutWords(a blog.Article) string {
	switch a.Status {
	case blog.Scheduled:
		return fmt.Sprintf("is scheduled and not out yet: “causerie article undo %s” makes it a draft again", a.Slug)
	case blog.Draft:
		return fmt.Sprintf("is a draft, which nobody else can read: “causerie article delete %s” puts it away", a.Slug)
	}
	return fmt.Sprintf("is %s already: there is nothing to take back", a.Status)
}

type articleDelete struct {
	articleNamed
}

func (x articleDelete) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, x.Article)
		if err != nil {
			return err
		}
		err = d.outbox.Delete(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("“%s” is deleted already", a.Slug)
		}
		if err == nil {
			fmt.Fprintf(c.out, "deleted “%s”\n", a.Title)
		}
		return err
	})
}
