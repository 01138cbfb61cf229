package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Session is one browser in which an author is signed in.
type Session struct {
	TokenHash string
	VoiceID   blog.ID
	Device    string
	CreatedAt time.Time
	UsedAt    time.Time
	ExpiresAt time.Time
}

// AddSession saves a session.
func (s *Store) AddSession(ctx context.Context, in Session) error {
	return s.run(ctx, `INSERT INTO sign_ins (token_hash, voice_id, device, created_at, used_at, expires_at) VALUES (?,
		?, ?, ?, ?, ?)`,
		in.TokenHash, in.VoiceID, in.Device, in.CreatedAt, in.UsedAt, in.ExpiresAt)
}

// Session returns a valid session and its author. It returns blog.ErrNotFound when there is none, or when the author
// is disabled.
func (s *Store) Session(ctx context.Context, tokenHash string, now time.Time) (Session, blog.Author, error) {
	return s.session(ctx, `token_hash = ? AND expires_at > ? AND expires_at > used_at`, tokenHash, now)
}

// EndedSession returns a session that was valid within the last week, and may have ended since.
func (s *Store) EndedSession(ctx context.Context, tokenHash string, now time.Time) (Session, error) {
	in, _, err := s.session(ctx, `token_hash = ? AND expires_at > ?`, tokenHash, now.Add(-endedFor))
	return in, err
}

// endedFor is how long an ended session is kept: a form that was begun in it may still be sent.
const endedFor = 7 * 24 * time.Hour

func (s *Store) session(ctx context.Context, which string, args ...any) (Session, blog.Author, error) {
	var in Session
	err := s.one(ctx, &in, `SELECT token_hash, voice_id, device, created_at, used_at, expires_at FROM sign_ins WHERE
		`+which, args...)
	if err != nil {
		return in, blog.Author{}, err
	}
	author, err := s.Author(ctx, in.VoiceID)
	// To a browser this is the same as a session that has ended: it shows the login page.
	if err == nil && author.DisabledAt != nil {
		err = blog.ErrNotFound
	}
	return in, author, err
}

// TouchSession records that a session was used, and until when it is valid now. It does not bring an ended one back.
func (s *Store) TouchSession(ctx context.Context, tokenHash string, now, expires time.Time) error {
	return s.run(ctx, `UPDATE sign_ins SET used_at = ?, expires_at = ? WHERE token_hash = ? AND expires_at > used_at`,
		now, expires, tokenHash)
}

// EndSession deletes a session.
func (s *Store) EndSession(ctx context.Context, tokenHash string) error {
	return s.run(ctx, `DELETE FROM sign_ins WHERE token_hash = ?`, tokenHash)
}

// EndSessions ends all sessions of an author, except the one with the given token hash ("" for none). They expire when
// they were last used, so that no clock that is behind keeps one open.
func (s *Store) EndSessions(ctx context.Context, voice blog.ID, except string) error {
	return s.run(ctx, `UPDATE sign_ins SET expires_at = used_at WHERE voice_id = ? AND token_hash <> ?`, voice,
		except)
}
