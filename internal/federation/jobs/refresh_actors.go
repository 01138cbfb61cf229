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

// refresh fetches actors again whose record is old, and verifies handles that were never verified. An actor that
// nothing here refers to is skipped.
func (c *Jobs) refresh(ctx context.Context) error {
	due, err := c.Store.DueActors(ctx, c.Now(), maxActors)
	if err != nil {
		return err
	}
	return forEach(due, func(actor blog.Actor) error {
		referenced, err := c.Store.IsReferenced(ctx, actor.ID)
		switch {
		case err != nil:
			return err
		case !referenced:
			return c.Store.RefreshAt(ctx, actor.ID, c.Now().Add(store.RefreshEvery))
		}
		return c.refreshOne(ctx, actor)
	})
}

// askSoftware asks servers which software they run (NodeInfo). Authors see it; nothing else depends on it. A server
// that does not say is asked again only after softwareEvery, like one that does.
func (c *Jobs) askSoftware(ctx context.Context) error {
	hosts, err := c.Store.UnaskedPeers(ctx, c.Now(), maxActors/2)
	if err != nil {
		return err
	}
	return forEach(hosts, func(host string) error {
		software, err := c.Remote.Software(ctx, host)
		again := c.Now().Add(softwareEvery)
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil && federation.Temporary(err):
			again = c.Now().Add(silentAgain)
		case err != nil:
			c.Log.Debug("the software of a server is not known", "host", host, "error", err)
		}
		return c.Store.SaveSoftware(ctx, host, software, again)
	})
}

// forEach calls do for each of a list, up to maxRequests at the same time. It returns all errors; a panic is one of
// them.
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
func (c *Jobs) refreshOne(ctx context.Context, actor blog.Actor) error {
	now := c.Now()
	if now.Sub(actor.FetchedAt) > federation.StaleAfter {
		fresh, err := c.FetchActor(ctx, actor.ID)
		switch {
		case errors.Is(err, remote.ErrGone): // FetchActor has recorded it; confirmDepartures decides
			return nil
		case err != nil && federation.Temporary(err):
			return c.Store.FoundSilent(ctx, actor.ID, now, now.Add(silentAgain))
		// a 404, for example, is no proof that the actor is gone: the record stays
		case err != nil && federation.Permanent(err):
			return c.Store.RefreshAt(ctx, actor.ID, now.Add(store.RefreshEvery))
		case err != nil:
			return err
		}
		actor = fresh
	}
	if err := c.CheckHandle(ctx, actor); err != nil {
		return err
	}
	return c.Store.RefreshAt(ctx, actor.ID, now.Add(store.RefreshEvery))
}

// confirmDepartures fetches actors once more whose server said a day ago that they are gone (410). Only if it says so
// again, their comments are removed: a server in trouble may answer 410 for a while.
func (c *Jobs) confirmDepartures(ctx context.Context) error {
	due, err := c.Store.DueDepartures(ctx, c.Now(), maxActors)
	if err != nil {
		return err
	}
	return forEach(due, func(actor blog.Actor) error {
		_, err := c.FetchActor(ctx, actor.ID) // success marks the actor as present again
		switch {
		case errors.Is(err, remote.ErrGone):
			c.Log.Info("an actor is gone", "actor", actor.ID)
			return c.Store.RemoveActor(ctx, actor.ID, c.Now())
		case err != nil && federation.Temporary(err):
			return c.Store.ConfirmAt(ctx, actor.ID, c.Now().Add(time.Hour))
		case err != nil && federation.Permanent(err):
			return c.Store.StillThere(ctx, actor.ID)
		}
		return err
	})
}
