package store

import (
	"context"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

const moveColumns = `m.id, m.voice_id, m.target, m.handle, m.asked_at, m.due_at, m.moved_at, m.ended_at, m.trouble, ` +
	`m.activity_id, m.followers`

// PlanMove saves the plan to move a voice to another server. A second plan for one voice is blog.ErrConflict.
func (s *Store) PlanMove(ctx context.Context, m blog.Move) error {
	return s.run(ctx, `INSERT INTO moves (id, voice_id, target, handle, asked_at, due_at) VALUES (?, ?, ?, ?, ?, ?)`,
		m.ID, m.VoiceID, m.Target, m.Handle, m.AskedAt, m.DueAt)
}

// LastMove returns the newest move of a voice: planned, done or cancelled. It returns blog.ErrNotFound when there is
// none.
func (s *Store) LastMove(ctx context.Context, voice blog.ID) (blog.Move, error) {
	var m blog.Move
	err := s.one(ctx, &m, `SELECT `+moveColumns+` FROM moves m WHERE m.voice_id = ? ORDER BY m.id DESC LIMIT 1`, voice)
	return m, err
}

// DueMoves lists the planned moves that are due.
func (s *Store) DueMoves(ctx context.Context, now time.Time) ([]blog.Move, error) {
	var list []blog.Move
	err := s.all(ctx, &list, `SELECT `+moveColumns+
		` FROM moves m WHERE m.moved_at IS NULL AND m.ended_at IS NULL AND m.due_at <= ? ORDER BY m.due_at`, now)
	return list, err
}

// CancelMove cancels the planned move of a voice. why is "" when the owner cancels it. It returns blog.ErrNotFound
// when none is planned.
func (s *Store) CancelMove(ctx context.Context, voice blog.ID, why string, now time.Time) error {
	return s.execOne(ctx, `UPDATE moves SET ended_at = ?, trouble = ? WHERE voice_id = ? AND moved_at IS NULL AND
		ended_at IS NULL`, now, why, voice)
}

// SaveMoveReason saves why a planned move has to wait.
func (s *Store) SaveMoveReason(ctx context.Context, m blog.Move, why string) error {
	// The job tries a waiting move again and again, mostly with the same result: no write is needed then.
	if m.Reason == why {
		return nil
	}
	return s.execOne(ctx, `UPDATE moves SET trouble = ? WHERE id = ? AND moved_at IS NULL AND ended_at IS NULL`, why, m.ID)
}

// MoveVoice marks a planned move as done: from now on the voice accepts no new followers. It returns blog.ErrNotFound
// when the move was cancelled or done meanwhile.
func (s *Store) MoveVoice(ctx context.Context, m blog.Move, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		// The condition makes one of two win: two processes that carry out the move, or a process and a cancellation.
		err := s.execOne(ctx, `
			UPDATE moves SET moved_at = ?, trouble = '', followers = (SELECT count(*) FROM followers f WHERE f.voice_id =
			moves.voice_id AND f.state = 'accepted')
			WHERE id = ? AND moved_at IS NULL AND ended_at IS NULL`, now, m.ID)
		if err != nil {
			return err
		}
		// The move sends an Update of the profile. One that was planned before is no longer needed.
		return s.execOne(ctx, `UPDATE voices SET moved_to = ?, updated_at = ?, introduce_at = NULL WHERE id = ? AND
			retired_at IS NULL`, m.Target, now, m.VoiceID)
	})
}

// SaveMoveActivity saves which activity announces a move.
func (s *Store) SaveMoveActivity(ctx context.Context, move, activity blog.ID) error {
	return s.execOne(ctx, `UPDATE moves SET activity_id = ? WHERE id = ?`, activity, move)
}

// MoveProgress is how far a move has come.
type MoveProgress struct {
	Servers   int // to which the Move is sent
	Accepted  int // of those, that accepted it
	Remaining int // followers who are still here
}

// MoveProgress counts the servers of a Move's deliveries, and the followers who are still here.
func (s *Store) MoveProgress(ctx context.Context, m blog.Move) (MoveProgress, error) {
	var p MoveProgress
	err := s.one(ctx, &p, `
		SELECT (SELECT count(DISTINCT d.host) FROM deliveries d WHERE d.activity_id = ?) AS servers,
			(SELECT count(DISTINCT d.host) FROM deliveries d WHERE d.activity_id = ? AND d.status = 'delivered') AS accepted,
			(SELECT count(*) FROM followers f WHERE f.voice_id = ? AND f.state = 'accepted') AS remaining`, m.ActivityID,
		m.ActivityID, m.VoiceID)
	return p, err
}

// RemoveMovedFollower removes a follower who moved to another actor, and saves when. Their comments stay under the
// old actor.
func (s *Store) RemoveMovedFollower(ctx context.Context, actor, target string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.mark(changes.Actor(actor))
		err := ignoreMissing(s.changeFollows(ctx, `DELETE FROM followers WHERE actor_id = ?`, actor))
		if err != nil {
			return err
		}
		return s.execOne(ctx, `UPDATE actors SET moved_to = ?, moved_at = ? WHERE id = ?`, target, now, actor)
	})
}
