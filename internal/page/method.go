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

// HeadAsGet routes HEAD to the handlers of GET. net/http leaves out the body of their answers. Use it with a router
// that has no handlers for HEAD.
func HeadAsGet(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			chi.RouteContext(r.Context()).RouteMethod = http.MethodGet
		}
		next.ServeHTTP(w, r)
	})
}
