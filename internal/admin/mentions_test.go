package admin_test

import (
	"net/url"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

func TestMentionsElsewhereAreListed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		tobias := o.author("tobias", "Tobias Lind", blog.Writer)
		bram := o.server("veerhuis").Person("bram")
		b, other := o.signIn("ilse"), o.signIn("tobias")
		b.open("/admin/mentions").sees("Nobody has mentioned you yet.")
		said, err := bram.Post(o.soon(), `<p>Ask Ilse <script>x()</script>about ferries.</p>`,
			fedtest.Mention(o.site.ActorID(ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Post(o.soon(), "<p>Tobias, between us.</p>", fedtest.Direct(),
			fedtest.Mention(o.site.ActorID(tobias.ID))); err != nil {
			t.Fatal(err)
		}
		// An editor does not see the mentions of others, private or not.
		b.open("/admin/mentions").sees("One post elsewhere mentions you", "Bram", "Ask Ilse about ferries.").lacks("x()",
			"between us", "Private")
		other.open("/admin/mentions").sees("Tobias, between us.", "Private: only you see it").lacks("ferries",
			"Reply with an article")
		for _, page := range []string{"/admin", "/admin/comments", "/admin/comments?tab=private", "/admin/articles",
			"/admin/network"} {
			b.open(page).lacks("between us")
		}
		b.open("/admin/mentions")
		if link := b.link("Reply with an article to Bram"); link != "/admin/articles/new?"+
			(url.Values{"in-reply-to": {said.Object}}).Encode() {
			t.Errorf("the way to an answer is %q", link)
		}
		b.open(b.link("Reply with an article to Bram"))
		if b.field("in-reply-to") != said.Object {
			t.Errorf("the new article answers %q", b.field("in-reply-to"))
		}
		b.open("/admin/mentions").press("Hide Bram").want(200, "/admin/mentions").sees("Hidden from the list.",
			"Nobody has mentioned you yet.", "Hidden 1")
		b.open("/admin/mentions?tab=hidden").sees("Ask Ilse about ferries.").press("Show again Bram").sees(
			"Back in the list.")
		mentions := b.open("/admin/mentions").sees("Ask Ilse about ferries.").source
		// Nobody hides the mentions of others.
		_, rest, _ := strings.Cut(mentions, `action="/admin/mentions/`)
		id, _, _ := strings.Cut(rest, `"`)
		other.post("/admin/mentions/"+id, "application/x-www-form-urlencoded", strings.NewReader("state=hidden"),
			"Sec-Fetch-Site", "same-origin")
		other.want(404, "/admin/mentions")
		b.open("/admin/mentions").sees("Ask Ilse about ferries.")
	})
}

// link is the address of the link with a text; "" if there is none.
func (b *browser) link(text string) string {
	for n := range b.page.Descendants() {
		if n.Data == "a" && strings.Join(strings.Fields(words(n)), " ") == text {
			return value(n, "href")
		}
	}
	return ""
}
