package outbox_test

import (
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestAServerGetsTheLastTenArticlesOnceWithItsFirstFollower(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		var columns []blog.Article
		for n := range 12 {
			columns = append(columns, o.PublishNumbered(n))
		}
		for i, visibility := range []blog.Visibility{blog.Unlisted, blog.Followers, blog.Local} {
			o.PublishNumbered(20+i, func(a *blog.Article) { a.Visibility = visibility })
		}
		o.Retitle(columns[5], "Column 5, mended")
		if err := o.Outbox.Withdraw(o.Soon(), columns[7].ID); err != nil {
			t.Fatal(err)
		}
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		o.RunWelcome(0, 5*time.Second)
		if got := overkant.DeliveredTitles(veerhuis, "Create"); len(got) != 0 {
			t.Errorf("in the first seconds it was brought %v", got)
		}
		o.RunWelcome(5*time.Second, 14*time.Second)
		if got := overkant.DeliveredTitles(veerhuis, "Create"); len(got) != 2 {
			t.Errorf("after a quarter of a minute it has %v, want a delivery every five seconds", got)
		}
		fresh := o.PublishNumbered(30) // goes to everybody at once
		o.RunWelcome(14*time.Second, 70*time.Second)
		want := []string{"Column 1", "Column 2", "Column 30", "Column 3", "Column 4", "Column 5, mended", "Column 6",
			"Column 8", "Column 9", "Column 10", "Column 11"}
		if got := overkant.DeliveredTitles(veerhuis, "Create"); !slices.Equal(got, want) {
			t.Errorf("it was brought %q, want %q", got, want)
		}
		for _, l := range veerhuis.Received("Create") {
			if l.Object != o.Object(columns[5]) {
				continue
			}
			said, err := o.Store.CreateActivityOf(o.Soon(), columns[5].ObjectID)
			object, _ := l.JSON()["object"].(map[string]any)
			if err != nil || l.ID != o.Site.ActivityID(said.ID) ||
				object["published"] != columns[5].PublishedAt.Format(time.RFC3339) || object["updated"] == nil {
				t.Errorf("the mended one came as %s, published %v, updated %v, %v", l.ID, object["published"], object["updated"],
					err)
			}
		}
		o.AddFollower(veerhuis.Person("nadia"))
		if _, err := veerhuis.Person("bram").Unfollow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.Person("nadia").Unfollow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.AddFollower(veerhuis.Person("joost"))
		o.RunWelcome(70*time.Second, 90*time.Second)
		if got := overkant.DeliveredTitles(veerhuis, "Create"); len(got) != len(want) {
			t.Errorf("later followers brought it %v", got[len(want):])
		}
		edited := o.Retitle(fresh, "Column 30, mended") // and what came by welcome is held like anything else
		o.Retitle(columns[4], "Column 4, mended")
		if err := o.World.WaitForCount(o.Soon(), 2, fedtest.OfType("Update")); err != nil {
			t.Errorf("edits of %s and of what came before: %v", edited.Title, err)
		}
	})
}

func TestAnUnfollowStopsTheWelcome(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for n := range 4 {
			o.PublishNumbered(n)
		}
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		o.RunWelcome(0, 7*time.Second)
		if _, err := bram.Unfollow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.RunWelcome(7*time.Second, 40*time.Second)
		if got := overkant.DeliveredTitles(veerhuis, "Create"); len(got) != 1 {
			t.Errorf("it was brought %v, want what came before the unfollow", got)
		}
	})
}

func TestAWelcomeFollowsTheAcceptAndSendsNothingTwice(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		first, second := o.PublishNumbered(1), o.PublishNumbered(2)
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		if _, err := bram.Like(o.Soon(), o.Object(first)); err != nil { // so that an edit reaches it before anybody follows
			t.Fatal(err)
		}
		o.Retitle(first, "Column 1, mended")
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Update", o.Object(first))); err != nil {
			t.Fatal(err)
		}
		o.Until("that is settled", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		if err := veerhuis.SetBehaviour(fedtest.FailingFirst(1, 503)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Follow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.Until("the accept was tried in vain",
			func() bool { silent, err := o.Store.SilentPeers(o.Soon()); return err == nil && len(silent) == 1 })
		late := o.Core
		late.Now = func() time.Time { return time.Now().Add(time.Hour) }
		outbox := &outbox.Outbox{Core: late, Wake: o.Courier.Wake}
		if err := outbox.SendDueWelcomes(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if _, deliveries, err := o.Store.CountWaiting(o.Soon()); err != nil || deliveries != 1 {
			t.Errorf("%d deliveries wait beside the accept, %v", deliveries-1, err)
		}
		o.EndBackoff(veerhuis.Host)
		if err := bram.WaitAccepted(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.Until("the accept is settled", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		o.RunWelcome(time.Hour, time.Hour+20*time.Second)
		if got := overkant.DeliveredTitles(veerhuis, "Create"); !slices.Equal(got, []string{second.Title}) {
			t.Errorf("it was brought %v, want only what it has not", got)
		}
	})
}
