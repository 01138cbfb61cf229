package outbox

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// AcceptFollower accepts a follower who waits for approval.
func (o *Outbox) AcceptFollower(ctx context.Context, voice blog.ID, actor string) error {
	return o.answerFollower(ctx, voice, actor, func(s *store.Store, f blog.Follower) error {
		if err := s.AcceptFollower(ctx, voice, actor); err != nil {
			return err
		}
		return o.QueueAccept(ctx, s, f)
	})
}

// RejectFollower rejects a follower who waits, or removes one who was accepted. Their server gets a Reject.
func (o *Outbox) RejectFollower(ctx context.Context, voice blog.ID, actor string) error {
	return o.answerFollower(ctx, voice, actor, func(s *store.Store, f blog.Follower) error {
		if err := s.Unfollow(ctx, voice, actor); err != nil {
			return err
		}
		return o.QueueReject(ctx, s, f)
	})
}

// answerFollower calls answer with a follower, in one transaction. It returns blog.ErrNotFound when the actor does
// not follow the voice.
func (o *Outbox) answerFollower(ctx context.Context, voice blog.ID, actor string,
	answer func(*store.Store, blog.Follower) error) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		follower, err := s.Follower(ctx, voice, actor)
		if err != nil {
			return err
		}
		return answer(s, follower)
	})
	if err != nil {
		return fmt.Errorf("answer the follower %s: %w", actor, err)
	}
	o.Wake()
	return nil
}

// AcceptAgain sends the Accept again to a follower whose server seems to have missed it. A follower who still waits
// is accepted, since no approval is needed any more.
func (o *Outbox) AcceptAgain(ctx context.Context, voice blog.ID, actor string) error {
	return o.answerFollower(ctx, voice, actor, func(s *store.Store, f blog.Follower) error {
		if f.State == blog.Pending {
			if err := s.AcceptFollower(ctx, voice, actor); err != nil {
				return err
			}
		}
		return o.QueueAccept(ctx, s, f)
	})
}

// QueueAccept adds the Accept of a follow and its delivery, in the transaction of s. For the first follower from a
// server it also plans the welcome deliveries.
func (o *Outbox) QueueAccept(ctx context.Context, s *store.Store, f blog.Follower) error {
	accept, err := o.queueToFollower(ctx, s, f, "Accept", activity.WrapAccept)
	if err != nil {
		return err
	}
	// The last Accept is remembered, so that a missing confirmation is noticed and the Accept can be sent again.
	if err := s.SaveFollowerAccept(ctx, f, accept); err != nil {
		return err
	}
	return s.PlanWelcome(ctx, f, welcomeArticles, welcomePace, o.Now())
}

// QueueReject adds the Reject of a follow and its delivery, in the transaction of s.
func (o *Outbox) QueueReject(ctx context.Context, s *store.Store, f blog.Follower) error {
	_, err := o.queueToFollower(ctx, s, f, "Reject", activity.WrapReject)
	return err
}

// queueToFollower adds the answer to a Follow and its delivery. It returns the id of the activity.
func (o *Outbox) queueToFollower(ctx context.Context, s *store.Store, f blog.Follower, kind string,
	wrap func(activity.Envelope, blog.Follower) ([]byte, error)) (blog.ID, error) {
	voice, err := s.Voice(ctx, f.VoiceID)
	if err != nil {
		return "", err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: kind},
		func(e activity.Envelope) ([]byte, error) { return wrap(e, f) })
	if err != nil {
		return "", err
	}
	// To the personal inbox: the answer concerns one actor.
	return act.ID, s.AddDeliveriesTo(ctx, act, f.Actor.Inbox)
}
