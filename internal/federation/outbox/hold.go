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

// ReleaseHold sends the held publication or change of an article when its hold is over, with all changes since. It does
// nothing when there is no hold, or when the hold is not over.
func (o *Outbox) ReleaseHold(ctx context.Context, id blog.ID) error {
	// The look-ups come first, because a transaction must not wait for the network.
	current, err := o.Store.Article(ctx, id)
	if err != nil {
		return err
	}
	ready, err := o.prepare(ctx, current, false, nil)
	if err != nil {
		return fmt.Errorf("release the article %s: %w", id, err)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		a, err := s.LockArticle(ctx, id)
		if err != nil {
			return err
		}
		hold, err := o.currentHold(ctx, s, id)
		// Meanwhile the author may have undone the change, or another process may have released the hold.
		if err != nil || hold == nil || !hold.Over(o.Now()) {
			return err
		}
		if err := s.DropHold(ctx, id); err != nil {
			return err
		}
		if err := ready.saveLinks(ctx, s, &a); err != nil {
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

// Undo takes back a publication or a change that was not sent yet. Other servers get nothing, and the page is as it was
// before. After a publication, the article is a draft again and keeps its text. After a change, the former text is
// restored; Undo returns the changed article, so that it is not lost. It returns blog.ErrConflict when nothing is held.
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

// holdBefore returns the hold that an undo needs: the article before the change, and the planned length of its series
// if the change alters that.
func holdBefore(ctx context.Context, s *store.Store, before, after blog.Article) (store.Hold, error) {
	hold := store.Hold{ArticleID: before.ID, Before: before}
	if after.SeriesPlanned == 0 {
		return hold, nil
	}
	series, err := s.RequestedSeries(ctx, after)
	if err == nil && series.Planned != after.SeriesPlanned {
		hold.Totals = map[blog.ID]int{series.ID: series.Planned}
	}
	return hold, federation.IgnoreMissing(err)
}

// mergeTotals merges the planned lengths of series at two moments. For a series in both, the earlier length counts.
func mergeTotals(earlier, later map[blog.ID]int) map[blog.ID]int {
	joined := maps.Clone(later)
	if joined == nil {
		return earlier
	}
	maps.Copy(joined, earlier)
	return joined
}

// undo restores an article and the planned lengths of series as they were before the hold. It returns the article with
// the undone change, for an editor: saving it again would set the planned length again.
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
		// SaveArticle returns a conflict unless SavedAt is that of the stored row.
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
