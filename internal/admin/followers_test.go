package admin_test

import (
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestFollowersAreShownWithTheirServersAndTheLastDelivery(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s, err := store.Open(t.Context(), database)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { s.Close() })
		o := open(t, s, t.TempDir())
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Writer)
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin")
		o.befriend(veerhuis.Person("bram"), "ilse")
		o.befriend(zilverduin.Person("kade"), "ilse")
		b := o.signIn("ilse")
		// What arrived is no news.
		o.until("both have heard the yes", func() bool {
			return !strings.Contains(b.open("/admin/followers").text(), "your approval")
		})
		b.sees("2 followers on 2 servers", veerhuis.Host).lacks("delivered")
		if err := veerhuis.SetBehaviour(fedtest.Refusing(403)); err != nil {
			t.Fatal(err)
		}
		o.published(b, "open")
		o.until("one refused", func() bool { return strings.Contains(b.open("/admin/followers").text(), ": refused (403") })

		then := time.Now().AddDate(0, 0, -31)
		storetest.Change(t, database, `UPDATE peers SET failures = 9, unavailable_since = ?, last_success = ?, last_heard `+
			`= NULL WHERE host = ?`, then.AddDate(0, 0, 7), then, zilverduin.Host)
		if _, _, err := s.SuspendDead(t.Context(), time.Now()); err != nil {
			t.Fatal(err)
		}
		b.open("/admin/followers").sees("1 follower on 1 server", "1 follower is set aside", "See which")
		b.open("/admin/network").sees("Silent for a month", zilverduin.Host, "Silent since", "1 follower is set aside.")
		o.author("maud", "Maud Terpstra", blog.Writer)
		o.signIn("maud").open("/admin/network").lacks("Silent for a month")
		b.press("Try again: "+zilverduin.Host).want(200,
			"/admin/network").sees("They are followers again.").lacks("Silent for a month")
		b.open("/admin/followers").sees("2 followers on 2 servers")
		storetest.Change(t, database, `UPDATE followers SET state = 'aside' WHERE voice_id = ? AND actor_id LIKE ?`,
			string(ilse.ID), zilverduin.URL+"%")
		b.open("/admin/network").press("Remove: "+zilverduin.Host).want(200, "/admin/network").sees("no longer followers")
		b.open("/admin/followers").sees("1 follower on 1 server").lacks("set aside")
	})
}
