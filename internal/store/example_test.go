package store_test

import (
	"context"
	"errors"
	"fmt"
	"log"
	"os"
	"path/filepath"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// What happens in one transaction happens as a whole or not at all.
func ExampleStore_InTx() {
	ctx := context.Background()
	folder, err := os.MkdirTemp("", "causerie")
	if err != nil {
		log.Fatal(err)
	}
	defer os.RemoveAll(folder)
	s, err := store.Open(ctx, filepath.Join(folder, "causerie.db"))
	if err != nil {
		log.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(ctx); err != nil {
		log.Fatal(err)
	}

	err = s.InTx(ctx, func(s *store.Store) error {
		return s.SaveSeries(ctx, blog.Series{ID: "1", Slug: "the-low-road", Title: "The Low Road", Language: "en"})
	})
	fmt.Println("saved:", err)

	changedMind := errors.New("changed my mind")
	err = s.InTx(ctx, func(s *store.Store) error {
		bridge := blog.Series{ID: "2", Slug: "the-bridge", Title: "The Bridge", Language: "en"}
		if err := s.SaveSeries(ctx, bridge); err != nil {
			return err
		}
		return changedMind
	})
	fmt.Println("not saved:", err)

	_, err = s.SeriesBySlug(ctx, "the-low-road")
	fmt.Println("the low road:", err)
	_, err = s.SeriesBySlug(ctx, "the-bridge")
	fmt.Println("the bridge is there:", !errors.Is(err, blog.ErrNotFound))
	// Output:
	// saved: <nil>
	// not saved: changed my mind
	// the low road: <nil>
	// the bridge is there: false
}
