package federation_test

import (
	"net/netip"
	"testing"
	"time"

	"causerie/internal/federation/neighbour"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

func TestF086AServerThatReadsTheNewerDialectAloneIsServedAndRememberedOverARestart(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		if err := veerhuis.Be(neighbour.NewerOnly()); err != nil {
			t.Fatal(err)
		}
		bram := veerhuis.Person("bram")
		if _, err := bram.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": bram.ID + "/f/1", "type": "Follow", "actor": bram.ID,
			"object": o.site.ActorID(o.ilse.ID)}, neighbour.Newer()); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.soon(), func(l neighbour.Letter) bool { return l.Type == "Accept" && l.Accepted() }); err != nil {
			t.Fatal(err)
		}
		a := o.publish()
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		for _, l := range veerhuis.Letters() {
			if !l.Accepted() { // our question for bram's key came before, and taught us
				t.Errorf("%s was brought in a dialect that is not read: %s", l.Type, l.Fault)
			}
		}
		newer, err := o.store.NewerSchemes(o.soon(), time.Now())
		if until := newer[veerhuis.Host]; err != nil || time.Until(until) < 6*24*time.Hour || time.Until(until) > 7*24*time.Hour {
			t.Fatalf("remembered until %v, %v; want a week", until, err)
		}
		again := remote.New(remote.Options{UserAgent: "Causerie/test", Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Newer: newer,
			Key: signature.Key{ID: o.site.InstanceID() + "#main-key", Private: o.instance.Private}, Learn: o.base.LearnScheme})
		defer again.Close()
		before := len(veerhuis.Visits())
		if _, err := again.Object(o.soon(), bram.ID); err != nil {
			t.Fatal(err)
		}
		if got := len(veerhuis.Visits()) - before; got != 1 {
			t.Errorf("after a restart one question took %d", got)
		}
		if newer, err = o.store.NewerSchemes(o.soon(), time.Now().Add(8*24*time.Hour)); err != nil || len(newer) != 0 {
			t.Errorf("after more than a week: %v, %v", newer, err)
		}
		o.base.LearnScheme(o.soon(), veerhuis.Host, time.Time{})
		if newer, err = o.store.NewerSchemes(o.soon(), time.Now()); err != nil || len(newer) != 0 {
			t.Errorf("after it was forgotten: %v, %v", newer, err)
		}
	})
}
