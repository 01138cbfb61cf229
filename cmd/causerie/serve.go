package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"runtime/debug"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"

	"causerie/internal/account"
	"causerie/internal/admin"
	"causerie/internal/blog"
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

type serveCommand struct{}

// Help is printed below the command's line by --help.
func (serveCommand) Help() string {
	return "At its first start it makes the database and prints a link at which the first author is created. It ends " +
		"within ten " +
		"seconds of SIGTERM or Ctrl-C, with everything on disk."
}

func (serveCommand) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	slog.SetDefault(log)
	listeners, err := listen(config)
	if err != nil {
		return err
	}
	s, err := build(ctx, config, log)
	if err != nil {
		closeAll(listeners)
		return err
	}
	defer s.close()
	if err := s.printBanner(ctx, c.out); err != nil {
		closeAll(listeners)
		return err
	}
	if elsewhere := s.listensElsewhere(listeners[0].Addr()); elsewhere != "" {
		fmt.Fprintf(c.err, "causerie: %s\n", elsewhere)
	}
	go debug.FreeOSMemory() // parsing the templates and the schema took more than serving does
	return s.serve(ctx, listeners)
}

func closeAll(listeners []net.Listener) {
	for _, l := range listeners {
		l.Close()
	}
}

// server is a running blog: every room, joined.
type server struct {
	*app
	courier  *delivery.Courier
	inbox    *inbox.Inbox
	jobs     *jobs.Jobs
	handler  http.Handler
	draining atomic.Bool
}

// build makes every room and joins them.
func build(ctx context.Context, config Config, log *slog.Logger) (*server, error) {
	app, err := openApp(ctx, config, log, migrated)
	if err != nil {
		return nil, err
	}
	s := &server{app: app}
	if err := s.join(ctx); err != nil {
		app.close()
		return nil, err
	}
	return s, nil
}

func (s *server) join(ctx context.Context) error {
	s.courier = delivery.NewCourier(s.base())
	s.outbox.Wake = s.courier.Wake
	s.jobs = &jobs.Jobs{Core: s.base(), Outbox: s.outbox, Discard: s.library.Discard}
	keys, err := federation.NewKeyring(s.base())
	if err != nil {
		return err
	}
	s.inbox = inbox.NewInbox(s.base(), keys, s.outbox)
	pages, err := page.Load(templates.FS)
	if err != nil {
		return err
	}
	pages.Zone, pages.Fallback = s.site.Location(), s.site.Language
	if err := s.store.Watch(ctx); err != nil {
		return err
	}
	s.library.Log = s.log
	kept := page.NewCache(s.store.Changes, 0)
	kept.Log = s.log
	docs := documents.NewDocuments(s.base(), keys, s.inbox, kept, version)
	docs.AuthorizedFetch = s.config.AuthorizedFetch
	author := admin.New(s.site, s.store, s.outbox, s.library, pages)
	author.Log = s.log
	readers := visitor.New(s.base().Remote)
	readers.Log = s.log
	public := web.New(s.store, pages, kept)
	public.Log = s.log
	s.handler = s.routes(docs, author.Routes(), readers.Routes(), public.Routes())
	return nil
}

// routes decides which room answers a request.
func (s *server) routes(docs *documents.Documents, author, visitors, readers http.Handler) http.Handler {
	r := chi.NewRouter()
	r.Use(s.client, s.watched, unkept)
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { tell(w, http.StatusOK, "ok") })
	r.Get("/readyz", s.ready)
	docs.Routes(r)
	for _, path := range []string{"/admin", "/admin/*", "/login", "/login/*", "/authorize_interaction"} {
		r.Handle(path, author)
	}
	r.Handle("/media/*", s.library.Handler())
	guard := page.SecurityHeaders(strings.HasPrefix(s.site.URL, "https://"))
	r.Method(http.MethodPost, "/interact", visitors)
	r.Handle("/*", documents.Negotiate(docs, guard(readers)))
	return r
}

// unkept keeps answers out of every cache unless their handler says otherwise: without a word, a 404 may be kept for as
// long as a cache likes (RFC 9111, 4.2.2).
func unkept(next http.Handler) http.Handler {
	noStore := []string{"no-store"}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header()["Cache-Control"] = noStore
		next.ServeHTTP(w, r)
	})
}

// ready reports whether requests should be sent here: the database answers, and we are not leaving.
func (s *server) ready(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), 2*time.Second)
	defer cancel()
	switch {
	case s.draining.Load():
		tell(w, http.StatusServiceUnavailable, "leaving")
	case s.store.Ping(ctx) != nil:
		tell(w, http.StatusServiceUnavailable, "the database does not answer")
	default:
		tell(w, http.StatusOK, "ok")
	}
}

func tell(w http.ResponseWriter, status int, words string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	fmt.Fprintln(w, words)
}

