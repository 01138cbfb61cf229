package store_test

import (
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func receive(t *testing.T, s *store.Store, host, activity string, at time.Time) blog.Arrival {
	t.Helper()
	a := blog.Arrival{ID: blog.NewID(at), Host: host, ActivityID: activity, Signer: "https://" + host + "/users/bram",
		Body: []byte(`{"id":"` + activity + `"}`), At: at}
	if err := s.AddArrival(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	return a
}

func TestANewArrivalDoesNotWaitForOneThatRests(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, host := t.Context(), "veerhuis.example"
		callers := func(at time.Time) []store.Claim {
			t.Helper()
			claims, err := s.ClaimCallers(ctx, at, time.Minute, 5)
			if err != nil {
				t.Fatal(err)
			}
			return claims
		}
		resting := receive(t, s, host, "https://veerhuis.example/1", now)
		claims := callers(now)
		if len(claims) != 1 {
			t.Fatalf("claims = %v", claims)
		}
		if err := s.CountAttempt(ctx, resting.ID, now.Add(3*time.Hour)); err != nil {
			t.Fatal(err)
		}
		receive(t, s, host, "https://veerhuis.example/2", now.Add(time.Second))
		if again := callers(now.Add(time.Second)); len(again) != 0 {
			t.Errorf("two work on one server at once: %v", again)
		}
		if err := s.ReleaseCaller(ctx, claims[0], now.Add(2*time.Second)); err != nil {
			t.Fatal(err)
		}
		claims = callers(now.Add(2 * time.Second))
		if len(claims) != 1 {
			t.Fatalf("the second arrival waits for the first: %v", claims)
		}
		second, err := s.Arrivals(ctx, host, now.Add(2*time.Second), 5)
		if err != nil || len(second) != 1 {
			t.Fatalf("due = %v, %v", second, err)
		}
		if err := s.FinishArrival(ctx, second[0].ID); err != nil {
			t.Fatal(err)
		}
		if err := s.ReleaseCaller(ctx, claims[0], now.Add(3*time.Second)); err != nil {
			t.Fatal(err)
		}
		if early := callers(now.Add(time.Hour)); len(early) != 0 {
			t.Errorf("a server was claimed of which nothing is due: %v", early)
		}
		receive(t, s, host, "https://veerhuis.example/3", now.Add(time.Hour))
		if claims = callers(now.Add(time.Hour)); len(claims) != 1 {
			t.Errorf("the third arrival waits for the first: %v", claims)
		}
		if err := s.ReleaseCaller(ctx, claims[0], now.Add(time.Hour)); err != nil {
			t.Fatal(err)
		}
		if late := callers(now.Add(4 * time.Hour)); len(late) != 1 {
			t.Errorf("the first is not tried again: %v", late)
		}
	})
}

func TestTheSameArrivalIsKeptOnceUntilAnotherFollows(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		for i, step := range []struct {
			activity string
			want     int // arrivals that wait
		}{{"follow", 1}, {"follow", 1}, {"undo", 2}, {"undo", 2}, {"follow", 3}, {"", 4}, {"", 4}} {
			receive(t, s, "veerhuis.example", step.activity, now.Add(time.Duration(i)*time.Second))
			if n, _, err := s.CountWaiting(t.Context()); err != nil || n != step.want {
				t.Errorf("step %d: %d arrivals wait, %v; want %d", i, n, err, step.want)
			}
		}
		receive(t, s, "zilverduin.example", "", now)
		if n, _, err := s.CountWaiting(t.Context()); err != nil || n != 5 {
			t.Errorf("from another signer: %d arrivals wait, %v", n, err)
		}
	})
}
