package federation_test

import (
	"bytes"
	"errors"
	"maps"
	"net/http"
	"net/http/httptest"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// silence makes a server one that was given up so many days ago and has not spoken since.
func silence(t *testing.T, database, host string, days int) {
	t.Helper()
	then := time.Now().AddDate(0, 0, -days)
	storetest.Change(t, database, `UPDATE peers SET failures = 9, failing_days = 7, failed_on = 'x', unavailable_since = ?, last_success = ?, last_heard = NULL WHERE host = ?`,
		then.AddDate(0, 0, 7), then, host)
}

func TestFollowersOfDeadServersAreSetAsideUntilTheySpeakAgain(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := openStore(t, database)
		o := start(t, s)
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		o.befriend(kade)
		counts := func(accepted, aside int) {
			t.Helper()
			if n, err := s.CountFollowers(o.soon(), o.ilse.ID); err != nil || n.Accepted != accepted || n.Aside != aside || n.Servers != accepted {
				t.Errorf("followers: %+v, %v", n, err)
			}
			o.until("other servers are told of as many", func() bool {
				_, doc := o.document("/ap/actors/" + string(o.ilse.ID) + "/followers")
				return doc.TotalItems == accepted
			})
		}
		pass := func(aside, back int64) {
			t.Helper()
			if a, b, err := s.SetAside(o.soon(), time.Now()); err != nil || a != aside || b != back {
				t.Errorf("set aside %d, brought back %d, %v", a, b, err)
			}
		}
		silence(t, database, kade.Server.Host, 29)
		pass(0, 0)
		silence(t, database, kade.Server.Host, 31)
		pass(1, 0)
		pass(0, 0)
		counts(1, 1)
		if list, err := s.AsideServers(o.soon(), o.ilse.ID); err != nil || len(list) != 1 || list[0].Host != kade.Server.Host || list[0].Followers != 1 || list[0].SilentSince() == nil {
			t.Errorf("set aside are %+v, %v", list, err)
		}
		a := o.publish()
		if _, err := bram.Server.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		if n := len(kade.Server.Received("Create")); n != 0 {
			t.Errorf("%d letters to a server that is set aside", n)
		}
		there, err := s.FollowersAt(o.soon(), o.ilse.ID, kade.Server.URL)
		if err != nil || len(there) != 1 {
			t.Errorf("to their own server they are followers still: %v, %v", there, err)
		}
		o.hearAfterAWhile(kade, map[string]any{"id": kade.ID + "#like", "type": "Like", "actor": kade.ID, "object": o.object(a)})
		counts(2, 0)

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		storetest.Change(t, database, `UPDATE peers SET failures = 0, unavailable_since = NULL, last_success = ? WHERE host = ?`, time.Now(), kade.Server.Host)
		pass(0, 1) // it took a letter that was tried by hand

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		if err := s.TryAgain(o.soon(), o.ilse.ID, kade.Server.Host, time.Now()); err != nil {
			t.Fatal(err)
		}
		counts(2, 0)
		pass(0, 0) // and has another month

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		if _, err := kade.Follow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		counts(2, 0)

		silence(t, database, kade.Server.Host, 40)
		pass(1, 0)
		for range 2 {
			err = s.RemoveAside(o.soon(), o.ilse.ID, kade.Server.Host)
			counts(1, 0)
		}
		if !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("removed twice: %v", err)
		}
		if err := s.TryAgain(o.soon(), "", kade.Server.Host, time.Now()); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("brought back when nobody was set aside: %v", err)
		}
	})
}

// hearAfterAWhile brings a letter to an inbox that has not heard from its server lately, as after a restart.
func (o *overkant) hearAfterAWhile(p *neighbour.Person, activity any) {
	o.t.Helper()
	inbox := o.anotherInbox(o.base)
	letter, err := p.Prepare(o.site.SharedInbox(), activity)
	if err != nil {
		o.t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, letter.URL, bytes.NewReader(letter.Body))
	maps.Copy(r.Header, letter.Header)
	w := httptest.NewRecorder()
	inbox.ServeHTTP(w, r)
	if w.Code != http.StatusAccepted {
		o.t.Fatalf("it answers %d %s", w.Code, w.Body)
	}
}

func openStore(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestFollowerWhoseServerHasNotHeardTheYesIsToldAgain(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := openStore(t, database)
		o := start(t, s)
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(kade)
		ilse := o.site.ActorID(o.ilse.ID)
		if err := bram.Server.Be(neighbour.Refusing(403)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Follow(o.soon(), ilse); err != nil {
			t.Fatal(err)
		}
		later := time.Now().Add(time.Hour)
		var list []store.Unheard
		o.until("the yes is refused", func() (found bool) {
			var err error
			list, err = s.Unheard(o.t.Context(), later)
			return err == nil && len(list) == 1 && list[0].Status.Settled()
		})
		if u := list[0]; u.ActorID != bram.ID || u.Voice != "ilse" || u.State != blog.Accepted || u.Status != blog.Refused || u.Code != 403 {
			t.Errorf("%+v", u)
		}
		fates, err := s.Fates(o.soon(), o.ilse.ID, []string{bram.Inbox(), kade.Inbox()})
		if err != nil || fates[bram.Inbox()].Status != blog.Refused || fates[kade.Inbox()].Status != blog.Delivered || fates[bram.Inbox()].Kind != "Accept" {
			t.Errorf("what became of the last letters: %+v, %v", fates, err)
		}
		if early, err := s.Unheard(o.soon(), time.Now().Add(-time.Hour)); err != nil || len(early) != 1 {
			t.Errorf("what is refused at once needs no time: %+v, %v", early, err)
		}
		if err := s.Forget(o.soon(), time.Now().AddDate(0, 2, 0)); err != nil {
			t.Fatal(err)
		}
		if list, err := s.Unheard(o.soon(), later); err != nil || len(list) != 1 || list[0].Status != blog.Refused {
			t.Errorf("two months later: %+v, %v", list, err)
		}
		if err := bram.Server.Be(neighbour.Healthy()); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.AcceptAgain(o.soon(), o.ilse.ID, bram.ID); err != nil {
			t.Fatal(err)
		}
		if err := bram.WaitAccepted(o.soon(), ilse); err != nil {
			t.Fatal(err)
		}
		o.until("nobody is left", func() bool { list, err := s.Unheard(o.t.Context(), later); return err == nil && len(list) == 0 })

		storetest.Change(t, database, `UPDATE followers SET state = 'pending' WHERE actor_id = ?`, kade.ID)
		list, err = s.Unheard(o.soon(), later)
		if err != nil || len(list) != 1 || list[0].ActorID != kade.ID || list[0].State != blog.Pending {
			t.Fatalf("one who waits for nothing: %+v, %v", list, err)
		}
		if err := o.outbox.AcceptAgain(o.soon(), o.ilse.ID, kade.ID); err != nil {
			t.Fatal(err)
		}
		if f, err := s.Follower(o.soon(), o.ilse.ID, kade.ID); err != nil || f.State != blog.Accepted {
			t.Errorf("afterwards: %+v, %v", f, err)
		}
	})
}
