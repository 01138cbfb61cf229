package inbox

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

const (
	readers      = 256 // servers whose arrivals are worked through at once; each waits for others most of the time
	maxFetches   = 16  // what one activity may make us fetch, all kinds together
	maxTries     = 5   // of one arrival, before it is parked
	arrivalTime  = 25 * time.Second
	arrivalsOnce = 50
)

// Run handles the arrivals until the context ends: server by server, each in the order of arrival.
func (in *Inbox) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { in.settleDifferences(ctx) })
	places := make(chan struct{}, readers)
	for ctx.Err() == nil {
		claims, err := in.Store.ClaimCallers(ctx, in.Now(), federation.LeaseTime, readers-len(places))
		if err != nil && ctx.Err() == nil {
			in.Log.Error("arrivals cannot be claimed", "error", err)
		}
		for _, claim := range claims {
			places <- struct{}{}
			working.Go(func() {
				defer in.wakeUp()
				defer func() { <-places }()
				in.workThrough(ctx, claim)
			})
		}
		if len(claims) == 0 {
			federation.Pause(ctx, in.wake, federation.PollTime)
		}
	}
}

func (in *Inbox) workThrough(ctx context.Context, claim store.Claim) {
	began := in.Now()
	for ctx.Err() == nil && in.Now().Sub(began) < federation.LeaseTime/2 {
		arrivals, err := in.Store.Arrivals(ctx, claim.Host, in.Now(), arrivalsOnce)
		if err != nil && ctx.Err() == nil {
			in.Log.Error("arrivals cannot be read", "host", claim.Host, "error", err)
		}
		if err != nil || len(arrivals) == 0 {
			break
		}
		for _, arrival := range arrivals {
			if ctx.Err() != nil || in.Now().Sub(began) > federation.LeaseTime/2 {
				break
			}
			in.work(ctx, arrival)
		}
	}
	release, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := in.Store.ReleaseCaller(release, claim, in.Now()); err != nil && !errors.Is(err, store.ErrLost) {
		in.Log.Error("arrivals cannot be released", "host", claim.Host, "error", err)
	}
}

// work handles one arrival, parks it, or leaves it for a later try.
func (in *Inbox) work(ctx context.Context, arrival blog.Arrival) {
	ctx, cancel := context.WithTimeout(ctx, arrivalTime)
	defer cancel()
	if arrival.Attempts >= maxTries {
		in.park(ctx, arrival, fmt.Errorf("it failed %d times", arrival.Attempts))
		return
	}
	if err := in.Store.AttemptArrival(ctx, arrival.ID, in.Now().Add(blog.Backoff(arrival.Attempts+1))); err != nil {
		in.Log.Error("an arrival cannot be tried", "arrival", arrival.ID, "error", err)
		return
	}
	// A bug that one arrival brings to light must not stop the others.
	err := federation.Safely(func() error { return in.readArrival(ctx, arrival) })
	switch {
	case err == nil || ctx.Err() != nil:
	case federation.Temporary(err):
		in.Log.Info("an arrival waits for another server", federation.LogArrival(arrival, err)...)
	default:
		in.Log.Warn("an arrival could not be handled", federation.LogArrival(arrival, err)...)
	}
}

func (in *Inbox) park(ctx context.Context, arrival blog.Arrival, reason error) {
	in.Log.Error("an arrival is set aside", federation.LogArrival(arrival, reason)...)
	if err := in.Store.ParkArrival(ctx, arrival.ID, reason.Error()); err != nil {
		in.Log.Error("an arrival cannot be set aside", "arrival", arrival.ID, "error", err)
	}
}

// readArrival reads and handles an arrival.
func (in *Inbox) readArrival(ctx context.Context, arrival blog.Arrival) error {
	doc, err := activity.Read(arrival.Body)
	if err != nil {
		return err
	}
	act, err := activity.Parse(doc)
	if err != nil {
		return err
	}
	blocked, err := in.blockedSince(ctx, arrival.Signer, act.Actor)
	if err != nil {
		return err
	}
	if blocked {
		return in.Store.FinishArrival(ctx, arrival.ID)
	}
	if arrival.Signer != act.Actor {
		if act, err = in.relayed(ctx, doc, act, arrival.At); err != nil {
			return err
		}
	}
	return in.complete(ctx, arrival, act)
}

