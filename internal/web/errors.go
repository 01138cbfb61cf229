package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"time"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/internal/text"
)

// errorPage explains why there is nothing to read, and what a reader can do.
type errorPage struct {
	frame
	Explanation string
	At          string     // the path asked for, or the id to quote
	Near        []entry    // what may have been meant
	Withdrawn   *time.Time // when the article was withdrawn, if that is known
}

// withErrorPages turns blog.ErrNotFound and blog.ErrForbidden into the 404 page, and blog.ErrGone, which is an author
// who has left, into a 410 page.
// Other errors are left to fail.
func (w *Web) withErrorPages(maker page.Maker) page.Maker {
	return func(ctx context.Context, r *http.Request) (page.Document, error) {
		if !validPath(r.URL.Path) {
			return w.notFound(ctx, r)
		}
		document, err := maker(ctx, r)
		switch {
		// Forbidden is 404 too: a 403 would reveal that something is there.
		case errors.Is(err, blog.ErrNotFound), errors.Is(err, blog.ErrForbidden):
			return w.notFound(ctx, r)
		case errors.Is(err, blog.ErrGone):
			return w.gone(ctx, "author-left", "author-left-why", nil)
		}
		return document, err
	}
}

// validPath reports whether a path can name anything: valid UTF-8 without a zero byte. PostgreSQL refuses all else as
// an error.
func validPath(path string) bool { return utf8.ValidString(path) && !strings.ContainsRune(path, 0) }

// unknownPath handles every address that no route knows. It redirects one with a slash at its end, and a language
// without one.
func (w *Web) unknownPath(_ context.Context, r *http.Request) (page.Document, error) {
	if at := r.URL.Path; len(at) > 1 && strings.HasSuffix(at, "/") {
		// Trimmed on both sides: a path that begins with two slashes would lead to another host.
		return movedDocument("/" + strings.Trim(r.URL.EscapedPath(), "/")), nil
	}
	if languagePath.MatchString(strings.TrimPrefix(r.URL.Path, "/")) {
		return movedDocument(r.URL.Path + "/"), nil
	}
	return page.Document{}, blog.ErrNotFound
}

func (w *Web) notFound(ctx context.Context, r *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	p := errorPage{Explanation: w.translate(&f, "not-found-at"),
		At: text.Excerpt(strings.ToValidUTF8(r.URL.Path, "�"), summaryLength)}
	// Only the last part: the rest of an old address may be of another program.
	near, err := w.suggest(ctx, path.Base(r.URL.Path))
	if err != nil {
		return page.Document{}, err
	}
	if p.Near, err = w.entries(ctx, &f, near, nil, true); err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Hidden = w.translate(&f, "not-found"), true
	p.frame = f
	document, err := w.document(http.StatusNotFound, "web/error", &f, p)
	document.Header.Set("Cache-Control", "no-cache") // something may be published here any moment
	return document, err
}

// incomplete returns the 404 page for /interact without what it needs.
func (w *Web) incomplete(ctx context.Context) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Hidden = w.translate(&f, "incomplete"), true
	f.Head.Title, f.Head.Hidden = w.translate(&f, "incomplete"), true
	document, err := w.document(http.StatusNotFound, "web/error", &f,
		errorPage{frame: f, Explanation: w.translate(&f, "incomplete-why")})
	document.Header.Set("Cache-Control", "no-cache")
	return document, err
}

// writeDocument writes a page that is not cached.
func (w *Web) writeDocument(out http.ResponseWriter, r *http.Request,
	maker func(context.Context) (page.Document, error)) {
	document, err := maker(r.Context())
	if err != nil {
		w.fail(out, r, err)
		return
	}
	for name, values := range document.Header {
		out.Header()[name] = values
	}
	out.WriteHeader(document.Status)
	out.Write(document.Body)
}

// withdrawn returns the page of an article that is no longer public.
func (w *Web) withdrawn(ctx context.Context, a blog.Article) (page.Document, error) {
	at, err := w.store.WithdrawnAt(ctx, a.ID)
	if err != nil {
		return page.Document{}, err
	}
	return w.gone(ctx, "gone", "gone-on", at)
}

// gone returns a page with status 410, with the texts of these ids.
func (w *Web) gone(ctx context.Context, title, why string, at *time.Time) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Hidden = w.translate(&f, title), true
	return w.document(http.StatusGone, "web/error", &f,
		errorPage{frame: f, Explanation: w.translate(&f, why), Withdrawn: at})
}

// fail writes the page for an error, with an id that is in the log too. It needs neither the database nor the
// templates.
func (w *Web) fail(out http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the reader has left
	}
	id := rand.Text()[:8]
	log := w.Log
	if log == nil {
		log = slog.Default()
	}
	log.Error("cannot make a page", "id", id, "path", r.URL.Path, "error", err)
	status, title, why := http.StatusInternalServerError, "error", "error-why"
	if temporary(err) {
		status = http.StatusServiceUnavailable
		out.Header().Set("Retry-After", "5")
	}
	if errors.Is(err, page.ErrBusy) {
		title, why = "busy", "busy-why"
	}
	site := blog.Site{Name: "Causerie", Language: "en"}
	// The database may be the reason of the error, so take the site as it was read last.
	if last := w.site.Load(); last != nil {
		site = *last
	}
	f := w.frameOf(site, "")
	f.Head = head{Title: w.translate(&f, title), Hidden: true}
	if w.pages.Render(out, status, "web/error", errorPage{frame: f, Explanation: w.translate(&f, why), At: id}) != nil {
		// The templates may be at fault.
		http.Error(out, "This page could not be made ("+id+").", status)
	}
}

// temporary reports whether an error is expected to pass without a change here: too much to do, or a database that is
// away.
func temporary(err error) bool {
	return errors.Is(err, page.ErrBusy) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable)
}
