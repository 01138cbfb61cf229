package admin_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

func TestT161TheAdminShowsStrangersAsHarmlesslyAsThePages(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		bram := o.server("veerhuis").Person("bram")
		b := o.signIn("ilse")
		a := o.published(b, "approve")
		const hostile = `"'><img src=x onerror=alert(1)><script>alert(1)</script>`
		if _, err := bram.UpdateProfile(o.soon(), hostile); err != nil {
			t.Fatal(err)
		}
		object := o.site.ArticleID(a.ObjectID)
		for _, words := range []string{"<p>First." + hostile + "</p>",
			`<p style="position:fixed" id="csrf" class="button">Second.</p><form action="/admin"><input name=user></form><a ` +
				`href="javascript:alert(1)">x</a>`,
			`<p>Third.</p><math><mtext></form><form><mglyph><style></math><img src onerror=alert(1)>`} {
			if _, err := bram.Reply(o.soon(), object, words, fedtest.ContentWarning(hostile)); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := bram.Follow(o.soon(), o.site.ActorID(a.VoiceID)); err != nil {
			t.Fatal(err)
		}
		o.until("the comments wait", func() bool { return strings.Contains(b.open("/admin/comments").text(), "Third.") })
		for _, path := range []string{"/admin/comments", "/admin", "/admin/followers"} {
			b.open(path).want(200, path)
			if policy := b.header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src") ||
				strings.Contains(policy, "unsafe-inline") {
				t.Errorf("%s may run %q", path, policy)
			}
			for n := range b.page.Descendants() {
				if n.Type == html.ElementNode {
					harmless(t, path, n)
				}
			}
		}
	})
}

// harmless checks that an element is one of the admin's own.
func harmless(t *testing.T, path string, n *html.Node) {
	t.Helper()
	if n.Data == "script" && n.FirstChild != nil && strings.Contains(n.FirstChild.Data, "alert") || n.Data == "math" ||
		n.Data == "style" {
		t.Errorf("%s has a <%s>", path, n.Data)
	}
	for _, a := range n.Attr {
		if strings.HasPrefix(a.Key, "on") || a.Key == "style" && strings.Contains(a.Val, "fixed") || a.Key == "id" &&
			a.Val == "csrf" ||
			a.Key == "name" && a.Val == "user" || strings.HasPrefix(a.Val, "javascript:") || a.Key == "src" && a.Val == "x" {
			t.Errorf("%s has <%s %s=%q>", path, n.Data, a.Key, a.Val)
		}
	}
}
