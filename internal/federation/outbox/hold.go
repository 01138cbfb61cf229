package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// currentHold returns the hold of an article, or nil.
func (o *Outbox) currentHold(ctx context.Context, s *store.Store, article blog.ID) (*store.Hold, error) {
	hold, err := s.Hold(ctx, article)
	if errors.Is(err, blog.ErrNotFound) {
		return nil, nil
	}
	return &hold, err
}

// ReleaseHold sends what was held of an article, if its hold is over. It sends the article as it is now, with all
// changes since. Without a hold that is over it does nothing.
func (o *Outbox) ReleaseHold(ctx context.Context, id blog.ID) error {
	// The lookups on the network come before the transaction.
	current, err := o.Store.Article(ctx, id)
	if err != nil {
		return err
	}
	ready, err := o.prepare(ctx, current, false)
	if err != nil {
		return fmt.Errorf("release the article %s: %w", id, err)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		a, err := s.LockArticle(ctx, id)
		if err != nil {
			return err
		}
		hold, err := o.currentHold(ctx, s, id)
		// The author may have undone it meanwhile, or another process released it.
		if err != nil || hold == nil || !hold.Over(o.Now()) {
			return err
		}
		if err := s.DropHold(ctx, id); err != nil {
			return err
		}
		if hold.New {
			return o.queueCreate(ctx, s, a, ready.mentions)
		}
		return o.queueChange(ctx, s, hold.Before, ready.mentions)
	})
	if err != nil {
		return fmt.Errorf("release the article %s: %w", id, err)
	}
	o.Wake()
	return nil
}

// Undo takes back a publication or a change that was not sent yet. Other servers get nothing, and the page is as
// before. A publication becomes a draft again and keeps its text. A change restores the former text; Undo returns the
// changed article, so that it is not lost. It returns blog.ErrConflict when nothing is held.
func (o *Outbox) Undo(ctx context.Context, id blog.ID) (blog.Article, error) {
	var a blog.Article
	err := o.Store.InTx(ctx, func(s *store.Store) (err error) {
		if a, err = s.LockArticle(ctx, id); err != nil {
			return err
		}
		hold, err := o.currentHold(ctx, s, id)
		if err == nil && hold == nil {
			err = blog.ErrConflict
		}
		if err != nil {
			return err
		}
		former := a
		a, err = o.undo(ctx, s, &former, *hold)
		return err
	})
	if err != nil {
		return a, fmt.Errorf("undo %q: %w", a.Title, err)
	}
	return a, nil
}

// holdFor returns what to store for an undo: the article before the change, and the planned length of its series if
// the change alters it.
func holdFor(ctx context.Context, s *store.Store, before, after blog.Article) (store.Hold, error) {
	was := store.Hold{ArticleID: before.ID, Before: before}
	if after.SeriesPlanned == 0 {
		return was, nil
	}
	series, err := s.RequestedSeries(ctx, after)
	if err == nil && series.Planned != after.SeriesPlanned {
		was.Totals = map[blog.ID]int{series.ID: series.Planned}
	}
	return was, federation.IgnoreMissing(err)
}

// mergeTotals joins the planned lengths of series at two moments. The earlier ones win.
func mergeTotals(earlier, later map[blog.ID]int) map[blog.ID]int {
	joined := maps.Clone(later)
	if joined == nil {
		return earlier
	}
	maps.Copy(joined, earlier)
	return joined
}

// undo restores an article and the planned lengths of series as they were before the hold. It returns the article
// with the undone change, whose planned length is a request again.
func (o *Outbox) undo(ctx context.Context, s *store.Store, a *blog.Article, hold store.Hold) (blog.Article, error) {
	for id, total := range hold.Totals {
		series, err := s.Series(ctx, id)
		if err != nil {
			return *a, err
		}
		if a.SeriesID == id {
			a.SeriesPlanned = series.Planned
		}
		series.Planned = total
		if err := s.SaveSeries(ctx, series); err != nil {
			return *a, err
		}
	}
	undone := *a
	if hold.New {
		a.Unpublish(hold.Before)
	} else {
		*a = hold.Before
		// SaveArticle compares the time of the last save with that of the stored row.
		a.SavedAt = undone.SavedAt
		if err := s.UnpublishRevisions(ctx, a.ID, a.ChangedAt()); err != nil {
			return undone, err
		}
	}
	if err := s.SaveArticle(ctx, a, o.Now()); err != nil {
		return undone, err
	}
	if err := s.DropHold(ctx, a.ID); err != nil {
		return undone, err
	}
	// A draft that was never public frees its slugs for other articles.
	if a.Month == "" {
		return undone, s.DeleteSlugs(ctx, a.ID)
	}
	return undone, nil
}
