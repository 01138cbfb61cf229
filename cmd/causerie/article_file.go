package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"golang.org/x/text/unicode/norm"

	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/media"
	"causerie/internal/text"
)

// articleFileFlags are the flags of publish and draft.
type articleFileFlags struct {
	File   string `arg:"" help:"A Markdown file with front matter; - is standard input. Pictures beside it are added."`
	Author string `placeholder:"HANDLE" help:"The author of the article. Not needed in a blog with one author."`
	New    bool   `help:"Make a new article, although the file or one with its title was published before."`
	Force  bool   `help:"Replace an article that came from elsewhere, or that was changed elsewhere since."`
	Root   string `placeholder:"DIR" help:"${help_root}"`
	JSON   bool   `name:"json" help:"Print one JSON object: {\"id\",\"url\",\"object\",\"status\",\"deliveries\"}."`
}

// articleFile is an article made from a file.
type articleFile struct {
	path        string // of the file; "-" for standard input
	from        authoring.File
	author      blog.Author // the owner
	article     blog.Article
	before      blog.Article // the stored article that the file changes; zero for a new one
	date        *time.Time   // time of publication in the file; nil if not given
	updated     *time.Time   // time of the last change in the file; nil if not given
	notices     []string     // what the author should know about the text, each with its line in the file
	missing     string       // the first picture in the text that was not found; "" if none
	translation *translation // the translation that the file contains; nil if it contains an article
}

// verb describes what publishing the file did. a is the article afterwards.
func (m articleFile) verb(a blog.Article) string {
	switch {
	case m.article.Status == blog.Published && m.article.Revision == a.Revision:
		return unchanged
	case m.translation == nil && m.article.Status == blog.Published:
		return "revised"
	}
	return "published"
}

// publishCommand returns the command that publishes the file.
func (m articleFile) publishCommand() string {
	return fmt.Sprintf("causerie article publish %s --author %s", m.path, m.author.Handle)
}

// unchanged is the verb of a file without changes.
const unchanged = "nothing changed:"

// checkDraft returns an error if the file must not be saved as a draft: its article is public.
func (m articleFile) checkDraft() error {
	if m.before.Status == blog.Published {
		return fmt.Errorf("“%s” is published already: “causerie article publish” revises it", m.before.Slug)
	}
	return nil
}

// read makes an article from a file: a new article, or a changed version of the one that the file is.
func (app *app) read(ctx context.Context, c *console, f articleFileFlags,
	options outbox.ReviseOptions) (articleFile, error) {
	author, err := app.authorOfFile(ctx, f.Author)
	if err != nil {
		return articleFile{}, err
	}
	text, err := readFile(c, f.File)
	if err != nil {
		return articleFile{}, err
	}
	// Paths of pictures are relative to the file, not to the working directory.
	folder := filepath.Dir(f.File)
	source, err := app.parse(f.File, text, func(name string) (io.ReadCloser, error) {
		return openBeside(folder, name)
	})
	if err != nil {
		return articleFile{}, onEachLine(f.File, plain(err))
	}
	if err := checkOptions(source.front, f, options); err != nil {
		return articleFile{}, fmt.Errorf("%s: %w", f.File, err)
	}
	if source.from, err = f.source(source.front); err != nil {
		return articleFile{}, err
	}
	m, err := app.compose(ctx, author, source)
	if err != nil {
		return m, fmt.Errorf("%s: %w", f.File, plain(explainFile(err)))
	}
	return m, nil
}

// openBeside opens a picture by the path that a text gives. That is an address: "low%20tide.png" is the file "low
// tide.png". A file system may write letters in another Unicode form than the text, so names are compared in one.
func openBeside(folder, reference string) (io.ReadCloser, error) {
	var err error
	// A file may also be named as it is, "50%25.png".
	for _, name := range []string{media.FileOf(reference), reference} {
		path := folder
		for part := range strings.SplitSeq(name, "/") {
			path = filepath.Join(path, nameIn(path, part))
		}
		var file *os.File
		if file, err = os.Open(path); err == nil {
			return file, nil
		}
	}
	return nil, err
}

