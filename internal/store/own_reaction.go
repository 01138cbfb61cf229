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
	ActorID    string  // author of the post
	ActivityID blog.ID // the Like or Announce that was sent
	At         time.Time
}

// AddOwnReaction saves a reaction. It returns blog.ErrConflict when the voice has the same reaction already.
func (s *Store) AddOwnReaction(ctx context.Context, r OwnReaction) error {
	n, err := s.exec(ctx, `
		INSERT INTO gestures (voice_id, kind, address, actor_id, activity_id, at) VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO
		NOTHING`,
		r.VoiceID, r.Kind, r.Address, r.ActorID, r.ActivityID, r.At)
	// DO NOTHING is no error for the database.
	if err == nil && n == 0 {
		err = blog.ErrConflict
	}
	return err
}

// TakeOwnReaction deletes a reaction and returns what it was, or blog.ErrNotFound.
func (s *Store) TakeOwnReaction(ctx context.Context, voice blog.ID, kind blog.ReactionKind,
	address string) (OwnReaction, error) {
	var r OwnReaction
	// RETURNING reads the row in the statement that deletes it, so that two requests cannot both undo it.
	err := s.one(ctx, &r, `
		DELETE FROM gestures WHERE voice_id = ? AND kind = ? AND address = ?
		RETURNING voice_id, kind, address, actor_id, activity_id, at`, voice, kind, address)
	return r, err
}

// OwnReactions returns the kinds of reactions that a voice has to a post.
func (s *Store) OwnReactions(ctx context.Context, voice blog.ID, address string) (map[blog.ReactionKind]bool, error) {
	var kinds []blog.ReactionKind
	err := s.all(ctx, &kinds, `SELECT kind FROM gestures WHERE voice_id = ? AND address = ?`, voice, address)
	done := map[blog.ReactionKind]bool{}
	for _, kind := range kinds {
		done[kind] = true
	}
	return done, err
}
