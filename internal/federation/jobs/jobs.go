// Package jobs does the periodic work: it publishes scheduled articles, ends holds, fetches old actors again and
// deletes what has expired.
package jobs

import (
	"context"
	"sync"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/outbox"
)

// Jobs runs the periodic work. Several processes may run it. One process claims each job that runs once a minute or
// less often. The jobs of every second run in all processes, and their transactions decide which of them does the work.
type Jobs struct {
	federation.Core
	Outbox  *outbox.Outbox
	Discard func(context.Context) error // deletes media files that nothing uses any more; may be nil

	KeepDeliveries time.Duration // how long settled deliveries are kept one by one; 0 for ever

	retryPublish map[blog.ID]time.Time // when to retry an article that could not be published
	retryRelease map[blog.ID]time.Time // when to retry an article that could not be released from its hold
}

// job is one periodic job.
type job struct {
	name  string
	every time.Duration
	do    func(context.Context) error
}

// list returns all jobs. Their names are keys in the database (table chores): a job with a new name is due at once, and
// a migration must delete the row of the old one.
func (j *Jobs) list() []job {
	return []job{
		{"scheduled-articles", time.Second, j.publishDue},
		{"held-articles", time.Second, j.releaseDue},
		{"welcomes", time.Second, j.Outbox.SendDueWelcomes},
		{"profile-updates", time.Second, j.Outbox.SendDueProfiles},
		{"delivery-samples", time.Second, j.renewSamples},
		{"account-moves", time.Minute, j.Outbox.MoveDueVoices},
		{"account-deletions", time.Minute, j.Outbox.DeleteDueAuthors},
		{"actor-refresh", time.Minute, j.refresh},
		{"collection-refresh", time.Minute, j.refreshCollections},
		{"authors-collection", time.Minute, j.Outbox.RenewAuthors},
		{"collection-requests", 10 * time.Minute, j.Outbox.ExpireFeatureRequests},
		{"server-software", time.Minute, j.askSoftware},
		{"write-ahead-log", time.Minute, j.Store.ShrinkWAL},
		{"gone-actors", 10 * time.Minute, j.confirmDepartures},
		{"unused-keys-and-media", 10 * time.Minute, j.eraseRemains},
		{"expired-deliveries", 10 * time.Minute, j.giveUp},
		{"dead-servers", 10 * time.Minute, j.setAside},
		{"old-deliveries", 10 * time.Minute, j.sumUpDeliveries},
		{"old-rows", 6 * time.Hour, j.forget},
		// Tables that did not grow are skipped. A new blog has one row in each, and plans for one row walk tables.
		{statistics, 10 * time.Minute, j.Store.RenewStatistics},
	}
}

// Run runs the jobs until the context ends.
func (j *Jobs) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	// The database may be a restored copy or have a new index, so its statistics are also renewed at the start.
	working.Go(func() { j.do(ctx, job{name: statistics, do: j.Store.RenewStatistics}) })
	// The jobs of every second have their own loop, because the others may wait long for other servers.
	for _, pause := range []time.Duration{time.Second, claimPause} {
		working.Go(func() {
			for ctx.Err() == nil {
				for _, job := range j.list() {
					if (pause == time.Second) == (job.every == time.Second) {
						j.doOnce(ctx, job)
					}
				}
				federation.Pause(ctx, nil, pause)
			}
		})
	}
}

// claimPause is the time between two attempts to claim a job. Each attempt is a statement for each job, and they were
// half of what a blog at rest asks its database.
const claimPause = 5 * time.Second

// statistics is the name of the job that is also done at the start.
const statistics = "database-statistics"

// doOnce runs a job if it is due and no other process runs it.
func (j *Jobs) doOnce(ctx context.Context, job job) {
	// The jobs of every second are not claimed: each claim would be a write each second.
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

// giveUp ends the deliveries that did not succeed within a week. The courier ends only deliveries that it tries, and
// does not try those of a server or a voice that rests.
func (j *Jobs) giveUp(ctx context.Context) error {
	n, err := j.Store.GiveUp(ctx, j.Now().Add(-blog.Patience), j.Now())
	if n > 0 {
		j.Log.Info("deliveries were given up after a week", "deliveries", n)
	}
	return err
}

// renewSamples counts anew how far articles with many deliveries got.
func (j *Jobs) renewSamples(ctx context.Context) error {
	// One after the other and only for a moment, since each reads all deliveries of an article.
	for end := time.Now().Add(time.Second); time.Now().Before(end); {
		if some, err := j.Store.RenewSamples(ctx, j.Now()); err != nil || !some {
			return err
		}
	}
	return nil
}

// oldKeyTime is how long a replaced key is kept. It signs the Update that announces the new key to servers that have
// only the old one. GoToSocial fetches an account again after a week at the latest, so a month leaves time.
const oldKeyTime = 30 * 24 * time.Hour

// eraseRemains erases what is not needed any more: keys of deleted authors, replaced keys and unused media files.
func (j *Jobs) eraseRemains(ctx context.Context) error {
	// EraseKeys skips an author who still has open deliveries, because those must be signed.
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

// setAside sets the followers of servers that have been silent for a month aside: they get no deliveries and are not
// counted. When a server answers again, its followers are counted again.
func (j *Jobs) setAside(ctx context.Context) error {
	aside, back, err := j.Store.SuspendDead(ctx, j.Now())
	if aside+back > 0 {
		j.Log.Info("followers of silent servers were set aside or are back", "set aside", aside, "brought back", back)
	}
	return err
}

// MinKeepDeliveries is the shortest time for which deliveries are kept one by one. A delivery is tried for a week.
const MinKeepDeliveries = 31 * 24 * time.Hour

// sumUpTime limits how long old deliveries are summed up at once. The rest is done the next time.
const sumUpTime = 20 * time.Second

// sumUpDeliveries sums up the settled deliveries that are old.
func (j *Jobs) sumUpDeliveries(ctx context.Context) error {
	if j.KeepDeliveries <= 0 {
		return nil
	}
	before, next := j.Now().Add(-j.KeepDeliveries), blog.ID("")
	for end := j.Now().Add(sumUpTime); j.Now().Before(end) && ctx.Err() == nil; {
		began := time.Now()
		var err error
		if next, _, err = j.Store.SumUpDeliveries(ctx, next, before); err != nil || next == "" {
			return err
		}
		// Others get the database for as long as this took.
		federation.Pause(ctx, nil, time.Since(began))
	}
	return nil
}

func (j *Jobs) forget(ctx context.Context) error { return j.Store.Forget(ctx, j.Now()) }
