package store

import (
	"context"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// CountFollowing counts the accepted follows of a voice.
func (s *Store) CountFollowing(ctx context.Context, voice blog.ID) (int, error) {
	changes.Note(ctx, changes.Voice(voice))
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM following WHERE voice_id = ? AND state = 'accepted'`, voice)
	return n, err
}

// AddFollowing saves that a voice asked to follow an actor. A repeated request replaces the id of the Follow.
func (s *Store) AddFollowing(ctx context.Context, f blog.Following) error {
	s.mark(changes.Voice(f.VoiceID))
	return s.run(ctx, `
		INSERT INTO following (voice_id, actor_id, follow_id, state, since) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (voice_id, actor_id) DO UPDATE SET follow_id = excluded.follow_id`,
		f.VoiceID, f.ActorID, f.FollowID, f.State, f.Since)
}

// AcceptFollowing records that an actor accepted a follow of ours, found by the id of the Follow or by the voice. It
// returns blog.ErrNotFound when there was no such request.
func (s *Store) AcceptFollowing(ctx context.Context, actor, follow string, voice blog.ID, now time.Time) error {
	// Some servers name the Follow by its id. Others embed it, and its id may be missing. Then voice and actor identify
	// it. A repeated Accept keeps the first time.
	return s.changeFollows(ctx, `
		UPDATE following SET state = 'accepted', since = CASE WHEN state = 'pending' THEN ? ELSE since END
		WHERE actor_id = ? AND (follow_id = ? OR voice_id = ?)`, now, actor, follow, voice)
}

// EndFollowing deletes a follow of ours, found as in AcceptFollowing. It returns blog.ErrNotFound when there is none.
func (s *Store) EndFollowing(ctx context.Context, actor, follow string, voice blog.ID) error {
	return s.changeFollows(ctx, `DELETE FROM following WHERE actor_id = ? AND (follow_id = ? OR voice_id = ?)`, actor,
		follow, voice)
}

// changeFollows runs a statement on rows of followers or following, and marks their voices. It returns
// blog.ErrNotFound when there were none.
func (s *Store) changeFollows(ctx context.Context, statement string, args ...any) error {
	var voices []blog.ID
	if err := s.all(ctx, &voices, statement+` RETURNING voice_id`, args...); err != nil {
		return err
	}
	if len(voices) == 0 {
		return blog.ErrNotFound
	}
	for _, voice := range voices {
		s.mark(changes.Voice(voice))
	}
	return nil
}

// Following returns the follow of an actor by a voice, accepted or not.
func (s *Store) Following(ctx context.Context, voice blog.ID, actor string) (blog.Following, error) {
	var f blog.Following
	err := s.one(ctx, &f, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE voice_id = ? AND
		actor_id = ?`, voice, actor)
	if err == nil {
		f.Actor, err = s.Actor(ctx, actor)
	}
	return f, err
}

// AllFollowing lists the follows of a voice, accepted or not, newest first, at most 1,000.
func (s *Store) AllFollowing(ctx context.Context, voice blog.ID) ([]blog.Following, error) {
	var list []blog.Following
	if err := s.all(ctx, &list, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE voice_id = ?
		ORDER BY since DESC, actor_id LIMIT 1000`, voice); err != nil {
		return nil, err
	}
	return list, s.withActors(ctx, list)
}

// withActors adds the actors to follows of ours, in one query.
func (s *Store) withActors(ctx context.Context, list []blog.Following) error {
	ids := make([]string, len(list))
	for i, f := range list {
		ids[i] = f.ActorID
	}
	actors, err := s.Actors(ctx, ids)
	known := map[string]blog.Actor{}
	for _, actor := range actors {
		known[actor.ID] = actor
	}
	for i := range list {
		list[i].Actor = known[list[i].ActorID]
	}
	return err
}

// FollowersHere lists the voices of ours that follow an actor or asked to.
func (s *Store) FollowersHere(ctx context.Context, actor string) ([]blog.Following, error) {
	var list []blog.Following
	err := s.all(ctx, &list, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE actor_id =
		? ORDER BY voice_id`, actor)
	return list, err
}
