package outbox_test

import (
	"bytes"
	"fmt"
	"net/http"
	"slices"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestAnEditGoesToTheThreeOfFiveServersThatHaveTheArticle(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		servers := o.AddReaders("veerhuis", "noordkade", "dijla", "lagewal", "steiger")
		for name, mood := range map[string]fedtest.Behaviour{"lagewal": fedtest.Refusing(403), "steiger": fedtest.Closed()} {
			if err := servers[name].SetBehaviour(mood); err != nil {
				t.Fatal(err)
			}
		}
		a := o.Publish()
		if err := o.World.WaitForCount(o.Soon(), 3, fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		o.Until("every server was tried", func() bool {
			for _, r := range o.DeliveryRows(a) {
				if r.Attempts == 0 {
					return false
				}
			}
			return true
		})
		if err := servers["lagewal"].SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		o.Until("steiger rests", func() bool {
			silent, err := o.Store.SilentPeers(o.Soon())
			return err == nil &&
				len(silent) == 1
		})
		o.Retitle(a, "Five minutes wide")
		if err := o.World.WaitForCount(o.Soon(), 3, fedtest.About("Update", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		o.WaitDelivered(a)
		if n := o.World.CountDeliveries(func(l fedtest.Delivery) bool { return l.Type == "Update" }); n != 3 {
			t.Errorf("%d Updates went out, want 3", n)
		}
		// The one that was away gets the new words at once, and no correction of words that it never had.
		if err := servers["steiger"].SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.Retry(o.Soon(), a.ID, servers["steiger"].Host); err != nil {
			t.Fatal(err)
		}
		delivery, err := servers["steiger"].WaitFor(o.Soon(), fedtest.About("Create", o.Object(a)))
		if err != nil {
			t.Fatal(err)
		}
		o.WaitDelivered(a)
		if post, _ := servers["steiger"].FindPost(o.Object(a)); post.Title != "Five minutes wide" ||
			len(overkant.DeliveredTypes(servers["steiger"], o.Object(a))) != 1 {
			t.Errorf("steiger shows %q after %v", post.Title, overkant.DeliveredTypes(servers["steiger"], o.Object(a)))
		}
		said, err := o.Store.CreateActivityOf(o.Soon(), a.ObjectID)
		if err != nil || delivery.ID != o.Site.ActivityID(said.ID) {
			t.Errorf("the article came as %s, want the first activity %s, %v", delivery.ID, said.ID, err)
		}
	})
}

func TestAnEditOfAnArticleThatNoServerHasSendsNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		latecomer := o.AddReaders("noordkade")["noordkade"]
		before := o.World.TotalDeliveries()
		o.Retitle(a, "Five minutes wide")
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		if _, deliveries, err := o.Store.CountWaiting(o.Soon()); err != nil || deliveries != 0 {
			t.Errorf("%d deliveries wait, %v", deliveries, err)
		}
		time.Sleep(200 * time.Millisecond)
		if o.World.TotalDeliveries() != before {
			t.Errorf("noordkade got %v", overkant.DeliveredTypes(latecomer, o.Object(a)))
		}
	})
}

func TestF050AnEditCarriesEverythingAndReachesWhoeverAnsweredOrReacted(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		ctx := o.Soon()
		replier, liker, sharer := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia"),
			o.Server("dijla").Person("samir")
		for _, act := range []func() (fedtest.Sent, error){
			func() (fedtest.Sent, error) { return replier.Reply(ctx, o.Object(a), "<p>How wide?</p>") },
			func() (fedtest.Sent, error) { return liker.Like(ctx, o.Object(a)) },
			func() (fedtest.Sent, error) { return sharer.Boost(ctx, o.Object(a)) },
		} {
			if _, err := act(); err != nil {
				t.Fatal(err)
			}
		}
		edited := o.Retitle(a, "Five minutes wide")
		for _, p := range []*fedtest.Person{replier, liker, sharer} {
			delivery, err := p.Server.WaitFor(ctx, fedtest.About("Update", o.Object(a)))
			if err != nil {
				t.Fatal(err)
			}
			object, _ := delivery.JSON()["object"].(map[string]any)
			for _, name := range []string{"id", "type", "attributedTo", "url", "name", "content", "contentMap", "published",
				"to", "cc", "tag", "replies", "interactionPolicy"} {
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

func TestAWithdrawalReachesEveryServerThatMayHaveACopyAndNoOther(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		servers := o.AddReaders("veerhuis", "noordkade", "lagewal", "steiger")
		moods := map[string]fedtest.Behaviour{"noordkade": fedtest.DroppingResponses(), "lagewal": fedtest.Refusing(403),
			"steiger": fedtest.Closed()}
		for name, mood := range moods {
			if err := servers[name].SetBehaviour(mood); err != nil {
				t.Fatal(err)
			}
		}
		a := o.Publish()
		o.Until("every server was tried", func() bool {
			tried := 0
			for _, r := range o.DeliveryRows(a) {
				if r.Attempts > 0 {
					tried++
				}
			}
			return tried == 4
		})
		o.Until("the silent ones rest", func() bool {
			silent, err := o.Store.SilentPeers(o.Soon())
			return err == nil &&
				len(silent) == 2
		})
		for name := range moods {
			if err := servers[name].SetBehaviour(fedtest.Healthy()); err != nil {
				t.Fatal(err)
			}
		}
		if _, ok := servers["noordkade"].FindPost(o.Object(a)); !ok {
			t.Fatal("noordkade did not take what it never acknowledged")
		}
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.Retry(o.Soon(), a.ID, ""); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"veerhuis", "noordkade"} {
			if _, err := servers[name].WaitFor(o.Soon(), fedtest.About("Delete", o.Object(a))); err != nil {
				t.Fatal(err)
			}
		}
		o.WaitDelivered(a)
		for name, want := range map[string]string{"veerhuis": "[Create Delete]", "noordkade": "[Create Delete]",
			"lagewal": "[Create]", "steiger": "[]"} {
			// One and the same delivery may be knocked with twice.
			if kinds := fmt.Sprint(slices.Compact(overkant.DeliveredTypes(servers[name], o.Object(a)))); kinds != want {
				t.Errorf("%s was brought %s, want %s", name, kinds, want)
			}
		}
	})
}