// client finds out who asks when a proxy that we trust asks for them: the last address that no trusted proxy added.
func (s *server) client(next http.Handler) http.Handler {
	trusted := s.config.TrustedProxies
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forwarded := r.Header.Values("X-Forwarded-For"); len(forwarded) > 0 && trusts(trusted, r.RemoteAddr) {
			hops := strings.Split(strings.Join(forwarded, ","), ",")
			for i := len(hops) - 1; i >= 0; i-- {
				hop, err := netip.ParseAddr(strings.TrimSpace(hops[i]))
				if err != nil {
					break
				}
				r.RemoteAddr = net.JoinHostPort(hop.Unmap().String(), "0")
				if !trusted.contains(hop) {
					break
				}
			}
		}
		next.ServeHTTP(w, r)
	})
}

// trusts reports whether the forwarding headers of a peer are believed; one at a unix socket has no address and is.
func trusts(trusted prefixes, peer string) bool {
	address, err := netip.ParseAddrPort(peer)
	return err != nil || trusted.contains(address.Addr())
}

// watched turns a panic into one page and one line of the log; in debugging, every request is a line.
func (s *server) watched(next http.Handler) http.Handler {
	verbose := s.log.Enabled(context.Background(), slog.LevelDebug)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		answer := middleware.NewWrapResponseWriter(w, r.ProtoMajor)
		began := time.Now()
		defer func() {
			if trouble := recover(); trouble != nil {
				s.busyPage(answer, r, trouble)
			}
			if verbose {
				s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", answer.Status(), "client", r.RemoteAddr,
					"took", time.Since(began))
			}
		}()
		next.ServeHTTP(answer, r)
	})
}

// busyPage answers a request whose handler broke down. An answer that was begun can only be cut off.
func (s *server) busyPage(w middleware.WrapResponseWriter, r *http.Request, trouble any) {
	if err, ok := trouble.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(trouble)
	}
	id := blog.NewID(time.Now())
	s.log.Error("a handler broke down", "id", id, "method", r.Method, "path", r.URL.Path, "trouble", trouble, "stack",
		string(debug.Stack()))
	if w.Status() != 0 || w.BytesWritten() > 0 {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Del("Content-Length")
	w.Header().Del("Content-Encoding")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "<!doctype html><html lang=en><meta charset=utf-8><title>Something went wrong here</title>"+
		"<h1>Something went wrong here</h1><p>Nothing you did caused it. Try again; when it stays, tell the keeper of this "+
		"blog the number %s.</p>", id)
}

// printBanner says where the blog is and, when it is new, where its first author is made.
func (s *server) printBanner(ctx context.Context, out io.Writer) error {
	authors, err := s.store.CountAuthors(ctx)
	if err != nil {
		return err
	}
	if authors > 0 {
		fmt.Fprintf(out, "%s is at %s\nThe admin is at %s/admin. Ctrl-C ends the server.\n", s.site.Name, s.site.Home(),
			s.site.URL)
		return nil
	}
	link, err := account.FirstRunLink(ctx, s.store, s.site, time.Now().UTC())
	if err != nil {
		return err
	}
	if s.founded && !s.config.usual() {
		fmt.Fprintf(out, "A new database was made: %s\n", store.Redact(s.config.Database))
	}
	fmt.Fprintf(out, "Your blog is at %s\n", s.site.Home())
	if loopback(s.site.URL) {
		fmt.Fprintln(out, onlyHere)
	}
	fmt.Fprintf(out, "It has no author yet. Open this link, once, to become the first:\n\n    %s\n\nCtrl-C ends the "+
		"server; what you wrote stays in %s.\n",
		link, s.config.keeping())
	return nil
}

// onlyHere is what somebody should know before they write in a blog that was founded at an address of this machine.
const onlyHere = "Only this machine reaches that address, and it can never change: for a blog that others read, " +
	"begin anew with --url https://your.domain and another --data."

// listensElsewhere says that a blog which only this machine reaches has another port in its address than the one where
// it listens; "" where they agree, or where somebody said the address and so knows what leads there.
func (s *server) listensElsewhere(where net.Addr) string {
	address, isTCP := where.(*net.TCPAddr)
	u, err := url.Parse(s.site.URL)
	if !isTCP || err != nil || s.config.URL != "" || s.config.sockets > 0 || !loopback(s.site.URL) ||
		cmp.Or(u.Port(), "80") == strconv.Itoa(address.Port) {
		return ""
	}
	return fmt.Sprintf("this blog was founded as %s, but listens on %s, so that its links lead nowhere: start it with "+
		"--listen %s", s.site.URL, address, s.site.Host())
}

// loopback reports whether an address leads only to the machine where it is asked for.
func loopback(address string) bool {
	u, err := url.Parse(address)
	if err != nil {
		return false
	}
	number, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && number.IsLoopback()
}

// server bounds everything that a stranger's connection may take.
func (s *server) server() *http.Server {
	return &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: 10 * time.Second,
		ReadTimeout:       30 * time.Second,
		WriteTimeout:      90 * time.Second, // more than the admin gives an author's request
		IdleTimeout:       2 * time.Minute,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
}
