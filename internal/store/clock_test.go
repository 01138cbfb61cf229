package store_test

import (
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// jumps are changes of the system clock between two steps of a process.
var jumps = map[string]time.Duration{"an hour back": -time.Hour, "a day back": -24 * time.Hour,
	"a month back":  -30 * 24 * time.Hour,
	"an hour ahead": time.Hour, "a day ahead": 24 * time.Hour}

// eachJump runs a test on both databases for each jump. after is the time after the jump.
func eachJump(t *testing.T, test func(t *testing.T, s *store.Store, after time.Time)) {
	t.Helper()
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			storetest.Each(t, func(t *testing.T, s *store.Store) { test(t, s, now.Add(jump)) })
		})
	}
}

// hosts lists the servers that can be claimed at a time.
func hosts(t *testing.T, s *store.Store, at time.Time, failing bool) []string {
	t.Helper()
	claims, err := s.ClaimPeers(t.Context(), at, time.Minute, 10, failing)
	if err != nil {
		t.Fatal(err)
	}
	var list []string
	for _, c := range claims {
		list = append(list, c.Host)
	}
	slices.Sort(list)
	return list
}

func TestAServerIsFreeAfterTheClockJumped(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		claim, deliveries := claimed(t, s, now, false)
		friend(t, s, "nadia", "noordkade.example", author.ID) // to which nothing went yet
		last := store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Delivered, Code: 202}}
		end := store.VisitEnd{How: store.Answered, FreeAt: now, Last: []store.Settlement{last}}
		if err := s.Release(t.Context(), claim, end, now); err != nil {
			t.Fatal(err)
		}
		addActivity(t, s, a, "Create", 2)
		if got := hosts(t, s, after, false); !slices.Equal(got, []string{"noordkade.example", "veerhuis.example"}) {
			t.Errorf("free are %v", got)
		}
	})
}

func TestARestIsOverWhenTheClockWasSetBack(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		friend(t, s, "nadia", "noordkade.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		claims, err := s.ClaimPeers(t.Context(), now, time.Minute, 10, false)
		if err != nil || len(claims) != 2 {
			t.Fatal(claims, err)
		}
		for i, how := range []store.Ending{store.Silent, store.Busy} { // each for 23 hours, as it asked
			if err := s.Release(t.Context(), claims[i],
				store.VisitEnd{How: how, FreeAt: now.Add(23 * time.Hour)}, now); err != nil {
				t.Fatal(err)
			}
		}
		if got := hosts(t, s, now.Add(22*time.Hour), true); len(got) != 0 {
			t.Fatalf("free are %v, although they rest", got)
		}
		want := 2
		if after.Sub(now) == time.Hour {
			want = 0
		}
		if got := hosts(t, s, after, true); len(got) != want {
			t.Errorf("free are %v, want %d", got, want)
		}
	})
}

// A server can rest without a failure, too.
func TestARestIsKeptWhileTheClockGoesOn(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, fourMinutes(t, s, author.ID), "Create", 1)
		claim, _ := claimed(t, s, now, false)
		if err := s.Release(t.Context(), claim,
			store.VisitEnd{How: store.HandedBack, FreeAt: now.Add(3 * time.Hour)}, now); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Duration{-time.Minute, time.Minute, time.Hour} {
			if got := hosts(t, s, now.Add(at), false); len(got) != 0 {
				t.Errorf("after %v free are %v", at, got)
			}
		}
		if got := hosts(t, s, now.Add(3*time.Hour+time.Second), false); len(got) != 1 {
			t.Errorf("after its rest free are %v", got)
		}
	})
}

func TestAProcessDoesNotClaimAgainWhatItHolds(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		claim, deliveries := claimed(t, s, now, false)
		friend(t, s, "nadia", "noordkade.example", author.ID)
		addActivity(t, s, a, "Create", 2)
		// as many as asked for, besides those that are held here
		claims, err := s.ClaimPeers(t.Context(), after, time.Minute, 1, false)
		if err != nil || len(claims) != 1 || claims[0].Host != "noordkade.example" {
			t.Errorf("claimed %v, %v", claims, err)
		}
		if got := hosts(t, s, after, false); len(got) != 0 {
			t.Errorf("claimed again: %v", got)
		}
		if err := s.Settle(t.Context(), claim,
			store.Settlement{Delivery: deliveries[0], Outcome: blog.Delivery{Status: blog.Delivered, Code: 202}},
			after); err != nil {
			t.Errorf("the claim was lost: %v", err)
		}
		if err := s.Release(t.Context(), claim, store.VisitEnd{How: store.Answered, FreeAt: after}, after); err != nil {
			t.Errorf("the claim was lost: %v", err)
		}
		if got := hosts(t, s, after, false); !slices.Equal(got, []string{"veerhuis.example"}) {
			t.Errorf("after its release free are %v", got)
		}
	})
}

