package store_test

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// sendTo adds settled deliveries of an activity to n servers: of ten, one is refused, one given up, one gone and one
// unsure. Of those given up, every second server is unavailable.
func sendTo(t *testing.T, url string, activity blog.ID, n int, revision int) {
	t.Helper()
	const count = `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?) `
	storetest.Change(t, url, `INSERT INTO peers (host, free_at, failures) `+count+`
		SELECT 'h' || i || '.example', ?, CASE WHEN i % 20 = 2 THEN 9 ELSE 0 END FROM n
		WHERE TRUE ON CONFLICT DO NOTHING`, n, now)
	storetest.Change(t, url, `UPDATE peers SET unavailable_since = ? WHERE failures > 0`, now)
	storetest.Change(t, url, `INSERT INTO deliveries (activity_id, inbox, host, attempts, status, code, answer, took_ms,
		revision, unsure, settled_at) `+count+`
		SELECT '`+string(activity)+`', 'https://h' || i || '.example/inbox', 'h' || i || '.example', 1 + i % 3,
			CASE i % 10 WHEN 1 THEN 'refused' WHEN 2 THEN 'given up' WHEN 3 THEN 'gone' WHEN 4 THEN 'given up'
				ELSE 'delivered' END,
			CASE i % 10 WHEN 1 THEN 403 WHEN 2 THEN 0 WHEN 3 THEN 410 WHEN 4 THEN 502 ELSE 202 END,
			CASE i % 10 WHEN 1 THEN 'you are blocked' ELSE '' END, i, `+fmt.Sprint(revision)+`, i % 10 = 4, ? FROM n`, n, now)
	storetest.Change(t, url, `INSERT INTO delivery_counts (activity_id, n) VALUES (?, ?)`, string(activity), n)
}