// nameIn returns the name of an entry of a folder that differs at most in its Unicode form; the name itself when there
// is none.
func nameIn(folder, name string) string {
	if _, err := os.Lstat(filepath.Join(folder, name)); err == nil {
		return name
	}
	entries, err := os.ReadDir(folder)
	if err != nil {
		return name
	}
	for _, e := range entries {
		if norm.NFC.String(e.Name()) == norm.NFC.String(name) {
			return e.Name()
		}
	}
	return name
}

// onEachLine returns an error with the name of its file in front of each line.
func onEachLine(file string, err error) error {
	lines := strings.Split(err.Error(), "\n")
	for i, line := range lines {
		lines[i] = file + ": " + line
		if i > 0 { // run prints the prefix of the first line
			lines[i] = "causerie: " + lines[i]
		}
	}
	return errors.New(strings.Join(lines, "\n"))
}

// authorOfFile returns the author with a handle. Without a handle it returns the only author who can sign in.
func (app *app) authorOfFile(ctx context.Context, handle string) (blog.Author, error) {
	if handle != "" {
		return app.author(ctx, handle)
	}
	authors, err := app.store.Authors(ctx)
	if err != nil {
		return blog.Author{}, err
	}
	authors = slices.DeleteFunc(authors, func(a blog.Author) bool { return a.DisabledAt != nil })
	switch len(authors) {
	case 0:
		return blog.Author{}, errors.New("there is no author yet: “causerie author add” adds one")
	case 1:
		return authors[0], nil
	}
	var flags []string
	for _, a := range authors[:min(maxNamedAuthors, len(authors))] {
		flags = append(flags, "--author "+a.Handle)
	}
	return blog.Author{}, usageError{fmt.Errorf("this blog has several authors: add %s", alternatives(flags))}
}

// maxNamedAuthors limits how many authors an error names.
const maxNamedAuthors = 10

// maxFile is the maximum size of an article file with its front matter, in bytes.
const maxFile = markup.MaxArticle + 128<<10

func readFile(c *console, name string) ([]byte, error) {
	in := c.in
	if name != "-" {
		file, err := openFile(name, "a Markdown file")
		if err != nil {
			return nil, err
		}
		defer file.Close()
		in = file
	}
	text, err := io.ReadAll(io.LimitReader(in, maxFile+1)) // one more byte shows that the file is too long
	if err == nil && len(text) > maxFile {
		err = fmt.Errorf("%s is longer than one megabyte: split it into several articles", name)
	}
	return text, err
}

// openFile opens a file from the command line. what is the kind of file that the error for a folder asks for.
func openFile(name, what string) (*os.File, error) {
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("there is no file %s", name)
	case err != nil:
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	case info.IsDir():
		return nil, fmt.Errorf("%s is a folder: name %s", name, what)
	}
	file, err := os.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the file cannot be read: %w", err)
	}
	return file, nil
}

// articleSource is an article file, split into front matter and text.
type articleSource struct {
	path  string // as given on the command line; "-" for standard input
	front markup.FrontMatter
	body  string                              // Markdown
	open  func(string) (io.ReadCloser, error) // opens a picture beside the file
	from  authoring.File
}

// parse splits an article file into its front matter and its text.
func (app *app) parse(path string, file []byte, open func(string) (io.ReadCloser, error)) (articleSource, error) {
	front, body, err := markup.ParseFrontMatter(file, app.site.Location())
	return articleSource{path: path, front: front, body: body, open: open}, err
}

