package store_test

import (
	"testing"

	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheLastHundredUnpublishedRevisionsStay(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		keep := func(language, kind string) {
			if err := s.AddRevision(t.Context(), store.Revision{ArticleID: a.ID, Language: language, Kind: kind,
				At: now}); err != nil {
				t.Fatal(err)
			}
		}
		keep("nl", "saved")
		keep("en", "published")
		for range 103 {
			keep("en", "saved")
		}
		list, err := s.Revisions(t.Context(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		kept, numbers := map[string]int{}, map[int]bool{}
		for _, r := range list {
			kept[r.Language+" "+r.Kind]++
			numbers[r.Number] = true
		}
		if kept["en saved"] != 100 || kept["en published"] != 1 || kept["nl saved"] != 1 || numbers[2] || !numbers[104] {
			t.Errorf("kept are %v", kept)
		}
	})
}
