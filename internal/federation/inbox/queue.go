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
	maxCallers  = 256              // servers whose arrivals are handled in parallel; most of them wait for other servers
	maxFetches  = 16               // posts and actors that we fetch for one activity
	maxAttempts = 5                // attempts at one arrival before we stop trying
	arrivalTime = 25 * time.Second // limit of one attempt
	maxRead     = 50               // arrivals of a server in one read
)

// Run handles the arrivals until the context ends: of up to maxCallers servers in parallel, and those of one server in
// the order in which they came.
func (in *Inbox) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { in.compareFollowerLists(ctx) })
	slots := make(chan struct{}, maxCallers)
	for ctx.Err() == nil {
		claims, err := in.Store.ClaimCallers(ctx, in.Now(), federation.LeaseTime, maxCallers-len(slots))
		if err != nil && ctx.Err() == nil {
			in.Log.Error("arrivals cannot be claimed", "error", err)
		}
		for _, claim := range claims {
			slots <- struct{}{}
			working.Go(func() {
				// Another server may wait for this slot.
				defer in.wakeUp()
				defer func() { <-slots }()
				in.handleServer(ctx, claim)
			})
		}
		if len(claims) == 0 {
			federation.Pause(ctx, in.wake, federation.PollTime)
		}
	}
}

// handleServer handles the arrivals of a claimed server, and releases the claim.
func (in *Inbox) handleServer(ctx context.Context, claim store.Claim) {
	began := in.Now()
	// We stop after half of the lease, so that the current arrival ends before the lease does.
	for ctx.Err() == nil && in.Now().Sub(began) < federation.LeaseTime/2 {
		arrivals, err := in.Store.Arrivals(ctx, claim.Host, in.Now(), maxRead)
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
			if !in.tryArrival(ctx, arrival) {
				// The database cannot be written to. Without a pause we would ask it thousands of times a second.
				federation.Pause(ctx, nil, retryPause)
				break
			}
		}
	}
	// The claim is released at shutdown, too. Otherwise nobody can handle this server until the lease ends.
	err := in.untilWritten(ctx, func(ctx context.Context) error { return in.Store.ReleaseCaller(ctx, claim, in.Now()) })
	if err != nil && !errors.Is(err, store.ErrLost) {
		in.Log.Error("arrivals cannot be released", "host", claim.Host, "error", err)
	}
}

// retryPause is the time between two attempts to write to a database that cannot be written to.
const retryPause = time.Second

// untilWritten writes, again and again while the database is not available, for at most half of a lease. When ctx is
// done, it writes once more, within five seconds.
func (in *Inbox) untilWritten(ctx context.Context, write func(context.Context) error) error {
	for began := time.Now(); ; {
		once, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
		last := ctx.Err() != nil || time.Since(began) > federation.LeaseTime/2
		err := write(once)
		cancel()
		if last || !errors.Is(err, store.ErrUnavailable) {
			return err
		}
		federation.Pause(ctx, nil, retryPause)
	}
}

// tryArrival makes one attempt at an arrival. After maxAttempts it parks the arrival instead. It reports false when the
// database could not be written to, so that this was no attempt.
func (in *Inbox) tryArrival(ctx context.Context, arrival blog.Arrival) bool {
	attempt, cancel := context.WithTimeout(ctx, arrivalTime)
	defer cancel()
	if arrival.Attempts >= maxAttempts {
		return in.park(attempt, arrival, fmt.Errorf("%d attempts failed", arrival.Attempts))
	}
	// The attempt is counted before it begins: an arrival that kills the process must not be tried for ever.
	if err := in.Store.CountAttempt(attempt, arrival.ID, in.Now().Add(blog.Backoff(arrival.Attempts+1))); err != nil {
		in.Log.Error("an attempt at an arrival cannot be recorded", "arrival", arrival.ID, "error", err)
		return false
	}
	// A panic is caught, so that one arrival that triggers a bug does not stop the others.
	err := federation.Safely(func() error { return in.handleArrival(attempt, arrival) })
	switch {
	case err == nil || ctx.Err() != nil: // our own stop is no failure of the arrival
	case errors.Is(err, store.ErrUnavailable):
		in.Log.Error("an arrival waits for the database", federation.LogArrival(arrival, err)...)
		// Else the arrival would rest for a minute or an hour because of a trouble of ours that lasted a second.
		err := in.untilWritten(ctx, func(ctx context.Context) error { return in.Store.UncountAttempt(ctx, arrival.ID) })
		if err != nil {
			in.Log.Error("an arrival cannot be made due again", "arrival", arrival.ID, "error", err)
		}
		return false
	case federation.Temporary(err):
		in.Log.Info("an arrival waits for another server", federation.LogArrival(arrival, err)...)
	default:
		in.Log.Warn("an arrival failed; it will be tried again", federation.LogArrival(arrival, err)...)
	}
	return true
}

// park takes an arrival out of the queue for good, and reports whether it could. The reason is for the operator.
func (in *Inbox) park(ctx context.Context, arrival blog.Arrival, reason error) bool {
	in.Log.Error("an arrival failed too often and is not tried again", federation.LogArrival(arrival, reason)...)
	err := in.Store.ParkArrival(ctx, arrival.ID, reason.Error())
	if err != nil {
		in.Log.Error("an arrival cannot be parked", "arrival", arrival.ID, "error", err)
	}
	return err == nil
}

