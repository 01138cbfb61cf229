package remote

import (
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
)

// nodeInfoOf answers a link to NodeInfo, and that.
func nodeInfoOf(link, info string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "application/json; charset=utf-8")
		switch r.URL.Path {
		case "/.well-known/nodeinfo":
			fmt.Fprint(w, strings.ReplaceAll(link, "HOST", r.Host))
		case "/nodeinfo/2.0":
			fmt.Fprint(w, info)
		default:
			w.WriteHeader(http.StatusNotFound)
		}
	}
}

func TestSoftwareOfAServer(t *testing.T) {
	const link = `{"links":[{"rel":"https://www.w3.org/ns/activitystreams#Application","href":"http://HOST/actor"},` +
		`{"rel":"http://nodeinfo.diaspora.software/ns/schema/2.0","href":"http://HOST/nodeinfo/2.0"}]}`
	const mastodon = `{"version":"2.0","software":{"name":"mastodon","version":"4.5.2"}}`
	for _, test := range []struct {
		name, link, info, want string
		err                    error
	}{
		{"name and version", link, mastodon, "mastodon 4.5.2", nil},
		{"a name alone", link, `{"software":{"name":"snac"}}`, "snac", nil},
		{"words for the eye", link, `{"software":{"name":"<b>\u202emast\nodon\u0000","version":"` + strings.Repeat("4", 500) +
			`"}}`, "<b> mast odon " + strings.Repeat("4", 40), nil},
		{"no name", link, `{"software":{"version":"1"}}`, "", ErrNotActivity},
		{"no software", link, `{}`, "", ErrNotActivity},
		{"a list", link, `[]`, "", ErrNotActivity},
		{"no link", `{"links":[]}`, mastodon, "", ErrNotActivity},
		{"no JSON", `nodeinfo`, mastodon, "", ErrNotActivity},
		{"T-071: a link that is data", strings.ReplaceAll(link, "http://HOST/nodeinfo/2.0", "data:application/json,{}"),
			mastodon, "", ErrRefused},
		{"T-071: a link to a private number", strings.ReplaceAll(link, "HOST/nodeinfo", "10.0.0.1/nodeinfo"), mastodon, "",
			ErrRefused},
		{"a link to nothing", strings.ReplaceAll(link, "HOST/nodeinfo/2.0", "HOST/nodeinfo/9"), mastodon, "", ErrNotFound},
		{"too long", link, `{"software":{"name":"` + strings.Repeat("x", maxDocument) + `"}}`, "", ErrNotActivity},
	} {
		t.Run(test.name, func(t *testing.T) {
			s := serve(t, "127.0.0.1:0", nodeInfoOf(test.link, test.info))
			got, err := client(t, Options{}).Software(t.Context(), strings.TrimPrefix(s.URL, "http://"))
			if got != test.want || !errors.Is(err, test.err) {
				t.Errorf("got %q, %v; want %q, %v", got, err, test.want, test.err)
			}
		})
	}
}
