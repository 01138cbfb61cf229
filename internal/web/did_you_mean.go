package web

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"sync"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
	"causerie/internal/nearest"
)

// titleCache holds the slugs of the newest articles, for the suggestions on pages that were not found. Bots ask for
// thousands of those. So it is read again only after a change, and at most once in a few seconds.
type titleCache struct {
	changes *changes.Counter

	mu      sync.Mutex
	list    []title
	version uint64
	read    time.Time
}

// title is a slug, prepared to be compared.
type title struct {
	slug string
	name nearest.Name
}

const (
	maxTitles   = 500 // articles
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
		slug string
		like float64
	}
	var found []candidate
	wanted := nearest.NewName(strings.ToLower(name))
	for _, t := range list {
		if like := wanted.Likeness(t.name); like >= minLikeness {
			found = append(found, candidate{t.slug, like})
		}
	}
	slices.SortStableFunc(found, func(a, b candidate) int { return cmp.Compare(b.like, a.like) })
	var suggested []blog.Article
	for _, c := range found[:min(len(found), 3)] {
		now, err := w.store.ArticleBySlug(ctx, c.slug) // what is remembered may have been taken back meanwhile
		switch {
		case errors.Is(err, blog.ErrNotFound):
			continue
		case err != nil:
			return nil, err
		case now.Listed():
			suggested = append(suggested, now)
		}
	}
	return suggested, nil
}

// newestTitles returns the cached slugs, and reads them again when it must.
func (w *Web) newestTitles(ctx context.Context) ([]title, error) {
	t := &w.titles
	t.mu.Lock()
	defer t.mu.Unlock()
	version := t.changes.Of(changes.Everything)
	if t.list != nil && (t.version == version || time.Since(t.read) < titlesPause) {
		return t.list, nil
	}
	texts, err := w.store.ListedTexts(ctx, maxTitles, 0)
	if err != nil {
		return nil, err
	}
	// Not nil, also when it is empty: nil means that nothing was read yet.
	list := make([]title, len(texts))
	for i, text := range texts {
		list[i] = title{text.Slug, nearest.NewName(text.Slug)}
	}
	t.list, t.version, t.read = list, version, time.Now()
	return list, nil
}
