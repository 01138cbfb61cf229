package admin

import "net/http"

// sameOrigin refuses requests that a page of another site makes a browser send. It needs no token in the forms:
// browsers send Sec-Fetch-Site or Origin.
func (h *Handler) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	// Without this it compares Origin with Host, which a proxy may rewrite.
	if err := guard.AddTrustedOrigin(h.address.URL); err != nil {
		h.Log.Error("the site's address is not an origin", "url", h.address.URL, "error", err)
	}
	guard.SetDenyHandler(h.page(func(*request) error { return errCrossOrigin }))
	return guard.Handler(next)
}
