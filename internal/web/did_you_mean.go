package web

import (
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"causerie/internal/blog"
	"causerie/internal/nearest"
)

// titles remembers the newest articles for pages that were not found, of which strangers' programs ask for thousands:
// it is read again when something has changed, and at most once in a few seconds. However many articles there are,
// only the newest titlesKnown are read, without their text, and compared.
type titles struct {
	changes func() uint64

	mu      sync.Mutex
	list    []blog.Article
	version uint64
	read    time.Time
}

const (
	titlesKnown = 500
	titlesRest  = 5 * time.Second
	near        = 0.4 // how alike two names must be, of 1
)

// near finds up to three articles whose slugs are like the given name.
func (w *Web) near(ctx context.Context, name string) ([]blog.Article, error) {
	if len(name) < 4 || len(name) > 200 || strings.Contains(name, ".") {
		return nil, nil // a program looking for holes, not a reader
	}
	list, err := w.newest(ctx)
	if err != nil {
		return nil, err
	}
	type candidate struct {
		article blog.Article
		like    float64
	}
	var found []candidate
	wanted := nearest.NewName(strings.ToLower(name))
	for _, a := range list {
		if like := wanted.Likeness(nearest.NewName(a.Slug)); like >= near {
			found = append(found, candidate{a, like})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int {
		switch {
		case a.like > b.like:
			return -1
		case a.like < b.like:
			return 1
		}
		return 0
	})
	var suggested []blog.Article
	for _, c := range found[:min(len(found), 3)] {
		now, err := w.store.Head(ctx, c.article.ID) // what is remembered may have been taken back meanwhile
		switch {
		case errors.Is(err, blog.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		case now.Listed():
			now.Authors = c.article.Authors
			suggested = append(suggested, now)
		}
	}
	return suggested, nil
}

func (w *Web) newest(ctx context.Context) ([]blog.Article, error) {
	t := &w.titles
	t.mu.Lock()
	defer t.mu.Unlock()
	version := t.changes()
	if t.list != nil && (t.version == version || time.Since(t.read) < titlesRest) {
		return t.list, nil
	}
	filter := listed("")
	filter.Limit = titlesKnown
	list, err := w.store.Articles(ctx, filter)
	if err != nil {
		return nil, err
	}
	t.list, t.version, t.read = append([]blog.Article{}, list...), version, time.Now()
	return t.list, nil
}