// compose makes an article from a file and renders it. It adds the pictures beside the file to the library.
func (app *app) compose(ctx context.Context, author blog.Author, source articleSource) (articleFile, error) {
	front := source.front
	if front.TranslationOf != "" {
		return app.composeTranslation(ctx, author, source)
	}
	a, before, err := app.authoring().OfFile(ctx, author, source.from, front.Title,
		cmp.Or(front.Language, author.Language, app.site.Language))
	if err != nil {
		return articleFile{}, err
	}
	a.Markdown = source.body
	switch {
	case front.Updated != nil && front.Updated.After(app.outbox.Now()):
		return articleFile{}, errors.New("updated is still to come: write when the article was last changed")
	case front.Updated != nil && front.Date != nil && front.Updated.Before(*front.Date):
		return articleFile{}, errors.New("updated is before date: write when the article was last changed")
	}
	if err := app.setFrontMatter(ctx, &a, front); err != nil {
		return articleFile{}, err
	}
	pictures, err := app.takePictures(ctx, &a, front, source.open)
	if err != nil {
		return articleFile{}, err
	}
	rendered, err := media.Compose(ctx, app.store, &a, media.Beside{Pictures: pictures})
	if err != nil {
		return articleFile{}, err
	}
	if err := app.authoring().CheckFile(ctx, source.from, before, a); err != nil {
		return articleFile{}, err
	}
	m := articleFile{path: source.path, from: source.from, author: author, article: a, before: before, date: front.Date,
		updated: front.Updated}
	m.addNotices(rendered, source)
	if before.ID != "" && before.Title != a.Title {
		m.notices = append(m.notices, fmt.Sprintf("%s: the title was “%s”; a new article needs --new", source.path,
			before.Title))
	}
	return m, a.Check()
}

// addNotices adds the notices of the renderer. Their line numbers become those of the file.
func (m *articleFile) addNotices(r markup.Rendered, source articleSource) {
	m.missing = authoring.MissingPicture(r)
	for _, n := range r.Notices {
		if n.Line > 0 {
			n.Line += source.front.Lines
		}
		m.notices = append(m.notices, source.path+": "+n.String())
	}
}

// missingPicture returns the error for a picture that was not found. A new article is saved as a draft, so that no
// work is lost.
func (app *app) missingPicture(ctx context.Context, m articleFile) error {
	err := fmt.Errorf("the picture “%s” was not found: put the file beside the article, or name one from the library",
		m.missing)
	if m.translation != nil || m.article.Status == blog.Published || m.article.Status == blog.Scheduled {
		return fmt.Errorf("%w; nothing was changed", err)
	}
	if err := app.saveDraft(ctx, &m); err != nil {
		return plain(err)
	}
	return savedAsDraft(err, m.article)
}

// savedAsDraft adds to the error of a failed publication that the text is a draft now.
func savedAsDraft(err error, a blog.Article) error {
	return fmt.Errorf("%w. Saved as draft “%s”: edit it and publish again, or remove it "+
		"with “causerie article delete %s”",
		err, a.Slug, a.Slug)
}

// printServerCount prints how many servers the article is being sent to.
func (app *app) printServerCount(ctx context.Context, c *console, a blog.Article) error {
	waiting, err := app.store.CountWaitingServers(ctx, a.ID)
	if err != nil {
		return err
	}
	if waiting > 0 {
		fmt.Fprintf(c.out, "being sent to %s: “causerie deliveries %s” shows the progress\n",
			text.Plural(waiting, "server", "servers"), a.Slug)
	}
	return nil
}

// noteOldDate prints a note when an article was sent to nobody because its date is old.
func (app *app) noteOldDate(c *console, m articleFile, a blog.Article, federate bool) {
	if m.article.Status == blog.Published || a.Status != blog.Published || federate || !a.Federates() || m.date == nil ||
		!app.outbox.IsOld(*m.date) {
		return
	}
	fmt.Fprintf(c.err, "note: its date is %s, more than a week ago, so it was sent to no other server. "+
		"Next time, --federate sends such an article\n", a.PublishedAt.In(app.site.Location()).Format("2 January 2006"))
}

// isToday reports whether a date is midnight of today. That is how a file writes today without a time.
func (app *app) isToday(date time.Time) bool {
	const day = "2006-01-02 15:04:05"
	now := app.outbox.Now().In(app.site.Location())
	return date.In(app.site.Location()).Format(day) == now.Format("2006-01-02")+" 00:00:00"
}