// handleArrival parses an arrival, decides what of it can be trusted, and applies that.
func (in *Inbox) handleArrival(ctx context.Context, arrival blog.Arrival) error {
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
	// The signer is not the actor, so the signature proves nothing about the activity.
	if arrival.Signer != act.Actor {
		if act, err = in.verifyForwarded(ctx, doc, act, arrival.At); err != nil {
			return err
		}
	}
	return in.applyWithFetches(ctx, arrival, act)
}

// blockedSince reports whether the signer or the actor of an arrival was blocked after it came.
func (in *Inbox) blockedSince(ctx context.Context, signer, actor string) (bool, error) {
	blocked, err := in.Blocked(ctx, in.Store, signer)
	if blocked || err != nil || signer == actor {
		return blocked, err
	}
	return in.Blocked(ctx, in.Store, actor)
}

// applyWithFetches applies an activity. If a post or an actor is missing, it fetches that and applies the activity
// again, up to maxFetches times.
func (in *Inbox) applyWithFetches(ctx context.Context, arrival blog.Arrival, act activity.Activity) error {
	found := fetched{}
	finish := func(ctx context.Context, s *store.Store) error { return s.FinishArrival(ctx, arrival.ID) }
	// A transaction must not wait for the network. So each pass that needs a fetch rolls back, and the next pass begins
	// again with one more thing fetched.
	for fetches := 0; ; fetches++ {
		h, err := in.apply(ctx, act, arrival.Signer, found, finish)
		var missing missingError
		switch {
		case err == nil:
			h.afterCommit()
			return nil
		case !errors.As(err, &missing):
			return err
		case fetches == maxFetches:
			in.Log.Info("an arrival needs too many fetches and has no effect", federation.LogArrival(arrival, err)...)
			return in.Store.FinishArrival(ctx, arrival.ID)
		}
		switch err := in.fetch(ctx, missing, found); {
		case errors.Is(err, federation.ErrNotOurs):
			in.Log.Info("an arrival has no effect", federation.LogArrival(arrival, err)...)
			return in.Store.FinishArrival(ctx, arrival.ID)
		case err != nil:
			return err
		}
	}
}

// fetch fetches what is missing and adds it to found; a post that cannot be fetched is added as nil. It returns
// temporary errors, and ErrNotOurs when the actor cannot be fetched: the activity then has no effect.
func (in *Inbox) fetch(ctx context.Context, missing missingError, found fetched) error {
	if missing.actor != "" {
		_, err := in.FetchActor(ctx, missing.actor)
		if err != nil && federation.Permanent(err) {
			return fmt.Errorf("%w: %w", federation.ErrNotOurs, err)
		}
		found[missing.actor] = nil // the entry means "fetched"; the handler of Move tests for it
		return err
	}
	post, err := in.FetchPost(ctx, missing.object)
	switch {
	// 404 and 410 count as a result: the Delete that a group announces needs exactly that.
	case errors.Is(err, remote.ErrGone), errors.Is(err, remote.ErrNotFound):
		post = &activity.Object{ID: missing.object, Type: federation.Tombstone}
	case err != nil && !federation.Permanent(err):
		return err
	}
	found[missing.object] = post
	// The id of a post may differ from the address that we fetched.
	if post != nil {
		found[post.ID] = post
	}
	return nil
}

// verifyForwarded returns what can be trusted of a forwarded activity, one that its actor did not sign: all of it if it
// carries a valid proof, else what its origin confirms.
func (in *Inbox) verifyForwarded(ctx context.Context, doc *activity.Document, act activity.Activity,
	arrived time.Time) (activity.Activity, error) {
	if valid, err := in.hasValidProof(ctx, doc, act, arrived); valid || err != nil {
		return act, err
	}
	return in.confirmAtOrigin(ctx, act)
}

// confirmAtOrigin returns the part of a forwarded activity that its origin can confirm. Only the id of its object is
// used, and only to ask the origin (contract F-081, threat T-060).
func (in *Inbox) confirmAtOrigin(ctx context.Context, act activity.Activity) (activity.Activity, error) {
	// The result has no id. If it had, a forger could mark the real activity as seen (threat T-041).
	trusted := activity.Activity{Actor: act.Actor, Type: act.Type}
	switch what := act.Act.(type) {
	case activity.Create:
		// An object that is given by its id alone is fetched from its origin later.
		trusted.Act = activity.Create{Object: activity.Object{ID: idIfSameOrigin(what.Object.ID, act.Actor)}}
	case activity.Update:
		if what.Object.Actor == nil {
			trusted.Act = activity.Update{Object: activity.Object{ID: idIfSameOrigin(what.Object.ID, act.Actor)}}
		}
	case activity.Delete:
		// We do not accept a forwarded Delete of an account.
		if what.Object == act.Actor || !blog.SameOrigin(what.Object, act.Actor) {
			return trusted, nil
		}
		_, err := in.Remote.Lookup(ctx, what.Object)
		switch {
		case errors.Is(err, remote.ErrGone), errors.Is(err, remote.ErrNotFound):
			trusted.Act = what
		case err != nil && !federation.Permanent(err):
			return trusted, err
		}
	}
	return trusted, nil
}

// idIfSameOrigin returns an object's id, or "" when it has another origin than the actor.
func idIfSameOrigin(id, actor string) string {
	if blog.SameOrigin(id, actor) {
		return id
	}
	return ""
}
