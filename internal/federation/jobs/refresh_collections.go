package jobs

import (
	"context"
	"errors"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// maxCollections is how many collections are fetched again in one run.
const maxCollections = 60

// refreshCollections fetches the collections again that feature an author or ask to (FEP-7aa9), since their owners may
// not tell us of changes. One that is gone is forgotten, with what it asked.
func (j *Jobs) refreshCollections(ctx context.Context) error {
	due, err := j.Store.DueFeaturedCollections(ctx, j.Now(), maxCollections)
	if err != nil {
		return err
	}
	return forEach(due, func(c blog.FeaturedCollection) error { return j.refreshCollection(ctx, c) })
}

func (j *Jobs) refreshCollection(ctx context.Context, c blog.FeaturedCollection) error {
	object, err := j.FetchPost(ctx, c.Address)
	gone := errors.Is(err, remote.ErrGone) || errors.Is(err, remote.ErrNotFound)
	// Another thing may be at its address now.
	gone = gone || err == nil && (object.Collection == nil || object.ID != c.Address || object.AttributedTo != c.ActorID)
	switch {
	case gone:
		return j.Store.RemoveFeaturedCollection(ctx, c.Address)
	case federation.Internal(err):
		return err
	case err != nil: // it may answer tomorrow
		c.CheckAt = j.Now().Add(silentAgain)
		return j.Store.SaveFeaturedCollection(ctx, c)
	}
	return j.Store.InTx(ctx, func(s *store.Store) error { return j.Outbox.RenewCollection(ctx, s, *object) })
}
