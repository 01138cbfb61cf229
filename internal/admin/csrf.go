package admin

import (
	"net/http"

	"causerie/internal/blog"
)

// sameOrigin refuses requests that a page of another site makes a browser send. It needs no token in the forms:
// browsers send Sec-Fetch-Site or Origin.
func (h *Handler) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	// Without this it compares Origin with Host, which a proxy may rewrite.
	if err := guard.AddTrustedOrigin(h.address.URL); err != nil {
		h.Log.Error("the site's address is not an origin", "url", h.address.URL, "error", err)
	}
	deny := h.page(func(*request) error { return errCrossOrigin })
	guard.SetDenyHandler(deny)
	guarded := guard.Handler(next)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The guard compares the host alone: a page on http, which anybody on the way can write, could send to https.
		origin := r.Header.Get("Origin")
		if origin != "" && !blog.SameOrigin(origin, h.address.URL) && r.Method != http.MethodGet &&
			r.Method != http.MethodHead && r.Method != http.MethodOptions {
			deny(w, r)
			return
		}
		guarded.ServeHTTP(w, r)
	})
}
