package store

import (
	"context"
	"fmt"

	"causerie/internal/blog"
)

const (
	voiceColumns = `v.id, v.kind, v.handle, v.name, v.summary, v.picture, v.header, v.fields, v.public_key, v.proof_key,
		v.discoverable, v.indexable, v.approves_followers, v.shows_followers, v.can_feature, v.also_known_as,
		v.moved_to, v.created_at, v.updated_at, v.silent_at, v.features_since, v.leaves_at, v.retired_at,
		COALESCE((SELECT slug FROM series WHERE voice_id = v.id AND voice_id <> ''), '') AS series_slug`
	authorColumns = voiceColumns + `, a.email, a.password, a.role, a.language, a.timezone, a.hold_seconds, a.disabled_at`
	fromAuthors   = ` FROM authors a JOIN voices v ON v.id = a.voice_id `
)

// AddAuthor adds an author with its keys. A taken handle or e-mail address is blog.ErrConflict.
func (s *Store) AddAuthor(ctx context.Context, a blog.Author, keys VoiceKeys) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.addVoice(ctx, a.Voice, keys); err != nil {
			return fmt.Errorf("add author %q: %w", a.Handle, err)
		}
		return s.run(ctx, `
			INSERT INTO authors (voice_id, email, password, role, language, timezone, hold_seconds, disabled_at) VALUES (?,
			?, ?, ?, ?, ?, ?, ?)`,
			a.ID, a.Email, a.Password, a.Role, a.Language, a.Timezone, a.HoldSeconds, a.DisabledAt)
	})
}

// SaveAuthor saves how an author logs in and what the author may do; SaveVoice saves the profile.
func (s *Store) SaveAuthor(ctx context.Context, a blog.Author) error {
	return s.InTx(ctx, func(s *Store) error {
		before, err := s.Author(ctx, a.ID)
		if err != nil {
			return err
		}
		// Pages name who can write here, and an author's page is in the author's language. A password is on no page.
		if (before.DisabledAt == nil) != (a.DisabledAt == nil) || before.Language != a.Language {
			s.markChanged()
		}
		return s.execOne(ctx, `
			UPDATE authors SET email = ?, password = ?, role = ?, language = ?, timezone = ?, hold_seconds = ?,
				disabled_at = ? WHERE voice_id = ?`,
			a.Email, a.Password, a.Role, a.Language, a.Timezone, a.HoldSeconds, a.DisabledAt, a.ID)
	})
}

// Author finds an author by voice id.
func (s *Store) Author(ctx context.Context, id blog.ID) (blog.Author, error) {
	var a blog.Author
	err := s.one(ctx, &a, `SELECT `+authorColumns+fromAuthors+`WHERE v.id = ?`, id)
	return a, err
}

// AuthorByName finds an author by handle or e-mail address, as typed into the login form.
func (s *Store) AuthorByName(ctx context.Context, name string) (blog.Author, error) {
	var a blog.Author
	// Authors without an e-mail address must not be found by an empty name.
	err := s.one(ctx, &a, `SELECT `+authorColumns+fromAuthors+`WHERE v.handle = ? OR (a.email <> '' AND a.email = ?)`,
		name, name)
	return a, err
}

// Authors lists all authors by handle, the disabled ones too.
func (s *Store) Authors(ctx context.Context) ([]blog.Author, error) {
	var list []blog.Author
	err := s.all(ctx, &list, `SELECT `+authorColumns+fromAuthors+`ORDER BY v.handle`)
	return list, err
}

// CountAuthors counts the authors. There are none before the first run was completed.
func (s *Store) CountAuthors(ctx context.Context) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM authors`)
	return n, err
}
