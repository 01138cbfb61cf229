package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// accepted handles the Accept of our Follow or QuoteRequest. An Accept of what we never asked has no effect (threat
// T-039).
func (h *handling) accepted(ctx context.Context, what activity.Accept) error {
	if what.Result != "" {
		if !blog.SameOrigin(what.Result, h.act.Actor) {
			return nil // only the server of the quoted post can vouch for the permission
		}
		return h.quoteAnswered(ctx, what.Object, blog.Source{Consent: blog.ConsentGiven, Authorization: what.Result})
	}
	follower, err := h.follower(ctx, what.FollowActor)
	if err != nil {
		return err
	}
	return h.tx.AcceptFollowing(ctx, h.act.Actor, what.Object, follower, h.Now())
}

// rejected handles the Reject of our Follow or QuoteRequest. A server may still reject a follow that it accepted
// before.
func (h *handling) rejected(ctx context.Context, what activity.Reject) error {
	// A Reject does not say what kind of request it answers, so both are tried.
	err := h.quoteAnswered(ctx, what.Object, blog.Source{Consent: blog.ConsentRefused})
	if !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	follower, err := h.follower(ctx, what.FollowActor)
	if err != nil {
		return err
	}
	return h.tx.EndFollowing(ctx, h.act.Actor, what.Object, follower)
}

// follower returns the voice of ours that an embedded Follow names, or "".
func (h *handling) follower(ctx context.Context, address string) (blog.ID, error) {
	voice, err := h.VoiceOf(ctx, h.tx, address)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	return voice.ID, err
}
