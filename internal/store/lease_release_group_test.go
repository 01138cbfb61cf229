package store_test

import (
	"errors"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// visit is a claim, with the delivery that is sent under it.
type visit struct {
	store.Claim
	delivery store.Delivery
}

// visits claims all servers with waiting deliveries, and reads the first delivery of each.
func visits(t *testing.T, s *store.Store, most int) map[string]visit {
	t.Helper()
	claims, err := s.ClaimPeers(t.Context(), now, time.Minute, most, false)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]visit{}
	for _, c := range claims {
		deliveries, err := s.WaitingFor(t.Context(), 1, c.Host)
		if err != nil || len(deliveries) != 1 {
			t.Fatalf("%s: %v, %v", c.Host, deliveries, err)
		}
		all[c.Host] = visit{c, deliveries[0]}
	}
	return all
}

// end ends visits at the same time, each with an accepted delivery. It returns the error of each release by host.
func end(t *testing.T, s *store.Store, all map[string]visit) *sync.Map {
	var ending sync.WaitGroup
	var results sync.Map
	for host, v := range all {
		ending.Go(func() {
			done := store.Settlement{Delivery: v.delivery,
				Outcome: blog.Delivery{Status: blog.Delivered, Code: 202, Answer: "thanks", TookMS: 12}}
			results.Store(host, s.Release(t.Context(), v.Claim,
				store.VisitEnd{How: store.Answered, FreeAt: now, Last: []store.Settlement{done}}, now))
		})
	}
	ending.Wait()
	return &results
}

// crowded returns an article with deliveries to many servers: h00.example, h01.example and so on.
func crowded(t *testing.T, s *store.Store, servers int) blog.Article {
	t.Helper()
	author := ilse(t, s)
	a := fourMinutes(t, s, author.ID)
	for n := range servers {
		friend(t, s, "reader", fmt.Sprintf("h%02d.example", n), author.ID)
	}
	addActivity(t, s, a, "Create", 1)
	return a
}

// states describes the delivery and the holding of each server for an article, by host.
func states(t *testing.T, s *store.Store, a blog.Article) map[string]string {
	t.Helper()
	reports, err := s.DeliveryRows(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{}
	for _, r := range reports {
		all[r.Host] = fmt.Sprintf("%s %s after %d: %d %s %dms, holds %d", r.Kind, r.Status, r.Attempts, r.Code, r.Answer,
			r.TookMS, r.Holds)
		if r.Asked {
			all[r.Host] += ", asked to forget"
		}
	}
	return all
}

// TestVisitsThatEndTogetherAreEachRecorded ends a hundred visits at once. While they were under way one server
// was claimed by somebody else, one got another delivery, and the delivery to one was erased.
func TestVisitsThatEndTogetherAreEachRecorded(t *testing.T) {
	const lost, busy, erased = "h07.example", "h08.example", "h09.example"
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, other := open(t, url), open(t, url)
		a := crowded(t, s, 100)
		all := visits(t, s, 100)
		want, wantErr := map[string]string{}, map[string]error{}
		for host, v := range all {
			want[host] = "Create delivered after 1: 202 thanks 12ms, holds 1"
			switch host {
			case lost:
				v.Claims--
				want[host], wantErr[host] = "Create waiting after 0: 0  0ms, holds 0", store.ErrLost
			case erased:
				v.delivery.ActivityID = "erased"
				want[host] = "Create waiting after 0: 0  0ms, holds 0"
			}
			all[host] = v
		}
		later := blog.Activity{ID: blog.NewID(now.Add(time.Hour)), VoiceID: a.VoiceID, Kind: "Update", Payload: []byte(`{}`),
			At: now}
		if err := s.AddActivity(t.Context(), later); err != nil {
			t.Fatal(err)
		}
		if err := s.AddDeliveriesTo(t.Context(), later, all[busy].delivery.Inbox); err != nil {
			t.Fatal(err)
		}
		end(t, s, all).Range(func(host, err any) bool {
			if err, _ := err.(error); !errors.Is(err, wantErr[host.(string)]) {
				t.Errorf("%s got %v, want %v", host, err, wantErr[host.(string)])
			}
			return true
		})
		if diff := cmp.Diff(want, states(t, s, a)); diff != "" {
			t.Errorf("what the servers have (-want +got):\n%s", diff)
		}
		claims, err := other.ClaimPeers(t.Context(), now.Add(2*time.Minute), time.Minute, 100, false)
		free := map[string]bool{}
		for _, c := range claims {
			free[c.Host] = true
		}
		if diff := cmp.Diff(map[string]bool{lost: true, busy: true, erased: true}, free); diff != "" || err != nil {
			t.Errorf("servers with waiting deliveries (-want +got):\n%s%v", diff, err)
		}
	})
}