func TestF044PublishingAgainUsesAFreshIDAtTheSameAddress(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.AddReaders("veerhuis")["veerhuis"]
		first := o.Publish()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(first))); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.Withdraw(o.Soon(), first.ID); err != nil {
			t.Fatal(err)
		}
		again, err := o.Outbox.Publish(o.Soon(), first.ID)
		if err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(again)))
		if err != nil {
			t.Fatal(err)
		}
		if again.ObjectID == first.ObjectID || o.Site.ArticlePath(again) != o.Site.ArticlePath(first) {
			t.Errorf("published again as %s at %s", again.ObjectID, o.Site.ArticlePath(again))
		}
		object, _ := delivery.JSON()["object"].(map[string]any)
		if object["url"] != o.Site.ArticlePage(first) {
			t.Errorf("its page is %v, want %s", object["url"], o.Site.ArticlePage(first))
		}
		if code, _, _ := o.Get(o.Path(o.Object(first)), overkant.AsMastodon); code != http.StatusGone {
			t.Errorf("the old id answers %d, want 410", code)
		}
		if code, doc := o.Document(o.Path(o.Object(again))); code != http.StatusOK || doc.ID != o.Object(again) {
			t.Errorf("the new id answers %d %s", code, doc.ID)
		}
		if n := o.World.CountDeliveries(fedtest.About("Create", o.Object(first))); n != 1 {
			t.Errorf("%d Creates of the old id, want 1", n)
		}
	})
}

func TestF046EveryAttemptSendsTheSameStoredBytes(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.AddReaders("veerhuis")["veerhuis"]
		if err := veerhuis.SetBehaviour(fedtest.DroppingResponses()); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		created := func(l fedtest.Delivery) bool { return l.Type == "Create" }
		first, err := veerhuis.WaitFor(o.Soon(), created)
		if err != nil {
			t.Fatal(err)
		}
		said, err := o.Store.CreateActivityOf(o.Soon(), a.ObjectID)
		if err != nil || !bytes.Equal(said.Payload, first.Body) {
			t.Errorf("written down: %s\nsent: %s, %v", said.Payload, first.Body, err)
		}
		if said.At.After(first.At) {
			t.Errorf("written down at %v, sent at %v", said.At, first.At)
		}
		o.Until("it was tried in vain", func() bool { return o.DeliveryRows(a)[veerhuis.Host].Attempts == 1 })
		o.Retitle(a, "Five minutes wide") // it may have arrived: the same again, and then the edit
		o.Until("it rests", func() bool {
			silent, err := o.Store.SilentPeers(o.Soon())
			return err == nil &&
				len(silent) == 1
		})
		if err := veerhuis.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.Retry(o.Soon(), a.ID, ""); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Update", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		deliveries := veerhuis.Received("Create")
		if last := deliveries[len(deliveries)-1]; !bytes.Equal(last.Body, first.Body) {
			t.Errorf("first %s\nthen %s", first.Body, last.Body)
		}
		if post, _ := veerhuis.FindPost(o.Object(a)); post.Title != "Five minutes wide" {
			t.Errorf("it shows %q", post.Title)
		}
	})
}

func TestAnEditWhileTheFirstDeliveryIsOnItsWayIsNotLost(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.AddReaders("steiger")["steiger"]
		if err := steiger.SetBehaviour(fedtest.Slow(500 * time.Millisecond)); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		o.Until("it is on its way",
			func() bool { return time.Until(o.DeliveryRows(a)[steiger.Host].NextAt) > 30*time.Second })
		o.Retitle(a, "Five minutes wide")
		o.Until("the new words are shown", func() bool {
			post,
				_ := steiger.FindPost(o.Object(a))
			return post.Title == "Five minutes wide"
		})
		o.WaitDelivered(a)
		if kinds := fmt.Sprint(overkant.DeliveredTypes(steiger, o.Object(a))); kinds != "[Create Update]" &&
			kinds != "[Create]" {
			t.Errorf("steiger was brought %s", kinds)
		}
	})
}
