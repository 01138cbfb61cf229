package page

import (
	"net/http"
	"strings"
)

// policy lets a page load only from this server. Forms may lead to a reader's own server.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; manifest-src 'self'; " +
	"font-src 'self'; connect-src 'self'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'"

// SecurityHeaders sets the headers that keep a mistake in a page from becoming a hole, and that hide from other sites
// what somebody reads here. Over https it also sets HSTS.
func SecurityHeaders(https bool) func(http.Handler) http.Handler {
	policy := policy
	// Plain http is a test or the demo on one's own machine, whose other servers have no https either.
	if !https {
		policy = strings.Replace(policy, " https:;", " https: http:;", 1)
	}
	fields := []field{
		{"Content-Security-Policy", []string{policy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	}
	if https {
		fields = append(fields, field{"Strict-Transport-Security", []string{"max-age=31536000"}})
	}
	return func(next http.Handler) http.Handler {
		return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			header := w.Header()
			for _, f := range fields {
				// Set before the handler runs, so that it may overrule them, as the picture library does.
				header[f.name] = f.values
			}
			next.ServeHTTP(w, r)
		})
	}
}
