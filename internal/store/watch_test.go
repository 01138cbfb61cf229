package store_test

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestAnotherProcessHearsOfNewDeliveriesBeforeItLooks(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		writer, reader := open(t, url), open(t, url)
		author := ilse(t, writer)
		mail := make(chan time.Time, 100)
		if err := reader.Watch(t.Context(), func() { mail <- time.Now() }); err != nil {
			t.Fatal(err)
		}
		time.Sleep(500 * time.Millisecond) // the listener of PostgreSQL has to connect
		var waits []time.Duration
		for n := range 15 {
			// Not in step with the looks of every second.
			time.Sleep(time.Duration(37*n) * time.Millisecond)
			at := time.Now()
			err := writer.InTx(t.Context(), func(s *store.Store) error {
				a := blog.Activity{ID: blog.NewID(at), VoiceID: author.ID, Kind: "Create", Payload: []byte("{}"), At: at}
				if err := s.AddActivity(t.Context(), a); err != nil {
					return err
				}
				return s.AddDeliveriesTo(t.Context(), a, "https://veerhuis.example/inbox")
			})
			if err != nil {
				t.Fatal(err)
			}
			committed := time.Now()
			select {
			case heard := <-mail:
				waits = append(waits, heard.Sub(committed))
			case <-time.After(5 * time.Second):
				t.Fatal("the other process did not hear of a delivery")
			}
		}
		slices.Sort(waits)
		t.Logf("heard after %v", waits)
		// By looking alone the median would be 500 ms.
		if median := waits[len(waits)/2]; median > 80*time.Millisecond {
			t.Errorf("the other process heard of deliveries after %v, half of the time", median)
		}
		// A change of pages is no mail.
		friend(t, writer, "bram", "veerhuis.example", author.ID)
		select {
		case <-mail:
			t.Error("a new follower counts as a delivery")
		case <-time.After(400 * time.Millisecond):
		}
		if reader.Changes().Newest() != writer.Changes().Newest() {
			t.Error("the other process did not hear of a follower")
		}
	})
}

// PostgreSQL is paused. Nobody who waits for an answer waits for long.
func TestWhoeverWaitsIsToldSoonThatPostgreSQLIsPaused(t *testing.T) {
	url, stall := storetest.Stalling(t)
	s := open(t, url)
	author := ilse(t, s)
	if err := s.Watch(t.Context(), func() {}); err != nil {
		t.Fatal(err)
	}
	ctx := store.Prompt(t.Context())
	calls := map[string]func(context.Context) error{
		"read": s.Ping,
		"transaction": func(ctx context.Context) error {
			return s.InTx(ctx, func(s *store.Store) error { return s.Ping(ctx) })
		},
		"group": func(ctx context.Context) error {
			return s.GroupCommit(ctx, "veerhuis.example", func(ctx context.Context, s *store.Store) error { return s.Ping(ctx) })
		},
	}
	ask := func(limit time.Duration) {
		t.Helper()
		type answer struct {
			name string
			err  error
			took time.Duration
		}
		answers := make(chan answer)
		for name, call := range calls {
			go func() {
				began := time.Now()
				err := call(ctx)
				answers <- answer{name, err, time.Since(began)}
			}()
		}
		for range calls {
			if a := <-answers; !errors.Is(a.err, store.ErrUnavailable) || a.took > limit {
				t.Errorf("a %s ended after %v with %v, want it unavailable within %v", a.name, a.took, a.err, limit)
			}
		}
	}
	for name, call := range calls {
		if err := call(ctx); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
	}
	stall.Begin()
	patient := make(chan error, 1)
	go func() { _, err := s.Voice(t.Context(), author.ID); patient <- err }()
	ask(5 * time.Second)
	ask(500 * time.Millisecond) // it is known now
	stall.End()
	if err := <-patient; err != nil {
		t.Errorf("work in the background did not wait: %v", err)
	}
	began := time.Now()
	for err := s.Ping(ctx); err != nil; err = s.Ping(ctx) {
		if time.Since(began) > 5*time.Second {
			t.Fatalf("PostgreSQL answers again, but: %v", err)
		}
		time.Sleep(20 * time.Millisecond)
	}
}
