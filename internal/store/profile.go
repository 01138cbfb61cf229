package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// longestPlan is longer than any planned profile update waits. One that is due later was planned before the clock
// was set back.
const longestPlan = time.Hour

// IntroduceBy plans when the followers of a voice get its changed profile.
func (s *Store) IntroduceBy(ctx context.Context, voice blog.ID, at time.Time) error {
	// COALESCE keeps the moment of the first change. Later ones are sent with it, and cannot put it off.
	return s.execOne(ctx, `UPDATE voices SET introduce_at = COALESCE(introduce_at, ?) WHERE id = ?`, at, voice)
}

// DueIntroductions lists the voices whose profile update is due.
func (s *Store) DueIntroductions(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var list []blog.ID
	err := s.all(ctx, &list, `SELECT id FROM voices WHERE introduce_at <= ? OR introduce_at > ? ORDER BY
		introduce_at`, now, now.Add(longestPlan))
	return list, err
}

// Introduced ends a plan of IntroduceBy that is due. It returns blog.ErrNotFound when another process did so first.
func (s *Store) Introduced(ctx context.Context, voice blog.ID, now time.Time) error {
	return s.execOne(ctx, `UPDATE voices SET introduce_at = NULL WHERE id = ? AND (introduce_at <= ? OR introduce_at > ?)`,
		voice, now, now.Add(longestPlan))
}

// RenewAliases replaces the addresses of the same person elsewhere.
func (s *Store) RenewAliases(ctx context.Context, voice blog.ID, aliases blog.Strings, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.execOne(ctx, `UPDATE voices SET also_known_as = ?, updated_at = ? WHERE id = ? AND retired_at IS NULL`,
			aliases, now, voice)
	})
}

// RenameVoice changes the handle of a voice. The old handle stays taken and leads to the voice. The voice may return
// to a handle that it had before. A handle that another voice has or had is blog.ErrConflict.
func (s *Store) RenameVoice(ctx context.Context, voice blog.ID, handle string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.checkHandleFree(ctx, handle, voice); err != nil {
			return err
		}
		// This handle may be one that the voice had before.
		if err := s.run(ctx, `DELETE FROM handles WHERE handle = ? AND voice_id = ?`, handle, voice); err != nil {
			return err
		}
		err := s.run(ctx, `
			INSERT INTO handles (handle, voice_id, until) SELECT handle, id, ? FROM voices WHERE id = ?`, now, voice)
		if err != nil {
			return err
		}
		return s.execOne(ctx, `UPDATE voices SET handle = ?, updated_at = ? WHERE id = ? AND retired_at IS NULL`, handle, now,
			voice)
	})
}

// checkHandleFree refuses a handle that another voice had before. The column refuses one that a voice has now.
func (s *Store) checkHandleFree(ctx context.Context, handle string, voice blog.ID) error {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM handles WHERE handle = ? AND voice_id <> ?`, handle, voice)
	if err == nil && n > 0 {
		err = fmt.Errorf("the handle %q: %w", handle, blog.ErrConflict)
	}
	return err
}

// SupersedeProfile settles the waiting deliveries of a voice's profile that are older than the activity.
func (s *Store) SupersedeProfile(ctx context.Context, a blog.Activity) error {
	return s.run(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = ?
		WHERE `+unsettled+` AND activity_id IN (SELECT e.id FROM activities e WHERE e.voice_id = ? AND e.object_id =
		'' AND e.kind = 'Update' AND e.id < ?)`,
		a.At, a.VoiceID, a.ID)
}
