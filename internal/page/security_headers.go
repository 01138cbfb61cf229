package page

import (
	"net/http"
	"strings"
)

// policy lets a page load only from this server. Forms may lead to a reader's own server.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; manifest-src 'self'; " +
	"font-src 'self'; connect-src 'self'; form-action 'self' https:; frame-ancestors 'none'; base-uri 'none'"

// Headers are header fields with values that all answers share.
type Headers []field

// SecurityHeaders returns the headers that keep a mistake in a page from becoming a hole, and that hide from other
// sites what somebody reads here. Over https HSTS is one of them.
func SecurityHeaders(https bool) Headers {
	policy := policy
	// Plain http is a test or the demo on one's own machine, whose other servers have no https either.
	if !https {
		policy = strings.Replace(policy, " https:;", " https: http:;", 1)
	}
	h := Headers{
		{"Content-Security-Policy", []string{policy}},
		{"X-Content-Type-Options", []string{"nosniff"}},
		{"Referrer-Policy", []string{"same-origin"}},
		{"Cross-Origin-Opener-Policy", []string{"same-origin"}},
	}
	if https {
		h = append(h, field{"Strict-Transport-Security", []string{"max-age=31536000"}})
	}
	return h
}

// Wrap sets the headers of all answers of a handler, which may overrule them.
func (h Headers) Wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h.set(w.Header())
		next.ServeHTTP(w, r)
	})
}

func (h Headers) set(header http.Header) {
	for _, f := range h {
		// Directly and not by Set, which would allocate a slice for each value.
		header[f.name] = f.values
	}
}