// A killed process holds a server by a lease from before the jump.
func TestALeaseFromBeforeAClockJumpEnds(t *testing.T) {
	for name, jump := range jumps {
		t.Run(name, func(t *testing.T) {
			storetest.EachURL(t, func(t *testing.T, url string) {
				killed, s := open(t, url), open(t, url)
				author := ilse(t, s)
				friend(t, s, "bram", "veerhuis.example", author.ID)
				addActivity(t, s, fourMinutes(t, s, author.ID), "Create", 1)
				receive(t, s, "noordkade.example", "https://noordkade.example/1", now)
				claim, _ := claimed(t, killed, now, false)
				if callers, err := killed.ClaimCallers(t.Context(), now, time.Minute, 5); err != nil || len(callers) != 1 {
					t.Fatal(callers, err)
				}
				if got := hosts(t, s, now.Add(30*time.Second), false); len(got) != 0 {
					t.Fatalf("%v is claimed although it is leased", got)
				}
				if got := hosts(t, s, now.Add(jump), false); len(got) != 1 {
					t.Errorf("free are %v", got)
				}
				if callers, err := s.ClaimCallers(t.Context(), now.Add(jump), time.Minute, 5); err != nil || len(callers) != 1 {
					t.Errorf("callers %v, %v", callers, err)
				}
				if err := killed.Renew(t.Context(), claim, now.Add(time.Hour)); err == nil {
					t.Error("the claim from before goes on")
				}
			})
		})
	}
}

func open(t *testing.T, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

func TestAnArrivalIsDueAfterTheClockJumped(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		fresh := receive(t, s, "veerhuis.example", "https://veerhuis.example/1", now)
		callers, err := s.ClaimCallers(t.Context(), after, time.Minute, 5)
		if err != nil || len(callers) != 1 {
			t.Fatalf("callers %v, %v", callers, err)
		}
		due, err := s.Arrivals(t.Context(), "veerhuis.example", after, 5)
		if err != nil || len(due) != 1 || due[0].ID != fresh.ID {
			t.Errorf("due %v, %v", due, err)
		}
		if st, err := s.CallerState(t.Context(), "veerhuis.example", after); err != nil || !st.Queued {
			t.Errorf("what arrives now does not queue behind it: %+v, %v", st, err)
		}
		if again, err := s.ClaimCallers(t.Context(), after.Add(-time.Hour), time.Minute, 5); err != nil || len(again) != 0 {
			t.Errorf("what is held here is claimed again: %v, %v", again, err)
		}
		if err := s.CountAttempt(t.Context(), fresh.ID, after.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if due, err := s.Arrivals(t.Context(), "veerhuis.example", after, 5); err != nil || len(due) != 0 {
			t.Errorf("its rest is not kept: %v, %v", due, err)
		}
		if due, err := s.Arrivals(t.Context(), "veerhuis.example", after.Add(-24*time.Hour), 5); err != nil || len(due) != 1 {
			t.Errorf("it waits for the clock of before: %v, %v", due, err)
		}
	})
}

