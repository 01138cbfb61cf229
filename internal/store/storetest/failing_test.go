package storetest

import (
	"errors"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// TestFailing shows that exactly the n-th matching query fails, whether it is prepared yet or not, in a transaction or
// outside, and that the database answers again after it.
func TestFailing(t *testing.T) {
	EachFailing(t, func(t *testing.T, s *store.Store, faults *Faults) {
		ask := func(s *store.Store) error {
			_, err := s.CommentByAddress(t.Context(), "https://noordkade.example/1")
			return err
		}
		inTx := func(do func(*store.Store) error) error { return s.InTx(t.Context(), do) }
		for range 30 { // the query is prepared in the background meanwhile
			faults.Fail("FROM comments", 2)
			if err := ask(s); !errors.Is(err, blog.ErrNotFound) {
				t.Fatalf("the first query: %v", err)
			}
			if err := inTx(ask); !errors.Is(err, ErrInjected) {
				t.Fatalf("the second query: %v", err)
			}
			if err := ask(s); !errors.Is(err, blog.ErrNotFound) {
				t.Fatalf("the third query: %v", err)
			}
			if failed := faults.Failed(); len(failed) != 1 || !strings.Contains(failed[0], "FROM comments") {
				t.Fatalf("failed: %q", failed)
			}
		}
	})
}
