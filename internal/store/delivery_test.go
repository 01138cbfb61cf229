package store_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// claimed claims the only server with waiting deliveries, and reads them.
func claimed(t *testing.T, s *store.Store, at time.Time, failing bool) (store.Claim, []store.Delivery) {
	t.Helper()
	claims, err := s.ClaimPeers(t.Context(), at, time.Minute, 10, failing)
	if err != nil || len(claims) != 1 {
		t.Fatalf("claims = %v, %v", claims, err)
	}
	deliveries, err := s.WaitingFor(t.Context(), 10, claims[0].Host)
	if err != nil {
		t.Fatal(err)
	}
	return claims[0], deliveries
}

// outcomes lists the kind and the status of each delivery of an article, oldest first.
func outcomes(t *testing.T, s *store.Store, a blog.Article) (list []string) {
	t.Helper()
	reports, err := s.DeliveryRows(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	for _, r := range reports {
		list = append([]string{r.Kind + " " + string(r.Status)}, list...)
	}
	return list
}

// fanOutToFollowers adds an activity and its deliveries to the followers of its voice.
func fanOutToFollowers(ctx context.Context, s *store.Store, a blog.Activity) error {
	if err := s.AddActivity(ctx, a); err != nil {
		return err
	}
	return s.FanOutToFollowers(ctx, a)
}

func TestADeliverySupersededWhileItIsSentStaysSuperseded(t *testing.T) {
	for outcome, want := range map[blog.DeliveryStatus]string{blog.Retrying: "Create superseded",
		blog.Refused: "Create superseded", blog.Delivered: "Create delivered"} {
		t.Run(string(outcome), func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) {
				author := ilse(t, s)
				a := fourMinutes(t, s, author.ID)
				friend(t, s, "bram", "veerhuis.example", author.ID)
				addActivity(t, s, a, "Create", 1)
				claim, deliveries := claimed(t, s, now, false)
				gone := addActivity(t, s, a, "Delete", 1)
				if err := s.Supersede(t.Context(), gone, "Create"); err != nil {
					t.Fatal(err)
				}
				if err := s.Settle(t.Context(), claim,
					store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: outcome, Code: 500}}, now); err != nil {
					t.Fatal(err)
				}
				if got := outcomes(t, s, a); got[0] != want || got[1] != "Delete waiting" {
					t.Errorf("deliveries are %v, want %q first", got, want)
				}
			})
		})
	}
}

func TestADeliveryErasedWhileItIsSentLosesNoLease(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		claim, deliveries := claimed(t, s, now, false)
		if err := s.EraseVoice(t.Context(), author.Voice, now); err != nil {
			t.Fatal(err)
		}
		if err := s.Settle(t.Context(), claim,
			store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Delivered, Code: 202}},
			now); err != nil {
			t.Errorf("under a lease that holds: %v", err)
		}
		claim.Claims--
		if err := s.Settle(t.Context(), claim,
			store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Delivered, Code: 202}},
			now); !errors.Is(err, store.ErrLost) {
			t.Errorf("under one that does not: %v", err)
		}
	})
}

func TestARetryDoesNotSendAWithdrawnArticle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		claim, deliveries := claimed(t, s, now, false)
		if err := s.Settle(t.Context(), claim,
			store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Refused, Code: 403}},
			now); err != nil {
			t.Fatal(err)
		}
		gone := now.Add(time.Hour)
		if err := s.SaveObject(t.Context(), store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: []byte(`{}`), Revision: 1,
			At: now, GoneAt: &gone}); err != nil {
			t.Fatal(err)
		}
		if n, err := s.RetryDeliveries(t.Context(), a.ID, "", gone); err != nil || n != 0 {
			t.Errorf("%d deliveries about a deleted object are tried again, %v", n, err)
		}
	})
}

func TestNoDeliveryWaitsLongerThanPatience(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "kade", "zilverduin.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		week := now.Add(blog.Patience + time.Hour)
		if n, err := s.GiveUp(t.Context(), week.Add(-blog.Patience), week); err != nil || n != 0 {
			t.Errorf("%d deliveries were given up before any try, %v", n, err)
		}
		claim, deliveries := claimed(t, s, now, false)
		if err := s.Settle(t.Context(), claim,
			store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Retrying, Unsure: true}},
			now); err != nil {
			t.Fatal(err)
		}
		addActivity(t, s, a, "Update", 2) // lies behind a delivery that never arrives, and is never tried
		if err := s.Release(t.Context(), claim,
			store.VisitEnd{How: store.Silent, FreeAt: now.Add(24 * time.Hour)}, now); err != nil {
			t.Fatal(err)
		}
		if n, err := s.GiveUp(t.Context(), week.Add(-blog.Patience), week); err != nil || n != 2 {
			t.Errorf("%d deliveries were given up after a week of silence, %v; want both", n, err)
		}
	})
}

