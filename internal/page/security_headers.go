package page

import (
	"net/http"
	"strings"
)

// policy lets a page run and show what comes from here, and nothing else; forms may lead to a reader's own server.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; manifest-src 'self'; " +
	"font-src 'self'; connect-src 'self'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'"

// Guard sets the headers that keep a mistake in a page from becoming a hole, and other sites from learning what
// somebody reads here. Over https it also asks browsers to stay there; over http, on somebody's own machine, forms may
// lead to servers of that kind, as all those of the demo are.
func Guard(https bool) func(http.Handler) http.Handler {
	policy := policy
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
				header[f.name] = f.values
			}
			next.ServeHTTP(w, r)
		})
	}
}
