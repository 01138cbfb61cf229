package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// CountFollowing returns how many a voice follows.
func (s *Store) CountFollowing(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM following WHERE voice_id = ? AND state = 'accepted'`, voice)
}

// AddFollowing notes that a voice asked to hear somebody; asking again replaces the address of the Follow.
func (s *Store) AddFollowing(ctx context.Context, f blog.Following) error {
	s.markChanged()
	return s.run(ctx, `
		INSERT INTO following (voice_id, actor_id, follow_id, state, since) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (voice_id, actor_id) DO UPDATE SET follow_id = excluded.follow_id`,
		f.VoiceID, f.ActorID, f.FollowID, f.State, f.Since)
}

// AcceptFollowing notes the yes of somebody whom a voice asked to hear, by the address of the Follow or by the two of
// them. It is blog.ErrNotFound when nobody asked.
func (s *Store) AcceptFollowing(ctx context.Context, actor, follow string, voice blog.ID, now time.Time) error {
	s.markChanged()
	return s.execOne(ctx, `
		UPDATE following SET state = 'accepted', since = CASE WHEN state = 'pending' THEN ? ELSE since END
		WHERE actor_id = ? AND (follow_id = ? OR voice_id = ?)`, now, actor, follow, voice)
}

// EndFollowing forgets that a voice follows somebody, found as by AcceptFollowing. It is blog.ErrNotFound when it does
// not.
func (s *Store) EndFollowing(ctx context.Context, actor, follow string, voice blog.ID) error {
	s.markChanged()
	return s.execOne(ctx, `DELETE FROM following WHERE actor_id = ? AND (follow_id = ? OR voice_id = ?)`, actor, follow,
		voice)
}

// Following finds whom a voice follows or asked to, by that one's address.
func (s *Store) Following(ctx context.Context, voice blog.ID, actor string) (blog.Following, error) {
	var f blog.Following
	err := s.one(ctx, &f, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE voice_id = ? AND
		actor_id = ?`, voice, actor)
	if err == nil {
		f.Actor, err = s.Actor(ctx, actor)
	}
	return f, err
}

// AllFollowing lists whom a voice follows or asked to, the latest first, at most 1,000.
func (s *Store) AllFollowing(ctx context.Context, voice blog.ID) ([]blog.Following, error) {
	var list []blog.Following
	if err := s.all(ctx, &list, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE voice_id = ?
		ORDER BY since DESC, actor_id LIMIT 1000`, voice); err != nil {
		return nil, err
	}
	ids := make([]string, len(list))
	for i, f := range list {
		ids[i] = f.ActorID
	}
	actors, err := s.Actors(ctx, ids)
	for i := range list {
		for _, actor := range actors {
			if actor.ID == list[i].ActorID {
				list[i].Actor = actor
			}
		}
	}
	return list, err
}
