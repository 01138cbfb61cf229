package federation_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

// edit changes an article's title and says so.
func (o *overkant) edit(a blog.Article, title string) blog.Article {
	o.t.Helper()
	edited, err := o.store.Article(o.soon(), a.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	edited.Title = title
	if err := o.outbox.Revise(o.soon(), &edited); err != nil {
		o.t.Fatal(err)
	}
	return edited
}

// quietly waits until no letter is on its way to a server that answers.
func (o *overkant) quietly(a blog.Article) {
	o.t.Helper()
	o.until("nothing is on its way", func() bool {
		reports, err := o.store.Reports(o.soon(), a.ID)
		if err != nil {
			return false
		}
		for _, r := range reports {
			if r.Status == blog.Waiting && !r.NextAt.After(time.Now().Add(30*time.Second)) {
				return false
			}
		}
		return true
	})
}

// readers makes servers with a reader of Ilse's on each.
func (o *overkant) readers(names ...string) map[string]*neighbour.Server {
	o.t.Helper()
	servers := map[string]*neighbour.Server{}
	for _, name := range names {
		servers[name] = o.server(name)
		o.befriend(servers[name].Person("reader"))
	}
	return servers
}

// got is what a server was brought about an object, accepted or not, by type.
func got(s *neighbour.Server, object string) (kinds []string) {
	for _, l := range s.Letters() {
		if l.Object == object {
			kinds = append(kinds, l.Type)
		}
	}
	return kinds
}

func TestAnEditGoesToTheThreeOfFiveThatHoldIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		servers := o.readers("veerhuis", "noordkade", "dijla", "lagewal", "steiger")
		for name, mood := range map[string]neighbour.Mood{"lagewal": neighbour.Refusing(403), "steiger": neighbour.Closed()} {
			if err := servers[name].Be(mood); err != nil {
				t.Fatal(err)
			}
		}
		a := o.publish()
		if err := o.world.Wait(o.soon(), 3, neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		o.until("every server was tried", func() bool {
			for _, r := range o.report(a) {
				if r.Attempts == 0 {
					return false
				}
			}
			return true
		})
		if err := servers["lagewal"].Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		o.until("steiger rests", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 1 })
		o.edit(a, "Five minutes wide")
		if err := o.world.Wait(o.soon(), 3, neighbour.About("Update", o.object(a))); err != nil {
			t.Fatal(err)
		}
		o.quietly(a)
		if n := o.world.Count(func(l neighbour.Letter) bool { return l.Type == "Update" }); n != 3 {
			t.Errorf("%d Updates went out, want 3", n)
		}
		// The one that was away gets the new words at once, and no correction of words that it never had.
		if err := servers["steiger"].Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.Retry(o.soon(), a.ID, servers["steiger"].Host); err != nil {
			t.Fatal(err)
		}
		letter, err := servers["steiger"].WaitFor(o.soon(), neighbour.About("Create", o.object(a)))
		if err != nil {
			t.Fatal(err)
		}
		o.quietly(a)
		if post, _ := servers["steiger"].Post(o.object(a)); post.Title != "Five minutes wide" || len(got(servers["steiger"], o.object(a))) != 1 {
			t.Errorf("steiger shows %q after %v", post.Title, got(servers["steiger"], o.object(a)))
		}
		said, err := o.store.Created(o.soon(), a.ObjectID)
		if err != nil || letter.ID != o.site.ActivityID(said.ID) {
			t.Errorf("the article came as %s, want the first activity %s, %v", letter.ID, said.ID, err)
		}
	})
}

func TestAnEditOfWhatNobodyHoldsIsNoRequest(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		latecomer := o.readers("noordkade")["noordkade"]
		before := o.world.Letters()
		o.edit(a, "Five minutes wide")
		if err := o.outbox.Withdraw(o.soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		if _, letters, err := o.store.CountWaiting(o.soon()); err != nil || letters != 0 {
			t.Errorf("%d letters wait, %v", letters, err)
		}
		time.Sleep(200 * time.Millisecond)
		if o.world.Letters() != before {
			t.Errorf("noordkade got %v", got(latecomer, o.object(a)))
		}
	})
}

func TestF050AnEditCarriesEverythingAndReachesWhoeverAnsweredOrReacted(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		ctx := o.soon()
		replier, liker, sharer := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia"), o.server("dijla").Person("samir")
		for _, act := range []func() (neighbour.Sent, error){
			func() (neighbour.Sent, error) { return replier.Reply(ctx, o.object(a), "<p>How wide?</p>") },
			func() (neighbour.Sent, error) { return liker.Like(ctx, o.object(a)) },
			func() (neighbour.Sent, error) { return sharer.Boost(ctx, o.object(a)) },
		} {
			if _, err := act(); err != nil {
				t.Fatal(err)
			}
		}
		edited := o.edit(a, "Five minutes wide")
		for _, p := range []*neighbour.Person{replier, liker, sharer} {
			letter, err := p.Server.WaitFor(ctx, neighbour.About("Update", o.object(a)))
			if err != nil {
				t.Fatal(err)
			}
			object, _ := letter.JSON()["object"].(map[string]any)
			for _, name := range []string{"id", "type", "attributedTo", "url", "name", "content", "contentMap", "published", "to", "cc", "tag", "replies", "interactionPolicy"} {
				if object[name] == nil {
					t.Errorf("%s: the object has no %s", p.Handle(), name)
				}
			}
			updated, err := time.Parse(time.RFC3339, fmt.Sprint(object["updated"]))
			if err != nil || !updated.After(*edited.PublishedAt) || object["name"] != "Five minutes wide" {
				t.Errorf("%s: %v, updated %v after %v, %v", p.Handle(), object["name"], object["updated"], edited.PublishedAt, err)
			}
		}
	})
}

