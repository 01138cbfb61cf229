package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

const (
	voiceColumns = `v.id, v.kind, v.handle, v.name, v.summary, v.picture, v.header, v.fields, v.public_key, v.proof_key,
		v.discoverable, v.indexable, v.approves_followers, v.shows_followers, v.also_known_as, v.moved_to,
		v.created_at, v.updated_at, v.silent_at, v.leaves_at, v.retired_at,
		COALESCE((SELECT slug FROM series WHERE voice_id = v.id AND voice_id <> ''), '') AS series_slug`
	authorColumns = voiceColumns + `, a.email, a.password, a.role, a.language, a.timezone, a.hold_seconds, a.disabled_at`
	fromAuthors   = ` FROM authors a JOIN voices v ON v.id = a.voice_id `
)

// VoiceKeys are the private halves of a voice's keys, PKCS#8 PEM.
type VoiceKeys struct{ RSA, Ed25519 string }

// AddAuthor writes a new author down with its keys. A taken handle or e-mail address is blog.ErrConflict.
func (s *Store) AddAuthor(ctx context.Context, a blog.Author, keys VoiceKeys) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		if err := s.addVoice(ctx, a.Voice, keys); err != nil {
			return fmt.Errorf("add author %q: %w", a.Handle, err)
		}
		return s.do(ctx, `
			INSERT INTO authors (voice_id, email, password, role, language, timezone, hold_seconds, disabled_at) VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
			a.ID, a.Email, a.Password, a.Role, a.Language, a.Timezone, a.HoldSeconds, a.DisabledAt)
	})
}

func (s *Store) addVoice(ctx context.Context, v blog.Voice, keys VoiceKeys) error {
	if err := s.freeHandle(ctx, v.Handle, v.ID); err != nil {
		return err
	}
	return s.do(ctx, `
		INSERT INTO voices (id, kind, handle, name, summary, picture, header, fields, private_key, public_key,
			proof_private_key, proof_key, discoverable, indexable, approves_followers, shows_followers, also_known_as,
			moved_to, created_at, updated_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		v.ID, v.Kind, v.Handle, v.Name, v.Summary, v.Picture, v.Header, v.Fields, keys.RSA, v.PublicKey,
		keys.Ed25519, v.ProofKey, v.Discoverable, v.Indexable, v.ApprovesFollowers, v.ShowsFollowers, v.AlsoKnownAs,
		v.MovedTo, v.CreatedAt, v.UpdatedAt)
}

// SaveVoice changes a profile; handle, kind, keys and aliases stay, and so does what its owner planned for it.
func (s *Store) SaveVoice(ctx context.Context, v blog.Voice) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.must(ctx, `
			UPDATE voices SET name = ?, summary = ?, picture = ?, header = ?, fields = ?, discoverable = ?, indexable = ?,
				approves_followers = ?, shows_followers = ?, updated_at = ?
			WHERE id = ? AND retired_at IS NULL`,
			v.Name, v.Summary, v.Picture, v.Header, v.Fields, v.Discoverable, v.Indexable,
			v.ApprovesFollowers, v.ShowsFollowers, v.UpdatedAt, v.ID)
	})
}

// SaveAuthor changes how an author signs in and what they may do; the profile is SaveVoice's.
func (s *Store) SaveAuthor(ctx context.Context, a blog.Author) error {
	return s.must(ctx, `
		UPDATE authors SET email = ?, password = ?, role = ?, language = ?, timezone = ?, hold_seconds = ?, disabled_at = ? WHERE voice_id = ?`,
		a.Email, a.Password, a.Role, a.Language, a.Timezone, a.HoldSeconds, a.DisabledAt, a.ID)
}

// Voice finds a voice by its id, retired or not.
func (s *Store) Voice(ctx context.Context, id blog.ID) (blog.Voice, error) {
	var v blog.Voice
	return v, s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.id = ?`, id)
}

// VoiceByHandle finds a voice by the handle that it has or had before, in small letters, retired or not.
func (s *Store) VoiceByHandle(ctx context.Context, handle string) (blog.Voice, error) {
	var v blog.Voice
	return v, s.one(ctx, &v, `SELECT `+voiceColumns+` FROM voices v WHERE v.handle = ? OR v.id = (SELECT h.voice_id FROM handles h WHERE h.handle = ?)`, handle, handle)
}

// Voices finds voices by their ids.
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

// Author finds an author by voice id.
func (s *Store) Author(ctx context.Context, id blog.ID) (blog.Author, error) {
	var a blog.Author
	return a, s.one(ctx, &a, `SELECT `+authorColumns+fromAuthors+`WHERE v.id = ?`, id)
}

// AuthorByName finds an author by handle or e-mail address, as typed at the door.
func (s *Store) AuthorByName(ctx context.Context, name string) (blog.Author, error) {
	var a blog.Author
	return a, s.one(ctx, &a, `SELECT `+authorColumns+fromAuthors+`WHERE v.handle = ? OR (a.email <> '' AND a.email = ?)`, name, name)
}

// Authors lists all who may sign in or once could, by handle.
func (s *Store) Authors(ctx context.Context) ([]blog.Author, error) {
	var list []blog.Author
	return list, s.all(ctx, &list, `SELECT `+authorColumns+fromAuthors+`ORDER BY v.handle`)
}

// CountAuthors tells how many authors there are; none means that the first run is still to come.
func (s *Store) CountAuthors(ctx context.Context) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM authors`)
}

