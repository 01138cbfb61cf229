package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// AddFollowing notes that a voice asked to hear somebody; asking again replaces the address of the Follow.
func (s *Store) AddFollowing(ctx context.Context, f blog.Following) error {
	s.touch()
	return s.do(ctx, `
		INSERT INTO following (voice_id, actor_id, follow_id, state, since) VALUES (?, ?, ?, ?, ?)
		ON CONFLICT (voice_id, actor_id) DO UPDATE SET follow_id = excluded.follow_id`,
		f.VoiceID, f.ActorID, f.FollowID, f.State, f.Since)
}

// AcceptFollowing notes the yes of somebody whom a voice asked to hear, by the address of the Follow or by the two of them.
// It is blog.ErrNotFound when nobody asked.
func (s *Store) AcceptFollowing(ctx context.Context, actor, follow string, voice blog.ID, now time.Time) error {
	s.touch()
	return s.must(ctx, `
		UPDATE following SET state = 'accepted', since = CASE WHEN state = 'pending' THEN ? ELSE since END
		WHERE actor_id = ? AND (follow_id = ? OR voice_id = ?)`, now, actor, follow, voice)
}

// EndFollowing forgets that a voice follows somebody, found as by AcceptFollowing. It is blog.ErrNotFound when it does not.
func (s *Store) EndFollowing(ctx context.Context, actor, follow string, voice blog.ID) error {
	s.touch()
	return s.must(ctx, `DELETE FROM following WHERE actor_id = ? AND (follow_id = ? OR voice_id = ?)`, actor, follow, voice)
}

// Following finds whom a voice follows or asked to, by that one's address.
func (s *Store) Following(ctx context.Context, voice blog.ID, actor string) (blog.Following, error) {
	var f blog.Following
	err := s.one(ctx, &f, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE voice_id = ? AND actor_id = ?`, voice, actor)
	if err == nil {
		f.Actor, err = s.Actor(ctx, actor)
	}
	return f, err
}

// AllFollowing lists whom a voice follows or asked to, the latest first, at most 1,000.
func (s *Store) AllFollowing(ctx context.Context, voice blog.ID) ([]blog.Following, error) {
	var list []blog.Following
	if err := s.all(ctx, &list, `SELECT voice_id, actor_id, follow_id, state, since FROM following WHERE voice_id = ? ORDER BY since DESC, actor_id LIMIT 1000`, voice); err != nil {
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

// Gesture is a like or a boost by a voice of ours of a post elsewhere.
type Gesture struct {
	VoiceID    blog.ID
	Kind       blog.ReactionKind
	Address    string  // of the post
	ActorID    string  // whose it is
	ActivityID blog.ID // by which it was said
	At         time.Time
}

// AddGesture writes one down; blog.ErrConflict when it was made before.
func (s *Store) AddGesture(ctx context.Context, g Gesture) error {
	n, err := s.exec(ctx, `
		INSERT INTO gestures (voice_id, kind, address, actor_id, activity_id, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		g.VoiceID, g.Kind, g.Address, g.ActorID, g.ActivityID, g.At)
	if err == nil && n == 0 {
		err = blog.ErrConflict
	}
	return err
}

// TakeGesture forgets one, and answers what it was; blog.ErrNotFound when there is none.
func (s *Store) TakeGesture(ctx context.Context, voice blog.ID, kind blog.ReactionKind, address string) (Gesture, error) {
	var g Gesture
	return g, s.one(ctx, &g, `
		DELETE FROM gestures WHERE voice_id = ? AND kind = ? AND address = ?
		RETURNING voice_id, kind, address, actor_id, activity_id, at`, voice, kind, address)
}

// Gestures are the kinds of what a voice did with a post elsewhere.
func (s *Store) Gestures(ctx context.Context, voice blog.ID, address string) (map[blog.ReactionKind]bool, error) {
	var kinds []blog.ReactionKind
	err := s.all(ctx, &kinds, `SELECT kind FROM gestures WHERE voice_id = ? AND address = ?`, voice, address)
	done := map[blog.ReactionKind]bool{}
	for _, kind := range kinds {
		done[kind] = true
	}
	return done, err
}
