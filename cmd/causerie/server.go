package main

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/admin"
	"causerie/internal/federation"
	"causerie/internal/federation/delivery"
	"causerie/internal/federation/documents"
	"causerie/internal/federation/inbox"
	"causerie/internal/federation/jobs"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/internal/visitor"
	"causerie/internal/web"
	"causerie/templates"
)

// server is a blog with everything that serves it.
type server struct {
	*app
	courier  *delivery.Courier
	inbox    *inbox.Inbox
	backfill *inbox.Backfill
	jobs     *jobs.Jobs
	router   chi.Router
	handler  http.Handler // the router, behind the cache
	draining atomic.Bool  // the server is stopping
}

// newServer opens the blog, or creates a new one, and connects all packages. Background work starts with serve.
func newServer(ctx context.Context, config Config, log *slog.Logger) (*server, error) {
	app, err := openApp(ctx, config, log, mayMigrate)
	if err != nil {
		return nil, err
	}
	s := &server{app: app}
	if err := s.makeRooms(ctx); err != nil {
		app.close()
		return nil, err
	}
	return s, nil
}

// makeRooms connects the packages that work in the background and those that answer requests.
func (s *server) makeRooms(ctx context.Context) error {
	core := s.core()
	keys, err := federation.NewKeyring(core)
	if err != nil {
		return err
	}
	s.courier = delivery.NewCourier(core)
	s.outbox.Wake = s.courier.Wake // in the same process a new delivery is sent at once, not at the next look
	s.inbox = inbox.NewInbox(core, keys, s.outbox)
	s.backfill = inbox.NewBackfill(s.inbox)
	s.jobs = &jobs.Jobs{Core: core, Outbox: s.outbox, Discard: s.library.Discard,
		KeepDeliveries: time.Duration(s.config.KeepDeliveries)}

	// A folder that does not exist has no files.
	pages, err := page.Load(templates.FS, os.DirFS(filepath.Join(s.config.Data, "words")))
	if err != nil {
		return err
	}
	pages.Zone, pages.Fallback = s.site.Location(), s.site.Language
	// Commands and other servers write to the same database. Without Watch, the cache would serve pages without their
	// changes, and their deliveries would wait for the next look of the courier.
	if err := s.store.Watch(ctx, s.courier.Wake); err != nil {
		return err
	}
	cache := page.NewCache(s.store.Changes(), 0) // 0: the default limit
	cache.Log = s.log
	s.library.Log = s.log

	docs := documents.NewDocuments(core, keys, s.inbox, cache, version)
	docs.AuthorizedFetch = s.config.AuthorizedFetch
	authors := admin.New(s.site, s.store, s.outbox, s.library, pages)
	authors.Log = s.log
	visitors := visitor.New(core.Remote)
	visitors.Log = s.log
	readers := web.New(s.store, pages, cache)
	readers.Log = s.log
	guard := page.SecurityHeaders(strings.HasPrefix(s.site.URL, "https://"))
	s.router = s.routes(docs, authors.Routes(), s.library.Handler(authors.MayPreview), visitors.Routes(),
		guard.Wrap(readers.Routes()))
	s.handler = s.keptFirst(cache.Kept(docs.KeptKind, guard, s.router), s.router)
	return nil
}

// routes returns the handler that passes each request to its package.
func (s *server) routes(docs *documents.Documents, authors, pictures, visitors, readers http.Handler) chi.Router {
	r := chi.NewRouter()
	// clientAddress comes first, because the log and the limits use the address of the client.
	r.Use(plainPath, s.clientAddress, s.logAndRecover, s.lastAnswers, noStore, closeChunked)
	r.MethodNotAllowed(wrongMethod(r))
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { writeText(w, http.StatusOK, "ok") })
	r.Get("/readyz", s.ready)
	docs.Routes(r)
	for _, path := range []string{"/admin", "/admin/*", "/login", "/login/*", "/authorize_interaction"} {
		r.Handle(path, authors)
	}
	r.Handle("/media/*", pictures)
	r.Method(http.MethodPost, "/interact", visitors)
	// A page and its ActivityPub document have the same URL; the Accept header decides.
	r.Handle("/*", documents.Negotiate(docs, readers))
	return r
}

// keptFirst lets the cache answer before anything else, where an answer from it needs nothing of what the routes do.
func (s *server) keptFirst(kept, routes http.Handler) http.Handler {
	if s.logsRequests() {
		return routes
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if s.draining.Load() || len(r.TransferEncoding) > 0 { // the answer must also close the connection
			routes.ServeHTTP(w, r)
			return
		}
		kept.ServeHTTP(w, r)
	})
}

// ready answers whether a load balancer should send requests here: the database answers, and the server is not
// stopping.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch {
	case s.draining.Load():
		writeText(w, http.StatusServiceUnavailable, "leaving")
	case s.store.Ping(ctx) != nil:
		writeText(w, http.StatusServiceUnavailable, "the database does not answer")
	default:
		writeText(w, http.StatusOK, "ok")
	}
}

func writeText(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, text)
}

// The limits of each connection. Callers that send slowly are cut off.
const (
	readHeaderTime = 10 * time.Second
	readTime       = 30 * time.Second
	writeTime      = 90 * time.Second // longer than the admin gives an author's request
	idleTime       = 2 * time.Minute
	maxHeader      = 32 << 10 // bytes
)

// newHTTPServer returns an HTTP server with limits for each connection.
func newHTTPServer(handler http.Handler, log *slog.Logger) *http.Server {
	return &http.Server{
		Handler:           handler,
		BaseContext:       func(net.Listener) context.Context { return store.Prompt(context.Background()) },
		ReadHeaderTimeout: readHeaderTime,
		ReadTimeout:       readTime,
		WriteTimeout:      writeTime,
		IdleTimeout:       idleTime,
		MaxHeaderBytes:    maxHeader,
		// A broken request from anybody causes these errors. At a higher level they would fill the log.
		ErrorLog: slog.NewLogLogger(log.Handler(), slog.LevelDebug),
	}
}
