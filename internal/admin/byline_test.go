package admin_test

import (
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// Whoever writes an article may name other authors under its title. In their own names nothing happens before they say
// yes: it is not announced to their followers, and not listed on their pages.
func TestT244AnAuthorWhomOthersNameIsAskedBeforeAnythingHappensInTheirName(t *testing.T) {
	for name, c := range map[string]struct {
		owner  blog.Role
		answer string
		names  int
	}{
		"an author, yes":         {blog.Writer, "Yes, announce it: Higher water", 2},
		"an author, no":          {blog.Writer, "No, take my name out of Higher water", 1},
		"an administrator, yes":  {blog.Admin, "Yes, announce it: Higher water", 2},
		"a moment of hold, yes":  {blog.Editor, "Yes, announce it: Higher water", 2},
		"an administrator, none": {blog.Admin, "No, take my name out of Higher water", 1},
	} {
		t.Run(name, func(t *testing.T) {
			each(t, func(t *testing.T, o *overkant) {
				ilse := o.author("ilse", "Ilse Verhaagen", blog.Contributor)
				o.author("tobias", "Tobias Renkema", c.owner)
				server := o.server("veerhuis")
				o.befriend(server.Person("bram"), "ilse")
				tobias := o.signIn("tobias")
				hold := "0"
				if c.owner == blog.Editor {
					hold = "60"
				}
				tobias.open("/admin/account").press("Save", "hold", hold)
				tobias.open("/admin/articles/new").press("Publish…", "title", "High water", "text", prose, "byline", "@ilse")
				tobias.press("Publish as chosen").want(200, "/admin/articles/")
				a := o.only()
				editor := "/admin/articles/" + string(a.ID)
				if len(a.Authors) != 2 || a.Authors[1].VoiceID != ilse.ID {
					t.Fatalf("she is not named at once: %+v", a.Authors)
				}
				// An edit by the owner is no yes of hers, and neither is what the owner sends in her place.
				tobias.open(editor).press("Save and send", "title", "Higher water").want(200, "/admin/articles/")
				tobias.open("/admin").lacks("Others name you")
				tobias.post(editor+"/byline", "application/x-www-form-urlencoded", strings.NewReader("answer=yes")).want(404,
					editor+"/byline")
				nothing := func(when string) {
					t.Helper()
					if n := o.announced(server, ilse); n != 0 || o.listed(ilse) != 0 {
						t.Errorf("%s: %d announcements in her name, %d articles on her page", when, n, o.listed(ilse))
					}
				}
				if hold == "0" {
					o.settled()
				}
				nothing("before her answer")

				b := o.signIn("ilse").open("/admin").sees("Others name you", "Higher water", "Tobias Renkema")
				b.press(c.answer).want(200, "/admin").lacks("Others name you")
				if a = o.only(); len(a.Authors) != c.names {
					t.Errorf("the by-line is %+v", a.Authors)
				}
				if hold != "0" {
					// The page shows what is held. The announcement comes with the rest, at the end of the hold.
					if n := o.announced(server, ilse); n != 0 {
						t.Errorf("during the hold: %d announcements in her name", n)
					}
				} else if c.names == 2 {
					o.until("her followers have it", func() bool { return o.announced(server, ilse) == 1 })
				} else {
					o.settled()
					nothing("after her no")
				}
				if got := o.listed(ilse); got != c.names-1 {
					t.Errorf("%d articles on her page", got)
				}
				// Her answer lasts.
				tobias.open(editor).press("Save and send", "title", "Highest water").want(200, "/admin/articles/")
				if a = o.only(); len(a.Authors) != c.names || c.names == 2 && a.Authors[1].Asked {
					t.Errorf("after one more edit the by-line is %+v", a.Authors)
				}
				o.signIn("ilse").open("/admin").lacks("Others name you")
			})
		})
	}
}

// announced is how often a server got an announcement by a voice.
func (o *overkant) announced(server *fedtest.Server, by blog.Author) (n int) {
	for _, got := range server.Received("Announce") {
		if got.JSON()["actor"] == o.site.ActorID(by.ID) {
			n++
		}
	}
	return n
}

// listed is how many articles the page of an author lists.
func (o *overkant) listed(author blog.Author) int {
	o.t.Helper()
	n, err := o.store.CountArticles(o.t.Context(), store.ArticleFilter{Voice: author.ID, Listed: true})
	if err != nil {
		o.t.Fatal(err)
	}
	return n
}
