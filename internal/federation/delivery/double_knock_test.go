package delivery_test

import (
	"net/netip"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

func TestF086AServerThatReadsRFC9421AloneIsServedAndRememberedOverARestart(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		if err := veerhuis.SetBehaviour(fedtest.RequiringRFC9421()); err != nil {
			t.Fatal(err)
		}
		bram := veerhuis.Person("bram")
		if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": bram.ID + "/f/1", "type": "Follow", "actor": bram.ID,
				"object": o.Site.ActorID(o.Ilse.ID)}, fedtest.UsingRFC9421()); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.Soon(),
			func(l fedtest.Delivery) bool { return l.Type == "Accept" && l.Accepted() }); err != nil {
			t.Fatal(err)
		}
		a := o.Publish()
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		for _, l := range veerhuis.Deliveries() {
			if !l.Accepted() { // our question for bram's key came before, and taught us
				t.Errorf("%s was brought in a dialect that is not read: %s", l.Type, l.Fault)
			}
		}
		newer, err := o.Store.RFC9421Peers(o.Soon(), time.Now())
		if until := newer[veerhuis.Host]; err != nil || time.Until(until) < 6*24*time.Hour ||
			time.Until(until) > 7*24*time.Hour {
			t.Fatalf("remembered until %v, %v; want a week", until, err)
		}
		again := remote.New(remote.Options{UserAgent: "Causerie/test",
			Allow: []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, Newer: newer,
			Key: signature.Key{ID: o.Site.InstanceID() + "#main-key", Private: o.Instance.Private}, Learn: o.Core.LearnScheme})
		defer again.Close()
		before := len(veerhuis.Requests())
		if _, err := again.Object(o.Soon(), bram.ID); err != nil {
			t.Fatal(err)
		}
		if got := len(veerhuis.Requests()) - before; got != 1 {
			t.Errorf("after a restart one question took %d", got)
		}
		if newer, err = o.Store.RFC9421Peers(o.Soon(), time.Now().Add(8*24*time.Hour)); err != nil || len(newer) != 0 {
			t.Errorf("after more than a week: %v, %v", newer, err)
		}
		o.Core.LearnScheme(o.Soon(), veerhuis.Host, time.Time{})
		if newer, err = o.Store.RFC9421Peers(o.Soon(), time.Now()); err != nil || len(newer) != 0 {
			t.Errorf("after it was forgotten: %v, %v", newer, err)
		}
	})
}
