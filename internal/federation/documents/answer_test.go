package documents_test

import (
	"encoding/json"
	"net/http"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestTheURLOfAnAnswerYieldsItsNoteAndLeadsBrowsersToItsPlace(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>How wide?</p>"); err != nil {
			t.Fatal(err)
		}
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, o.Comments(a)[0].ID, "Four minutes.")
		if err != nil {
			t.Fatal(err)
		}
		sent, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Create", answer.Address))
		if err != nil {
			t.Fatal(err)
		}
		wire := sent.JSON()["object"].(map[string]any)["url"].(string)
		check := func(when string, a blog.Article) {
			t.Helper()
			for _, accept := range []string{overkant.AsMastodon, overkant.AsMastodon2, "application/activity+json"} {
				code, header, body := o.Get(o.Path(wire), accept)
				var doc map[string]any
				if err := json.Unmarshal([]byte(body), &doc); err != nil {
					t.Fatalf("%s, %s: %d %v", when, accept, code, err)
				}
				if code != http.StatusOK || doc["type"] != "Note" || doc["id"] != answer.Address || doc["url"] != wire {
					t.Errorf("%s, %s: %d %v %s", when, accept, code, header, body)
				}
			}
			code, header, _ := o.Get(o.Path(wire), overkant.AsBrowser)
			if want := o.Site.CommentPage(a, answer.ID); code != http.StatusSeeOther || header.Get("Location") != want {
				t.Errorf("%s, a browser: %d to %s, want %s", when, code, header.Get("Location"), want)
			}
		}
		check("sent", a)
		a = o.Revise(a, func(a *blog.Article) { a.Slug = "wider-now" })
		check("at a new page", a)
		if err := o.Outbox.EditReply(o.Soon(), answer.ID, "Five minutes."); err != nil {
			t.Fatal(err)
		}
		check("edited", a)
		if err := o.Outbox.DeleteReply(o.Soon(), answer.ID); err != nil {
			t.Fatal(err)
		}
		for _, accept := range []string{overkant.AsMastodon, overkant.AsBrowser} {
			if code, _, _ := o.Get(o.Path(wire), accept); code != http.StatusGone {
				t.Errorf("deleted, %s: %d", accept, code)
			}
		}
	})
}
