package jobs

import (
	"context"
	"errors"
	"sync"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// How remote actors and servers are refreshed.
const (
	silentAgain   = 24 * time.Hour      // when a silent server is asked again
	softwareEvery = 30 * 24 * time.Hour // how often a server is asked for its software
	maxActors     = 60                  // in one run
	maxRequests   = 8                   // at the same time
)

// refresh fetches actors again whose record is old, and verifies handles that were never verified. It skips an actor
// that nothing here refers to.
func (j *Jobs) refresh(ctx context.Context) error {
	due, err := j.Store.DueActors(ctx, j.Now(), maxActors)
	if err != nil {
		return err
	}
	return forEach(due, func(actor blog.Actor) error {
		referenced, err := j.Store.IsReferenced(ctx, actor.ID)
		switch {
		case err != nil:
			return err
		// Not fetched, so that strangers cannot make this blog send requests for ever.
		case !referenced:
			return j.Store.RefreshAt(ctx, actor.ID, j.Now().Add(store.RefreshEvery))
		}
		return j.refreshOne(ctx, actor)
	})
}

// askSoftware fetches which software servers run (NodeInfo). Only authors see it.
func (j *Jobs) askSoftware(ctx context.Context) error {
	hosts, err := j.Store.UnaskedPeers(ctx, j.Now(), maxActors/2)
	if err != nil {
		return err
	}
	return forEach(hosts, func(host string) error {
		software, err := j.Remote.Software(ctx, host)
		again := j.Now().Add(softwareEvery)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && federation.Temporary(err):
			again = j.Now().Add(silentAgain)
		// A server without NodeInfo is asked again only after softwareEvery, like one that has it.
		case err != nil:
			j.Log.Debug("the software of a server is not known", "host", host, "error", err)
		}
		return j.Store.SaveSoftware(ctx, host, software, again)
	})
}

// forEach calls do for each item of a list, up to maxRequests at the same time. It returns all errors; a panic is one
// of them.
func forEach[T any](list []T, do func(T) error) error {
	var working sync.WaitGroup
	places, errs := make(chan struct{}, maxRequests), make([]error, len(list))
	for i, one := range list {
		places <- struct{}{}
		working.Go(func() {
			defer func() { <-places }()
			errs[i] = federation.Safely(func() error { return do(one) })
		})
	}
	working.Wait()
	return errors.Join(errs...) // independent of each other, since each is about another actor or server
}

// refreshOne fetches an actor again if its record is old, and verifies its handle.
func (j *Jobs) refreshOne(ctx context.Context, actor blog.Actor) error {
	now := j.Now()
	if now.Sub(actor.FetchedAt) > federation.StaleAfter {
		fresh, err := j.FetchActor(ctx, actor.ID)
		switch {
		case errors.Is(err, remote.ErrGone): // FetchActor has recorded it; confirmDepartures decides
			return nil
		case err != nil && federation.Temporary(err):
			return j.Store.MarkActorSilent(ctx, actor.ID, now, now.Add(silentAgain))
		// a 404, for example, is no proof that the actor is gone: the record stays
		case err != nil && federation.Permanent(err):
			return j.Store.RefreshAt(ctx, actor.ID, now.Add(store.RefreshEvery))
		case err != nil:
			return err
		}
		actor = fresh
	}
	if err := j.CheckHandle(ctx, actor); err != nil {
		return err
	}
	return j.Store.RefreshAt(ctx, actor.ID, now.Add(store.RefreshEvery))
}

// confirmDepartures fetches actors again whose server answered 410 a day ago. An actor that is gone still is removed
// with its comments.
func (j *Jobs) confirmDepartures(ctx context.Context) error {
	due, err := j.Store.DueGoneChecks(ctx, j.Now(), maxActors)
	if err != nil {
		return err
	}
	// Twice with a day between, since a server in trouble may answer 410 for a while.
	return forEach(due, func(actor blog.Actor) error {
		_, err := j.FetchActor(ctx, actor.ID) // success marks the actor as present again
		switch {
		case errors.Is(err, remote.ErrGone):
			j.Log.Info("an actor is gone", "actor", actor.ID)
			return j.Store.RemoveActor(ctx, actor.ID, j.Now())
		case err != nil && federation.Temporary(err):
			return j.Store.ConfirmAt(ctx, actor.ID, j.Now().Add(time.Hour))
		case err != nil && federation.Permanent(err):
			return j.Store.ClearMaybeGone(ctx, actor.ID)
		}
		return err
	})
}