// told is what an author is told about the deliveries of an article, and who gets its next change.
func told(t *testing.T, s *store.Store, a blog.Article) string {
	t.Helper()
	rows, err := s.DeliveryRows(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	when := func(at time.Time) string { return at.Format(time.DateTime) }
	states := blog.ServerStates(rows)
	lines := []string{deliverytext.Summary(states, when)}
	for _, state := range states {
		lines = append(lines, fmt.Sprintf("%s %s %d %q %s has %d asked %v shows %d", state.Host, state.Status, state.Code,
			state.Answer, deliverytext.State(state, when), state.Holds, state.Asked, state.Shows))
	}
	sample, err := s.SampleDeliveryRows(t.Context(), []blog.ID{a.ID})
	if err != nil {
		t.Fatal(err)
	}
	counted := blog.Count(blog.ServerStates(sample[a.ID]))
	if counted.Servers != len(states) {
		t.Errorf("the sample has %d of %d servers", counted.Servers, len(states))
	}
	lines = append(lines, fmt.Sprint(counted))
	return strings.Join(lines, "\n")
}

// nextGoesTo returns the inboxes that an Update would go to.
func nextGoesTo(t *testing.T, s *store.Store, a blog.Article) []string {
	t.Helper()
	var inboxes []string
	err := s.InTx(t.Context(), func(s *store.Store) error {
		id, err := s.NextActivityID(t.Context(), now)
		if err != nil {
			return err
		}
		update := blog.Activity{ID: id, VoiceID: a.VoiceID, Kind: "Update", ObjectID: a.ObjectID, Revision: 3,
			Payload: []byte("{}"), At: now}
		if err := s.AddActivity(t.Context(), update); err != nil {
			return err
		}
		if err := s.FanOutToHolders(t.Context(), update); err != nil {
			return err
		}
		if inboxes, err = s.InboxesOf(t.Context(), id); err != nil {
			return err
		}
		return errUndo
	})
	if !errors.Is(err, errUndo) {
		t.Fatal(err)
	}
	slices.Sort(inboxes)
	return inboxes
}

var errUndo = errors.New("not kept")

func TestOldDeliveriesAreSummedUpAndTheReportStaysTrue(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s := process(t, url)
		a := fourMinutes(t, s, ilse(t, s).ID)
		const servers = 1200
		for revision, kind := range []string{"Create", "Update"} {
			sent := blog.Activity{ID: blog.NewID(now.Add(time.Duration(revision) * time.Second)), VoiceID: a.VoiceID, Kind: kind,
				ObjectID: a.ObjectID, Revision: revision + 1, Payload: []byte("{}"), At: now}
			if err := s.AddActivity(t.Context(), sent); err != nil {
				t.Fatal(err)
			}
			sendTo(t, url, sent.ID, servers>>revision, revision+1)
		}
		storetest.Change(t, url, `UPDATE objects SET revision = 2`)
		before, goesTo := told(t, s, a), nextGoesTo(t, s, a)
		if len(goesTo) != servers*7/10 {
			t.Fatalf("a change goes to %d inboxes", len(goesTo))
		}
		year := now.AddDate(1, 0, 1)
		// Nothing is old enough the day before.
		if next, n, err := s.SumUpDeliveries(t.Context(), "", now); next != "" || n != 0 || err != nil {
			t.Fatal(next, n, err)
		}
		calls, next := 0, blog.ID("")
		for {
			var n int
			var err error
			if next, n, err = s.SumUpDeliveries(t.Context(), next, year); err != nil {
				t.Fatal(err)
			}
			if next == "" {
				break
			}
			calls++
			if n == 0 || n > 500 {
				t.Errorf("call %d summed up %d deliveries", calls, n)
			}
			// A process that is killed now leaves this.
			if after := told(t, s, a); after != before {
				t.Fatalf("after call %d it is\n%s\nand it was\n%s", calls, difference(after, before), difference(before, after))
			}
			if after := nextGoesTo(t, s, a); !slices.Equal(after, goesTo) {
				t.Fatalf("after call %d a change goes to %d inboxes", calls, len(after))
			}
			// It goes on from the beginning.
			if calls == 2 {
				next = ""
				s = process(t, url)
			}
		}
		// Those to unavailable servers wait for their return.
		if n := raw(t, url, `SELECT count(*) FROM deliveries`); n != servers/20+servers/40 {
			t.Errorf("%d deliveries are left as rows", n)
		}
		if n := raw(t, url, `SELECT count(*) FROM deliveries d JOIN peers p ON p.host = d.host WHERE
			d.status = 'given up' AND p.unavailable_since IS NOT NULL`); n != servers/20+servers/40 {
			t.Errorf("%d of those are to unavailable servers", n)
		}
		if n := raw(t, url, `SELECT count(*) FROM past_deliveries`); n > 5*5 {
			t.Errorf("the others are %d rows", n)
		}
		if n, err := s.RetryDeliveries(t.Context(), a.ID, "h1.example", now); n != 0 || err != nil {
			t.Errorf("what is summed up was tried again: %d, %v", n, err)
		}
		err := s.InTx(t.Context(), func(tx *store.Store) error { return tx.PeerContacted(t.Context(), "h2.example", year) })
		if err != nil {
			t.Fatal(err)
		}
		if waiting, err := s.WaitingFor(t.Context(), 9, "h2.example"); err != nil || len(waiting) == 0 {
			t.Errorf("a server that is back gets %d deliveries, %v", len(waiting), err)
		}
		// Those of an erased author go too.
		voice, err := s.Voice(t.Context(), a.VoiceID)
		if err != nil {
			t.Fatal(err)
		}
		if err := s.EraseVoice(t.Context(), voice, year); err != nil {
			t.Fatal(err)
		}
		if n := raw(t, url, `SELECT count(*) FROM past_deliveries`); n != 0 {
			t.Errorf("of an erased author, %d sums are left", n)
		}
	})
}

// difference returns the lines of a text that another one has not.
func difference(of, other string) string {
	others := strings.Split(other, "\n")
	lines := slices.DeleteFunc(strings.Split(of, "\n"), func(l string) bool { return slices.Contains(others, l) })
	return strings.Join(lines[:min(len(lines), 12)], "\n")
}