// SignIn is one signed-in browser.
type SignIn struct {
	TokenHash string
	VoiceID   blog.ID
	Device    string
	CreatedAt time.Time
	UsedAt    time.Time
	ExpiresAt time.Time
}

// AddSignIn remembers a browser that signed in.
func (s *Store) AddSignIn(ctx context.Context, in SignIn) error {
	return s.do(ctx, `INSERT INTO sign_ins (token_hash, voice_id, device, created_at, used_at, expires_at) VALUES (?, ?, ?, ?, ?, ?)`,
		in.TokenHash, in.VoiceID, in.Device, in.CreatedAt, in.UsedAt, in.ExpiresAt)
}

// SignedIn finds a living sign-in of an author who is not disabled.
func (s *Store) SignedIn(ctx context.Context, tokenHash string, now time.Time) (SignIn, blog.Author, error) {
	var in SignIn
	err := s.one(ctx, &in, `SELECT token_hash, voice_id, device, created_at, used_at, expires_at FROM sign_ins WHERE token_hash = ? AND expires_at > ?`, tokenHash, now)
	if err != nil {
		return in, blog.Author{}, err
	}
	author, err := s.Author(ctx, in.VoiceID)
	if err == nil && author.DisabledAt != nil {
		err = blog.ErrNotFound
	}
	return in, author, err
}

// UseSignIn notes that a sign-in was used, and until when it lasts now.
func (s *Store) UseSignIn(ctx context.Context, tokenHash string, now, expires time.Time) error {
	return s.do(ctx, `UPDATE sign_ins SET used_at = ?, expires_at = ? WHERE token_hash = ?`, now, expires, tokenHash)
}

// EndSignIn signs one browser out.
func (s *Store) EndSignIn(ctx context.Context, tokenHash string) error {
	return s.do(ctx, `DELETE FROM sign_ins WHERE token_hash = ?`, tokenHash)
}

// EndSignIns signs an author out everywhere, but for the browser with the given token hash ("" for none).
func (s *Store) EndSignIns(ctx context.Context, voice blog.ID, but string) error {
	return s.do(ctx, `DELETE FROM sign_ins WHERE voice_id = ? AND token_hash <> ?`, voice, but)
}

// Kinds of one-time links.
const (
	FirstRunLink = "first-run"
	SignInLink   = "sign-in"
)

// Link is a door that opens once.
type Link struct {
	TokenHash string
	Kind      string
	VoiceID   blog.ID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// AddLink makes a one-time link; a new first-run link replaces the one before.
func (s *Store) AddLink(ctx context.Context, l Link) error {
	return s.InTx(ctx, func(s *Store) error {
		if l.Kind == FirstRunLink {
			if err := s.do(ctx, `DELETE FROM links WHERE kind = ?`, FirstRunLink); err != nil {
				return err
			}
		}
		return s.do(ctx, `INSERT INTO links (token_hash, kind, voice_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			l.TokenHash, l.Kind, l.VoiceID, l.CreatedAt, l.ExpiresAt)
	})
}

// Link looks at a one-time link without using it.
func (s *Store) Link(ctx context.Context, tokenHash string, now time.Time) (Link, error) {
	var l Link
	return l, s.one(ctx, &l, `SELECT token_hash, kind, voice_id, created_at, expires_at FROM links WHERE token_hash = ? AND expires_at > ?`, tokenHash, now)
}

// UseLink uses a one-time link up; a used or expired one is blog.ErrNotFound.
func (s *Store) UseLink(ctx context.Context, tokenHash string, now time.Time) error {
	return s.must(ctx, `DELETE FROM links WHERE token_hash = ? AND expires_at > ?`, tokenHash, now)
}
