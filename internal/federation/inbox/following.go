package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// accepted handles the Accept of a Follow or of a QuoteRequest of ours. One that answers no request has no effect.
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

// rejected handles a Reject, also a late one after an Accept.
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

// follower returns the voice of ours that an embedded Follow names, "" when there is none.
func (in *Inbox) follower(ctx context.Context, s *store.Store, address string) (blog.ID, error) {
	voice, err := in.VoiceOf(ctx, s, address)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	return voice.ID, err
}
