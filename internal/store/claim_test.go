package store_test

import (
	"errors"
	"testing"
	"time"

	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// TestADatabaseErrorIsNoLostClaim: a worker ignores ErrLost, because another process then has its claim. So no other
// error may look like ErrLost.
func TestADatabaseErrorIsNoLostClaim(t *testing.T) {
	for what, release := range map[string]func(t *testing.T, s *store.Store) error{
		"callers": func(t *testing.T, s *store.Store) error {
			return s.ReleaseCaller(t.Context(), store.Claim{Host: "veerhuis.example", Claims: 1}, time.Now())
		},
		"peers": func(t *testing.T, s *store.Store) error {
			return s.Release(t.Context(), store.Claim{Host: "veerhuis.example", Claims: 1},
				store.VisitEnd{How: store.Silent, FreeAt: time.Now()}, time.Now())
		},
		"completions": func(t *testing.T, s *store.Store) error {
			return s.ReleaseBackfill(t.Context(), store.Backfill{ArticleID: "a", Claims: 1}, time.Now())
		},
	} {
		t.Run(what, func(t *testing.T) {
			storetest.EachFailing(t, func(t *testing.T, s *store.Store, faults *storetest.Faults) {
				faults.Fail(what, 1)
				if err := release(t, s); err == nil || errors.Is(err, store.ErrLost) {
					t.Errorf("with a database that fails: %v", err)
				}
				if err := release(t, s); err != nil && !errors.Is(err, store.ErrLost) {
					t.Errorf("of a server that nobody knows: %v", err)
				}
			})
		})
	}
}
