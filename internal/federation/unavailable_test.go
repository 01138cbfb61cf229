package federation_test

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// silentDay lets a server be silent once more, on a day to come. What rests until then would be due today for the courier
// that runs beside us: it looks as if a clock had jumped. So it rests for two minutes.
func (o *overkant) silentDay(host string, day int, how store.Ending) {
	o.t.Helper()
	at, due := time.Now().AddDate(0, 0, day), time.Now().Add(3*time.Minute)
	claims, err := o.store.ClaimPeers(o.soon(), due, time.Minute, 10, true)
	if err != nil || len(claims) != 1 || claims[0].Host != host {
		o.t.Fatalf("claim %s: %v, %v", host, claims, err)
	}
	if err := o.store.Release(o.soon(), claims[0], due.Add(-70*time.Second), how, at); err != nil {
		o.t.Fatal(err)
	}
}

func TestAServerSilentOnSevenDaysIsSparedAndCatchesUpWhenItSpeaks(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		steiger := o.server("steiger")
		reader := steiger.Person("reader")
		o.befriend(reader)
		edited, withdrawn := o.column(1), o.column(2)
		if err := o.world.Wait(o.soon(), 2, neighbour.OfType("Create")); err != nil {
			t.Fatal(err)
		}
		o.quietly(withdrawn)
		o.be(steiger, neighbour.Closed())
		missed := o.column(3)
		o.until("it rests", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 1 })
		for day := 1; day < 7; day++ {
			if got := o.report(missed)[steiger.Host].Status; got != blog.Retrying {
				t.Errorf("after %d days of silence the letter is %s", day, got)
			}
			o.silentDay(steiger.Host, day, store.Silent)
		}
		if got := o.report(missed)[steiger.Host].Status; got != blog.GivenUp {
			t.Errorf("after seven days of silence the letter is %s", got)
		}
		o.edit(edited, "Column 1, mended")
		o.edit(edited, "Column 1, mended twice")
		if err := o.outbox.Withdraw(o.soon(), withdrawn.ID); err != nil {
			t.Fatal(err)
		}
		later, gone := o.column(4), o.column(5)
		o.edit(later, "Column 4, mended")
		if err := o.outbox.Withdraw(o.soon(), gone.ID); err != nil {
			t.Fatal(err)
		}
		if _, letters, err := o.store.CountWaiting(o.soon()); err != nil || letters != 0 {
			t.Errorf("%d letters wait for a server that was given up, %v", letters, err)
		}
		o.be(steiger, neighbour.Healthy())
		before := len(steiger.Letters())
		if _, err := reader.Like(o.soon(), o.object(edited)); err != nil {
			t.Fatal(err)
		}
		o.until("it was told", func() bool {
			_, letters, err := o.store.CountWaiting(o.soon())
			return err == nil && letters == 0 && len(steiger.Letters()) >= before+4
		})
		var got []string
		for _, l := range steiger.Letters()[before:] {
			title := ""
			if object, ok := l.JSON()["object"].(map[string]any); ok && object["name"] != nil {
				title = fmt.Sprint(" ", object["name"])
			}
			got = append(got, l.Type+title)
		}
		if want := []string{"Create Column 3", "Update Column 1, mended twice", "Delete", "Create Column 4, mended"}; !slices.Equal(got, want) {
			t.Errorf("it was brought %q, want %q", got, want)
		}
		if post, _ := steiger.Post(o.object(withdrawn)); !post.Gone {
			t.Error("what was withdrawn still stands there")
		}
		again := o.column(6) // and it is a server like any other again
		if _, err := steiger.WaitFor(o.soon(), neighbour.About("Create", o.object(again))); err != nil {
			t.Fatal(err)
		}
	})
}

func TestAServerThatAsksForPatienceIsNotGivenUp(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		dijla := o.server("dijla")
		o.befriend(dijla.Person("samir"))
		o.be(dijla, neighbour.TooMany(time.Minute, 0))
		a := o.publish()
		o.until("it rests", func() bool { silent, err := o.store.SilentPeers(o.soon()); return err == nil && len(silent) == 1 })
		if silent, err := o.store.SilentPeers(o.soon()); err != nil || silent[0].FailingDays != 0 {
			t.Errorf("its 429 counts as a day of silence: %+v, %v", silent, err)
		}
		for day := 1; day < 12; day++ {
			how := store.Silent
			if day%5 == 0 {
				how = store.Busy
			}
			o.silentDay(dijla.Host, day, how)
		}
		if got := o.report(a)[dijla.Host].Status; got != blog.Retrying {
			t.Errorf("the letter is %s", got)
		}
	})
}
