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

// How what we know of people elsewhere is kept up.
const (
	silentAgain   = 24 * time.Hour      // a silent server is asked again
	softwareEvery = 30 * 24 * time.Hour // what a server runs is asked again
	freshOnce     = 60                  // people asked for in one run
	askAtOnce     = 8
)

// refresh asks again for the people whom we know from long ago, or whose handle nobody has looked at: so many in one
// run, several at once. Those who say nothing here are passed over.
func (c *Jobs) refresh(ctx context.Context) error {
	due, err := c.Store.DueActors(ctx, c.Now(), freshOnce)
	if err != nil {
		return err
	}
	return forEach(due, func(actor blog.Actor) error {
		matters, err := c.Store.IsReferenced(ctx, actor.ID)
		if err != nil || !matters {
			return errors.Join(err, c.Store.RefreshAt(ctx, actor.ID, c.Now().Add(store.RefreshEvery)))
		}
		return c.refreshOne(ctx, actor)
	})
}

// askSoftware asks servers that answer what they run, for authors to see; nothing is concluded from it. One that does not
// say is asked again as late as one that does.
func (c *Jobs) askSoftware(ctx context.Context) error {
	hosts, err := c.Store.UnaskedPeers(ctx, c.Now(), freshOnce/2)
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
			c.Log.Debug("a server does not say what it runs", "host", host, "error", err)
		}
		return c.Store.SaveSoftware(ctx, host, software, again)
	})
}

// forEach does something for several people or servers at once.
func forEach[T any](list []T, do func(T) error) error {
	var working sync.WaitGroup
	places, errs := make(chan struct{}, askAtOnce), make([]error, len(list))
	for i, one := range list {
		places <- struct{}{}
		working.Go(func() {
			defer func() { <-places }()
			errs[i] = do(one)
		})
	}
	working.Wait()
	return errors.Join(errs...)
}

func (c *Jobs) refreshOne(ctx context.Context, actor blog.Actor) error {
	now := c.Now()
	if now.Sub(actor.FetchedAt) > federation.StaleAfter {
		fresh, err := c.FetchActor(ctx, actor.ID)
		switch {
		case errors.Is(err, remote.ErrGone): // noted, and confirmed later
			return nil
		case err != nil && federation.Temporary(err):
			return c.Store.FoundSilent(ctx, actor.ID, now, now.Add(silentAgain))
		case err != nil && federation.Permanent(err): // 404, say: it is stale, and no more than that
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

// confirmDepartures asks once more for those whose server said a day ago that they are gone. Only then are their words
// taken out.
func (c *Jobs) confirmDepartures(ctx context.Context) error {
	due, err := c.Store.DueDepartures(ctx, c.Now(), freshOnce)
	if err != nil {
		return err
	}
	return forEach(due, func(actor blog.Actor) error {
		_, err := c.FetchActor(ctx, actor.ID) // one who is there again is taken back by that
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