func TestJobsHoldsAndProfilesAreDueAfterTheClockJumped(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		ctx, author := t.Context(), ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		claim := func(at time.Time) bool {
			mine, err := s.ClaimJob(ctx, "old-rows", at, 10*time.Minute)
			if err != nil {
				t.Fatal(err)
			}
			return mine
		}
		if !claim(now) || claim(now.Add(time.Minute)) || claim(now.Add(-time.Minute)) {
			t.Error("a job runs twice, or never")
		}
		if !claim(after) || claim(after.Add(time.Minute)) {
			t.Error("a job waits for the clock of before, or runs twice")
		}
		if err := s.SaveHold(ctx, store.Hold{ArticleID: a.ID, Until: now.Add(48 * time.Hour), Before: a}); err != nil {
			t.Fatal(err)
		}
		long, err := s.Hold(ctx, a.ID)
		if early, dueErr := s.DueHolds(ctx, now); err != nil || dueErr != nil || len(early) != 0 || long.Over(now) {
			t.Errorf("what is held for two days leaves at once: %v, %v, %v", early, err, dueErr)
		}
		if err := s.SaveHold(ctx, store.Hold{ArticleID: a.ID, Until: now.Add(10 * time.Second), Before: a}); err != nil {
			t.Fatal(err)
		}
		if early, err := s.DueHolds(ctx, now); err != nil || len(early) != 0 {
			t.Errorf("what is held leaves at once: %v, %v", early, err)
		}
		hold, err := s.Hold(ctx, a.ID)
		if due, dueErr := s.DueHolds(ctx, after); err != nil || dueErr != nil || len(due) != 1 || !hold.Over(after) {
			t.Errorf("what is held waits for the clock of before: %v, %v, %v", due, err, dueErr)
		}
		if err := s.IntroduceBy(ctx, author.ID, now.Add(5*time.Minute)); err != nil {
			t.Fatal(err)
		}
		if early, err := s.DueIntroductions(ctx, now); err != nil || len(early) != 0 {
			t.Errorf("a changed profile is announced at once: %v, %v", early, err)
		}
		if due, err := s.DueIntroductions(ctx, after); err != nil || len(due) != 1 ||
			s.Introduced(ctx, author.ID, after) != nil {
			t.Errorf("a changed profile waits for the clock of before: %v, %v", due, err)
		}
	})
}

func TestACommentAfterTheClockJumpedPlansABackfill(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		bram := friend(t, s, "bram", "veerhuis.example", "")
		for i, at := range []time.Time{now, after} {
			address := bram.ID + "/notes/" + string(rune('1'+i))
			if err := s.AddComment(t.Context(), blog.Comment{ID: blog.NewID(at), Address: address, ArticleID: a.ID,
				ActorID: bram.ID, Origin: blog.Pushed,
				Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: at, SortedAt: at,
				ArrivedAt: at}); err != nil {
				t.Fatal(err)
			}
		}
		c, err := s.BackfillOf(t.Context(), a.ID)
		if err != nil || !c.Since.Equal(after) {
			t.Errorf("the newest is of %v, %v; want %v", c.Since, err, after)
		}
		if err := s.RequestBackfill(t.Context(), a.ID, now); err != nil {
			t.Fatal(err)
		}
		claims, err := s.ClaimBackfills(t.Context(), a.ID, now, 5*time.Minute, 1)
		if err != nil || len(claims) != 1 {
			t.Fatal(claims, err)
		}
		if again, err := s.ClaimBackfills(t.Context(), a.ID, now.Add(6*time.Minute), 5*time.Minute, 1); err != nil ||
			len(again) != 0 {
			t.Errorf("what is held here is claimed again: %v, %v", again, err)
		}
		if err := s.FinishBackfill(t.Context(), claims[0], blog.BackfillResult{}, after); err != nil {
			t.Errorf("the claim was lost: %v", err)
		}
	})
}

// completedOnce returns an article with one finished backfill, and the actor who commented on it.
func completedOnce(t *testing.T, s *store.Store) (article blog.ID, commenter blog.Actor) {
	t.Helper()
	a := fourMinutes(t, s, ilse(t, s).ID)
	bram := friend(t, s, "bram", "veerhuis.example", "")
	comment(t, s, a.ID, bram, now)
	if got := dueConversations(t, s, now.Add(5*time.Minute)); len(got) != 0 {
		t.Fatalf("due too early: %v", got)
	}
	claims := dueConversations(t, s, now.Add(10*time.Minute))
	if len(claims) != 1 {
		t.Fatalf("due are %v", claims)
	}
	if err := s.FinishBackfill(t.Context(), claims[0], blog.BackfillResult{}, now.Add(10*time.Minute)); err != nil {
		t.Fatal(err)
	}
	if got := dueConversations(t, s, now.Add(30*time.Minute)); len(got) != 0 {
		t.Fatalf("due again too early: %v", got)
	}
	return a.ID, bram
}

