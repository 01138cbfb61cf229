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

// Jobs runs the periodic work. Several processes may run it: only one of them does each job.
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
func (j *Jobs) list() []job {
	return []job{
		{"publish what was scheduled", time.Second, j.publishDue},
		{"let go what was held", time.Second, j.releaseDue},
		{"bring new servers what was said before", time.Second, j.Outbox.SendDueWelcomes},
		{"tell of changed profiles", time.Second, j.Outbox.SendDueProfiles},
		{"let authors move whose waiting is over", time.Minute, j.Outbox.MoveDueVoices},
		{"let authors leave whose grace is over", time.Minute, j.Outbox.DeleteDueAuthors},
		{"ask again for people elsewhere", time.Minute, j.refresh},
		{"ask servers what they run", time.Minute, j.askSoftware},
		{"confirm departures", 10 * time.Minute, j.confirmDepartures},
		{"erase what remains of those who left", 10 * time.Minute, j.eraseRemains},
		{"give up letters that never arrived", 10 * time.Minute, j.giveUp},
		{"set the followers of dead servers aside", 10 * time.Minute, j.setAside},
		{"forget what is old", 6 * time.Hour, j.forget},
		{statistics, 24 * time.Hour, j.Store.RenewStatistics},
	}
}

// Run runs the jobs until the context ends.
func (j *Jobs) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	// The database may be a restored copy or have a new index, so its statistics are also renewed at the start.
	working.Go(func() { j.do(ctx, job{name: statistics, do: j.Store.RenewStatistics}) })
	// The jobs of every second run apart from the others, which may wait long for other servers.
	for _, often := range []bool{true, false} {
		working.Go(func() {
			for ctx.Err() == nil {
				for _, job := range j.list() {
					if often == (job.every == time.Second) {
						j.doOnce(ctx, job)
					}
				}
				federation.Pause(ctx, nil, time.Second)
			}
		})
	}
}

// statistics is the name of the job that is also done at the start.
const statistics = "renew the statistics of the database"

// doOnce runs a job if it is due and no other process runs it.
func (j *Jobs) doOnce(ctx context.Context, job job) {
	// The jobs of every second are not claimed: that would be a write each second for each of them. Their own
	// transactions decide which process does the work.
	if job.every > time.Second {
		mine, err := j.claim(ctx, job)
		if err != nil || !mine {
			j.logFailure(ctx, job, err)
			return
		}
	}
	j.do(ctx, job)
}

// claim reports whether the job is due and this process may run it.
func (j *Jobs) claim(ctx context.Context, job job) (bool, error) {
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	return j.Store.ClaimJob(ctx, job.name, j.Now(), job.every)
}

// do runs a job and logs its error. A panic is logged as well.
func (j *Jobs) do(ctx context.Context, job job) {
	// A job that hangs must not keep the others from running: they share one loop.
	ctx, cancel := context.WithTimeout(ctx, time.Minute)
	defer cancel()
	j.logFailure(ctx, job, federation.Safely(func() error { return job.do(ctx) }))
}

// logFailure logs the error of a job, but not our own stop.
func (j *Jobs) logFailure(ctx context.Context, job job, err error) {
	if err != nil && ctx.Err() == nil {
		j.Log.Error("a job failed", "job", job.name, "error", err)
	}
}

// retryAfter is how long an article waits that could not be published.
const retryAfter = 10 * time.Minute

// publishDue publishes the scheduled articles that are due. It needs no claim: the first process that publishes an
// article locks it, and the others find it published (blog.ErrConflict).
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

// forEachDue calls do for each article that is due. An article for which it fails, for example because it has lost
// its title, waits for retryAfter and does not hold up the others.
func (j *Jobs) forEachDue(ctx context.Context, retries *map[blog.ID]time.Time, due []blog.ID,
	do func(context.Context, blog.ID) error,
) error {
	var errs []error                 // independent of each other, so all are returned
	later := map[blog.ID]time.Time{} // a new map, so that articles that are not due any more are forgotten
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

// giveUp ends the deliveries that did not succeed within a week. The courier itself ends only those that it tries.
func (j *Jobs) giveUp(ctx context.Context) error {
	n, err := j.Store.GiveUp(ctx, j.Now().Add(-blog.Patience), j.Now())
	if n > 0 {
		j.Log.Info("deliveries were given up after a week", "deliveries", n)
	}
	return err
}

// oldKeyTime is how long a replaced key is kept: it announces the new key to servers that have only the old one.
// GoToSocial fetches an account again after a week at most, when something needs it, so a month leaves time.
const oldKeyTime = 30 * 24 * time.Hour

// eraseRemains erases what is not needed any more: keys of deleted authors, replaced keys and unused media files.
func (j *Jobs) eraseRemains(ctx context.Context) error {
	// Only once the last deliveries are settled: they must be signed.
	if _, err := j.Store.EraseKeys(ctx); err != nil {
		return err
	}
	if _, err := j.Store.EraseOldKeys(ctx, j.Now().Add(-oldKeyTime)); err != nil {
		return err
	}
	if j.Discard == nil {
		return nil
	}
	return j.Discard(ctx)
}

// setAside sets the followers of servers aside that have been silent for a month: they get no deliveries and are not
// counted. Followers whose server is back are counted again.
func (j *Jobs) setAside(ctx context.Context) error {
	aside, back, err := j.Store.SuspendDead(ctx, j.Now())
	if aside+back > 0 {
		j.Log.Info("followers of silent servers were set aside or are back", "set aside", aside, "brought back", back)
	}
	return err
}

func (j *Jobs) forget(ctx context.Context) error { return j.Store.Forget(ctx, j.Now()) }
