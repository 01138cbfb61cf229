package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// accepted takes in a yes: to a Follow of ours, or to a request to quote. One that nobody asked for has no effect.
func (in *Inbox) accepted(ctx context.Context, s *store.Store, act activity.Activity, what activity.Accept,
	result *outcome) error {
	if what.Result != "" {
		return in.quoteAllowed(ctx, s, act.Actor, what.Object, what.Result, result)
	}
	follower, err := in.follower(ctx, s, what.FollowActor)
	if err != nil {
		return err
	}
	return s.AcceptFollowing(ctx, act.Actor, what.Object, follower, in.Now())
}

// rejected takes in a no, also a late one.
func (in *Inbox) rejected(ctx context.Context, s *store.Store, act activity.Activity, what activity.Reject,
	result *outcome) error {
	err := in.quoteRefused(ctx, s, act.Actor, what.Object, result)
	if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	follower, err := in.follower(ctx, s, what.FollowActor)
	if err != nil {
		return err
	}
	return s.EndFollowing(ctx, act.Actor, what.Object, follower)
}

// follower is the voice of ours that an embedded Follow names, "" when it is none.
func (in *Inbox) follower(ctx context.Context, s *store.Store, address string) (blog.ID, error) {
	voice, err := in.VoiceOf(ctx, s, address)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	return voice.ID, err
}
