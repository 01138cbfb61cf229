package admin_test

import (
	"net/url"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// theirs are the addresses of what belongs to Ilse alone: a draft, a published article, comments under it, a picture.
type theirs struct {
	draft, article, comment, private, picture string
}

// nobodys is an address of the same shape at which nothing is.
const nobodys = "01JCVQ0000000000000000ZZZZ"

func (o *overkant) ilsesOwn() theirs {
	o.t.Helper()
	o.author("ilse", "Ilse Verhaagen", blog.Admin)
	b := o.signIn("ilse")
	a := o.published(b, "approve")
	kade := o.server("zilverduin").Person("kade")
	for _, words := range []string{"<p>Canary under it.</p>", "<p>Canary for you alone.</p>"} {
		var options []neighbour.Option
		if strings.Contains(words, "alone") {
			options = append(options, neighbour.Direct())
		}
		if _, err := kade.Reply(o.soon(), o.site.ArticleID(a.ObjectID), words, options...); err != nil {
			o.t.Fatal(err)
		}
	}
	var own theirs
	for _, private := range []bool{false, true} {
		list, err := o.store.Comments(o.soon(), store.CommentList{Article: a.ID, Private: private})
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
			for _, list := range []string{"/admin", "/admin/articles?tab=drafts", "/admin/comments", "/admin/comments?tab=private", "/admin/pictures", "/admin/network"} {
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
		o.author("tobias", "Tobias Renkema", blog.Writer)
		before := o.everything(own)
		b := o.signIn("tobias")
		for path, form := range map[string]url.Values{
			own.draft: {"title": {"Mine"}, "text": {"Mine"}, "language": {"en"}}, own.article: {"title": {"Mine"}, "text": {"Mine"}, "language": {"en"}},
			own.draft + "/publish": {"visibility": {"public"}}, own.draft + "/delete": {}, own.article + "/delete": {}, own.article + "/withdraw": {}, own.article + "/report/retry": {},
			own.comment + "/state": {"state": {"shown"}}, own.private + "/state": {"state": {"hidden"}}, own.comment + "/reply": {"text": {"Mine"}},
			own.comment + "/delete": {}, own.private + "/delete": {}, own.comment + "/report": {"report": {"Mine"}}, own.picture: {"alt": {"Mine"}},
			"/admin/followers": {"actor": {bram.ID}, "answer": {"remove"}},
		} {
			b.post(path, "application/x-www-form-urlencoded", strings.NewReader(form.Encode()), "Sec-Fetch-Site", "same-origin").want(404, path)
		}
		for _, path := range []string{"/admin/settings", "/admin/blocks", "/admin/blocks/undo"} {
			b.post(path, "application/x-www-form-urlencoded", strings.NewReader("name=Mine"), "Sec-Fetch-Site", "same-origin").want(403, path)
		}
		if after := o.everything(own); after != before {
			t.Errorf("something changed:\n%s\n%s", before, after)
		}
	})
}

// everything is what could have been changed, in words.
func (o *overkant) everything(own theirs) string {
	o.t.Helper()
	b := o.signIn("ilse")
	var said strings.Builder
	for _, path := range []string{own.draft, own.comment, own.private, "/admin/pictures", "/admin/followers", "/admin/settings", "/admin/articles?tab=published", "/admin/reports?tab=sent"} {
		said.WriteString(b.open(path).want(200, "/admin").text())
	}
	return said.String()
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
