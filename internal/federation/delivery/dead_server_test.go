package delivery_test

import (
	"errors"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// silence makes a server one that was given up so many days ago and has not spoken since.
func silence(t *testing.T, database, host string, days int) {
	t.Helper()
	then := time.Now().AddDate(0, 0, -days)
	storetest.Change(t, database, `UPDATE peers SET failures = 9, failing_days = 7, failed_on = 'x', unavailable_since `+
		`= ?, last_success = ?, last_heard = NULL WHERE host = ?`,
		then.AddDate(0, 0, 7), then, host)
}

func TestFollowersOfDeadServersAreSetAsideUntilTheServersAreBack(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := overkant.OpenStore(t, database)
		o := overkant.Start(t, s)
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		o.AddFollower(kade)
		counts := func(accepted, aside int) {
			t.Helper()
			if n, err := s.CountFollowers(o.Soon(), o.Ilse.ID); err != nil || n.Accepted != accepted || n.Aside != aside ||
				n.Servers != accepted {
				t.Errorf("followers: %+v, %v", n, err)
			}
			o.Until("other servers are told of as many", func() bool {
				_, doc := o.Document("/ap/actors/" + string(o.Ilse.ID) + "/followers")
				return doc.TotalItems == accepted
			})
		}
		pass := func(aside, back int64) {
			t.Helper()
			if a, b, err := s.SuspendDead(o.Soon(), time.Now()); err != nil || a != aside || b != back {
				t.Errorf("set aside %d, brought back %d, %v", a, b, err)
			}
		}
		silence(t, database, kade.Server.Host, 29)
		pass(0, 0)
		silence(t, database, kade.Server.Host, 31)
		pass(1, 0)
		pass(0, 0)
		counts(1, 1)
		if list, err := s.AsideServers(o.Soon(), o.Ilse.ID); err != nil || len(list) != 1 ||
			list[0].Host != kade.Server.Host || list[0].Followers != 1 || list[0].SilentSince() == nil {
			t.Errorf("set aside are %+v, %v", list, err)
		}
		a := o.Publish()
		if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		if n := len(kade.Server.Received("Create")); n != 0 {
			t.Errorf("%d deliveries to a server that is set aside", n)
		}
		there, err := s.FollowersAt(o.Soon(), o.Ilse.ID, kade.Server.URL)
		if err != nil || len(there) != 1 {
			t.Errorf("to their own server they are followers still: %v, %v", there, err)
		}
		o.ReceiveAfterRestart(kade, map[string]any{"id": kade.ID + "#like", "type": "Like", "actor": kade.ID,
			"object": o.Object(a)})
		counts(2, 0)

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		storetest.Change(t, database, `UPDATE peers SET failures = 0, unavailable_since = NULL, last_success = ? WHERE `+
			`host = ?`, time.Now(), kade.Server.Host)
		pass(0, 1) // it took a delivery that was tried by hand

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		if err := s.RetryDead(o.Soon(), o.Ilse.ID, kade.Server.Host, time.Now()); err != nil {
			t.Fatal(err)
		}
		counts(2, 0)
		pass(0, 0) // and has another month

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		if _, err := kade.Follow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		counts(2, 0)

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		for range 2 {
			err = s.DropSuspended(o.Soon(), o.Ilse.ID, kade.Server.Host)
			counts(1, 0)
		}
		if !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
		if err := s.RetryDead(o.Soon(), "", kade.Server.Host, time.Now()); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("brought back when nobody was set aside: %v", err)
		}
	})
}

func TestAFollowerWhoseServerMissedTheAcceptGetsItAgain(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := overkant.OpenStore(t, database)
		o := overkant.Start(t, s)
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(kade)
		ilse := o.Site.ActorID(o.Ilse.ID)
		if err := bram.Server.SetBehaviour(fedtest.Refusing(403)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Follow(o.Soon(), ilse); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Hour)
		var list []store.UnconfirmedFollower
		o.Until("the yes is refused", func() (found bool) {
			var err error
			list, err = s.UnconfirmedFollowers(o.T.Context(), later)
			return err == nil && len(list) == 1 && list[0].Status.Settled()
		})
		if u := list[0]; u.ActorID != bram.ID || u.Voice != "ilse" || u.State != blog.Accepted || u.Status != blog.Refused ||
			u.Code != 403 {
			t.Errorf("%+v", u)
		}
		fates, err := s.LastDeliveries(o.Soon(), o.Ilse.ID, []string{bram.Inbox(), kade.Inbox()})
		if err != nil || fates[bram.Inbox()].Status != blog.Refused || fates[kade.Inbox()].Status != blog.Delivered ||
			fates[bram.Inbox()].Kind != "Accept" {
			t.Errorf("what became of the last deliveries: %+v, %v", fates, err)
		}
		if early, err := s.UnconfirmedFollowers(o.Soon(), time.Now().Add(-time.Hour)); err != nil || len(early) != 1 {
			t.Errorf("what is refused at once needs no time: %+v, %v", early, err)
		}
		if err := s.Forget(o.Soon(), time.Now().AddDate(0, 2, 0)); err != nil {
			t.Fatal(err)
		}
		if list, err := s.UnconfirmedFollowers(o.Soon(), later); err != nil || len(list) != 1 ||
			list[0].Status != blog.Refused {
			t.Errorf("two months later: %+v, %v", list, err)
		}
		if err := bram.Server.SetBehaviour(fedtest.Healthy()); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.AcceptAgain(o.Soon(), o.Ilse.ID, bram.ID); err != nil {
			t.Fatal(err)
		}
		if err := bram.WaitAccepted(o.Soon(), ilse); err != nil {
			t.Fatal(err)
		}
		o.Until("nobody is left", func() bool {
			list, err := s.UnconfirmedFollowers(o.T.Context(), later)
			return err == nil && len(list) == 0
		})

		storetest.Change(t, database, `UPDATE followers SET state = 'pending' WHERE actor_id = ?`, kade.ID)
		list, err = s.UnconfirmedFollowers(o.Soon(), later)
		if err != nil || len(list) != 1 || list[0].ActorID != kade.ID || list[0].State != blog.Pending {
			t.Fatalf("one who waits for nothing: %+v, %v", list, err)
		}
		if err := o.Outbox.AcceptAgain(o.Soon(), o.Ilse.ID, kade.ID); err != nil {
			t.Fatal(err)
		}
		if f, err := s.Follower(o.Soon(), o.Ilse.ID, kade.ID); err != nil || f.State != blog.Accepted {
			t.Errorf("afterwards: %+v, %v", f, err)
		}
	})
}
