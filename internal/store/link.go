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

// Link is a one-time link for signing in.
type Link struct {
	TokenHash string
	Kind      string
	VoiceID   blog.ID
	CreatedAt time.Time
	ExpiresAt time.Time
}

// AddLink saves a one-time link. A new first-run link replaces the one before.
func (s *Store) AddLink(ctx context.Context, l Link) error {
	return s.InTx(ctx, func(s *Store) error {
		// Each start without an author prints such a link. Only the newest may work, since older ones stay in logs.
		if l.Kind == FirstRunLink {
			if err := s.run(ctx, `DELETE FROM links WHERE kind = ?`, FirstRunLink); err != nil {
				return err
			}
		}
		return s.run(ctx, `INSERT INTO links (token_hash, kind, voice_id, created_at, expires_at) VALUES (?, ?, ?, ?, ?)`,
			l.TokenHash, l.Kind, l.VoiceID, l.CreatedAt, l.ExpiresAt)
	})
}

// Link returns a one-time link without using it.
func (s *Store) Link(ctx context.Context, tokenHash string, now time.Time) (Link, error) {
	var l Link
	err := s.one(ctx, &l, `SELECT token_hash, kind, voice_id, created_at, expires_at FROM links WHERE token_hash = ?
		AND expires_at > ?`, tokenHash, now)
	return l, err
}

// UseLink deletes a valid one-time link. A used or expired one is blog.ErrNotFound.
func (s *Store) UseLink(ctx context.Context, tokenHash string, now time.Time) error {
	// The deletion decides: of two requests at once, only one finds the row.
	return s.execOne(ctx, `DELETE FROM links WHERE token_hash = ? AND expires_at > ?`, tokenHash, now)
}
