package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// longestUntold bounds how far ahead an introduction is due: one that is later was noted before the clock was set back.
const longestUntold = time.Hour

// IntroduceBy notes that a voice's followers are to be told of a changed profile at a moment; one that is noted already
// stays, so that many changes are told once.
func (s *Store) IntroduceBy(ctx context.Context, voice blog.ID, at time.Time) error {
	return s.execOne(ctx, `UPDATE voices SET introduce_at = COALESCE(introduce_at, ?) WHERE id = ?`, at, voice)
}

// DueIntroductions lists the voices whose followers are to be told by now.
func (s *Store) DueIntroductions(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var list []blog.ID
	return list, s.all(ctx, &list, `SELECT id FROM voices WHERE introduce_at <= ? OR introduce_at > ? ORDER BY
		introduce_at`, now, now.Add(longestUntold))
}

// Introduced ends a note of IntroduceBy that is due; blog.ErrNotFound when somebody else did.
func (s *Store) Introduced(ctx context.Context, voice blog.ID, now time.Time) error {
	return s.execOne(ctx, `UPDATE voices SET introduce_at = NULL WHERE id = ? AND (introduce_at <= ? OR introduce_at > ?)`,
		voice, now, now.Add(longestUntold))
}

// RenewAliases changes the addresses of the same person elsewhere.
func (s *Store) RenewAliases(ctx context.Context, voice blog.ID, aliases blog.Strings, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.execOne(ctx, `UPDATE voices SET also_known_as = ?, updated_at = ? WHERE id = ? AND retired_at IS NULL`,
			aliases, now, voice)
	})
}

// RenameVoice gives a voice another handle. The old one leads to it from now on and stays taken; one that it had before
// it may have again. A handle that somebody else has or had is blog.ErrConflict.
func (s *Store) RenameVoice(ctx context.Context, voice blog.ID, handle string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.freeHandle(ctx, handle, voice); err != nil {
			return err
		}
		for _, step := range []struct {
			statement string
			args      []any
		}{
			{`DELETE FROM handles WHERE handle = ? AND voice_id = ?`, []any{handle, voice}},
			{`INSERT INTO handles (handle, voice_id, until) SELECT handle, id, ? FROM voices WHERE id = ?`, []any{now, voice}},
		} {
			if err := s.run(ctx, step.statement, step.args...); err != nil {
				return err
			}
		}
		return s.execOne(ctx, `UPDATE voices SET handle = ?, updated_at = ? WHERE id = ? AND retired_at IS NULL`, handle, now,
			voice)
	})
}

// freeHandle refuses a handle that another voice had before; one that a voice has now is refused by its column.
func (s *Store) freeHandle(ctx context.Context, handle string, voice blog.ID) error {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM handles WHERE handle = ? AND voice_id <> ?`, handle, voice)
	if err == nil && n > 0 {
		err = fmt.Errorf("the handle %q: %w", handle, blog.ErrConflict)
	}
	return err
}

// SupersedeProfile settles the deliveries about a voice's profile that are older than the activity and still wait.
func (s *Store) SupersedeProfile(ctx context.Context, a blog.Activity) error {
	return s.run(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = ?
		WHERE settled_at IS NULL AND activity_id IN (SELECT e.id FROM activities e WHERE e.voice_id = ? AND e.object_id =
		'' AND e.kind = 'Update' AND e.id < ?)`,
		a.At, a.VoiceID, a.ID)
}
