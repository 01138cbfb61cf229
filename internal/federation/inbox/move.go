package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
)

// betweenMoves is the shortest time between two moves of one actor that we follow. Each move costs a delivery for
// each voice that follows the actor.
const betweenMoves = 7 * 24 * time.Hour

// move handles an actor who moves to another account. The target must list the old account among its aliases
// (contract F-080). A follower is removed: their new server follows us again. Voices of ours that follow the old
// account follow the target instead. Comments stay with the old account.
func (h *handling) move(ctx context.Context, what activity.Move) error {
	if what.Object != h.act.Actor || what.Target == h.act.Actor || what.Target == "" {
		return nil
	}
	actor, err := h.tx.Actor(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	follows, err := h.tx.IsFollower(ctx, h.act.Actor)
	if err != nil {
		return err
	}
	voices, err := h.tx.FollowersHere(ctx, h.act.Actor)
	if err != nil || !follows && len(voices) == 0 || actor.MovedAt != nil && h.Now().Sub(*actor.MovedAt) < betweenMoves {
		return err
	}
	confirmed, err := h.listsAlias(ctx, what.Target)
	if err != nil || !confirmed {
		return err
	}
	// A voice of ours cannot follow the target, another voice of ours. The old follow stays, and the admin says why.
	if h.Site.Owns(what.Target) {
		voices = nil
	}
	for _, f := range voices {
		h.queued, f.Actor = true, actor
		if err := h.outbox.FollowMoved(ctx, h.tx, f, what.Target); err != nil {
			return err
		}
	}
	return h.tx.RemoveMovedFollower(ctx, h.act.Actor, what.Target, h.Now())
}

// listsAlias reports whether the target of a move lists the sender among its aliases. If our record of the target
// does not, the target is fetched again.
func (h *handling) listsAlias(ctx context.Context, target string) (bool, error) {
	if h.Site.Owns(target) {
		voice, err := h.VoiceOf(ctx, h.tx, target)
		return err == nil && slices.Contains(voice.AlsoKnownAs, h.act.Actor), federation.IgnoreMissing(err)
	}
	if blocked, err := h.tx.Blocked(ctx, blog.HostOf(target), target); blocked || err != nil {
		return false, err
	}
	known, err := h.tx.Actor(ctx, target)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return false, err
	}
	if slices.Contains(known.AlsoKnownAs, h.act.Actor) && known.GoneAt == nil {
		return true, nil
	}
	// The move is often what added the alias, so our record may be too old. One fetch per activity is enough.
	if _, asked := h.found[target]; !asked {
		return false, missingError{actor: target}
	}
	return false, nil
}