// blockedSince reports whether the signer or the actor of an arrival was blocked after it came.
func (in *Inbox) blockedSince(ctx context.Context, signer, actor string) (bool, error) {
	barred, err := in.Blocked(ctx, in.Store, signer)
	if barred || err != nil || signer == actor {
		return barred, err
	}
	return in.Blocked(ctx, in.Store, actor)
}

// complete fetches what an activity needs, within its budget, and then handles it.
func (in *Inbox) complete(ctx context.Context, arrival blog.Arrival, act activity.Activity) error {
	found := fetched{}
	done := func(ctx context.Context, s *store.Store) error { return s.FinishArrival(ctx, arrival.ID) }
	for fetches := 0; ; fetches++ {
		h, err := in.apply(ctx, act, found, done)
		var missing missing
		switch {
		case err == nil:
			h.afterCommit()
			return nil
		case !errors.As(err, &missing):
			return err
		case fetches == maxFetches:
			return in.Store.FinishArrival(ctx, arrival.ID)
		}
		switch err := in.fetch(ctx, missing, found); {
		case errors.Is(err, federation.ErrNotOurs):
			in.Log.Info("an arrival comes to nothing", federation.LogArrival(arrival, err)...)
			return in.Store.FinishArrival(ctx, arrival.ID)
		case err != nil:
			return err
		}
	}
}

// fetch fetches what is missing. An error that may pass is returned. A post that cannot be fetched is recorded as
// missing. If the actor cannot be fetched, the activity is dropped: that is an ErrNotOurs.
func (in *Inbox) fetch(ctx context.Context, missing missing, found fetched) error {
	if missing.actor != "" {
		_, err := in.FetchActor(ctx, missing.actor)
		if err != nil && federation.Permanent(err) {
			return fmt.Errorf("%w: %w", federation.ErrNotOurs, err)
		}
		found[missing.actor] = nil // asked for, so that it is not asked for again
		return err
	}
	post, err := in.FetchPost(ctx, missing.object)
	switch {
	case errors.Is(err, remote.ErrGone), errors.Is(err, remote.ErrNotFound):
		post = &activity.Object{ID: missing.object, Type: federation.Tombstone}
	case err != nil && !federation.Permanent(err):
		return err
	}
	found[missing.object] = post
	if post != nil {
		found[post.ID] = post
	}
	return nil
}

// relayed returns what can be trusted of an activity that somebody else than its actor sent: all of it when it carries
// a proof, else what its origin confirms.
func (in *Inbox) relayed(ctx context.Context, doc *activity.Document, act activity.Activity,
	came time.Time) (activity.Activity, error) {
	if proven, err := in.proven(ctx, doc, act, came); proven || err != nil {
		return act, err
	}
	return in.forwarded(ctx, act)
}

// forwarded checks an activity that somebody else than its actor sent. Nothing in it is trusted but the id of its
// object (contract F-081, threat T-060). It is not recorded as seen, so that nobody can suppress the real one.
func (in *Inbox) forwarded(ctx context.Context, act activity.Activity) (activity.Activity, error) {
	hint := activity.Activity{Actor: act.Actor, Type: act.Type}
	switch what := act.Act.(type) {
	case activity.Create:
		hint.Act = activity.Create{Object: activity.Object{ID: sameOrigin(what.Object.ID, act.Actor)}}
	case activity.Update:
		if what.Object.Actor == nil {
			hint.Act = activity.Update{Object: activity.Object{ID: sameOrigin(what.Object.ID, act.Actor)}}
		}
	case activity.Delete:
		if what.Object == act.Actor || !blog.SameOrigin(what.Object, act.Actor) {
			return hint, nil
		}
		_, err := in.Remote.Lookup(ctx, what.Object)
		switch {
		case errors.Is(err, remote.ErrGone), errors.Is(err, remote.ErrNotFound):
			hint.Act = what
		case err != nil && !federation.Permanent(err):
			return hint, err
		}
	}
	return hint, nil
}

func sameOrigin(address, actor string) string {
	if blog.SameOrigin(address, actor) {
		return address
	}
	return ""
}