// setFrontMatter sets the fields of the front matter. A missing key gets its default, even if an earlier version of
// the file had the key.
func (app *app) setFrontMatter(ctx context.Context, a *blog.Article, front markup.FrontMatter) error {
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

// setByline sets the by-line: the owner, then the other authors of this blog, then the guest.
func (app *app) setByline(ctx context.Context, a *blog.Article, front markup.FrontMatter) error {
	var names []blog.Byline
	// The order of the file is the order on the page.
	for _, handle := range front.Authors {
		by, err := app.authoring().Coauthor(ctx, handle)
		// The words of Invalid are about the by-line of the admin, where an author is written with an @.
		if errors.As(err, new(blog.Invalid)) {
			return fmt.Errorf("authors: there is no author “%s”. For a guest, use the key guest",
				strings.TrimPrefix(handle, "@"))
		}
		if err != nil {
			return err
		}
		names = append(names, by)
	}
	if front.Guest != "" {
		by, err := guest(front)
		if err != nil {
			return err
		}
		names = append(names, by)
	}
	return authoring.SetByline(a, names, "")
}

// guest reads the key guest of the front matter.
func guest(front markup.FrontMatter) (blog.Byline, error) {
	by, err := authoring.Guest(front.Guest)
	if err != nil {
		return by, fmt.Errorf("guest: “%s” cannot be read: write it like “Nadia Brandt https://noordkade.example”",
			front.Guest)
	}
	return by, nil
}

// takePictures adds the pictures beside a file to the library. It returns them by the paths that the text uses.
func (app *app) takePictures(ctx context.Context, a *blog.Article, front markup.FrontMatter,
	open func(string) (io.ReadCloser, error)) (map[string]blog.Picture, error) {
	found, err := markup.Article(a.Markdown, markup.Options{Language: a.Language})
	if err != nil {
		return nil, nil // Compose, which comes next, returns the same error
	}
	pictures := map[string]blog.Picture{}
	for _, image := range found.Images {
		if p, err := app.takePicture(ctx, a.VoiceID, image.Source, image.Alt, open); err != nil {
			return nil, err
		} else if p.ID != "" {
			pictures[image.Source] = p
		}
	}
	hero, err := app.takePicture(ctx, a.VoiceID, front.Picture, front.PictureAlt, open)
	if err != nil {
		return nil, err
	}
	a.PictureID, a.PictureAlt = hero.ID, front.PictureAlt
	if front.Picture != "" && hero.ID == "" {
		return nil, blog.Invalid{Field: "picture",
			Problem: fmt.Sprintf("“%s” was not found: put the file pictures the article, or name one from the library",
				front.Picture)}
	}
	return pictures, nil
}

// takePicture adds one picture file to the library. If there is no such file, it looks for the name in the library.
// It returns the zero Picture if neither exists, or if the picture is on another site.
func (app *app) takePicture(ctx context.Context, owner blog.ID, name, alt string,
	open func(string) (io.ReadCloser, error)) (blog.Picture, error) {
	if name == "" || strings.Contains(name, "://") {
		return blog.Picture{}, nil
	}
	var file io.ReadCloser
	err := fs.ErrNotExist
	// An absolute path is a path of this site, such as /media/…, not a file.
	if !strings.HasPrefix(name, "/") {
		file, err = open(name)
	}
	if err != nil { // no such file: the name may be that of a picture in the library
		p, missing := media.FindPicture(ctx, app.store, owner, name)
		if errors.Is(missing, blog.ErrNotFound) {
			return blog.Picture{}, nil
		}
		return p, missing
	}
	defer file.Close()
	// Accept does not store a file twice: it returns the picture that has the same content.
	p, err := app.library.Accept(ctx, owner, media.FileOf(name), file)
	if err != nil {
		return p, fmt.Errorf("%s: %w", name, plain(err))
	}
	// Equal files are one picture in the library. It keeps its first description.
	if p.Alt == "" && alt != "" {
		p.Alt, err = alt, app.store.DescribePicture(ctx, p.ID, alt)
	}
	return p, err
}
