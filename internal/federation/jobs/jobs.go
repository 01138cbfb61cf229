// Package jobs does the periodic work: it publishes scheduled articles, ends holds, fetches old actors again and
// deletes what has expired.
package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
)

// Jobs runs the periodic work. Several processes may run it: each job is claimed in the database, so that one of them
// does it.
type Jobs struct {
	federation.Core
	Outbox  *outbox.Outbox
	Discard func(context.Context) error // deletes media files that nothing uses any more; may be nil

	retryPublish map[blog.ID]time.Time // when to retry an article that could not be published
	retryRelease map[blog.ID]time.Time // when to retry an article that could not be released from its hold
}

// job is one periodic job.
type job struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

// list returns all jobs. The names are keys in the database: a new name makes a job due at once.
func (c *Jobs) list() []job {
	return []job{
		{"publish what was scheduled", time.Second, c.publishDue},
		{"let go what was held", time.Second, c.releaseDue},
		{"bring new servers what was said before", time.Second, c.Outbox.SendDueWelcomes},
		{"tell of changed profiles", time.Second, c.Outbox.SendDueProfiles},
		{"let authors move whose waiting is over", time.Minute, c.Outbox.MoveDueVoices},
		{"let authors leave whose grace is over", time.Minute, c.Outbox.DeleteDueAuthors},
		{"ask again for people elsewhere", time.Minute, c.refresh},
		{"ask servers what they run", time.Minute, c.askSoftware},
		{"confirm departures", 10 * time.Minute, c.confirmDepartures},
		{"erase what remains of those who left", 10 * time.Minute, c.eraseRemains},
		{"give up letters that never arrived", 10 * time.Minute, c.giveUp},
		{"set the followers of dead servers aside", 10 * time.Minute, c.setAside},
		{"forget what is old", 6 * time.Hour, c.forget},
		{statistics, 24 * time.Hour, c.Store.RenewStatistics},
	}
}

// Run runs the jobs until the context ends.
func (c *Jobs) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	// The database may be a restored copy or have a new index, so its statistics are also renewed at the start.
	working.Go(func() { c.do(ctx, job{name: statistics, do: c.Store.RenewStatistics}) })
	// The jobs of every second run apart from the others, which may wait long for other servers.
	for _, often := range []bool{true, false} {
		working.Go(func() {
			for ctx.Err() == nil {
				for _, job := range c.list() {
					if often == (job.every == time.Second) {
						c.doOnce(ctx, job)
					}
				}
				federation.Pause(ctx, nil, time.Second)
			}
		})
	}
}

// statistics is the name of the job that is also done at the start.
const statistics = "renew the statistics of the database"

func (c *Jobs) doOnce(ctx context.Context, job job) {
	if job.every > time.Second {
		mine, err := c.claim(ctx, job)
		if err != nil || !mine {
			c.logFailure(ctx, job, err)
			return
		}
	}
	c.do(ctx, job)
}

func (c *Jobs) claim(ctx context.Context, job job) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return c.Store.ClaimJob(ctx, job.name, c.Now(), job.every)
}

func (c *Jobs) do(ctx context.Context, job job) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	c.logFailure(ctx, job, federation.Safely(func() error { return job.do(ctx) }))
}

func (c *Jobs) logFailure(ctx context.Context, job job, err error) {
	if err != nil && ctx.Err() == nil {
		c.Log.Error("a job failed", "job", job.name, "error", err)
	}
}

// retryAfter is how long an article waits that could not be published.
const retryAfter = 10 * time.Minute

// publishDue publishes the scheduled articles that are due. It runs every second and needs no claim: the first process
// that publishes an article locks it, and the others find it published.
func (c *Jobs) publishDue(ctx context.Context) error {
	due, err := c.Store.DueArticles(ctx, c.Now())
	if err != nil {
		return err
	}
	return c.forEachDue(ctx, &c.retryPublish, due, func(ctx context.Context, id blog.ID) error {
		_, err := c.Outbox.Publish(ctx, id)
		return err
	})
}

// releaseDue releases the articles whose hold is over, in the same way.
func (c *Jobs) releaseDue(ctx context.Context) error {
	due, err := c.Store.DueHolds(ctx, c.Now())
	if err != nil {
		return err
	}
	return c.forEachDue(ctx, &c.retryRelease, due, c.Outbox.ReleaseHold)
}

// forEachDue does something with each article that is due. An article for which it fails, for example because it has
// lost its title, waits for retryAfter and does not hold up the others.
func (c *Jobs) forEachDue(ctx context.Context, retries *map[blog.ID]time.Time, due []blog.ID,
	do func(context.Context, blog.ID) error,
) error {
	var errs []error                 // of articles that have nothing to do with each other: all are logged
	later := map[blog.ID]time.Time{} // a new map, so that articles that are not due any more are forgotten
	for _, id := range due {
		if until := (*retries)[id]; c.Now().Before(until) {
			later[id] = until
			continue
		}
		if err := do(ctx, id); err != nil && !errors.Is(err, blog.ErrConflict) {
			later[id] = c.Now().Add(retryAfter)
			errs = append(errs, err)
		}
	}
	*retries = later
	return errors.Join(errs...)
}

func (c *Jobs) giveUp(ctx context.Context) error {
	n, err := c.Store.GiveUp(ctx, c.Now().Add(-blog.Patience), c.Now())
	if n > 0 {
		c.Log.Info("deliveries were given up after a week", "deliveries", n)
	}
	return err
}

// oldKeyTime is how long a replaced key is kept. It announces the new key to servers that have only the old one.
// GoToSocial fetches an account again after a week at most, when something asks for it.
const oldKeyTime = 30 * 24 * time.Hour

// eraseRemains erases what is not needed any more: the keys of authors who left, once their last deliveries are
// settled; keys that were replaced long ago; and unused media files.
func (c *Jobs) eraseRemains(ctx context.Context) error {
	if _, err := c.Store.EraseKeys(ctx); err != nil {
		return err
	}
	if _, err := c.Store.EraseOldKeys(ctx, c.Now().Add(-oldKeyTime)); err != nil {
		return err
	}
	if c.Discard == nil {
		return nil
	}
	return c.Discard(ctx)
}

// setAside sets the followers of servers aside that have been silent for a month: they get no deliveries and are not
// counted. Followers whose server is back are counted again.
func (c *Jobs) setAside(ctx context.Context) error {
	aside, back, err := c.Store.SuspendDead(ctx, c.Now())
	if aside+back > 0 {
		c.Log.Info("followers of silent servers were set aside or are back", "set aside", aside, "brought back", back)
	}
	return err
}

func (c *Jobs) forget(ctx context.Context) error { return c.Store.Forget(ctx, c.Now()) }
