package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

const moveColumns = `m.id, m.voice_id, m.target, m.handle, m.asked_at, m.due_at, m.moved_at, m.ended_at, m.trouble, ` +
	`m.activity_id, m.followers`

// PlanMove writes down that a voice will go on elsewhere. A second plan of one voice is blog.ErrConflict.
func (s *Store) PlanMove(ctx context.Context, m blog.Move) error {
	return s.run(ctx, `INSERT INTO moves (id, voice_id, target, handle, asked_at, due_at) VALUES (?, ?, ?, ?, ?, ?)`,
		m.ID, m.VoiceID, m.Target, m.Handle, m.AskedAt, m.DueAt)
}

// LastMove is what a voice planned or did last of this kind; blog.ErrNotFound when it never thought of it.
func (s *Store) LastMove(ctx context.Context, voice blog.ID) (blog.Move, error) {
	var m blog.Move
	return m, s.one(ctx, &m, `SELECT `+moveColumns+` FROM moves m WHERE m.voice_id = ? ORDER BY m.id DESC LIMIT 1`, voice)
}

// DueMoves lists the planned moves whose waiting is over.
func (s *Store) DueMoves(ctx context.Context, now time.Time) ([]blog.Move, error) {
	var list []blog.Move
	return list, s.all(ctx, &list, `SELECT `+moveColumns+
		` FROM moves m WHERE m.moved_at IS NULL AND m.ended_at IS NULL AND m.due_at <= ? ORDER BY m.due_at`, now)
}

// CallOffMove ends a voice's plan; why is "" when its owner thought better of it. blog.ErrNotFound when there is none.
func (s *Store) CallOffMove(ctx context.Context, voice blog.ID, why string, now time.Time) error {
	return s.execOne(ctx, `UPDATE moves SET ended_at = ?, trouble = ? WHERE voice_id = ? AND moved_at IS NULL AND
		ended_at IS NULL`, now, why, voice)
}

// NoteMove notes why a planned move has to wait; nothing when that is known.
func (s *Store) NoteMove(ctx context.Context, m blog.Move, why string) error {
	if m.Trouble == why {
		return nil
	}
	return s.execOne(ctx, `UPDATE moves SET trouble = ? WHERE id = ? AND moved_at IS NULL AND ended_at IS NULL`, why, m.ID)
}

// MoveVoice does a planned move, as far as it is ours: the voice has moved, and new followers are sent after it.
// blog.ErrNotFound when the plan was called off or carried out meanwhile.
func (s *Store) MoveVoice(ctx context.Context, m blog.Move, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		err := s.execOne(ctx, `
			UPDATE moves SET moved_at = ?, trouble = '', followers = (SELECT count(*) FROM followers f WHERE f.voice_id =
			moves.voice_id AND f.state = 'accepted')
			WHERE id = ? AND moved_at IS NULL AND ended_at IS NULL`, now, m.ID)
		if err != nil {
			return err
		}
		return s.execOne(ctx, `UPDATE voices SET moved_to = ?, updated_at = ?, introduce_at = NULL WHERE id = ? AND
			retired_at IS NULL`, m.Target, now, m.VoiceID)
	})
}

// ToldOfMove notes by which activity a move is told.
func (s *Store) ToldOfMove(ctx context.Context, move, activity blog.ID) error {
	return s.execOne(ctx, `UPDATE moves SET activity_id = ? WHERE id = ?`, activity, move)
}

// MoveProgress is how far a move has come.
type MoveProgress struct {
	Servers int // that were to be told
	Told    int // that answered
	Stayed  int // followers who are still here
}

// MoveProgress counts how far a move has come.
func (s *Store) MoveProgress(ctx context.Context, m blog.Move) (MoveProgress, error) {
	var p MoveProgress
	return p, s.one(ctx, &p, `
		SELECT (SELECT count(DISTINCT d.host) FROM deliveries d WHERE d.activity_id = ?) AS servers,
			(SELECT count(DISTINCT d.host) FROM deliveries d WHERE d.activity_id = ? AND d.status = 'delivered') AS told,
			(SELECT count(*) FROM followers f WHERE f.voice_id = ? AND f.state = 'accepted') AS stayed`, m.ActivityID,
		m.ActivityID, m.VoiceID)
}

// IsFollower reports whether an actor follows a voice of ours, or asks to.
func (s *Store) IsFollower(ctx context.Context, actor string) (bool, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM (SELECT 1 FROM followers WHERE actor_id = ? LIMIT 1) AS x`, actor)
	return n > 0, err
}

// FollowMove takes a follower of ours out who goes on as another actor, and notes when. What they wrote stays theirs.
func (s *Store) FollowMove(ctx context.Context, actor, target string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.run(ctx, `DELETE FROM followers WHERE actor_id = ?`, actor); err != nil {
			return err
		}
		return s.execOne(ctx, `UPDATE actors SET moved_to = ?, moved_at = ? WHERE id = ?`, target, now, actor)
	})
}
