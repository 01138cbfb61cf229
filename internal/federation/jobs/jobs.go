// Package jobs does what must be done from time to time: publish what is due, end holds, renew what is known of actors.
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

// Jobs is the night shift: what must be done from time to time, by one process at a time.
type Jobs struct {
	federation.Core
	Outbox  *outbox.Outbox
	Discard func(context.Context) error // takes files off the disk that belong to nothing any more; may be nil
	rests   map[blog.ID]time.Time       // when an article is tried again that could not be published
	stays   map[blog.ID]time.Time       // the same of what was held
}

// job is one periodic job: what it is called, how often it is due, and what it does.
type job struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

func (c *Jobs) list() []job {
	return []job{
		{"publish what was scheduled", time.Second, c.publishDue},
		{"let go what was held", time.Second, c.letGoDue},
		{"bring new servers what was said before", time.Second, c.Outbox.WelcomeDue},
		{"tell of changed profiles", time.Second, c.Outbox.IntroduceDue},
		{"let authors move whose waiting is over", time.Minute, c.Outbox.MoveDue},
		{"let authors leave whose grace is over", time.Minute, c.Outbox.LeaveDue},
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

// Run does the chores until the context ends: those of each second beside the others, which may wait for other servers.
// The statistics are renewed at the start as well, since a database may come from elsewhere, or have a new index.
func (c *Jobs) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { c.do(ctx, job{name: statistics, do: c.Store.RenewStatistics}) })
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

// statistics is the name of the chore that is done at the start as well.
const statistics = "renew the statistics of the database"

func (c *Jobs) doOnce(ctx context.Context, job job) {
	if job.every > time.Second {
		mine, err := c.claim(ctx, job)
		if err != nil || !mine {
			c.complain(ctx, job, err)
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
	c.complain(ctx, job, job.do(ctx))
}

func (c *Jobs) complain(ctx context.Context, job job, err error) {
	if err != nil && ctx.Err() == nil {
		c.Log.Error("a chore failed", "chore", job.name, "error", err)
	}
}

// restOfUnpublished is how long an article rests that could not be published.
const restOfUnpublished = 10 * time.Minute

// publishDue looks every second and needs no claim: whoever publishes first locks the article, and the others find it
// published.
func (c *Jobs) publishDue(ctx context.Context) error {
	due, err := c.Store.DueArticles(ctx, c.Now())
	return errors.Join(err, c.release(ctx, &c.rests, due, func(ctx context.Context, id blog.ID) error {
		_, err := c.Outbox.Publish(ctx, id)
		return err
	}))
}

// letGoDue does the same for what was held.
func (c *Jobs) letGoDue(ctx context.Context) error {
	due, err := c.Store.DueHolds(ctx, c.Now())
	return errors.Join(err, c.release(ctx, &c.stays, due, c.Outbox.LetGo))
}

// release lets articles out. What cannot be published, since it has no title any more, say, keeps nothing else from going
// out, and rests.
func (c *Jobs) release(ctx context.Context, rests *map[blog.ID]time.Time, due []blog.ID, do func(context.Context, blog.ID) error) error {
	var errs []error
	later := map[blog.ID]time.Time{}
	for _, id := range due {
		if until := (*rests)[id]; c.Now().Before(until) {
			later[id] = until
			continue
		}
		if err := do(ctx, id); err != nil && !errors.Is(err, blog.ErrConflict) {
			later[id] = c.Now().Add(restOfUnpublished)
			errs = append(errs, err)
		}
	}
	*rests = later
	return errors.Join(errs...)
}

func (c *Jobs) giveUp(ctx context.Context) error {
	n, err := c.Store.GiveUp(ctx, c.Now().Add(-blog.Patience), c.Now())
	if n > 0 {
		c.Log.Info("letters were given up after a week", "letters", n)
	}
	return err
}

// oldKeyTime is how long a replaced key is kept: servers that know it and not the new one are told with it. GoToSocial asks for a
// key anew after a week at most, when it wants to know more of an account.
const oldKeyTime = 30 * 24 * time.Hour

// eraseRemains erases what was still needed: the keys of authors who left, until the letters that they sign were out, those of
// before a rotation, until nobody should know them, and files.
func (c *Jobs) eraseRemains(ctx context.Context) error {
	_, err := c.Store.EraseKeys(ctx)
	_, oldErr := c.Store.EraseOldKeys(ctx, c.Now().Add(-oldKeyTime))
	err = errors.Join(err, oldErr)
	if c.Discard != nil {
		err = errors.Join(err, c.Discard(ctx))
	}
	return err
}

// setAside keeps the followers of servers that have been silent for a month from being written to and counted, and takes
// those back whose servers are back.
func (c *Jobs) setAside(ctx context.Context) error {
	aside, back, err := c.Store.SuspendDead(ctx, c.Now())
	if aside+back > 0 {
		c.Log.Info("followers of silent servers", "set aside", aside, "brought back", back)
	}
	return err
}

func (c *Jobs) forget(ctx context.Context) error { return c.Store.Forget(ctx, c.Now()) }
