package outbox

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// Follow makes a voice follow an actor, given as @handle@server or as an address. The follow is pending until the
// Accept arrives. The error is blog.Invalid when there is no such actor, or when the actor is one of our voices.
func (o *Outbox) Follow(ctx context.Context, voice blog.Voice, whom string) (blog.Following, error) {
	actor, err := o.identify(ctx, "follow", whom)
	switch {
	case err != nil:
		return blog.Following{}, err
	case o.Site.Owns(actor.ID):
		return blog.Following{}, blog.Invalid{Field: "follow",
			Problem: "is an author of this blog: their articles are here already"}
	}
	f := blog.Following{VoiceID: voice.ID, ActorID: actor.ID, State: blog.Pending, Since: o.Now(), Actor: actor}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		known, err := s.Following(ctx, voice.ID, actor.ID)
		if federation.IgnoreMissing(err) != nil {
			return err
		}
		// A follow that is still pending is sent again, because the first Follow may have been lost.
		if known.State == blog.Accepted {
			f = known
			return nil
		}
		return o.queueFollow(ctx, s, voice, &f)
	})
	if err != nil {
		return f, fmt.Errorf("follow %s: %w", whom, err)
	}
	o.Wake()
	return f, nil
}

// queueFollow adds the Follow and its delivery, and saves the follow as pending.
func (o *Outbox) queueFollow(ctx context.Context, s *store.Store, voice blog.Voice, f *blog.Following) error {
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Follow"},
		func(e activity.Envelope) ([]byte, error) { return activity.WrapFollow(e, f.ActorID) })
	if err != nil {
		return err
	}
	f.FollowID = o.Site.ActivityID(act.ID)
	if err := s.AddFollowing(ctx, *f); err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, f.Actor.Inbox)
}

// Unfollow ends the follow of an actor, given by id. It returns blog.ErrNotFound when the voice does not follow the
// actor.
func (o *Outbox) Unfollow(ctx context.Context, voice blog.Voice, actor string) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		f, err := s.Following(ctx, voice.ID, actor)
		if err != nil {
			return err
		}
		return o.queueUnfollow(ctx, s, voice, f)
	})
	if err != nil {
		return fmt.Errorf("stop following %s: %w", actor, err)
	}
	o.Wake()
	return nil
}

// queueUnfollow ends a follow and adds the Undo and its delivery.
func (o *Outbox) queueUnfollow(ctx context.Context, s *store.Store, voice blog.Voice, f blog.Following) error {
	if err := s.EndFollowing(ctx, f.ActorID, f.FollowID, voice.ID); err != nil {
		return err
	}
	return o.queueUndoFollow(ctx, s, voice, f)
}

// queueUndoFollow adds the Undo of a follow that has ended here, and its delivery.
func (o *Outbox) queueUndoFollow(ctx context.Context, s *store.Store, voice blog.Voice, f blog.Following) error {
	_, follow, _, _ := o.Site.Local(f.FollowID)
	err := o.queueUndo(ctx, s, voice, follow, f.Actor.Inbox)
	// Old activities without an object are deleted.
	if errors.Is(err, blog.ErrNotFound) {
		return o.QueueUndoFollow(ctx, s, voice, f.Actor)
	}
	return err
}

// FollowMoved ends the follow of an actor who moved, and follows the target of the move instead. It works in the
// transaction of s.
func (o *Outbox) FollowMoved(ctx context.Context, s *store.Store, f blog.Following, target string) error {
	voice, err := s.Voice(ctx, f.VoiceID)
	if err != nil {
		return err
	}
	if err := o.queueUnfollow(ctx, s, voice, f); err != nil {
		return err
	}
	_, err = s.Following(ctx, f.VoiceID, target)
	// The voice follows the target already.
	if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	actor, err := s.Actor(ctx, target)
	if err != nil {
		return err
	}
	return o.queueFollow(ctx, s, voice, &blog.Following{VoiceID: voice.ID, ActorID: target, State: blog.Pending,
		Since: o.Now(), Actor: actor})
}

// queueUndo adds the Undo of an activity of a voice, and its deliveries to the given inboxes.
func (o *Outbox) queueUndo(ctx context.Context, s *store.Store, voice blog.Voice, what blog.ID,
	inboxes ...string) error {
	// The Undo contains the stored bytes of the activity, because other servers compare them with what they received.
	undone, err := s.Activity(ctx, what)
	if err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Undo"},
		func(e activity.Envelope) ([]byte, error) { return activity.WrapUndo(e, undone.Payload) })
	if err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, inboxes...)
}

// QueueUndoFollow adds the Undo of a follow that only the other server has, in the transaction of s.
func (o *Outbox) QueueUndoFollow(ctx context.Context, s *store.Store, voice blog.Voice, actor blog.Actor) error {
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Undo"}, func(e activity.Envelope) ([]byte, error) {
		// We have no such Follow, so we invent its id. Servers compare the actor and the object.
		follow, err := activity.WrapFollow(activity.Envelope{Site: o.Site, Voice: voice, ID: blog.NewID(e.At), At: e.At},
			actor.ID)
		if err != nil {
			return nil, err
		}
		return activity.WrapUndo(e, follow)
	})
	if err != nil {
		return err
	}
	return s.AddDeliveriesTo(ctx, act, actor.Inbox)
}
