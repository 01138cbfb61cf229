// Package visitor is what a reader may set going on the network: finding their home server, to follow or answer from
// there. It shows nothing by itself. What comes of it is an address to go to: a place at home, or back to the page that
// asked, with a word of what went wrong.
package visitor

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"time"

	"github.com/go-chi/chi/v5"
	"github.com/go-chi/chi/v5/middleware"
	"github.com/go-chi/httprate"

	"causerie/internal/remote"
)

// Visitor serves readers.
type Visitor struct {
	Log      *slog.Logger  // slog.Default unless set
	Patience time.Duration // how long a search takes that finds nothing, whatever the reason; 5 s unless set

	remote *remote.Client
}

// New makes it. The client guards every connection that comes of what a reader types.
func New(client *remote.Client) *Visitor {
	return &Visitor{Log: slog.Default(), Patience: 5 * time.Second, remote: client}
}

const (
	searches = 10      // that one reader may set going in a minute, by address; a network of 64 bits of IPv6 counts as one
	maxForm  = 4 << 10 // bytes
)

// Routes is POST /interact, whole path: the form of the page at GET /interact.
func (v *Visitor) Routes() chi.Router {
	r := chi.NewRouter()
	r.Use(middleware.RequestSize(maxForm), http.NewCrossOriginProtection().Handler)
	r.Use(httprate.LimitBy(searches, time.Minute, source,
		httprate.WithLimitHandler(func(w http.ResponseWriter, r *http.Request) {
			back(w, r, "busy")
		})))
	r.Post("/interact", v.goHome)
	return r
}

// source is who asks: by then, RemoteAddr is the reader's own address also behind a proxy that is trusted.
func source(r *http.Request) (string, error) {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	return httprate.CanonicalizeIP(host), nil
}

// goHome sends a reader to where they can do it at home. A search that comes to nothing takes the same time and says
// the same, whatever was or was not at the address: nobody learns from here what answers where.
func (v *Visitor) goHome(w http.ResponseWriter, r *http.Request) {
	begun := time.Now()
	ctx, cancel := context.WithTimeout(r.Context(), v.Patience)
	defer cancel()
	home, err := v.remote.HomeServer(ctx, r.PostFormValue("you"))
	switch {
	case err == nil:
		see(w, home.IntentURL(r.PostFormValue("do"), r.PostFormValue("uri")))
	case errors.Is(err, remote.ErrHandle):
		back(w, r, "name")
	default:
		v.Log.Debug("a reader's home was not found", "error", err)
		wait(r.Context(), v.Patience-time.Since(begun))
		back(w, r, "home")
	}
}

// back returns to the page that asked, with everything that was typed and what the trouble is.
func back(w http.ResponseWriter, r *http.Request, trouble string) {
	query := url.Values{"trouble": {trouble}}
	for _, name := range []string{"do", "uri", "you"} {
		query.Set(name, r.PostFormValue(name))
	}
	see(w, "/interact?"+query.Encode())
}

func see(w http.ResponseWriter, address string) {
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
