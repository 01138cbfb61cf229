// Package visitor finds a reader's home server, so that they can follow or reply from there. It shows no page: it
// redirects to that server, or back to the form with an error.
package visitor

import (
	"context"
	"errors"
	"log/slog"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"

	"causerie/internal/ratelimit"
	"causerie/internal/remote"
)

// Visitor handles the form of /interact.
type Visitor struct {
	Log        *slog.Logger  // slog.Default unless set
	SearchTime time.Duration // how long a search takes that finds nothing, whatever the reason; 5 s unless set

	remote   *remote.Client
	searches *ratelimit.Limiter
}

// New returns a Visitor. The client guards every connection that a reader's input leads to.
func New(client *remote.Client) *Visitor {
	return &Visitor{Log: slog.Default(), SearchTime: 5 * time.Second, remote: client,
		searches: ratelimit.New(maxSearches, time.Minute, time.Now)}
}

const (
	maxSearches = 10      // of one IPv4 address, or one IPv6 network of 64 bits, in a minute
	maxForm     = 4 << 10 // bytes
)

// Routes returns POST /interact, as a whole path. The form is on GET /interact.
func (v *Visitor) Routes() chi.Router {
	r := chi.NewRouter()
	r.Use(func(next http.Handler) http.Handler { return http.MaxBytesHandler(next, maxForm) },
		http.NewCrossOriginProtection().Handler)
	r.Use(v.limited)
	r.Post("/interact", v.redirectHome)
	return r
}

// limited sends a reader back who searches too often. Behind a trusted proxy, RemoteAddr is the reader's own address.
func (v *Visitor) limited(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !v.searches.Take(ratelimit.Source(r.RemoteAddr)) {
			redirectBack(w, r, "busy")
			return
		}
		next.ServeHTTP(w, r)
	})
}

// redirectHome finds the reader's server and redirects to it.
func (v *Visitor) redirectHome(w http.ResponseWriter, r *http.Request) {
	var tooLarge *http.MaxBytesError
	if errors.As(r.ParseForm(), &tooLarge) {
		http.Error(w, "this form is too large", http.StatusRequestEntityTooLarge)
		return
	}
	begun := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), v.SearchTime)
	defer cancel()
	home, err := v.remote.HomeServer(ctx, r.PostFormValue("you"))
	switch {
	case err == nil:
		redirect(w, home.IntentURL(r.PostFormValue("do"), r.PostFormValue("uri")))
	case errors.Is(err, remote.ErrHandle):
		redirectBack(w, r, "name")
	default:
		v.Log.Debug("cannot find a reader's server", "error", err)
		// Every failure takes the same time and looks the same. Otherwise a stranger could learn which addresses answer
		// from here.
		wait(r.Context(), v.SearchTime-time.Since(begun))
		redirectBack(w, r, "home")
	}
}

// redirectBack redirects to the form with everything that was typed and the id of the error.
func redirectBack(w http.ResponseWriter, r *http.Request, trouble string) {
	query := url.Values{"trouble": {trouble}}
	for _, name := range []string{"do", "uri", "you"} {
		query.Set(name, r.PostFormValue(name))
	}
	redirect(w, "/interact?"+query.Encode())
}

func redirect(w http.ResponseWriter, address string) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", address)
	w.WriteHeader(http.StatusSeeOther)
}

func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}
