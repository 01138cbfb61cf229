package outbox

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// ReviseOptions is how a change goes out. The zero value sends it at once, as an edit that readers are told of.
type ReviseOptions struct {
	// Quiet corrects without telling: other servers get an Update whose updated is no newer. They take the policy and
	// the audience from it and leave the words of their copies, make no edit of it and notify nobody; whoever fetches
	// the article from then on gets the new words.
	Quiet bool
	// Hold is how long nothing leaves, so that Undo can take it back without a trace.
	Hold time.Duration
	// SkipIfSame leaves an article alone that is stored just so: nothing is told, and its last change stays when it was.
	SkipIfSame bool
}

// currentHold returns the hold of an article, nil when there is none.
func (o *Outbox) currentHold(ctx context.Context, s *store.Store, article blog.ID) (*store.Hold, error) {
	hold, err := s.Hold(ctx, article)
	if errors.Is(err, blog.ErrNotFound) {
		return nil, nil
	}
	return &hold, err
}

// ReleaseHold sends what was held of an article, if its time has come: the article as it is now, with all changes since.
func (o *Outbox) ReleaseHold(ctx context.Context, id blog.ID) error {
	current, err := o.Store.Article(ctx, id)
	if err != nil {
		return err
	}
	ready, err := o.prepare(ctx, current, false)
	if err != nil {
		return fmt.Errorf("let article %s go: %w", id, err)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		a, err := s.LockArticle(ctx, id)
		if err != nil {
			return err
		}
		hold, err := o.currentHold(ctx, s, id)
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
		return fmt.Errorf("let article %s go: %w", id, err)
	}
	o.Wake()
	return nil
}

// Undo takes back a publication or a change that was not sent yet. Nobody elsewhere gets it, and the page is as it was
// before. A published article is a draft again, with its text as it is. A changed article has its former text, and the
// changed article is returned so that it is not lost. blog.ErrConflict when nothing is held.
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
		return a, fmt.Errorf("take %q back: %w", a.Title, err)
	}
	return a, nil
}

// holdFor returns what to store for an undo: the article before the change, and the total of the series that the change
// alters.
func holdFor(ctx context.Context, s *store.Store, before, after blog.Article) (store.Hold, error) {
	was := store.Hold{ArticleID: before.ID, Before: before}
	if after.SeriesPlanned == 0 {
		return was, nil
	}
	series, err := s.WishedSeries(ctx, after)
	if err == nil && series.Planned != after.SeriesPlanned {
		was.Totals = map[blog.ID]int{series.ID: series.Planned}
	}
	return was, federation.IgnoreMissing(err)
}

// older joins the totals of series at two moments. The earlier one wins.
func mergeTotals(earlier, later map[blog.ID]int) map[blog.ID]int {
	joined := maps.Clone(later)
	if joined == nil {
		return earlier
	}
	maps.Copy(joined, earlier)
	return joined
}

// undo restores an article and the totals of series as they were before the hold. It returns the article with the
// undone change; its total of the series is a wish again.
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
		a.SavedAt = undone.SavedAt
		if err := s.UnsayRevisions(ctx, a.ID, a.ChangedAt()); err != nil {
			return undone, err
		}
	}
	if err := s.SaveArticle(ctx, a, o.Now()); err != nil {
		return undone, err
	}
	if err := s.DropHold(ctx, a.ID); err != nil {
		return undone, err
	}
	if a.Month == "" {
		return undone, s.FreeSlugs(ctx, a.ID)
	}
	return undone, nil
}
