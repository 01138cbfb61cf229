package jobs

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// retryAfter is how long an article waits after it could not be published or released.
const retryAfter = 10 * time.Minute

// publishDue publishes the scheduled articles that are due. It needs no claim: the first process locks the article and
// publishes it, and the others get blog.ErrConflict.
func (j *Jobs) publishDue(ctx context.Context) error {
	due, err := j.Store.DueArticles(ctx, j.Now())
	if err != nil {
		return err
	}
	return j.forEachDue(ctx, &j.retryPublish, due, func(ctx context.Context, id blog.ID) error {
		_, err := j.Outbox.Publish(ctx, id)
		return err
	})
}

// releaseDue sends the articles whose hold is over. Like publishDue, it needs no claim.
func (j *Jobs) releaseDue(ctx context.Context) error {
	due, err := j.Store.DueHolds(ctx, j.Now())
	if err != nil {
		return err
	}
	return j.forEachDue(ctx, &j.retryRelease, due, j.Outbox.ReleaseHold)
}

// forEachDue calls do for each article that is due. If do fails, for example because the article has lost its title,
// the article waits for retryAfter, and the others are not delayed. retries holds the times when such articles may be
// tried again. The error joins the errors of all articles.
func (j *Jobs) forEachDue(ctx context.Context, retries *map[blog.ID]time.Time, due []blog.ID,
	do func(context.Context, blog.ID) error,
) error {
	var errs []error                 // one for each article that failed; they are independent
	later := map[blog.ID]time.Time{} // a new map, so that it holds only articles that are still due
	for _, id := range due {
		if until := (*retries)[id]; j.Now().Before(until) {
			later[id] = until
			continue
		}
		if err := do(ctx, id); err != nil && !errors.Is(err, blog.ErrConflict) {
			later[id] = j.Now().Add(retryAfter)
			errs = append(errs, err)
		}
	}
	*retries = later
	return errors.Join(errs...)
}