func dueConversations(t *testing.T, s *store.Store, at time.Time) []store.Backfill {
	t.Helper()
	claims, err := s.ClaimBackfills(t.Context(), "", at, 5*time.Minute, 5)
	if err != nil {
		t.Fatal(err)
	}
	return claims
}

// comment adds a public comment that arrives at a given time.
func comment(t *testing.T, s *store.Store, article blog.ID, by blog.Actor, at time.Time) {
	t.Helper()
	id := blog.NewID(at)
	if err := s.AddComment(t.Context(), blog.Comment{ID: id, Address: by.ID + "/notes/" + string(id),
		ArticleID: article, ActorID: by.ID, Origin: blog.Pushed, Visibility: blog.PublicComment,
		State: blog.CommentShown, PublishedAt: at, SortedAt: at, ArrivedAt: at}); err != nil {
		t.Fatal(err)
	}
}

func TestABackfillIsDueAfterTheClockJumped(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		article, _ := completedOnce(t, s)
		claims := dueConversations(t, s, after)
		if len(claims) != 1 {
			t.Fatalf("due are %v", claims)
		}
		if err := s.FinishBackfill(t.Context(), claims[0], blog.BackfillResult{}, after); err != nil {
			t.Fatal(err)
		}
		if got := dueConversations(t, s, after.Add(blog.BackfillRest-time.Second)); len(got) != 0 {
			t.Errorf("due again at once: %v", got)
		}
		c, err := s.BackfillOf(t.Context(), article)
		if err != nil || c.DueAt == nil || c.DueAt.After(after.Add(72*time.Hour)) {
			t.Errorf("the next time is %v, %v", c.DueAt, err)
		}
	})
}

func TestACommentAfterTheClockJumpedIsBackfilledSoon(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		article, bram := completedOnce(t, s)
		comment(t, s, article, bram, after)
		c, err := s.BackfillOf(t.Context(), article)
		if err != nil || c.DueAt == nil || c.DueAt.After(after.Add(10*time.Minute)) {
			t.Errorf("it is due at %v, %v; now is %v", c.DueAt, err, after)
		}
	})
}

func TestTheRestOfAVoiceIsOverWhenTheClockWasSetBack(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		author := ilse(t, s)
		friend(t, s, "bram", "veerhuis.example", author.ID)
		addActivity(t, s, fourMinutes(t, s, author.ID), "Create", 1)
		claim, deliveries := claimed(t, s, now, false)
		refused := store.Settlement{Delivery: deliveries[0], Rest: 3 * time.Hour,
			Outcome: blog.Delivery{Status: blog.Retrying, Code: 403}}
		end := store.VisitEnd{How: store.Answered, FreeAt: now, Last: []store.Settlement{refused}}
		if err := s.Release(t.Context(), claim, end, now); err != nil {
			t.Fatal(err)
		}
		for _, at := range []time.Duration{-time.Minute, time.Minute, 2 * time.Hour} {
			if got := hosts(t, s, now.Add(at), false); len(got) != 0 {
				t.Fatalf("after %v free are %v, although the voice rests", at, got)
			}
		}
		want := 1
		if after.Sub(now) == time.Hour {
			want = 0
		}
		if got := hosts(t, s, after, false); len(got) != want {
			t.Errorf("free are %v, want %d", got, want)
		}
	})
}

func TestGuessesFromBeforeTheClockJumpedAreForgotten(t *testing.T) {
	eachJump(t, func(t *testing.T, s *store.Store, after time.Time) {
		for _, at := range []time.Time{now, after} {
			if err := s.AddGuess(t.Context(), store.Guess{ID: blog.NewID(at), Account: "ilse", Source: "192.0.2.1", At: at},
				after.Add(-time.Hour)); err != nil {
				t.Fatal(err)
			}
		}
		if err := s.Forget(t.Context(), after); err != nil {
			t.Fatal(err)
		}
		if left, err := s.GuessesAt(t.Context(), "ilse", after.Add(-time.Minute), 10); err != nil || len(left) != 1 ||
			!left[0].Equal(after) {
			t.Errorf("guesses %v, %v; want that of now alone", left, err)
		}
	})
}
