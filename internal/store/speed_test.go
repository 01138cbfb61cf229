package store_test

import (
	"fmt"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// BenchmarkClaim takes 256 of 2,000 servers for whom 100,000 deliveries wait.
func BenchmarkClaim(b *testing.B) {
	for name, url := range map[string]func(testing.TB) string{"sqlite": storetest.SQLite, "postgres": storetest.Postgres} {
		b.Run(name, func(b *testing.B) {
			s, err := store.Open(b.Context(), url(b))
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { s.Close() })
			inboxes := make([]string, 100_000)
			for i := range inboxes {
				inboxes[i] = fmt.Sprintf("https://h%d.example/users/%d/inbox", i%2000, i)
			}
			said := blog.Activity{ID: blog.NewID(now), Kind: "Update", Payload: []byte("{}"), At: now}
			err = s.InTx(b.Context(), func(s *store.Store) error {
				if err := s.AddActivity(b.Context(), said); err != nil {
					return err
				}
				return s.AddDeliveriesTo(b.Context(), said, inboxes...)
			})
			if err != nil {
				b.Fatal(err)
			}
			at, slowest := now, time.Duration(0)
			for b.Loop() {
				began := time.Now()
				// one process does not claim again what it has
				claims, err := s.ClaimPeers(b.Context(), at, time.Millisecond, 256, false)
				if err != nil {
					b.Fatal(err)
				}
				slowest = max(slowest, time.Since(began))
				if len(claims) == 0 {
					at = at.Add(2 * time.Minute) // all leases have ended
				}
			}
			b.ReportMetric(float64(slowest.Microseconds())/1000, "ms-slowest")
		})
	}
}
