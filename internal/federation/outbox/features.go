package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
)

// AnswerFeature accepts or refuses that a collection features an author, which waited for the author (FEP-7aa9). It
// returns blog.ErrNotFound when there is no such request, and blog.ErrConflict when it was decided before.
func (o *Outbox) AnswerFeature(ctx context.Context, voice, id blog.ID, accept bool) error {
	return o.changeFeature(ctx, voice, id, func(s *store.Store, t blog.Authorization) error {
		if t.State != blog.AuthorizationAsked {
			return blog.ErrConflict
		}
		if t.OfThisBlog() { // it needs no answer
			t.State, t.At = blog.AuthorizationRefused, o.Now()
			if accept {
				t.State = blog.AuthorizationGiven
			}
			return s.SaveAuthorization(ctx, t)
		}
		actor, err := s.Actor(ctx, t.ActorID)
		if err != nil {
			return err
		}
		t.At = o.Now()
		if accept {
			return o.queueAllowed(ctx, s, t, actor)
		}
		t.State = blog.AuthorizationRefused
		if err := s.SaveAuthorization(ctx, t); err != nil {
			return err
		}
		return o.queueRefused(ctx, s, t, actor)
	})
}

// EndFeature takes an author out of a collection: the permission is gone, and the server of its owner gets the Delete.
// It returns blog.ErrNotFound when there is none, and blog.ErrConflict when it does not stand.
func (o *Outbox) EndFeature(ctx context.Context, voice, id blog.ID) error {
	return o.changeFeature(ctx, voice, id, func(s *store.Store, t blog.Authorization) error {
		if t.State != blog.AuthorizationGiven {
			return blog.ErrConflict
		}
		t.At = o.Now()
		if t.OfThisBlog() {
			t.State = blog.AuthorizationRevoked
			return s.SaveAuthorization(ctx, t)
		}
		return o.queueRevoked(ctx, s, t)
	})
}

// ForgetFeature forgets that an author refused a collection, or left it, so that its owner may ask again. It returns
// blog.ErrNotFound when there is none, and blog.ErrConflict when it waits or stands.
func (o *Outbox) ForgetFeature(ctx context.Context, voice, id blog.ID) error {
	return o.changeFeature(ctx, voice, id, func(s *store.Store, t blog.Authorization) error {
		if t.State != blog.AuthorizationRefused && t.State != blog.AuthorizationRevoked {
			return blog.ErrConflict
		}
		return s.RemoveFeature(ctx, t)
	})
}

func (o *Outbox) changeFeature(ctx context.Context, voice, id blog.ID,
	change func(*store.Store, blog.Authorization) error) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		t, err := s.Feature(ctx, voice, id)
		if err != nil {
			return err
		}
		if err := change(s, t); err != nil || !t.OfThisBlog() {
			return err
		}
		return o.renewAuthors(ctx, s)
	})
	if err != nil {
		return fmt.Errorf("answer a collection: %w", err)
	}
	o.Wake()
	return nil
}

const (
	// collectionEvery is how often a collection is fetched again. Nobody is obliged to send us its changes.
	collectionEvery = 24 * time.Hour

	// settlingTime is how long after our permission a collection may not list the author yet.
	settlingTime = time.Hour

	// requestTime is how long a request waits for the author.
	requestTime = 30 * 24 * time.Hour
)

// SaveCollection saves what the owner of a collection says of it, in the transaction of s. The object is trusted.
func (o *Outbox) SaveCollection(ctx context.Context, s *store.Store, object activity.Object) error {
	return s.SaveFeaturedCollection(ctx, blog.FeaturedCollection{Address: object.ID, ActorID: object.AttributedTo,
		Name: markup.CleanName(object.Name), Topic: markup.CleanName(object.Collection.Topic), URL: object.URL,
		CheckAt: o.Now().Add(collectionEvery)})
}

// RenewCollection takes over what the owner of a collection says of it now, in the transaction of s: its name, and
// which authors it lists. Whom it no longer lists, it no longer features. The object is trusted. A collection that is
// not known here, or has another owner, has no effect.
func (o *Outbox) RenewCollection(ctx context.Context, s *store.Store, object activity.Object) error {
	known, err := s.FeaturedCollection(ctx, object.ID)
	if errors.Is(err, blog.ErrNotFound) || err == nil && known.ActorID != object.AttributedTo {
		return nil
	}
	if err != nil {
		return err
	}
	if err := o.SaveCollection(ctx, s, object); err != nil {
		return err
	}
	list, err := s.FeaturesIn(ctx, object.ID)
	if err != nil {
		return err
	}
	if len(list) == 0 { // what was refused is forgotten after a year
		return s.RemoveFeaturedCollection(ctx, object.ID)
	}
	for _, t := range list {
		if t.State != blog.AuthorizationGiven {
			continue
		}
		if err := o.renewFeature(ctx, s, t, *object.Collection); err != nil {
			return err
		}
	}
	return nil
}

// renewFeature compares the authorization of a collection with its items.
func (o *Outbox) renewFeature(ctx context.Context, s *store.Store, t blog.Authorization,
	c activity.FeaturedCollection) error {
	item, listed := c.Find(t.Target, t.Item)
	switch {
	case listed && item.ID != "" && item.ID != t.Item:
		t.Item = item.ID
		return s.SaveAuthorization(ctx, t)
	// The Accept may be on its way, so an author who was never listed may be soon.
	case !listed && c.Whole && (t.Item != "" || o.Now().Sub(t.At) > settlingTime):
		return s.RemoveFeature(ctx, t)
	}
	return nil
}

// requestsOnce is how many old requests are answered in one run.
const requestsOnce = 100

// ExpireFeatureRequests rejects the requests of collections that waited for their author for thirty days. They may be
// made again.
func (o *Outbox) ExpireFeatureRequests(ctx context.Context) error {
	old, err := o.Store.OldFeatureRequests(ctx, o.Now().Add(-requestTime), requestsOnce)
	if err != nil || len(old) == 0 {
		return err
	}
	var errs []error // each is a transaction of its own: one that fails does not hold up the others
	for _, t := range old {
		errs = append(errs, o.Store.InTx(ctx, func(s *store.Store) error {
			// Read again, since the author may have answered meanwhile.
			t, err := s.Feature(ctx, t.VoiceID, t.ID)
			if errors.Is(err, blog.ErrNotFound) || err == nil && t.State != blog.AuthorizationAsked {
				return nil
			}
			if err != nil {
				return err
			}
			actor, err := s.Actor(ctx, t.ActorID)
			if err != nil {
				return err
			}
			if err := o.queueRefused(ctx, s, t, actor); err != nil {
				return err
			}
			return s.RemoveFeature(ctx, t)
		}))
	}
	o.Wake()
	return errors.Join(errs...)
}
