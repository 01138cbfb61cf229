package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// SiteVoice is the voice of the blog as a whole, silent or not; blog.ErrNotFound when it never had one.
func (s *Store) SiteVoice(ctx context.Context) (blog.Voice, error) {
	var v blog.Voice
	return v, s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.kind = 'site'`)
}

// SeriesVoice is the voice that announces the parts of a series, silent or not; blog.ErrNotFound when it never had one.
func (s *Store) SeriesVoice(ctx context.Context, series blog.ID) (blog.Voice, error) {
	var v blog.Voice
	return v, s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.id = (SELECT voice_id FROM series WHERE id = ?)`, series)
}

// AddVoice writes the voice of the site or of a series down with its keys. series is which one, "" for the site. A taken
// handle is blog.ErrConflict, and so is a second voice of the same.
func (s *Store) AddVoice(ctx context.Context, v blog.Voice, keys VoiceKeys, series blog.ID) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		if err := s.addVoice(ctx, v, keys); err != nil {
			return fmt.Errorf("add the voice %q: %w", v.Handle, err)
		}
		if series == "" {
			return nil
		}
		n, err := s.exec(ctx, `UPDATE series SET voice_id = ? WHERE id = ? AND voice_id = ''`, v.ID, series)
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: the series has a voice already", blog.ErrConflict)
		}
		return err
	})
}

// SilenceVoice switches a voice of the site or of a series off from a moment, or on again when that is nil.
func (s *Store) SilenceVoice(ctx context.Context, voice blog.ID, from *time.Time, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.must(ctx, `UPDATE voices SET silent_at = ?, updated_at = ? WHERE id = ? AND kind <> 'author'`, from, now, voice)
	})
}