func TestAFollowerWhosePersonalInboxIsGoneIsRemoved(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		bram := friend(t, s, "bram", "veerhuis.example", author.ID)
		friend(t, s, "joost", "veerhuis.example", author.ID)
		before := s.Changes().Newest()
		if err := s.RemoveInbox(t.Context(), bram.SharedInbox, author.ID); err != nil {
			t.Fatal(err)
		}
		if n, _ := s.CountFollowers(t.Context(), author.ID); n.Accepted != 2 || s.Changes().Newest() != before {
			t.Errorf("a shared inbox that is gone took followers along: %+v", n)
		}
		if err := s.RemoveInbox(t.Context(), bram.Inbox, author.ID); err != nil {
			t.Fatal(err)
		}
		if n, _ := s.CountFollowers(t.Context(), author.ID); n.Accepted != 1 {
			t.Errorf("followers = %+v, want one left", n)
		}
	})
}

func TestT115DeliveriesForDeadServersDelayNoFreshOne(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		const hosts, each = 2000, 50
		err := s.InTx(t.Context(), func(s *store.Store) error {
			for n := range hosts {
				host := fmt.Sprintf("h%d.example", n)
				actor := blog.Actor{ID: "https://" + host + "/reader", Type: "Person", Host: host,
					Inbox: "https://" + host + "/inbox", FetchedAt: now}
				if err := s.SaveActor(t.Context(), actor); err != nil {
					return err
				}
				if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: author.ID, ActorID: actor.ID, FollowID: actor.ID + "#f",
					State: blog.Accepted, Since: now}); err != nil {
					return err
				}
			}
			for range each {
				id, err := s.NextActivityID(t.Context(), now)
				if err != nil {
					return err
				}
				update := blog.Activity{ID: id, VoiceID: author.ID, Kind: "Update", Payload: []byte(`{}`), At: now}
				if err := fanOutToFollowers(t.Context(), s, update); err != nil {
					return err
				}
			}
			// A look claims a thousand at most.
			for {
				claims, err := s.ClaimPeers(t.Context(), now, time.Minute, hosts, false)
				if err != nil || len(claims) == 0 {
					return err
				}
				for _, claim := range claims { // all of them are due again at once
					if err := s.Release(t.Context(), claim, store.VisitEnd{How: store.Silent, FreeAt: now}, now); err != nil {
						return err
					}
				}
			}
		})
		if err != nil {
			t.Fatal(err)
		}
		id, err := s.NextActivityID(t.Context(), now)
		fresh := blog.Activity{ID: id, VoiceID: author.ID, Kind: "Update", Payload: []byte(`{}`), At: now}
		if err != nil {
			t.Fatal(err)
		}
		began := time.Now()
		if err := s.AddActivity(t.Context(), fresh); err != nil {
			t.Fatal(err)
		}
		if err := s.AddDeliveriesTo(t.Context(), fresh, "https://veerhuis.example/inbox"); err != nil {
			t.Fatal(err)
		}
		claim, deliveries := claimed(t, s, now, false)
		if took := time.Since(began); claim.Host != "veerhuis.example" || len(deliveries) != 1 || took > time.Second {
			t.Errorf("%s was claimed with %d deliveries after %v, among %d for dead servers", claim.Host, len(deliveries), took,
				hosts*each)
		}
		if _, waiting, err := s.CountWaiting(t.Context()); err != nil || waiting != hosts*each+1 {
			t.Errorf("%d deliveries wait, %v", waiting, err)
		}
	})
}

func TestDeliveriesOfManyServersAreReadInOneQueryInOrder(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		hosts := []string{"veerhuis.example", "noordkade.example", "steiger.example"}
		for _, host := range hosts {
			friend(t, s, "reader", host, author.ID)
		}
		var ids []blog.ID
		for _, kind := range []string{"Create", "Announce", "Like"} {
			activity := addActivity(t, s, a, kind, 1)
			if err := s.FanOutToFollowers(t.Context(), activity); err != nil {
				t.Fatal(err)
			}
			ids = append(ids, activity.ID)
		}
		deliveries, err := s.WaitingFor(t.Context(), 2, hosts...)
		if err != nil || len(deliveries) != 6 {
			t.Fatalf("%d deliveries, %v", len(deliveries), err)
		}
		for i, l := range deliveries {
			if l.ActivityID != ids[i%2] || i%2 == 1 && l.Host != deliveries[i-1].Host {
				t.Errorf("delivery %d is %s to %s", i, l.Kind, l.Host)
			}
		}
	})
}
