package admin_test

import (
	"regexp"
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

func TestT179PicturesOfADraftAreShownToWhoMaySeeTheDraft(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Writer)
		o.author("maud", "Maud Ahlers", blog.Editor)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		ilse := o.signIn("ilse")
		readers := map[string]*browser{"anybody": o.browser(), "the author": ilse, "an editor": o.signIn("maud"),
			"another author": o.signIn("tobias")}
		// answers checks who gets a picture; the others get 404, which no cache may keep.
		answers := func(when, address string, public bool) {
			t.Helper()
			for who, b := range readers {
				status, policy := 404, "private, no-store"
				switch {
				case public:
					status, policy = 200, "public, max-age=31536000, immutable"
				case who == "the author" || who == "an editor":
					status = 200
				}
				b.open(address)
				if got := b.header.Get("Cache-Control"); b.status != status || got != policy {
					t.Errorf("%s, %s: %d, %q; want %d, %q", when, who, b.status, got, status, policy)
				}
			}
		}
		address := regexp.MustCompile(`/media/([0-9A-Z]{26})-[0-9]+-[A-Z2-7]{26}\.png`)
		for i, visibility := range []string{"public", "followers"} {
			ilse.open("/admin/articles/new").press("Add to the text", "title", "House "+visibility, "text", "It floats.",
				"upload-alt", "A house", "visibility", visibility,
				file{"upload", visibility + ".png", drawing(600, 300, uint8(90+i))}).want(200, "/admin/articles/")
			draft := ilse.at.Path
			a, err := o.store.Article(t.Context(), blog.ID(draft[len("/admin/articles/"):]))
			if err != nil {
				t.Fatal(err)
			}
			picture := address.FindStringSubmatch(a.HTML)
			if picture == nil {
				t.Fatalf("the text has no picture with a long name: %s", a.HTML)
			}
			answers("a draft", picture[0], false)
			// Who knows the id of the picture alone cannot publish it.
			tobias := readers["another author"].open("/admin/articles/new")
			tobias.press("Save", "title", "Mine", "text", "![x](/media/"+picture[1]+"-600.png)").want(200,
				"/admin/articles/").sees("is not in the library")
			ilse.open(draft+"/publish").press("Publish as chosen").want(200, "/admin/articles/")
			answers(visibility, picture[0], true)
		}
	})
}
