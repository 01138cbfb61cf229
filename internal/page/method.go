package page

import (
	"net/http"

	"github.com/go-chi/chi/v5"
)

// SetAllow sets the header Allow of an answer 405: the methods that routes has for the path of the request (RFC 9110,
// section 15.5.6). chi does not tell them to a handler of our own.
func SetAllow(w http.ResponseWriter, r *http.Request, routes chi.Routes) {
	for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
		if routes.Match(chi.NewRouteContext(), method, r.URL.Path) {
			w.Header().Add("Allow", method)
		}
	}
	// The path belongs to another room, which passed the request on because of its method.
	if w.Header().Get("Allow") == "" {
		w.Header().Set("Allow", http.MethodGet)
	}
}
