package admin_test

import (
	"fmt"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
)

// theirs are the addresses of things that belong to Ilse only: a draft, a published article, comments under it, a
// picture.
type theirs struct {
	draft, article, comment, private, picture string
}

// nobodys is an address of the same form with an unknown id.
const nobodys = "01JCVQ0000000000000000ZZZZ"

func (o *overkant) ilsesOwn() theirs {
	o.t.Helper()
	o.author("ilse", "Ilse Verhaagen", blog.Admin)
	b := o.signIn("ilse")
	a := o.published(b, "approve")
	kade := o.server("zilverduin").Person("kade")
	for _, words := range []string{"<p>Canary under it.</p>", "<p>Canary for you alone.</p>"} {
		var options []fedtest.NoteOption
		if strings.Contains(words, "alone") {
			options = append(options, fedtest.Direct())
		}
		if _, err := kade.Reply(o.soon(), o.site.ArticleID(a.ObjectID), words, options...); err != nil {
			o.t.Fatal(err)
		}
	}
	var own theirs
	for _, private := range []bool{false, true} {
		list, err := o.store.Comments(o.soon(), store.CommentFilter{Article: a.ID, Private: private})
		if err != nil || len(list) != 1 {
			o.t.Fatalf("%d comments, %v", len(list), err)
		}
		own.comment, own.private = own.private, "/admin/comments/"+string(list[0].ID)
	}
	b.open("/admin/pictures").press("Add", "alt", "Canary at the weir", file{"upload", "weir.png", drawing(90, 90, 120)})
	_, after, _ := strings.Cut(b.source, `id="p-`)
	id, _, _ := strings.Cut(after, `"`)
	own.picture, own.article = "/admin/pictures/"+id, "/admin/articles/"+string(a.ID)
	b.open("/admin/articles/new").press("Save", "title", "Canary draft", "text", prose)
	own.draft = b.at.Path
	return own
}

func TestT137AnotherAuthorsThingsAreNotFoundByTheirIds(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		own := o.ilsesOwn()
		o.author("tobias", "Tobias Renkema", blog.Writer)
		o.author("samir", "Samir Benhaddou", blog.Contributor)
		for _, name := range []string{"tobias", "samir"} {
			b := o.signIn(name)
			for _, below := range []string{"", "/preview", "/publish", "/withdraw", "/report"} {
				unknown := b.open("/admin/articles/"+nobodys+below).want(404, "/admin/articles/").text()
				for _, path := range []string{own.draft + below, own.article + below} {
					if said := b.open(path).want(404, path).text(); said != unknown {
						t.Errorf("%s: %s tells that something is there:\n%s", name, path, said)
					}
				}
			}
			for _, path := range []string{own.comment, own.private} {
				b.open(path).want(404, path).lacks("Canary")
			}
			for _, list := range []string{"/admin", "/admin/articles?tab=drafts", "/admin/comments",
				"/admin/comments?tab=private", "/admin/pictures", "/admin/network"} {
				b.open(list).want(200, "/admin").lacks("Canary")
			}
		}
	})
}

func TestT138AnotherAuthorsThingsAreNotChangedByTheirIds(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		own := o.ilsesOwn()
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram, "ilse")
		o.until("the Accept is noted as delivered", func() bool {
			_, waiting, err := o.store.CountWaiting(t.Context())
			return err == nil && waiting == 0
		})
		o.author("tobias", "Tobias Renkema", blog.Writer)
		before := o.everything(own)
		b := o.signIn("tobias")
		for path, form := range map[string]url.Values{
			own.draft:              {"title": {"Mine"}, "text": {"Mine"}, "language": {"en"}},
			own.article:            {"title": {"Mine"}, "text": {"Mine"}, "language": {"en"}},
			own.draft + "/publish": {"visibility": {"public"}}, own.draft + "/delete": {}, own.article + "/delete": {},
			own.article + "/withdraw": {}, own.article + "/report/retry": {},
			own.comment + "/state": {"state": {"shown"}}, own.private + "/state": {"state": {"hidden"}},
			own.comment + "/reply":  {"text": {"Mine"}},
			own.comment + "/delete": {}, own.private + "/delete": {}, own.comment + "/report": {"report": {"Mine"}},
			own.picture:        {"alt": {"Mine"}},
			"/admin/followers": {"actor": {bram.ID}, "answer": {"remove"}},
		} {
			b.post(path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), "Sec-Fetch-Site",
				"same-origin").want(404, path)
		}
		for _, path := range []string{"/admin/settings", "/admin/blocks", "/admin/blocks/undo"} {
			b.post(path, "application/x-www-form-urlencoded", strings.NewReader("name=Mine"), "Sec-Fetch-Site",
				"same-origin").want(403, path)
		}
		if after := o.everything(own); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
	})
}

// everything is the state of all that could have been changed, as text.
func (o *overkant) everything(own theirs) string {
	o.t.Helper()
	b := o.signIn("ilse")
	var said strings.Builder
	for _, path := range []string{own.draft, own.comment, own.private, "/admin/pictures", "/admin/followers",
		"/admin/settings", "/admin/articles?tab=published", "/admin/reports?tab=sent"} {
		said.WriteString(b.open(path).want(200, "/admin").text())
	}
	return said.String()
}

