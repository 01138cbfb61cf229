package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// OwnReaction is a like or a boost by a voice of ours of a post elsewhere.
type OwnReaction struct {
	VoiceID    blog.ID
	Kind       blog.ReactionKind
	Address    string  // of the post
	ActorID    string  // whose it is
	ActivityID blog.ID // by which it was said
	At         time.Time
}

// AddOwnReaction writes one down; blog.ErrConflict when it was made before.
func (s *Store) AddOwnReaction(ctx context.Context, g OwnReaction) error {
	n, err := s.exec(ctx, `
		INSERT INTO gestures (voice_id, kind, address, actor_id, activity_id, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO
		NOTHING`,
		g.VoiceID, g.Kind, g.Address, g.ActorID, g.ActivityID, g.At)
	if err == nil && n == 0 {
		err = blog.ErrConflict
	}
	return err
}

// TakeOwnReaction forgets one, and answers what it was; blog.ErrNotFound when there is none.
func (s *Store) TakeOwnReaction(ctx context.Context, voice blog.ID, kind blog.ReactionKind,
	address string) (OwnReaction, error) {
	var g OwnReaction
	return g, s.one(ctx, &g, `
		DELETE FROM gestures WHERE voice_id = ? AND kind = ? AND address = ?
		RETURNING voice_id, kind, address, actor_id, activity_id, at`, voice, kind, address)
}

// OwnReactions are the kinds of what a voice did with a post elsewhere.
func (s *Store) OwnReactions(ctx context.Context, voice blog.ID, address string) (map[blog.ReactionKind]bool, error) {
	var kinds []blog.ReactionKind
	err := s.all(ctx, &kinds, `SELECT kind FROM gestures WHERE voice_id = ? AND address = ?`, voice, address)
	done := map[blog.ReactionKind]bool{}
	for _, kind := range kinds {
		done[kind] = true
	}
	return done, err
}
