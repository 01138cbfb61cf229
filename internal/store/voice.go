package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// VoiceKeys are the private keys of a voice, PKCS#8 PEM.
type VoiceKeys struct{ RSA, Ed25519 string }

// addVoice inserts a voice. It returns blog.ErrConflict for a taken handle.
func (s *Store) addVoice(ctx context.Context, v blog.Voice, keys VoiceKeys) error {
	if err := s.checkHandleFree(ctx, v.Handle, v.ID); err != nil {
		return err
	}
	return s.run(ctx, `
		INSERT INTO voices (id, kind, handle, name, summary, picture, header, fields, private_key, public_key,
			proof_private_key, proof_key, discoverable, indexable, approves_followers, shows_followers, can_feature,
			also_known_as, moved_to, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		v.ID, v.Kind, v.Handle, v.Name, v.Summary, v.Picture, v.Header, v.Fields, keys.RSA, v.PublicKey,
		keys.Ed25519, v.ProofKey, v.Discoverable, v.Indexable, v.ApprovesFollowers, v.ShowsFollowers,
		v.CanFeature, v.AlsoKnownAs, v.MovedTo, v.CreatedAt, v.UpdatedAt)
}

// SaveVoice saves a changed profile. It does not save the handle, kind, keys, aliases, or plans to move or leave.
func (s *Store) SaveVoice(ctx context.Context, v blog.Voice) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.showPortrait(ctx, v); err != nil {
			return err
		}
		return s.execOne(ctx, `
			UPDATE voices SET name = ?, summary = ?, picture = ?, header = ?, fields = ?, discoverable = ?, indexable = ?,
				approves_followers = ?, shows_followers = ?, can_feature = ?, updated_at = ?
			WHERE id = ? AND retired_at IS NULL`,
			v.Name, v.Summary, v.Picture, v.Header, v.Fields, v.Discoverable, v.Indexable,
			v.ApprovesFollowers, v.ShowsFollowers, v.CanFeature, v.UpdatedAt, v.ID)
	})
}

// Voice returns a voice by id, even if it is retired.
func (s *Store) Voice(ctx context.Context, id blog.ID) (blog.Voice, error) {
	var v blog.Voice
	err := s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.id = ?`, id)
	return v, err
}

// VoiceByHandle returns a voice by its current or a former handle in lower case, even if the voice is retired.
func (s *Store) VoiceByHandle(ctx context.Context, handle string) (blog.Voice, error) {
	var v blog.Voice
	err := s.one(ctx, &v, `SELECT `+voiceColumns+
		` FROM voices v WHERE v.handle = ? OR v.id = (SELECT h.voice_id FROM handles h WHERE h.handle = ?)`, handle, handle)
	return v, err
}

// Voices returns voices by id.
func (s *Store) Voices(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Voice, error) {
	found := map[blog.ID]blog.Voice{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []blog.Voice
	err := s.all(ctx, &list, `SELECT `+voiceColumns+` FROM voices v WHERE v.id IN (?)`, ids)
	for _, v := range list {
		found[v.ID] = v
	}
	return found, err
}

// SiteVoice returns the voice of the blog as a whole, even if it is silent. It returns blog.ErrNotFound when there is
// none.
func (s *Store) SiteVoice(ctx context.Context) (blog.Voice, error) {
	var v blog.Voice
	err := s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.kind = 'site'`)
	return v, err
}

// LockSiteVoice is SiteVoice for a transaction that changes the collection of the authors. Others wait until it ends,
// so that nobody is added twice.
func (s *Store) LockSiteVoice(ctx context.Context) (blog.Voice, error) {
	var v blog.Voice
	err := s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.kind = 'site'`+s.sql.lockRow())
	return v, err
}

// SeriesVoice returns the voice of a series, even if it is silent. It returns blog.ErrNotFound when there is none.
func (s *Store) SeriesVoice(ctx context.Context, series blog.ID) (blog.Voice, error) {
	var v blog.Voice
	err := s.one(ctx, &v, `SELECT `+voiceColumns+
		` FROM voices v WHERE v.id = (SELECT voice_id FROM series WHERE id = ?)`, series)
	return v, err
}

// AddVoice saves a new voice of a series, or of the site when series is "". It returns blog.ErrConflict for a taken
// handle, and when there is a voice already.
func (s *Store) AddVoice(ctx context.Context, v blog.Voice, keys VoiceKeys, series blog.ID) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.addVoice(ctx, v, keys); err != nil {
			return fmt.Errorf("add the voice %q: %w", v.Handle, err)
		}
		if series == "" {
			return nil
		}
		// The condition stops the second of two requests at the same moment. For the site, a unique index does that.
		n, err := s.exec(ctx, `UPDATE series SET voice_id = ? WHERE id = ? AND voice_id = ''`, v.ID, series)
		if err == nil && n == 0 {
			err = fmt.Errorf("%w: the series has a voice already", blog.ErrConflict)
		}
		return err
	})
}

// SetFeaturesSince sets since when the voice of the blog publishes the collection of its authors; nil ends that.
func (s *Store) SetFeaturesSince(ctx context.Context, voice blog.ID, since *time.Time, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.execOne(ctx, `UPDATE voices SET features_since = ?, updated_at = ? WHERE id = ? AND kind = 'site'`, since,
			now, voice)
	})
}

// SetVoiceSilent makes a voice of the site or of a series silent from a time on. A nil time ends that.
func (s *Store) SetVoiceSilent(ctx context.Context, voice blog.ID, from *time.Time, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		// Authors cannot be silent: they are disabled or deleted instead.
		return s.execOne(ctx, `UPDATE voices SET silent_at = ?, updated_at = ? WHERE id = ? AND kind <> 'author'`, from, now,
			voice)
	})
}
