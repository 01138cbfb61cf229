package outbox_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestNothingIsSentDuringAHold(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.AddReaders("veerhuis")["veerhuis"]
		before := o.World.TotalDeliveries()
		a := o.PublishHeld()
		if err := o.Outbox.ReleaseHold(o.Soon(), a.ID); err != nil { // not yet
			t.Fatal(err)
		}
		for _, path := range []string{o.Path(o.Object(a)), o.Site.ArticlePath(a)} {
			if code, _, _ := o.Get(path, overkant.AsMastodon); code != http.StatusNotFound {
				t.Errorf("%s answers %d during the hold", path, code)
			}
		}
		o.Retitle(a, "Five minutes wide")
		o.EndHolds()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		o.EndHolds()
		o.WaitDelivered(a)
		if post, _ := veerhuis.FindPost(o.Object(a)); post.Title != "Five minutes wide" ||
			o.World.TotalDeliveries() != before+1 {
			t.Errorf("veerhuis shows %q after %d deliveries, want the new words in one", post.Title,
				o.World.TotalDeliveries()-before)
		}
		if code, doc := o.Document(o.Site.ArticlePath(a)); code != http.StatusOK || doc.ID != o.Object(a) {
			t.Errorf("afterwards the page answers %d %s", code, doc.ID)
		}
	})
}

func TestAnUndonePublicationLeavesNoTrace(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.AddReaders("veerhuis")
		dijla := o.Server("dijla")
		before := o.World.TotalDeliveries()
		undo := map[string]func(blog.Article) error{
			"undone":    func(a blog.Article) error { _, err := o.Outbox.Undo(o.Soon(), a.ID); return err },
			"withdrawn": func(a blog.Article) error { return o.Outbox.Withdraw(o.Soon(), a.ID) },
		}
		for how, take := range undo {
			a := o.PublishHeld(func(a *blog.Article) { a.Slug, a.Markdown = how, "Ask @nobody@"+dijla.Host+"." })
			if err := take(a); err != nil {
				t.Fatal(err)
			}
			o.EndHolds()
			now, err := o.Store.Article(o.Soon(), a.ID)
			if err != nil || now.Status != blog.Draft || now.ObjectID != "" || now.PublishedAt != nil || now.Month != "" ||
				now.Revision != 0 || now.Title != a.Title {
				t.Errorf("%s: the article is %+v, %v", how, now, err)
			}
			for _, path := range []string{o.Path(o.Object(a)), o.Site.ArticlePath(a)} {
				if code, _, _ := o.Get(path, overkant.AsMastodon); code != http.StatusNotFound {
					t.Errorf("%s: %s answers %d", how, path, code)
				}
			}
			if free, err := o.Store.FreeSlug(o.Soon(), a.Slug, "other", a.Language); err != nil || free != a.Slug {
				t.Errorf("%s: the address is still taken: %s, %v", how, free, err)
			}
		}
		if n := o.World.TotalDeliveries() - before + len(dijla.Requests()); n != 0 {
			t.Errorf("%d requests were made", n)
		}
		if _, err := o.Outbox.Undo(o.Soon(), o.Publish().ID); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("what has left was taken back: %v", err)
		}
	})
}

func TestAnUndoneChangeRestoresTheFormerText(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.AddReaders("veerhuis")["veerhuis"]
		a := o.Publish(func(a *blog.Article) { a.Tags = blog.Strings{"rivers", "ferries"} })
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		_, _, document := o.Get(o.Path(o.Object(a)), overkant.AsMastodon)
		edited, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		former := edited
		edited.Title, edited.Slug, edited.Tags, edited.HTML = "Wrong", "wrong", nil, "<p>Wrong.</p>"
		for range 2 { // the second change is held with the first
			if err := o.Outbox.ReviseWith(o.Soon(), &edited, outbox.ReviseOptions{Hold: overkant.Hold}); err != nil {
				t.Fatal(err)
			}
		}
		undone, err := o.Outbox.Undo(o.Soon(), a.ID)
		if err != nil || undone.Title != "Wrong" {
			t.Errorf("the words that were taken back are %q, %v", undone.Title, err)
		}
		o.EndHolds()
		now, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil || now.Title != former.Title || now.Slug != former.Slug || len(now.Tags) != 2 ||
			now.HTML != former.HTML || now.Revision != former.Revision || now.UpdatedAt != nil {
			t.Errorf("the article is %+v, %v", now, err)
		}
		if _, _, after := o.Get(o.Path(o.Object(a)), overkant.AsMastodon); after != document {
			t.Errorf("its document was %s and is %s", document, after)
		}
		if kinds := overkant.DeliveredTypes(veerhuis, o.Object(a)); len(kinds) != 1 {
			t.Errorf("veerhuis was brought %v", kinds)
		}
		// and again, for good
		if err := o.Outbox.ReviseWith(o.Soon(), &now, outbox.ReviseOptions{Hold: overkant.Hold}); err != nil {
			t.Fatal(err)
		}
		o.EndHolds()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Update", o.Object(a))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWithdrawalDuringTheHoldOfAChangeDropsTheChange(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.AddReaders("veerhuis")["veerhuis"]
		a := o.Publish()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		edited, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.ReviseWith(o.Soon(), &edited, outbox.ReviseOptions{Hold: overkant.Hold}); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		o.EndHolds()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Delete", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		if kinds := strings.Join(overkant.DeliveredTypes(veerhuis, o.Object(a)), " "); kinds != "Create Delete" {
			t.Errorf("veerhuis was brought %s", kinds)
		}
	})
}

func TestAQuietCorrectionIsNotNewer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.AddReaders("veerhuis")["veerhuis"]
		a := o.Publish()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		told := o.Retitle(a, "Five minutes wide")
		o.Until("the change is shown", func() bool { post, _ := veerhuis.FindPost(o.Object(a)); return post.Edits == 1 })
		now, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		now.Title, now.Quotes = "Six minutes wide", "nobody"
		if err := o.Outbox.ReviseWith(o.Soon(), &now, outbox.ReviseOptions{Quiet: true}); err != nil {
			t.Fatal(err)
		}
		if err := o.World.WaitForCount(o.Soon(), 2, fedtest.About("Update", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		deliveries := veerhuis.Received("Update")
		object, _ := deliveries[1].JSON()["object"].(map[string]any)
		if object["updated"] != told.UpdatedAt.Format(time.RFC3339) || object["name"] != "Six minutes wide" ||
			object["interactionPolicy"] == nil {
			t.Errorf("the quiet correction says %v, updated %v; the told change was of %v", object["name"], object["updated"],
				told.UpdatedAt)
		}
		if post, _ := veerhuis.FindPost(o.Object(a)); post.Edits != 1 || post.Title != "Five minutes wide" {
			t.Errorf("veerhuis shows %q after %d edits", post.Title, post.Edits)
		}
	})
}
