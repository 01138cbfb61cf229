// Package web serves the public pages and the feeds. It only reads: nothing here can change the blog or send anything
// to another server.
//
// A page is a file: its handler and the struct that its template shows stand side by side. Handlers make documents,
// which page.Cache keeps until something changes. So a handler knows the path, and nothing about the reader. When it
// cannot make a document it returns an error, and the wrapper turns that into a page (see errors.go).
package web

import (
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"sync/atomic"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/feed"
	"causerie/internal/page"
	"causerie/internal/store"
)

// Web serves the public pages from the store.
type Web struct {
	// Log receives pages that could not be made; nil is slog.Default.
	Log *slog.Logger

	store  *store.Store
	pages  *page.Set
	cache  *page.Cache
	site   atomic.Pointer[blog.Site] // as last read, for the page that says the database is away
	titles titleCache
}

// New returns the public pages of a store. kept holds the finished ones.
func New(store *store.Store, pages *page.Set, kept *page.Cache) *Web {
	w := &Web{store: store, pages: pages, cache: kept}
	w.titles.changes = store.Changes()
	return w
}

// Routes returns the routes of all addresses for readers.
func (w *Web) Routes() chi.Router {
	r := chi.NewRouter()

	w.get(r, "/", w.home)
	w.get(r, "/page/{page}", w.home)
	w.get(r, "/{language:[a-z]{2,3}}/", w.home)
	w.get(r, "/{language:[a-z]{2,3}}/page/{page}", w.home)
	w.get(r, "/{year:[0-9]{4}}/{month:[0-9]{2}}/{slug}", w.article)
	w.get(r, "/{year:[0-9]{4}}/{month:[0-9]{2}}/{slug}/replies/{replies}", w.article)
	w.get(r, "/@{handle}", w.author)
	w.get(r, "/@{handle}/page/{page}", w.author)
	w.get(r, "/tags/{tag}", w.tag)
	w.get(r, "/tags/{tag}/page/{page}", w.tag)
	w.get(r, "/series/{slug}", w.series)
	w.get(r, "/series/{slug}/page/{page}", w.series)
	w.get(r, "/archive", w.archive)
	w.get(r, "/archive/{year:[0-9]{4}}", w.archiveYear)
	w.get(r, "/archive/{year:[0-9]{4}}/page/{page}", w.archiveYear)
	w.get(r, "/archive/page/{page}", w.oldArchive)
	w.get(r, "/about", w.about)
	w.get(r, "/about/federation", w.federation)
	w.get(r, "/privacy", w.privacy)

	w.feed(r, "/feed.xml", w.siteFeed)
	w.get(r, "/feed.json", w.siteFeedJSON)
	w.feed(r, "/{language:[a-z]{2,3}}/feed.xml", w.siteFeed)
	w.feed(r, "/@{handle}/feed.xml", w.authorFeed)
	w.feed(r, "/tags/{tag}/feed.xml", w.tagFeed)
	w.feed(r, "/series/{slug}/feed.xml", w.seriesFeed)
	w.feed(r, "/comments/feed.xml", w.commentFeed)
	// Addresses that other blog programs use for their feed: feed readers try them.
	for _, other := range []string{"/feed", "/feed/", "/rss", "/rss.xml", "/atom.xml", "/index.xml", "/feed.atom"} {
		r.Get(other, redirectTo("/feed.xml"))
	}

	// Not cached: the page shows what this reader typed.
	r.Get("/interact", w.interact)

	w.get(r, "/sitemap.xml", w.sitemap)
	w.get(r, "/sitemap/pages.xml", w.sitemapOfPages)
	w.get(r, "/sitemap/{piece:[0-9]+}.xml", w.sitemapOfArticles)
	w.get(r, "/robots.txt", w.robots)
	r.Method("GET", "/favicon.ico", w.pages.Static().File("favicon.ico"))
	r.Method("GET", "/static/*", w.pages.Static())
	r.Get("/style.css", w.pages.Style)
	r.Post("/theme", page.ChooseTheme)

	// Through the cache as well: it limits how many of these pages are rendered at once, although it does not keep them.
	r.NotFound(w.cache.Handler("html", w.withErrorPages(w.unknownPath), w.fail).ServeHTTP)
	r.MethodNotAllowed(func(out http.ResponseWriter, req *http.Request) {
		page.SetAllow(out, req, r)
		http.Error(out, "This address does not accept this kind of request.", http.StatusMethodNotAllowed)
	})
	return r
}

// get routes GET and HEAD of a pattern to a page from the cache.
func (w *Web) get(r chi.Router, pattern string, maker page.Maker) {
	handler := w.cache.Handler("html", w.withErrorPages(maker), w.fail)
	r.Method(http.MethodGet, pattern, handler)
	// chi does not route HEAD to the handler of GET.
	r.Method(http.MethodHead, pattern, handler)
}

// feed routes like get, for an Atom feed. A browser shows application/atom+xml as source, but styles application/xml
// (see feedSheet). So a client that accepts HTML gets the same bytes as XML.
func (w *Web) feed(r chi.Router, pattern string, maker page.Maker) {
	r.With(func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(out http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Accept"), "text/html") {
				out = xmlTypeWriter{out}
			}
			next.ServeHTTP(out, r)
		})
	}).Group(func(r chi.Router) { w.get(r, pattern, maker) })
}

// xmlTypeWriter replaces the content type of Atom by that of XML.
type xmlTypeWriter struct{ http.ResponseWriter }

func (x xmlTypeWriter) WriteHeader(status int) {
	if x.Header().Get("Content-Type") == feed.AtomType {
		x.Header().Set("Content-Type", feed.SitemapType)
	}
	x.ResponseWriter.WriteHeader(status)
}

// redirectTo redirects an address that other programs use to the one used here.
func redirectTo(path string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Cache-Control", "public, max-age=86400") // without it, browsers keep it for ever
		http.Redirect(w, r, path, http.StatusMovedPermanently)
	}
}

// movedDocument returns a permanent redirect.
func movedDocument(path string) page.Document {
	return page.Document{Status: http.StatusMovedPermanently, Header: http.Header{"Location": {path}}}
}

// param returns a part of the path, decoded.
func param(r *http.Request, name string) string {
	text := chi.URLParam(r, name)
	// chi matches against RawPath when there is one, and then its parameters are still encoded.
	if r.URL.RawPath == "" {
		return text
	}
	plain, err := url.PathUnescape(text)
	if err != nil {
		return text
	}
	return plain
}

// pageNumber returns the number of an address such as /page/2, and 1 where there is none. It returns blog.ErrNotFound
// for anything that is no number and for one that has a simpler address.
func pageNumber(r *http.Request) (int, error) {
	text := chi.URLParam(r, "page")
	if text == "" {
		return 1, nil
	}
	return number(text, 2)
}

// number returns a number of an address that is not below least, and otherwise blog.ErrNotFound.
func number(text string, least int) (int, error) {
	n, err := strconv.Atoi(text)
	// One address for each page: /page/1 and /page/02 would be kept and indexed a second time. The upper limit keeps the
	// offset far from an overflow.
	if err != nil || n < least || n > 1_000_000 || strconv.Itoa(n) != text {
		return 0, blog.ErrNotFound
	}
	return n, nil
}
