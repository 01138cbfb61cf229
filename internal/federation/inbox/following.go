package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// accepted takes in a yes: to a Follow of ours, or to a request to quote. One that nobody asked for has no effect.
func (in *Inbox) accepted(ctx context.Context, s *store.Store, act activity.Activity, what activity.Accept, result *outcome) error {
	if what.Result != "" {
		return in.quoteAllowed(ctx, s, act.Actor, what.Object, what.Result, result)
	}
	return s.AcceptFollowing(ctx, act.Actor, what.Object, in.follower(ctx, s, what.FollowActor), in.Now())
}

// rejected takes in a no, also a late one.
func (in *Inbox) rejected(ctx context.Context, s *store.Store, act activity.Activity, what activity.Reject, result *outcome) error {
	err := in.quoteRefused(ctx, s, act.Actor, what.Object, result)
	if errors.Is(err, blog.ErrNotFound) {
		err = s.EndFollowing(ctx, act.Actor, what.Object, in.follower(ctx, s, what.FollowActor))
	}
	return err
}

// follower is the voice of ours that an embedded Follow names, "" when it is none.
func (in *Inbox) follower(ctx context.Context, s *store.Store, address string) blog.ID {
	voice, err := in.VoiceOf(ctx, s, address)
	if err != nil {
		return ""
	}
	return voice.ID
}
