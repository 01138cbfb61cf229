package delivery_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestDeliveriesToAServerSilentOnSevenDaysAreGivenUpAndItCatchesUpWhenItIsBack(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		steiger := o.Server("steiger")
		reader := steiger.Person("reader")
		o.AddFollower(reader)
		edited, withdrawn := o.PublishNumbered(1), o.PublishNumbered(2)
		if err := o.World.WaitForCount(o.Soon(), 2, fedtest.OfType("Create")); err != nil {
			t.Fatal(err)
		}
		o.WaitDelivered(withdrawn)
		o.SetBehaviour(steiger, fedtest.Closed())
		missed := o.PublishNumbered(3)
		o.Until("it rests", func() bool {
			silent, err := o.Store.SilentPeers(o.Soon())
			return err == nil &&
				len(silent) == 1
		})
		for day := 1; day < 7; day++ {
			if got := o.DeliveryRows(missed)[steiger.Host].Status; got != blog.Retrying {
				t.Errorf("after %d days of silence the delivery is %s", day, got)
			}
			o.SilentDay(steiger.Host, day, store.Silent)
		}
		if got := o.DeliveryRows(missed)[steiger.Host].Status; got != blog.GivenUp {
			t.Errorf("after seven days of silence the delivery is %s", got)
		}
		o.Retitle(edited, "Column 1, mended")
		o.Retitle(edited, "Column 1, mended twice")
		if err := o.Outbox.Withdraw(o.Soon(), withdrawn.ID); err != nil {
			t.Fatal(err)
		}
		later, gone := o.PublishNumbered(4), o.PublishNumbered(5)
		o.Retitle(later, "Column 4, mended")
		if err := o.Outbox.Withdraw(o.Soon(), gone.ID); err != nil {
			t.Fatal(err)
		}
		if _, deliveries, err := o.Store.CountWaiting(o.Soon()); err != nil || deliveries != 0 {
			t.Errorf("%d deliveries wait for a server that was given up, %v", deliveries, err)
		}
		o.SetBehaviour(steiger, fedtest.Healthy())
		before := len(steiger.Deliveries())
		if _, err := reader.Like(o.Soon(), o.Object(edited)); err != nil {
			t.Fatal(err)
		}
		o.Until("it was told", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0 && len(steiger.Deliveries()) >= before+4
		})
		var got []string
		for _, l := range steiger.Deliveries()[before:] {
			title := ""
			if object, ok := l.JSON()["object"].(map[string]any); ok && object["name"] != nil {
				title = fmt.Sprint(" ", object["name"])
			}
			got = append(got, l.Type+title)
		}
		if want := []string{"Create Column 3", "Update Column 1, mended twice", "Delete",
			"Create Column 4, mended"}; !slices.Equal(got, want) {
			t.Errorf("it was brought %q, want %q", got, want)
		}
		if post, _ := steiger.FindPost(o.Object(withdrawn)); !post.Gone {
			t.Error("what was withdrawn still stands there")
		}
		again := o.PublishNumbered(6) // and it is a server like any other again
		if _, err := steiger.WaitFor(o.Soon(), fedtest.About("Create", o.Object(again))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAServerThatSendsRetryAfterIsNotGivenUp(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		dijla := o.Server("dijla")
		o.AddFollower(dijla.Person("samir"))
		o.SetBehaviour(dijla, fedtest.RateLimiting(time.Minute, 0))
		a := o.Publish()
		o.Until("it rests", func() bool {
			silent, err := o.Store.SilentPeers(o.Soon())
			return err == nil &&
				len(silent) == 1
		})
		if silent, err := o.Store.SilentPeers(o.Soon()); err != nil || silent[0].FailingDays != 0 {
			t.Errorf("its 429 counts as a day of silence: %+v, %v", silent, err)
		}
		for day := 1; day < 12; day++ {
			how := store.Silent
			if day%5 == 0 {
				how = store.Busy
			}
			o.SilentDay(dijla.Host, day, how)
		}
		if got := o.DeliveryRows(a)[dijla.Host].Status; got != blog.Retrying {
			t.Errorf("the delivery is %s", got)
		}
	})
}
