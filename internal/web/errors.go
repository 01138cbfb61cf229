package web

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net/http"
	"path"
	"strings"
	"unicode/utf8"

	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/internal/text"
)

// errorPage says that there is nothing to read, and what to do about it.
type errorPage struct {
	frame
	Explanation string
	At          string  // the path asked for, or the id to quote
	Near        []entry // what may have been meant
}

// answered turns the errors that are answers into pages: not here, and not here any more.
func (w *Web) answered(maker page.Maker) page.Maker {
	return func(ctx context.Context, r *http.Request) (page.Document, error) {
		if !sayable(r.URL.Path) {
			return w.notFound(ctx, r)
		}
		document, err := maker(ctx, r)
		switch {
		case errors.Is(err, blog.ErrNotFound), errors.Is(err, blog.ErrForbidden):
			return w.notFound(ctx, r)
		case errors.Is(err, blog.ErrGone):
			return w.gone(ctx)
		}
		return document, err
	}
}

// sayable reports whether a path can be the name of anything: it is text, without a zero, which no database takes.
func sayable(path string) bool { return utf8.ValidString(path) && !strings.ContainsRune(path, 0) }

// nowhere is where every address leads that no route knows; one with a slash too many is sent on without it.
func (w *Web) nowhere(_ context.Context, r *http.Request) (page.Document, error) {
	if at := r.URL.Path; len(at) > 1 && strings.HasSuffix(at, "/") {
		return moved("/" + strings.Trim(r.URL.EscapedPath(), "/")), nil // never two slashes, which would be another host
	}
	if languagePath.MatchString(strings.TrimPrefix(r.URL.Path, "/")) {
		return moved(r.URL.Path + "/"), nil
	}
	return page.Document{}, blog.ErrNotFound
}

func (w *Web) notFound(ctx context.Context, r *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	p := errorPage{Explanation: w.say(&f, "not-found-at"),
		At: text.Excerpt(strings.ToValidUTF8(r.URL.Path, "�"), summaryLength)}
	near, err := w.near(ctx, path.Base(r.URL.Path))
	if err != nil {
		return page.Document{}, err
	}
	if p.Near, err = w.entries(ctx, &f, near, nil, true); err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Hidden = w.say(&f, "not-found"), true
	p.frame = f
	document, err := w.document(http.StatusNotFound, "web/error", &f, p)
	document.Header.Set("Cache-Control", "no-cache") // something may be published here any moment
	return document, err
}

// missing is notFound for a page that is made for one reader.
func (w *Web) missing(out http.ResponseWriter, r *http.Request) {
	document, err := w.notFound(r.Context(), r)
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

func (w *Web) gone(ctx context.Context) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Hidden = w.say(&f, "gone"), true
	return w.document(http.StatusGone, "web/error", &f, errorPage{frame: f, Explanation: w.say(&f, "gone-on")})
}

// fail tells a reader that a page could not be made, with an id that stands in the log too. It works without the
// database, and without the templates.
func (w *Web) fail(out http.ResponseWriter, r *http.Request, err error) {
	if r.Context().Err() != nil {
		return // the reader has left
	}
	id := rand.Text()[:8]
	log := w.Log
	if log == nil {
		log = slog.Default()
	}
	log.Error("a page could not be made", "id", id, "path", r.URL.Path, "error", err)
	status, title, why := http.StatusInternalServerError, "trouble", "trouble-why"
	if passing(err) {
		status = http.StatusServiceUnavailable
		out.Header().Set("Retry-After", "5")
	}
	if errors.Is(err, page.ErrBusy) {
		title, why = "busy", "busy-why"
	}
	site := blog.Site{Name: "Causerie", Language: "en"}
	if last := w.site.Load(); last != nil {
		site = *last
	}
	f := w.frameOf(site, "")
	f.Head = head{Title: w.say(&f, title), Hidden: true}
	if w.pages.Render(out, status, "web/error", errorPage{frame: f, Explanation: w.say(&f, why), At: id}) != nil {
		http.Error(out, "This page could not be made ("+id+").", status)
	}
}

// passing reports whether an error is of the kind that goes by itself: too much to do, or a database that is away.
func passing(err error) bool {
	return errors.Is(err, page.ErrBusy) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable)
}
