package inbox

import (
	"context"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// betweenMoves is the least time between two moves of one actor that we follow.
const betweenMoves = 7 * 24 * time.Hour

// move handles an actor who moves to another account. The target must list the old account among its aliases. A
// follower is removed: their new server follows us again. Voices of ours that follow the old account follow the target
// instead. If the target is a voice of ours, which they cannot follow, the follow stays and the admin says why.
// Comments stay with the old account.
func (in *Inbox) move(ctx context.Context, s *store.Store, act activity.Activity, what activity.Move, found fetched,
	result *outcome) error {
	if what.Object != act.Actor || what.Target == act.Actor || what.Target == "" {
		return nil
	}
	actor, err := s.Actor(ctx, act.Actor)
	if err != nil {
		return err
	}
	follows, err := s.IsFollower(ctx, act.Actor)
	if err != nil {
		return err
	}
	ours, err := s.FollowersHere(ctx, act.Actor)
	if err != nil || !follows && len(ours) == 0 || actor.MovedAt != nil && in.Now().Sub(*actor.MovedAt) < betweenMoves {
		return err
	}
	back, err := in.namesBack(ctx, s, what.Target, act.Actor, found)
	if err != nil || !back {
		return err
	}
	if in.Site.Owns(what.Target) {
		ours = nil
	}
	for _, f := range ours {
		result.queued, f.Actor = true, actor
		if err := in.outbox.FollowMoved(ctx, s, f, what.Target); err != nil {
			return err
		}
	}
	return s.FollowMove(ctx, act.Actor, what.Target, in.Now())
}

// namesBack reports whether an actor lists another among its aliases. If we do not know of that yet, the actor is
// fetched again.
func (in *Inbox) namesBack(ctx context.Context, s *store.Store, target, alias string, found fetched) (bool, error) {
	if in.Site.Owns(target) {
		voice, err := in.VoiceOf(ctx, s, target)
		return err == nil && slices.Contains(voice.AlsoKnownAs, alias), federation.IgnoreMissing(err)
	}
	if blocked, err := s.Blocked(ctx, blog.HostOf(target), target); blocked || err != nil {
		return false, err
	}
	known, err := s.Actor(ctx, target)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return false, err
	}
	if slices.Contains(known.AlsoKnownAs, alias) {
		return known.GoneAt == nil, nil
	}
	if _, asked := found[target]; !asked {
		return false, missing{actor: target}
	}
	return false, nil
}
