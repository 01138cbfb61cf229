package store_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheSampleOfManyDeliveriesIsKeptAndRenewed(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		for i := range 230 {
			name := "well"
			if i < 30 {
				name = "silent"
			}
			friend(t, s, "bram", fmt.Sprintf("%s%d.example", name, i), author.ID)
		}
		summary := func() string {
			samples, err := s.SampleDeliveryRows(t.Context(), []blog.ID{a.ID})
			if err != nil {
				t.Fatal(err)
			}
			if n := len(samples[a.ID]); n > 4 {
				t.Errorf("the sample has %d rows", n)
			}
			monday := func(time.Time) string { return "Monday" }
			return deliverytext.Summary(blog.ServerStates(samples[a.ID]), monday)
		}
		check := func(when, want string) {
			t.Helper()
			if got := summary(); got != want {
				t.Errorf("%s: %q, want %q", when, got, want)
			}
		}
		renewed := func(when string, at time.Time, want bool) {
			t.Helper()
			if got, err := s.RenewSamples(t.Context(), at); err != nil || got != want {
				t.Errorf("%s: renewed %v, %v", when, got, err)
			}
		}
		const queued = "0 of 230 servers have it; 230 wait their turn."
		addActivity(t, s, a, "Create", 1)
		check("not kept yet", queued)
		renewed("the first time", now, true)
		renewed("at once again", now, false)
		check("kept", queued)
		for range 3 {
			deliverAll(t, s, now, func(host, _ string) blog.Delivery {
				if strings.HasPrefix(host, "silent") {
					return blog.Delivery{Status: blog.Retrying, Answer: "nothing from " + host}
				}
				return blog.Delivery{Status: blog.Delivered, Code: 202}
			})
		}
		check("delivered, but kept", queued)
		renewed("before its time", now.Add(5*time.Second), false)
		renewed("after a change", now.Add(11*time.Second), true)
		const most = "200 of 230 servers have it; 30 have been silent, the longest since Monday."
		check("renewed", most)
		renewed("without a change", now.Add(time.Minute), false)
		renewed("while deliveries wait", now.Add(time.Hour), true)
		check("an hour later", most)
		groups, err := s.DeliveryGroups(t.Context(), []blog.ID{a.ID})
		if err != nil || len(groups[a.ID]) != 2 {
			t.Fatalf("%d groups, %v", len(groups[a.ID]), err)
		}
		for _, g := range groups[a.ID] {
			rows, err := s.DeliveryRows(t.Context(), a.ID, g.Hosts...)
			if err != nil || len(rows) != len(g.Hosts) || len(g.Hosts) != min(g.Servers, 100) {
				t.Errorf("%d rows for %d of %d servers, %v", len(rows), len(g.Hosts), g.Servers, err)
			}
		}
		// Nobody waits any more after a week, so the sample stays as it is.
		week := now.Add(blog.Patience + time.Hour)
		if n, err := s.GiveUp(t.Context(), now.Add(time.Second), week); err != nil || n != 30 {
			t.Fatalf("%d were given up, %v", n, err)
		}
		renewed("after the end", week, true)
		renewed("to be sure", week.Add(time.Hour), true)
		renewed("for ever", week.Add(100*time.Hour), false)
		check("given up", "200 of 230 servers have it; 30 were given up.")
		if err := s.EraseVoice(t.Context(), author.Voice, week); err != nil {
			t.Fatal(err)
		}
		check("erased", "")
	})
}

// A blog that starts has hardly a server, and its statistics may say so for a day.
func TestDeliveriesAreGroupedWithoutReadingAllServersForEach(t *testing.T) {
	url := storetest.SQLite(t)
	s := process(t, url)
	author := ilse(t, s)
	a := fourMinutes(t, s, author.ID)
	friend(t, s, "bram", "first.example", author.ID)
	addActivity(t, s, a, "Create", 1)
	storetest.Change(t, url, `DELETE FROM deliveries`)
	if err := s.RenewStatistics(t.Context()); err != nil {
		t.Fatal(err)
	}
	found := false
	for _, line := range plans(t, url, func(s *store.Store) error {
		_, err := s.SampleDeliveryRows(t.Context(), []blog.ID{a.ID})
		return err
	}) {
		if strings.HasPrefix(line, "SCAN p") {
			t.Error(line)
		}
		found = found || strings.HasPrefix(line, "SEARCH p USING")
	}
	if !found {
		t.Error("not by the index of servers")
	}
}