func TestAnAcceptedDeleteChangesTheHolding(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := crowded(t, s, 2)
		end(t, s, visits(t, s, 2))
		addActivity(t, s, a, "Delete", 1)
		end(t, s, visits(t, s, 2))
		for host, got := range states(t, s, a) {
			if want := "Create delivered after 1: 202 thanks 12ms, holds 1, asked to forget"; got != want {
				t.Errorf("%s: %s, want %s", host, got, want)
			}
		}
	})
}

func TestAServerThatIsBackGetsWhatItMissed(t *testing.T) {
	const back = "h01.example"
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := crowded(t, s, 3)
		missed := blog.Activity{ID: blog.NewID(now.Add(time.Hour)), VoiceID: a.VoiceID, Kind: "Update", Payload: []byte(`{}`),
			At: now}
		if err := fanOutToFollowers(t.Context(), s, missed); err != nil {
			t.Fatal(err)
		}
		for day := range 7 {
			at := now.AddDate(0, 0, day-8)
			v := visits(t, s, 3)[back]
			if day > 0 {
				v.Claim, _ = claimed(t, s, now, true)
			}
			if err := s.Release(t.Context(), v.Claim, store.VisitEnd{How: store.Silent, FreeAt: at}, at); err != nil {
				t.Fatal(err)
			}
		}
		if got := states(t, s, a)[back]; got != "Create given up after 0: 0  0ms, holds 0" {
			t.Fatalf("after seven silent days: %s", got)
		}
		if n, err := s.RetryDeliveries(t.Context(), a.ID, back, now); err != nil || n != 1 {
			t.Fatalf("%d deliveries are tried again, %v", n, err)
		}
		claim, deliveries := claimed(t, s, now, true)
		end(t, s, map[string]visit{back: {claim, deliveries[0]}})
		if _, deliveries := claimed(t, s, now, false); len(deliveries) != 1 || deliveries[0].ActivityID != missed.ID {
			t.Errorf("it gets %v, want what it missed", deliveries)
		}
	})
}

// TestAnActivityAddedWhileVisitsEndIsNotOverlooked keeps a fan-out open while visits to the same servers end.
func TestAnActivityAddedWhileVisitsEndIsNotOverlooked(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := crowded(t, s, 2)
		all := visits(t, s, 2)
		later := blog.Activity{ID: blog.NewID(now.Add(time.Hour)), VoiceID: a.VoiceID, Kind: "Update", Payload: []byte(`{}`),
			At: now}
		written, done := make(chan struct{}), make(chan error)
		go func() {
			done <- s.InTx(t.Context(), func(s *store.Store) error {
				err := fanOutToFollowers(t.Context(), s, later)
				close(written)
				time.Sleep(300 * time.Millisecond)
				return err
			})
		}()
		<-written
		end(t, s, all)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if claims, err := s.ClaimPeers(t.Context(), now.Add(2*time.Minute), time.Minute, 2, false); err != nil ||
			len(claims) != 2 {
			t.Errorf("%d servers have waiting deliveries, want 2 (%v)", len(claims), err)
		}
	})
}
