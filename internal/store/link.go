package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

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
			if err := s.run(ctx, `DELETE FROM links WHERE kind = ?`, FirstRunLink); err != nil {
				return err
			}
		}
		return s.run(ctx, `INSERT INTO links (token_hash, kind, voice_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			l.TokenHash, l.Kind, l.VoiceID, l.CreatedAt, l.ExpiresAt)
	})
}

// Link looks at a one-time link without using it.
func (s *Store) Link(ctx context.Context, tokenHash string, now time.Time) (Link, error) {
	var l Link
	return l, s.one(ctx, &l, `SELECT token_hash, kind, voice_id, created_at, expires_at FROM links WHERE token_hash = ?
		AND expires_at > ?`, tokenHash, now)
}

// UseLink uses a one-time link up; a used or expired one is blog.ErrNotFound.
func (s *Store) UseLink(ctx context.Context, tokenHash string, now time.Time) error {
	return s.execOne(ctx, `DELETE FROM links WHERE token_hash = ? AND expires_at > ?`, tokenHash, now)
}
