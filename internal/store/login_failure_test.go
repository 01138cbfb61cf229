package store_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestOldGuessesNoLongerCount(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		guess := func(account, source string, at time.Time) store.Guess {
			g := store.Guess{ID: blog.NewID(at), Account: account, Source: source, At: at}
			if err := s.AddGuess(t.Context(), g, at.Add(-15*time.Minute)); err != nil {
				t.Fatal(err)
			}
			return g
		}
		want := func(why string, atIlse, fromOne, between int) {
			t.Helper()
			a, err := s.GuessesAt(t.Context(), "ilse", time.Time{}, 100)
			b, other := s.GuessesFrom(t.Context(), "192.0.2.1", time.Time{}, 100)
			c, third := s.GuessesBetween(t.Context(), "ilse", "192.0.2.1", time.Time{}, 100)
			if errors.Join(err, other, third) != nil || len(a) != atIlse || len(b) != fromOne || len(c) != between {
				t.Errorf("%s: %d at the account, %d from the source, %d between them, want %d, %d, %d (%v)",
					why, len(a), len(b), len(c), atIlse, fromOne, between, errors.Join(err, other, third))
			}
		}
		for i := range 5 {
			guess("ilse", "192.0.2.1", now.Add(time.Duration(i)*time.Second))
		}
		guess("tobias", "192.0.2.1", now)
		last := guess("ilse", "192.0.2.2", now)
		want("after seven guesses", 6, 6, 5)
		at, err := s.GuessesBetween(t.Context(), "ilse", "192.0.2.1", now.Add(time.Second), 2)
		if err != nil || len(at) != 2 || !at[0].Equal(now.Add(4*time.Second)) || !at[1].Equal(now.Add(3*time.Second)) {
			t.Errorf("the last two are %v (%v)", at, err)
		}
		if err := s.ForgetGuess(t.Context(), last.ID); err != nil {
			t.Error(err)
		}
		want("without the last", 5, 6, 5)
		if err := s.ForgiveGuesses(t.Context(), "ilse", "192.0.2.1"); err != nil {
			t.Error(err)
		}
		want("once the password was found", 0, 1, 0)
		guess("ilse", "192.0.2.1", now)
		guess("", "browser:1", now.Add(16*time.Minute))
		want("when the time is over", 0, 0, 0)
	})
}

func TestKnownBrowsersAreLimitedAndExpire(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		add := func(token, instead string, at time.Time) {
			t.Helper()
			if err := s.AddKnownBrowser(t.Context(), store.KnownBrowser{TokenHash: token, VoiceID: author.ID, SeenAt: at},
				instead); err != nil {
				t.Fatal(err)
			}
		}
		known := func(token string, since time.Time) bool {
			t.Helper()
			b, err := s.KnownBrowser(t.Context(), token, since)
			if err != nil && !errors.Is(err, blog.ErrNotFound) || err == nil && b.VoiceID != author.ID {
				t.Fatalf("the browser is %+v (%v)", b, err)
			}
			return err == nil
		}
		for i := range 25 {
			add(fmt.Sprint("browser ", i), "", now.Add(time.Duration(i)*time.Minute))
		}
		if known("browser 4", time.Time{}) || !known("browser 5", time.Time{}) || !known("browser 24", now) ||
			known("browser 5", now.Add(time.Hour)) {
			t.Error("the twenty browsers used last are not those that are known")
		}
		add("browser 24 again", "browser 24", now.Add(time.Hour))
		if known("browser 24", time.Time{}) || !known("browser 24 again", now) || !known("browser 5", time.Time{}) {
			t.Error("a new token did not take the place of the one before")
		}
		if err := s.Forget(t.Context(), now.AddDate(1, 0, 0).Add(10*time.Minute)); err != nil ||
			known("browser 9", time.Time{}) || !known("browser 11", time.Time{}) {
			t.Errorf("a year later a browser is still known (%v)", err)
		}
		guess := store.Guess{ID: blog.NewID(now), Account: author.Handle, Source: "192.0.2.1", At: now}
		if err := s.AddGuess(t.Context(), guess, now); err != nil {
			t.Fatal(err)
		}
		if err := s.EraseVoice(t.Context(), author.Voice, now); err != nil || known("browser 11", time.Time{}) {
			t.Errorf("an author who left still has browsers (%v)", err)
		}
		if at, err := s.GuessesAt(t.Context(), author.Handle, time.Time{}, 10); err != nil || len(at) != 0 {
			t.Errorf("guesses at an author who left are kept: %v (%v)", at, err)
		}
	})
}
