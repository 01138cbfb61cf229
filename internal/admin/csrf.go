package admin

import "net/http"

// sameOrigin refuses what another site's page makes a browser send.
func (h *Handler) sameOrigin(next http.Handler) http.Handler {
	guard := http.NewCrossOriginProtection()
	if err := guard.AddTrustedOrigin(h.address.URL); err != nil { // ours, also when a proxy rewrites Host
		h.Log.Error("the site's address is no origin", "url", h.address.URL, "error", err)
	}
	guard.SetDenyHandler(h.page(func(*request) error { return errCrossOrigin }))
	return guard.Handler(next)
}
