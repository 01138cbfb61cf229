package main

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"time"

	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/text"
)

// articleFileFlags is what publish and draft are given.
type articleFileFlags struct {
	File   string `arg:"" help:"A Markdown file with front matter; - is standard input. Relative pictures come along."`
	Author string `required:"" placeholder:"HANDLE" help:"Whose article it is."`
	JSON   bool   `name:"json" help:"Print {\"id\",\"url\",\"object\",\"status\",\"deliveries\"}."`
}

// articleFileFlags is an article file that was understood.
type articleFile struct {
	author      blog.Author // who saves it
	article     blog.Article
	before      blog.Article // the one that has its slug, as it was; zero when none has
	date        *time.Time   // when it is to go out, when the file says so
	notices     []string     // sentences about the text, with their line in the file
	missing     string       // the first picture of the text that is nowhere
	translation *translation // what the file holds where it is one of the article; nil else
}

// verb is what publishing it did, which made a of the article that it was before.
func (m articleFile) verb(a blog.Article) string {
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

// mayBeKept reports whether the file may be kept as a draft: in place of nothing, or of what a file of the same name
// made that readers do not have.
func (m articleFile) mayBeKept() error {
	switch {
	case m.before.Status == blog.Published:
		return fmt.Errorf("“%s” is published already: “causerie article publish” revises it", m.article.Slug)
	case m.before.ID != "" && (m.article.File == "" || m.article.File != m.before.File):
		return fmt.Errorf("the slug “%s” is that %s: write another slug into the front matter, or let “causerie article "+
			"publish” put this file in its place",
			m.article.Slug, whichArticle(m.before))
	}
	return nil
}

// read makes an article of a file that is to go out in a manner: a new one, or the one that this author has under its
// slug, changed.
func (app *app) read(ctx context.Context, c *console, f articleFileFlags,
	how outbox.ReviseOptions) (articleFile, error) {
	author, err := app.author(ctx, f.Author)
	if err != nil {
		return articleFile{}, err
	}
	text, err := readFile(c, f.File)
	if err != nil {
		return articleFile{}, err
	}
	folder := filepath.Dir(f.File)
	source, err := app.parse(f.File, text, func(name string) (io.ReadCloser, error) {
		return os.Open(filepath.Join(folder, filepath.FromSlash(name)))
	})
	if err != nil {
		return articleFile{}, fmt.Errorf("%s: %w", f.File, plain(err))
	}
	if err := refuseManner(source.front, how); err != nil {
		return articleFile{}, fmt.Errorf("%s: %w", f.File, err)
	}
	m, err := app.compose(ctx, author, source)
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

// articleSource is an article file as it was read: its front matter and its text.
type articleSource struct {
	path  string // as it was given; "-" for standard input
	front markup.FrontMatter
	body  string                              // Markdown
	above int                                 // lines of the file above the body
	open  func(string) (io.ReadCloser, error) // opens a picture beside the file
}

// parse splits an article file into its front matter and its text.
func (app *app) parse(path string, file []byte, open func(string) (io.ReadCloser, error)) (articleSource, error) {
	front, body, err := markup.ParseFrontMatter(file, app.site.Location())
	above := bytes.Count(file, []byte("\n")) - strings.Count(body, "\n")
	return articleSource{path: path, front: front, body: body, above: above, open: open}, err
}

// compose makes an article of a file, renders it, and takes the pictures beside the file into the library.
func (app *app) compose(ctx context.Context, author blog.Author, source articleSource) (articleFile, error) {
	front := source.front
	if front.TranslationOf != "" {
		return app.composeTranslation(ctx, author, source)
	}
	a, before, err := app.sheet(ctx, author, front, fileName(source.path))
	if err != nil {
		return articleFile{}, err
	}
	a.Markdown = source.body
	if err := app.fill(ctx, &a, front); err != nil {
		return articleFile{}, err
	}
	beside, err := app.takePictures(ctx, &a, front, source.open)
	if err != nil {
		return articleFile{}, err
	}
	rendered, err := app.library.Compose(ctx, &a, beside)
	if err != nil {
		return articleFile{}, err
	}
	m := articleFile{author: author, article: a, before: before, date: front.Date}
	m.note(rendered, source)
	return m, a.Check()
}

// note keeps the notices of the renderer, with the line numbers of the file.
func (m *articleFile) note(r markup.Rendered, source articleSource) {
	m.missing = authoring.MissingPicture(r)
	for _, n := range r.Notices {
		if n.Line > 0 {
			n.Line += source.above
		}
		m.notices = append(m.notices, source.path+": "+n.String())
	}
}

// missingPicture keeps a text from going out with a hole in it. A new article is kept as a draft.
func (app *app) missingPicture(ctx context.Context, m articleFile) error {
	err := fmt.Errorf("the picture “%s” is not there: put the file beside the article, or name one of the library",
		m.missing)
	if m.translation != nil || m.article.Status == blog.Published || m.article.Status == blog.Scheduled {
		return fmt.Errorf("%w; nothing is changed", err)
	}
	if err := app.saveDraft(ctx, &m); err != nil {
		return plain(err)
	}
	return fmt.Errorf("%w (it is kept as a draft)", err)
}

// tellDeparture says how many servers an article is on its way to.
func (app *app) tellDeparture(ctx context.Context, c *console, a blog.Article) error {
	deliveries, err := app.store.Reports(ctx, a.ID)
	if err != nil {
		return err
	}
	waiting := 0
	for _, s := range blog.ServerStates(deliveries) {
		if !s.Status.Settled() {
			waiting++
		}
	}
	if waiting > 0 {
		fmt.Fprintf(c.out, "on its way to %s: “causerie deliveries %s” shows how they fare\n",
			text.Plural(waiting, "server", "servers"), a.Slug)
	}
	return nil
}

// tellPastDate says that a date which has passed is not taken, where it would have had a meaning.
func (app *app) tellPastDate(c *console, m articleFile) {
	if m.date == nil || m.article.PublishedAt != nil || m.date.After(app.outbox.Now()) {
		return
	}
	const day = "2 January 2006"
	said, today := m.date.In(app.site.Location()).Format(day), app.outbox.Now().In(app.site.Location()).Format(day)
	if said != today {
		fmt.Fprintf(c.err, "causerie: the date %s is past: the article goes out now, dated %s\n", said, today)
	}
}

// fileName is the name by which a file is known again: that of the folder goes with it where all files are called
// index. What came on standard input has none.
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

// sheet returns the article that a file speaks of, with its slug, and that article as it was: the author's own with the
// same slug, or a new one, and then before is zero.
func (app *app) sheet(ctx context.Context, author blog.Author, front markup.FrontMatter,
	file string) (a, before blog.Article, err error) {
	language := cmp.Or(front.Language, author.Language, app.site.Language)
	slug := front.Slug
	if slug != "" {
		before, err = app.known(ctx, author, slug)
	} else {
		slug, before, err = app.derived(ctx, author, authoring.Slug(front.Title, language), file)
	}
	a = before
	if errors.Is(err, blog.ErrNotFound) {
		a, before, err = app.authoring().New(author, blog.NewID(now()), language), blog.Article{}, nil
	}
	if err != nil {
		return a, before, err
	}
	a.Slug, a.Language, a.File = slug, language, file
	if front.Slug == "" && a.Month == "" {
		// Another author may have published under the slug of this draft since it was saved.
		a.Slug, err = app.store.FreeSlug(ctx, slug, a.ID, language)
	}
	return a, before, err
}

// derived returns the slug of a file that says none, made from its title, and the article that the file made under it
// before; blog.ErrNotFound when it is a new one. What other authors have is passed over: slug-2 comes next. An article
// of this author's that came from a file of another name is an error: who wrote the file must say which one is meant.
func (app *app) derived(ctx context.Context, author blog.Author, wanted, file string) (string, blog.Article, error) {
	slug := wanted
	for n := 2; ; n++ {
		a, err := app.known(ctx, author, slug)
		if errors.Is(err, errOthersSlug) {
			slug = fmt.Sprintf("%s-%d", wanted, n)
			continue
		}
		if err == nil && (file == "" || a.File != file) {
			err = fmt.Errorf("the title makes the slug “%s”, which is that %s: write “slug: %s” into the front matter to "+
				"revise that one, or another slug for a new article",
				slug, whichArticle(a), slug)
		}
		return slug, a, err
	}
}

// errOthersSlug is a slug of an article that this author may not revise.
var errOthersSlug = errors.New("choose another in the front matter")

// known is the author's own article that has a slug, or had it when it was published.
func (app *app) known(ctx context.Context, author blog.Author, slug string) (blog.Article, error) {
	a, err := app.store.DraftBySlug(ctx, author.ID, slug)
	if !errors.Is(err, blog.ErrNotFound) {
		return a, err
	}
	a, err = app.store.ArticleBySlug(ctx, slug)
	switch {
	case err != nil:
		return a, err
	case a.VoiceID != author.ID || a.Status == blog.Deleted:
		return a, fmt.Errorf("the slug “%s” belongs to another article: %w", slug, errOthersSlug)
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
func (app *app) fill(ctx context.Context, a *blog.Article, front markup.FrontMatter) error {
	a.Title, a.Subtitle, a.Summary, a.Warning, a.Tags = front.Title, front.Subtitle, front.Summary, front.Warning,
		front.Tags
	a.Format = blog.Format(cmp.Or(front.Format, string(blog.FullArticle)))
	a.Visibility = blog.Visibility(cmp.Or(front.Visibility, string(blog.Public)))
	a.Comments = blog.Policy(cmp.Or(front.Comments, string(blog.Open)))
	a.Quotes = cmp.Or(front.Quotes, "everyone")
	a.Answers, a.Quoted = a.Answers.At(front.InReplyTo), a.Quoted.At(front.Quoting)
	if err := app.setByline(ctx, a, front); err != nil {
		return err
	}
	a.Part = front.Part
	return app.authoring().SetSeries(ctx, a, front.Series, 0)
}

// setByline makes the by-line: the owner, then the other authors of this blog, then the guest.
func (app *app) setByline(ctx context.Context, a *blog.Article, front markup.FrontMatter) error {
	var names []blog.Byline
	for _, handle := range front.Authors {
		by, err := app.authoring().Coauthor(ctx, handle)
		if err != nil {
			return err
		}
		names = append(names, by)
	}
	if front.Guest != "" {
		by, err := authoring.Guest(front.Guest)
		if err != nil {
			return err
		}
		names = append(names, by)
	}
	return authoring.SetByline(a, names)
}

// takePictures brings the pictures beside a file into the library, and says which reference means which.
func (app *app) takePictures(ctx context.Context, a *blog.Article, front markup.FrontMatter,
	open func(string) (io.ReadCloser, error)) (map[string]blog.Picture, error) {
	found, err := markup.Article(a.Markdown, markup.Options{Language: a.Language})
	if err != nil {
		return nil, nil // Compose says what is wrong
	}
	beside := map[string]blog.Picture{}
	for _, image := range found.Images {
		if p, err := app.takePicture(ctx, a.VoiceID, image.Source, image.Alt, open); err != nil {
			return nil, err
		} else if p.ID != "" {
			beside[image.Source] = p
		}
	}
	hero, err := app.takePicture(ctx, a.VoiceID, front.Picture, front.PictureAlt, open)
	if err != nil {
		return nil, err
	}
	a.PictureID, a.PictureAlt = hero.ID, front.PictureAlt
	if front.Picture != "" && hero.ID == "" {
		return nil, blog.Invalid{Field: "picture",
			Problem: fmt.Sprintf("“%s” is not there: put the file beside the article, or name one of the library",
				front.Picture)}
	}
	return beside, nil
}

// takePicture accepts one file; what is not beside the text may be in the library, and what lies elsewhere on the web
// stays there: both are the zero picture here when the text names them, but a hero is looked up.
func (app *app) takePicture(ctx context.Context, owner blog.ID, name, alt string,
	open func(string) (io.ReadCloser, error)) (blog.Picture, error) {
	if name == "" || strings.Contains(name, "://") {
		return blog.Picture{}, nil
	}
	var file io.ReadCloser
	err := fs.ErrNotExist
	if !strings.HasPrefix(name, "/") {
		file, err = open(name)
	}
	if err != nil {
		p, missing := app.library.Picture(ctx, owner, name)
		if errors.Is(missing, blog.ErrNotFound) {
			return blog.Picture{}, nil
		}
		return p, missing
	}
	defer file.Close()
	p, err := app.library.Accept(ctx, owner, name, file)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, plain(err))
	}
	if p.Alt == "" && alt != "" {
		p.Alt, err = alt, app.store.DescribePicture(ctx, p.ID, alt)
	}
	return p, err
}
