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

// titleCache holds the newest articles, for the suggestions on pages that were not found. Bots ask for thousands of
// those. So it is read again only after a change, and at most once in a few seconds; it holds no texts and no more
// than maxTitles articles.
type titleCache struct {
	changes func() uint64

	mu      sync.Mutex
	list    []blog.Article
	version uint64
	read    time.Time
}

const (
	maxTitles   = 500
	titlesPause = 5 * time.Second
	minLikeness = 0.4 // how alike two names must be, of 1
)

// suggest returns up to three articles whose slugs are similar to the given name.
func (w *Web) suggest(ctx context.Context, name string) ([]blog.Article, error) {
	if len(name) < 4 || len(name) > 200 || strings.Contains(name, ".") {
		return nil, nil // a program looking for holes, not a reader
	}
	list, err := w.newestTitles(ctx)
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
		if like := wanted.Likeness(nearest.NewName(a.Slug)); like >= minLikeness {
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

// newestTitles returns the cached articles, and reads them again when it must.
func (w *Web) newestTitles(ctx context.Context) ([]blog.Article, error) {
	t := &w.titles
	t.mu.Lock()
	defer t.mu.Unlock()
	version := t.changes()
	if t.list != nil && (t.version == version || time.Since(t.read) < titlesPause) {
		return t.list, nil
	}
	filter := listed("")
	filter.Limit = maxTitles
	list, err := w.store.Articles(ctx, filter)
	if err != nil {
		return nil, err
	}
	// The append makes an empty list that is not nil: nil means that nothing was read yet.
	t.list, t.version, t.read = append([]blog.Article{}, list...), version, time.Now()
	return t.list, nil
}