func TestAWithdrawalReachesWhoMayHaveACopyAndNobodyElse(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		servers := o.readers("veerhuis", "noordkade", "lagewal", "steiger")
		moods := map[string]neighbour.Mood{"noordkade": neighbour.Swallowing(), "lagewal": neighbour.Refusing(403), "steiger": neighbour.Closed()}
		for name, mood := range moods {
			if err := servers[name].Be(mood); err != nil {
				t.Fatal(err)
			}
		}
		a := o.publish()
		o.until("every server was tried", func() bool {
			tried := 0
			for _, r := range o.report(a) {
				if r.Attempts > 0 {
					tried++
				}
			}
			return tried == 4
		})
		o.until("the silent ones rest", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 2 })
		for name := range moods {
			if err := servers[name].Be(neighbour.Healthy()); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := servers["noordkade"].Post(o.object(a)); !ok {
			t.Fatal("noordkade did not take what it never acknowledged")
		}
		if err := o.outbox.Withdraw(o.soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.Retry(o.soon(), a.ID, ""); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"veerhuis", "noordkade"} {
			if _, err := servers[name].WaitFor(o.soon(), neighbour.About("Delete", o.object(a))); err != nil {
				t.Fatal(err)
			}
		}
		o.quietly(a)
		for name, want := range map[string]string{"veerhuis": "[Create Delete]", "noordkade": "[Create Delete]", "lagewal": "[Create]", "steiger": "[]"} {
			// One and the same letter may be knocked with twice.
			if kinds := fmt.Sprint(slices.Compact(got(servers[name], o.object(a)))); kinds != want {
				t.Errorf("%s was brought %s, want %s", name, kinds, want)
			}
		}
	})
}

func TestF044PublishingAgainUsesAFreshIDAtTheSameAddress(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.readers("veerhuis")["veerhuis"]
		first := o.publish()
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(first))); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Withdraw(o.soon(), first.ID); err != nil {
			t.Fatal(err)
		}
		again, err := o.outbox.Publish(o.soon(), first.ID)
		if err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(again)))
		if err != nil {
			t.Fatal(err)
		}
		if again.ObjectID == first.ObjectID || o.site.ArticlePath(again) != o.site.ArticlePath(first) {
			t.Errorf("published again as %s at %s", again.ObjectID, o.site.ArticlePath(again))
		}
		object, _ := letter.JSON()["object"].(map[string]any)
		if object["url"] != o.site.ArticlePage(first) {
			t.Errorf("its page is %v, want %s", object["url"], o.site.ArticlePage(first))
		}
		if code, _, _ := o.get(o.path(o.object(first)), asMastodon); code != http.StatusGone {
			t.Errorf("the old id answers %d, want 410", code)
		}
		if code, doc := o.document(o.path(o.object(again))); code != http.StatusOK || doc.ID != o.object(again) {
			t.Errorf("the new id answers %d %s", code, doc.ID)
		}
		if n := o.world.Count(neighbour.About("Create", o.object(first))); n != 1 {
			t.Errorf("%d Creates of the old id, want 1", n)
		}
	})
}

func TestF046EveryTryBringsTheSameBytesOfWhatWasWrittenDownBefore(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.readers("veerhuis")["veerhuis"]
		if err := veerhuis.Be(neighbour.Swallowing()); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		created := func(l neighbour.Letter) bool { return l.Type == "Create" }
		first, err := veerhuis.WaitFor(o.soon(), created)
		if err != nil {
			t.Fatal(err)
		}
		said, err := o.store.Created(o.soon(), a.ObjectID)
		if err != nil || !bytes.Equal(said.Payload, first.Body) {
			t.Errorf("written down: %s\nsent: %s, %v", said.Payload, first.Body, err)
		}
		if said.At.After(first.At) {
			t.Errorf("written down at %v, sent at %v", said.At, first.At)
		}
		o.until("it was tried in vain", func() bool { return o.report(a)[veerhuis.Host].Attempts == 1 })
		o.edit(a, "Five minutes wide") // it may have arrived: the same again, and then the edit
		o.until("it rests", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 1 })
		if err := veerhuis.Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.Retry(o.soon(), a.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Update", o.object(a))); err != nil {
			t.Fatal(err)
		}
		letters := veerhuis.Received("Create")
		if last := letters[len(letters)-1]; !bytes.Equal(last.Body, first.Body) {
			t.Errorf("first %s\nthen %s", first.Body, last.Body)
		}
		if post, _ := veerhuis.Post(o.object(a)); post.Title != "Five minutes wide" {
			t.Errorf("it shows %q", post.Title)
		}
	})
}

func TestAnEditWhileTheFirstLetterIsOnItsWayIsNotLost(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.readers("steiger")["steiger"]
		if err := steiger.Be(neighbour.Slow(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		o.until("it is on its way", func() bool { return time.Until(o.report(a)[steiger.Host].NextAt) > 30*time.Second })
		o.edit(a, "Five minutes wide")
		o.until("the new words are shown", func() bool { post, _ := steiger.Post(o.object(a)); return post.Title == "Five minutes wide" })
		o.quietly(a)
		if kinds := fmt.Sprint(got(steiger, o.object(a))); kinds != "[Create Update]" && kinds != "[Create]" {
			t.Errorf("steiger was brought %s", kinds)
		}
	})
}
