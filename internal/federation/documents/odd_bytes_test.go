package documents_test

import (
	"errors"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

// Bytes that are no text in addresses mean nothing. PostgreSQL would refuse the query, which looks like a failure.
func TestT259OddBytesInAnAddressAreNotFound(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.Publish()
		for _, odd := range []string{"%00", "%FF", "a%00", "%FFb", "%C3%28", "%ED%A0%80", "a%00b"} {
			for _, path := range []string{"/series/" + odd, "/@" + odd, "/2026/11/" + odd, "/ap/actors/" + odd,
				"/ap/actors/" + odd + "/outbox", "/ap/articles/" + odd, "/ap/articles/" + odd + "/replies", "/ap/notes/" + odd,
				"/ap/activities/" + odd, "/ap/authorizations/" + odd,
				"/.well-known/webfinger?resource=acct:" + odd + "@" + o.Site.HandleDomain,
				"/.well-known/webfinger?resource=" + odd} {
				for _, accept := range []string{"application/activity+json", "text/html"} {
					if status, _, body := o.Get(path, accept); status != 404 && status != 400 {
						t.Errorf("%s as %s: %d %s", path, accept, status, body)
					}
				}
			}
		}
		for name, look := range map[string]func(odd string) error{
			"series": func(odd string) error { _, err := o.Store.SeriesBySlug(t.Context(), odd); return err },
			"voice":  func(odd string) error { _, err := o.Store.VoiceByHandle(t.Context(), odd); return err },
			"id":     func(odd string) error { _, err := o.Store.Article(t.Context(), blog.ID(odd)); return err },
			"actor":  func(odd string) error { _, err := o.Store.Actor(t.Context(), odd); return err },
			"list": func(odd string) error {
				found, err := o.Store.CommentsByAddress(t.Context(), []string{odd, "x"})
				if err == nil && len(found) == 0 {
					err = blog.ErrNotFound
				}
				return err
			},
		} {
			for _, odd := range []string{"\x00", "a\x00", "\xff", "\xed\xa0\x80"} {
				if err := look(odd); !errors.Is(err, blog.ErrNotFound) {
					t.Errorf("%s %q: %v", name, odd, err)
				}
			}
		}
	})
}
