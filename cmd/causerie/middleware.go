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
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"
	"golang.org/x/text/unicode/norm"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// clientAddress sets RemoteAddr to the address of the client when a trusted proxy passes the request on: the last
// address in X-Forwarded-For that is not a trusted proxy itself.
func (s *server) clientAddress(next http.Handler) http.Handler {
	trusted := s.config.TrustedProxies
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if forwarded := r.Header.Values("X-Forwarded-For"); len(forwarded) > 0 && isTrusted(trusted, r.RemoteAddr) {
			hops := strings.Split(strings.Join(forwarded, ","), ",")
			// From the right: each proxy appends the address that it saw. What stands further left may be forged.
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

// plainPath writes the path of a request as our links have it, so that every spelling of an address leads there:
// "/%40ilse" becomes "/@ilse", and letters are in Unicode's composed form. An escaped slash stays: it is part of a
// name.
func plainPath(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if plain := norm.NFC.String(r.URL.Path); plain != r.URL.Path || r.URL.RawPath != "" {
			address := *r.URL
			address.Path, address.RawPath = plain, ""
			if strings.Contains(strings.ToLower(r.URL.RawPath), "%2f") {
				address.RawPath = r.URL.RawPath
			}
			same := *r
			same.URL, r = &address, &same
		}
		next.ServeHTTP(w, r)
	})
}

// isTrusted reports whether the forwarding headers of a peer are trusted.
func isTrusted(trusted prefixes, peer string) bool {
	address, err := netip.ParseAddrPort(peer)
	// A peer at a unix socket has no address. It runs on this machine, with access to the socket: it is our proxy.
	return err != nil || trusted.contains(address.Addr())
}

// logAndRecover turns a panic into an error page and one line of the log. At level debug it logs every request.
func (s *server) logAndRecover(next http.Handler) http.Handler {
	verbose := s.logsRequests()
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		response := &answer{ResponseWriter: w}
		began := time.Now()
		defer func() {
			if cause := recover(); cause != nil {
				s.errorPage(response, r, cause)
			}
			if verbose {
				s.log.Debug("request", "method", r.Method, "path", r.URL.Path, "status", response.status, "client", r.RemoteAddr,
					"took", time.Since(began))
			}
		}()
		next.ServeHTTP(response, r)
	})
}

// answer is the response to a request, with its status. The same package of chi would bring the profiler of net/http
// into the program.
type answer struct {
	http.ResponseWriter
	status int // 0 until the header is sent
}

func (a *answer) WriteHeader(status int) {
	if status >= http.StatusOK { // what is below only announces an answer
		a.status = status
	}
	a.ResponseWriter.WriteHeader(status)
}

func (a *answer) Write(b []byte) (int, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	return a.ResponseWriter.Write(b)
}

// ReadFrom lets the kernel copy a file to the connection.
func (a *answer) ReadFrom(from io.Reader) (int64, error) {
	a.status = cmp.Or(a.status, http.StatusOK)
	return io.Copy(a.ResponseWriter, from)
}

// Unwrap is for http.ResponseController.
func (a *answer) Unwrap() http.ResponseWriter { return a.ResponseWriter }

// logsRequests reports whether each request is logged.
func (s *server) logsRequests() bool { return s.log.Enabled(context.Background(), slog.LevelDebug) }

// errorPage answers a request whose handler panicked.
func (s *server) errorPage(w *answer, r *http.Request, cause any) {
	if err, ok := cause.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(cause) // a handler cuts its connection off on purpose
	}
	id := blog.NewID(time.Now())
	s.log.Error("a handler panicked", "id", id, "method", r.Method, "path", r.URL.Path, "trouble", cause, "stack",
		string(debug.Stack()))
	if w.status != 0 {
		panic(http.ErrAbortHandler) // part of the answer is sent: without this it would look complete
	}
	w.Header().Set("Content-Type", "text/html; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	// The handler may have set these for its own body.
	w.Header().Del("Content-Length")
	w.Header().Del("Content-Encoding")
	w.WriteHeader(http.StatusInternalServerError)
	fmt.Fprintf(w, "<!doctype html><html lang=en><meta charset=utf-8><title>Something went wrong here</title>"+
		"<h1>Something went wrong here</h1><p>You did nothing wrong. Try again. If it happens again, tell the admin of "+
		"this blog the number %s.</p>", id)
}

// closeChunked closes the connection after a request with a chunked body. If it had a Content-Length as well, a proxy
// may take what follows the body for a part of it (RFC 9112, section 6.3). net/http has removed that header here.
func closeChunked(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if len(r.TransferEncoding) > 0 {
			w.Header().Set("Connection", "close")
		}
		next.ServeHTTP(w, r)
	})
}

// wrongMethod answers a method that no address knows, and one that only this address does not know.
func wrongMethod(routes chi.Routes) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		page.SetAllow(w, r, routes)
		http.Error(w, "This address does not accept this kind of request.", http.StatusMethodNotAllowed)
	}
}

// noStore keeps answers out of every cache unless their handler sets another Cache-Control.
func noStore(next http.Handler) http.Handler {
	value := []string{"no-store"} // shared by all answers, so that a request allocates nothing for it
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// Without the header a cache may keep even a 404 for as long as it likes (RFC 9111, section 4.2.2).
		w.Header()["Cache-Control"] = value
		next.ServeHTTP(w, r)
	})
}
