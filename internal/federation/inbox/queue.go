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
	maxCallers  = 256 // servers whose arrivals are handled at once; each of them waits for other servers most of the time
	maxFetches  = 16  // posts and actors that one activity may make us fetch
	maxAttempts = 5   // of one arrival, before it is parked
	arrivalTime = 25 * time.Second
	maxRead     = 50 // arrivals of a server in one read
)

// Run handles the arrivals until the context ends: server by server, those of one server in the order in which they
// came.
func (in *Inbox) Run(ctx context.Context) {
	var working sync.WaitGroup
	defer working.Wait()
	working.Go(func() { in.settleDifferences(ctx) })
	slots := make(chan struct{}, maxCallers)
	for ctx.Err() == nil {
		claims, err := in.Store.ClaimCallers(ctx, in.Now(), federation.LeaseTime, maxCallers-len(slots))
		if err != nil && ctx.Err() == nil {
			in.Log.Error("arrivals cannot be claimed", "error", err)
		}
		for _, claim := range claims {
			slots <- struct{}{}
			working.Go(func() {
				// The freed slot may have a next server waiting.
				defer in.wakeUp()
				defer func() { <-slots }()
				in.handleArrivals(ctx, claim)
			})
		}
		if len(claims) == 0 {
			federation.Pause(ctx, in.wake, federation.PollTime)
		}
	}
}

// handleArrivals handles the arrivals of a claimed server, and releases the claim.
func (in *Inbox) handleArrivals(ctx context.Context, claim store.Claim) {
	began := in.Now()
	// Half of the lease leaves time for the current arrival before another process may claim the server.
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
			in.attempt(ctx, arrival)
		}
	}
	// The claim is released at shutdown as well: it would block the server until its lease ends.
	released, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	if err := in.Store.ReleaseCaller(released, claim, in.Now()); err != nil && !errors.Is(err, store.ErrLost) {
		in.Log.Error("arrivals cannot be released", "host", claim.Host, "error", err)
	}
}

// attempt handles one arrival, parks it, or leaves it for a later attempt.
func (in *Inbox) attempt(ctx context.Context, arrival blog.Arrival) {
	ctx, cancel := context.WithTimeout(ctx, arrivalTime)
	defer cancel()
	if arrival.Attempts >= maxAttempts {
		in.park(ctx, arrival, fmt.Errorf("%d attempts failed", arrival.Attempts))
		return
	}
	// The attempt is counted before it begins: an arrival that kills the process must not be tried for ever.
	if err := in.Store.AttemptArrival(ctx, arrival.ID, in.Now().Add(blog.Backoff(arrival.Attempts+1))); err != nil {
		in.Log.Error("an attempt at an arrival cannot be recorded", "arrival", arrival.ID, "error", err)
		return
	}
	// A bug that one arrival triggers must not stop the others.
	err := federation.Safely(func() error { return in.readArrival(ctx, arrival) })
	switch {
	case err == nil || ctx.Err() != nil:
	case federation.Temporary(err):
		in.Log.Info("an arrival waits for another server", federation.LogArrival(arrival, err)...)
	default:
		in.Log.Warn("an arrival could not be handled", federation.LogArrival(arrival, err)...)
	}
}

// park takes an arrival out of the queue for good, with the reason for the operator.
func (in *Inbox) park(ctx context.Context, arrival blog.Arrival, reason error) {
	in.Log.Error("an arrival is parked", federation.LogArrival(arrival, reason)...)
	if err := in.Store.ParkArrival(ctx, arrival.ID, reason.Error()); err != nil {
		in.Log.Error("an arrival cannot be parked", "arrival", arrival.ID, "error", err)
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
	// Somebody else than the actor signed, so the signature proves nothing about the activity.
	if arrival.Signer != act.Actor {
		if act, err = in.relayed(ctx, doc, act, arrival.At); err != nil {
			return err
		}
	}
	return in.complete(ctx, arrival, act)
}

// blockedSince reports whether the signer or the actor of an arrival was blocked after it came.
func (in *Inbox) blockedSince(ctx context.Context, signer, actor string) (bool, error) {
	blocked, err := in.Blocked(ctx, in.Store, signer)
	if blocked || err != nil || signer == actor {
		return blocked, err
	}
	return in.Blocked(ctx, in.Store, actor)
}

// complete handles an activity. While something is missing it fetches that, up to maxFetches times, and begins again.
func (in *Inbox) complete(ctx context.Context, arrival blog.Arrival, act activity.Activity) error {
	found := fetched{}
	done := func(ctx context.Context, s *store.Store) error { return s.FinishArrival(ctx, arrival.ID) }
	// No request is made inside a transaction: each attempt rolls back, and runs again with one more thing fetched.
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
			in.Log.Info("an arrival has no effect", federation.LogArrival(arrival, err)...)
			return in.Store.FinishArrival(ctx, arrival.ID)
		case err != nil:
			return err
		}
	}
}

// fetch fetches what is missing. An error that may pass is returned. A post that cannot be fetched is recorded as
// such. If the actor cannot be fetched, the activity is dropped: the error is an ErrNotOurs.
func (in *Inbox) fetch(ctx context.Context, missing missing, found fetched) error {
	if missing.actor != "" {
		_, err := in.FetchActor(ctx, missing.actor)
		if err != nil && federation.Permanent(err) {
			return fmt.Errorf("%w: %w", federation.ErrNotOurs, err)
		}
		found[missing.actor] = nil // a move asks whether the target was fetched
		return err
	}
	post, err := in.FetchPost(ctx, missing.object)
	switch {
	// A post that is gone is an answer: an announced Delete asks for it.
	case errors.Is(err, remote.ErrGone), errors.Is(err, remote.ErrNotFound):
		post = &activity.Object{ID: missing.object, Type: federation.Tombstone}
	case err != nil && !federation.Permanent(err):
		return err
	}
	found[missing.object] = post
	// A post may have another id than the address that it was fetched from.
	if post != nil {
		found[post.ID] = post
	}
	return nil
}

// relayed returns what can be trusted of an activity that somebody else than its actor sent: all of it when it
// carries a proof, else what its origin confirms.
func (in *Inbox) relayed(ctx context.Context, doc *activity.Document, act activity.Activity,
	arrived time.Time) (activity.Activity, error) {
	if proven, err := in.proven(ctx, doc, act, arrived); proven || err != nil {
		return act, err
	}
	return in.forwarded(ctx, act)
}

// forwarded checks an activity that somebody else than its actor sent, without a proof. Nothing in it is trusted but
// the id of its object (contract F-081, threat T-060).
func (in *Inbox) forwarded(ctx context.Context, act activity.Activity) (activity.Activity, error) {
	// Without an id the activity is not recorded as seen: nobody can suppress the real one (threat T-041).
	hint := activity.Activity{Actor: act.Actor, Type: act.Type}
	switch what := act.Act.(type) {
	case activity.Create:
		hint.Act = activity.Create{Object: activity.Object{ID: sameOrigin(what.Object.ID, act.Actor)}}
	case activity.Update:
		if what.Object.Actor == nil {
			hint.Act = activity.Update{Object: activity.Object{ID: sameOrigin(what.Object.ID, act.Actor)}}
		}
	case activity.Delete:
		// A forwarder cannot delete a whole account.
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
