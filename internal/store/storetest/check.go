package storetest

import (
	"context"
	"testing"
	"time"

	"causerie/internal/store"
)

// checkStore checks, at the end of a test, what the store itself can check: the lists of articles, their lengths, and
// the kept counts of comments, reactions and followers.
func checkStore(t testing.TB, url string) {
	t.Helper()
	// The context of the test has ended.
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := store.Open(ctx, url)
	if err != nil {
		t.Errorf("check the store: %v", err)
		return
	}
	defer s.Close()
	for _, check := range []func(context.Context) ([]string, error){s.WrongLists, s.WrongOutboxes, s.WrongCounts} {
		if wrong, err := check(ctx); err != nil || len(wrong) > 0 {
			t.Errorf("the store is wrong: %q, %v", wrong, err)
		}
	}
}
