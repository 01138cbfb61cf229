package federation_test

import (
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
)

const hold = 30 * time.Second

// publishHeld publishes with a hold.
func (o *overkant) publishHeld(change ...func(*blog.Article)) blog.Article {
	o.t.Helper()
	a, err := o.outbox.PublishHeld(o.soon(), o.draft(change...).ID, hold)
	if err != nil {
		o.t.Fatal(err)
	}
	return a
}

// afterHold lets go what is held, as the chores of another process would do when the time has come.
func (o *overkant) afterHold(a blog.Article) {
	o.t.Helper()
	late := o.base
	late.Now = func() time.Time { return time.Now().Add(hold + time.Second) }
	due, err := o.store.DueHolds(o.soon(), late.Now())
	if err != nil {
		o.t.Fatal(err)
	}
	outbox := &federation.Outbox{Base: late, Wake: o.courier.Wake}
	for _, id := range due {
		if err := outbox.LetGo(o.soon(), id); err != nil {
			o.t.Fatal(err)
		}
	}
}

func TestNothingLeavesDuringAHold(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.readers("veerhuis")["veerhuis"]
		before := o.world.Letters()
		a := o.publishHeld()
		if err := o.outbox.LetGo(o.soon(), a.ID); err != nil { // not yet
			t.Fatal(err)
		}
		for _, path := range []string{o.path(o.object(a)), o.site.ArticlePath(a)} {
			if code, _, _ := o.get(path, asMastodon); code != http.StatusNotFound {
				t.Errorf("%s answers %d during the hold", path, code)
			}
		}
		o.edit(a, "Five minutes wide")
		o.afterHold(a)
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		o.afterHold(a)
		o.quietly(a)
		if post, _ := veerhuis.Post(o.object(a)); post.Title != "Five minutes wide" || o.world.Letters() != before+1 {
			t.Errorf("veerhuis shows %q after %d letters, want the new words in one", post.Title, o.world.Letters()-before)
		}
		if code, doc := o.document(o.site.ArticlePath(a)); code != http.StatusOK || doc.ID != o.object(a) {
			t.Errorf("afterwards the page answers %d %s", code, doc.ID)
		}
	})
}

func TestAPublicationTakenBackInTimeLeavesNoTrace(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.readers("veerhuis")
		dijla := o.server("dijla")
		before := o.world.Letters()
		undo := map[string]func(blog.Article) error{
			"undone":    func(a blog.Article) error { _, err := o.outbox.Undo(o.soon(), a.ID); return err },
			"withdrawn": func(a blog.Article) error { return o.outbox.Withdraw(o.soon(), a.ID) },
		}
		for how, take := range undo {
			a := o.publishHeld(func(a *blog.Article) { a.Slug, a.Markdown = how, "Ask @nobody@"+dijla.Host+"." })
			if err := take(a); err != nil {
				t.Fatal(err)
			}
			o.afterHold(a)
			now, err := o.store.Article(o.soon(), a.ID)
			if err != nil || now.Status != blog.Draft || now.ObjectID != "" || now.PublishedAt != nil || now.Month != "" || now.Revision != 0 || now.Title != a.Title {
				t.Errorf("%s: the article is %+v, %v", how, now, err)
			}
			for _, path := range []string{o.path(o.object(a)), o.site.ArticlePath(a)} {
				if code, _, _ := o.get(path, asMastodon); code != http.StatusNotFound {
					t.Errorf("%s: %s answers %d", how, path, code)
				}
			}
			if free, err := o.store.FreeSlug(o.soon(), a.Slug, "other", a.Language); err != nil || free != a.Slug {
				t.Errorf("%s: the address is still taken: %s, %v", how, free, err)
			}
		}
		if n := o.world.Letters() - before + len(dijla.Visits()); n != 0 {
			t.Errorf("%d requests were made", n)
		}
		if _, err := o.outbox.Undo(o.soon(), o.publish().ID); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("what has left was taken back: %v", err)
		}
	})
}

func TestAChangeTakenBackInTimeBringsTheFormerWordsBack(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.readers("veerhuis")["veerhuis"]
		a := o.publish(func(a *blog.Article) { a.Tags = blog.Words{"rivers", "ferries"} })
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		_, _, document := o.get(o.path(o.object(a)), asMastodon)
		edited, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		former := edited
		edited.Title, edited.Slug, edited.Tags, edited.HTML = "Wrong", "wrong", nil, "<p>Wrong.</p>"
		for range 2 { // the second change is held with the first
			if err := o.outbox.ReviseAs(o.soon(), &edited, federation.Manner{Hold: hold}); err != nil {
				t.Fatal(err)
			}
		}
		undone, err := o.outbox.Undo(o.soon(), a.ID)
		if err != nil || undone.Title != "Wrong" {
			t.Errorf("the words that were taken back are %q, %v", undone.Title, err)
		}
		o.afterHold(a)
		now, err := o.store.Article(o.soon(), a.ID)
		if err != nil || now.Title != former.Title || now.Slug != former.Slug || len(now.Tags) != 2 || now.HTML != former.HTML || now.Revision != former.Revision || now.UpdatedAt != nil {
			t.Errorf("the article is %+v, %v", now, err)
		}
		if _, _, after := o.get(o.path(o.object(a)), asMastodon); after != document {
			t.Errorf("its document was %s and is %s", document, after)
		}
		if kinds := got(veerhuis, o.object(a)); len(kinds) != 1 {
			t.Errorf("veerhuis was brought %v", kinds)
		}
		if err := o.outbox.ReviseAs(o.soon(), &now, federation.Manner{Hold: hold}); err != nil { // and again, for good
			t.Fatal(err)
		}
		o.afterHold(a)
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Update", o.object(a))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAWithdrawalDuringTheHoldOfAChangeDropsIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.readers("veerhuis")["veerhuis"]
		a := o.publish()
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		edited, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.ReviseAs(o.soon(), &edited, federation.Manner{Hold: hold}); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Withdraw(o.soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		o.afterHold(a)
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Delete", o.object(a))); err != nil {
			t.Fatal(err)
		}
		if kinds := strings.Join(got(veerhuis, o.object(a)), " "); kinds != "Create Delete" {
			t.Errorf("veerhuis was brought %s", kinds)
		}
	})
}

func TestAQuietCorrectionIsNotNewer(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.readers("veerhuis")["veerhuis"]
		a := o.publish()
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		told := o.edit(a, "Five minutes wide")
		o.until("the change is shown", func() bool { post, _ := veerhuis.Post(o.object(a)); return post.Edits == 1 })
		now, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		now.Title, now.Quotes = "Six minutes wide", "nobody"
		if err := o.outbox.ReviseAs(o.soon(), &now, federation.Manner{Quiet: true}); err != nil {
			t.Fatal(err)
		}
		if err := o.world.Wait(o.soon(), 2, neighbour.About("Update", o.object(a))); err != nil {
			t.Fatal(err)
		}
		letters := veerhuis.Received("Update")
		object, _ := letters[1].JSON()["object"].(map[string]any)
		if object["updated"] != told.UpdatedAt.Format(time.RFC3339) || object["name"] != "Six minutes wide" || object["interactionPolicy"] == nil {
			t.Errorf("the quiet correction says %v, updated %v; the told change was of %v", object["name"], object["updated"], told.UpdatedAt)
		}
		if post, _ := veerhuis.Post(o.object(a)); post.Edits != 1 || post.Title != "Five minutes wide" {
			t.Errorf("veerhuis shows %q after %d edits", post.Title, post.Edits)
		}
	})
}