func TestAContributorsDraftChangesNoSeriesUntilAnEditorPublishesIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Editor)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		o.author("samir", "Samir Benhaddou", blog.Contributor)
		ilse, tobias, samir := o.signIn("ilse"), o.signIn("tobias"), o.signIn("samir")
		are := func(want ...string) {
			t.Helper()
			all, err := o.store.SeriesByTitle(t.Context(), 100, 0)
			if err != nil {
				t.Fatal(err)
			}
			var have []string
			for _, s := range all {
				have = append(have, fmt.Sprintf("%s at %s of %d", s.Title, s.Slug, s.Planned))
			}
			if diff := cmp.Diff(want, have); diff != "" {
				t.Errorf("series (-want +got):\n%s", diff)
			}
		}
		tobias.open("/admin/articles/new").press("Publish…", "title", "One", "text", prose, "series", "River days", "part",
			"1").press("Publish as chosen").sees("Published")
		are("River days at river-days of 0")

		samir.open("/admin/articles/new").press("Save", "title", "Call", "text", prose, "series", "Call 555-0100 now", "part",
			"1", "planned", "3").want(200, "/admin/articles/")
		call := samir.at.Path
		samir.open("/admin/articles/new").press("Save", "title", "Two", "text", prose, "series", "river days", "part", "2",
			"planned", "77").want(200, "/admin/articles/")
		two := samir.at.Path
		samir.open(two+"/texts/nl").press("Save as a draft", "title", "Twee", "text", "Woorden.").want(200, two)
		are("River days at river-days of 0")
		for path, want := range map[string][2]string{call: {"Call 555-0100 now", "3"}, two: {"River days", "77"}} {
			for _, b := range []*browser{samir, ilse} {
				if b.open(path); b.field("series") != want[0] || b.field("planned") != want[1] {
					t.Errorf("%s says %q of %q parts, want %q", path, b.field("series"), b.field("planned"), want)
				}
			}
			samir.open(path+"/publish").want(403, path)
			samir.open(path+"/preview").want(200, path).sees(want[0])
		}

		tomorrow := time.Now().Add(24 * time.Hour).UTC().Format("2006-01-02T15:04")
		ilse.open(two+"/publish").press("Publish as chosen", "when", "later", "date", tomorrow).want(200, two)
		are("River days at river-days of 0")
		samir.open(two).want(403, two)
		samir.post(two, "application/x-www-form-urlencoded",
			strings.NewReader("title=Two&text=Other&series=Call+now&part=1&planned=9&action=save")).want(403, two)
		samir.post(two+"/delete", "application/x-www-form-urlencoded", nil).want(403, two)
		are("River days at river-days of 0")

		ilse.open(call + "/publish").press("Publish as chosen").sees("Published")
		are("Call 555-0100 now at call-555-0100-now of 3", "River days at river-days of 0")
		ilse.open(two).press("Cancel the publication").want(200, two)
		ilse.open(two + "/publish").press("Publish as chosen").sees("Published")
		are("Call 555-0100 now at call-555-0100-now of 3", "River days at river-days of 77")
		samir.post(two, "application/x-www-form-urlencoded",
			strings.NewReader("title=Two&text=Other&series=River+days&part=2&planned=9&action=save")).want(403, two)
		are("Call 555-0100 now at call-555-0100-now of 3", "River days at river-days of 77")
	})
}

func TestThePlannedPartsOfASeriesAreUndoneWithThePublication(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		total := func(want int) {
			t.Helper()
			if s, err := o.store.SeriesBySlug(t.Context(), "river-days"); err != nil || s.Planned != want {
				t.Errorf("series %+v (%v), want %d parts", s, err, want)
			}
		}
		b.open("/admin/articles/new").press("Publish…", "title", "One", "text", prose, "series", "River days", "part", "1",
			"planned", "4").press("Publish as chosen").sees("Published")
		one := strings.TrimSuffix(b.at.Path, "/report")
		b.open("/admin/account").press("Save", "hold", "300").sees("Saved.")
		b.open("/admin/articles/new").press("Publish…", "title", "Two", "text", prose, "series", "River days", "part", "2",
			"planned", "77").press("Publish as chosen").sees("Nobody follows you, so nothing is sent.")
		total(77)
		two := strings.TrimSuffix(b.at.Path, "/report")
		b.open(two).press("Save and send", "planned", "78").want(200, two)
		total(78)
		b.press("Undo").want(200, two)
		total(4)
		if b.open(two).field("planned") != "78" {
			t.Errorf("the draft wishes for %q parts", b.field("planned"))
		}
		b.open(one).press("Save and send", "planned", "5").want(200, one).sees("It is sent in")
		b.open(one).press("Save and send", "planned", "6", "title", "Once").want(200, one)
		total(6)
		b.press("Undo").want(200, one).sees("not saved")
		total(4)
		if b.field("planned") != "6" || b.field("title") != "Once" {
			t.Errorf("the form says %q parts of %q", b.field("planned"), b.field("title"))
		}
	})
}

func TestAContributorLeavesPublishingToAnEditor(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("samir", "Samir Benhaddou", blog.Contributor)
		samir := o.signIn("samir")
		samir.open("/admin/articles/new").press("Save", "title", "Samir’s", "text", prose).want(200, "/admin/articles/")
		samir.open(samir.at.Path+"/publish").want(403, "/admin/articles/")
		for _, address := range []string{"/admin/articles/zzz", "/admin/articles/" + nobodys, "/admin/comments/" + nobodys} {
			samir.open(address).want(404, address)
		}
	})
}
