package store_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// mailboxesOf returns the inboxes to which an activity for the followers of a voice goes.
func mailboxesOf(t *testing.T, s *store.Store, a blog.Article, revision int) map[string]bool {
	t.Helper()
	activity := addActivity(t, s, a, "Create", revision)
	rows, err := s.DeliveryRows(t.Context(), a.ID)
	if err != nil {
		t.Fatal(err)
	}
	inboxes := map[string]bool{}
	for _, r := range rows {
		if r.ActivityID == activity.ID {
			inboxes[r.Inbox] = true
		}
	}
	return inboxes
}

// The end of each test compares the kept counts with the rows. So this only has to change the rows in every way.
func TestDeliveriesGoWhereTheFollowersAreNow(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		bram := friend(t, s, "bram", "veerhuis.example", author.ID)
		nadia := friend(t, s, "nadia", "veerhuis.example", author.ID)
		kade := friend(t, s, "kade", "zilverduin.example", author.ID)
		check := func(when string, want store.FollowerCounts, inboxes ...string) {
			t.Helper()
			if n, err := s.CountFollowers(t.Context(), author.ID); err != nil || n != want {
				t.Errorf("%s: %+v, %v; want %+v", when, n, err, want)
			}
			got := mailboxesOf(t, s, a, 1)
			for _, inbox := range inboxes {
				if !got[inbox] {
					t.Errorf("%s: nothing for %s", when, inbox)
				}
			}
			if len(got) != len(inboxes) {
				t.Errorf("%s: deliveries for %v, want %v", when, got, inboxes)
			}
		}
		must := func(err error) {
			t.Helper()
			if err != nil {
				t.Fatal(err)
			}
		}
		const shared, other = "https://veerhuis.example/inbox", "https://zilverduin.example/inbox"
		check("at first", store.FollowerCounts{Accepted: 3, Servers: 2}, shared, other)
		nadia.SharedInbox, nadia.Inbox = "", "https://mail.veerhuis.example/nadia"
		must(s.SaveActor(t.Context(), nadia))
		check("own inbox", store.FollowerCounts{Accepted: 3, Servers: 3}, shared, other, nadia.Inbox)
		must(s.MarkMaybeGone(t.Context(), bram.ID, now, now.Add(time.Hour)))
		check("perhaps gone", store.FollowerCounts{Accepted: 3, Servers: 2}, other, nadia.Inbox)
		must(s.ClearMaybeGone(t.Context(), bram.ID))
		must(s.Unfollow(t.Context(), author.ID, kade.ID))
		check("one left", store.FollowerCounts{Accepted: 2, Servers: 2}, shared, nadia.Inbox)
		must(s.RemoveActor(t.Context(), nadia.ID, now))
		check("one removed", store.FollowerCounts{Accepted: 1, Servers: 1}, shared)
		_, err := s.Block(t.Context(), blog.Block{Kind: blog.BlockServer, Subject: "veerhuis.example", Level: blog.Refuse,
			At: now})
		must(err)
		check("blocked", store.FollowerCounts{})
	})
}

// A follower whose mailbox changes while the follow is saved must not get lost between the two transactions.
func TestAFollowerWhoMovesMeanwhileIsCountedAtTheNewMailbox(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		var working sync.WaitGroup
		for i := range 30 {
			actor := friend(t, s, fmt.Sprint("reader", i), "veerhuis.example", "")
			working.Go(func() {
				_, err := s.Follow(t.Context(), blog.Follower{VoiceID: author.ID, ActorID: actor.ID, FollowID: actor.ID + "#f",
					State: blog.Accepted, Since: now})
				if err != nil {
					t.Error(err)
				}
			})
			working.Go(func() {
				actor.SharedInbox = "https://veerhuis.example/other"
				if err := s.SaveActor(t.Context(), actor); err != nil {
					t.Error(err)
				}
			})
		}
		working.Wait()
		if n, err := s.CountFollowers(t.Context(), author.ID); err != nil || n.Accepted != 30 || n.Servers != 1 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestFollowersAreListedPageByPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		for i := range 7 {
			actor := friend(t, s, fmt.Sprint("reader", i), "veerhuis.example", "")
			_, err := s.Follow(t.Context(), blog.Follower{VoiceID: author.ID, ActorID: actor.ID, FollowID: actor.ID + "#f",
				State: blog.Accepted, Since: now.Add(time.Duration(i/3) * time.Second)}) // three of them at one moment
			if err != nil {
				t.Fatal(err)
			}
		}
		var seen []string
		filter := store.FollowerFilter{Voice: author.ID, State: blog.Accepted, Limit: 2}
		for {
			list, err := s.FollowersOf(t.Context(), filter)
			if err != nil {
				t.Fatal(err)
			}
			for _, f := range list {
				seen = append(seen, f.Actor.Name[len("reader"):])
			}
			if len(list) < filter.Limit {
				break
			}
			last := list[len(list)-1]
			filter.After = &store.FollowerMark{Since: last.Since, ActorID: last.ActorID}
		}
		if got := fmt.Sprint(seen); got != "[6 3 4 5 0 1 2]" {
			t.Errorf("the pages list %s", got)
		}
	})
}
