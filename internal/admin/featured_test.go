package admin_test

import (
	"net/http"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

// featuredAs waits until a collection got an answer of an author, and returns it.
func (o *overkant) featuredAs(p *fedtest.Person, collection string, author blog.Author, want string) {
	o.t.Helper()
	o.until("the collection is "+want, func() bool {
		state, _ := p.Featured(collection, o.site.ActorID(author.ID))
		return state == want
	})
}

func TestF120AuthorSeesWhoFeaturesThemAndMayLeave(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Writer)
		o.author("tobias", "Tobias Renkema", blog.Admin)
		id := o.site.ActorID(ilse.ID)
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		b := o.signIn("ilse")
		b.open("/admin/featured").sees("You are in no collection.", "Everyone may add you")
		feature := func(p *fedtest.Person, name, topic string) string {
			collection := p.MakeCollection(name, topic)
			if _, err := p.Feature(o.soon(), collection, id); err != nil {
				t.Fatal(err)
			}
			return collection
		}
		water := feature(bram, "By the <water>", "rivers")
		o.featuredAs(bram, water, ilse, fedtest.Accepted)
		b.open("/admin/featured").sees("You are in 1 collection.", "By the <water>", "#rivers", "@bram@ "+bram.Server.Host)
		page := bram.Server.URL + "/collections/" + water[strings.LastIndex(water, "/")+1:]
		links := false
		for n := range b.page.Descendants() {
			links = links || n.Data == "a" && value(n, "href") == page && words(n) == "By the <water>"
		}
		if !links {
			t.Errorf("no link leads to the page of the collection, %s", page)
		}
		// Only the author decides about herself.
		other := o.signIn("tobias")
		other.open("/admin/featured").lacks("By the <water>")
		list, err := o.store.Features(o.soon(), ilse.ID, blog.AuthorizationGiven)
		if err != nil || len(list) != 1 {
			t.Fatal(list, err)
		}
		path := "/admin/featured/" + string(list[0].ID)
		const form = "application/x-www-form-urlencoded"
		other.post(path, form, strings.NewReader("answer=leave")).want(http.StatusNotFound, path)

		b.open("/admin/featured").press("Leave By the <water>").want(200, "/admin/featured").
			sees("You are out of the collection.", "You are in no collection.", "Left or refused")
		o.featuredAs(bram, water, ilse, fedtest.Revoked)
		b.press("Let them ask again: By the <water>").want(200, "/admin/featured").lacks("By the <water>")

		b.open("/admin/profile").press("Save", "featured", "ask").want(200, "/admin/profile")
		if got := b.field("featured"); got != "ask" {
			t.Errorf("the choice is kept as %q", got)
		}
		quays, shop := feature(kade, "Quays", ""), feature(kade, "Buy now", "")
		o.until("both wait", func() bool {
			return strings.Contains(b.open("/admin").text(), "2 collections ask to feature you")
		})
		b.open("/admin/featured").sees("2 collections ask to feature you", "Featured 2 ask", "must ask you")
		b.press("Approve Quays").want(200, "/admin/featured").sees("Approved.", "You are in 1 collection.", "Featured 1 asks")
		b.press("Refuse Buy now").want(200, "/admin/featured").sees("Refused.", "Left or refused").lacks("Featured 1 asks")
		o.featuredAs(kade, quays, ilse, fedtest.Accepted)
		o.featuredAs(kade, shop, ilse, fedtest.Rejected)
		b.post(path, form, strings.NewReader("answer=leave")).want(http.StatusNotFound, path)
		b.open("/admin/profile").press("Save", "featured", "whoever").want(http.StatusUnprocessableEntity,
			"/admin/profile").sees("must be one of")
	})
}
