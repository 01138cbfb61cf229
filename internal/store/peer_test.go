package store_test

import (
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheSilentServersAreCounted(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		friend(t, s, "bram", "silent.example", author.ID)
		addActivity(t, s, a, "Create", 1)
		n, err := s.CountSilentPeers(t.Context())
		if err != nil || n != (store.SilentCount{}) {
			t.Errorf("before a visit: %+v, %v", n, err)
		}
		deliverAll(t, s, now, func(string, string) blog.Delivery { return blog.Delivery{Status: blog.Retrying} })
		if n, err = s.CountSilentPeers(t.Context()); err != nil || n != (store.SilentCount{Silent: 1}) {
			t.Errorf("after a visit without an answer: %+v, %v", n, err)
		}
		if err := s.ResumeFollowers(t.Context(), "silent.example"); err != nil {
			t.Error(err)
		}
	})
}
