package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// KnownBrowser is a browser in which an author signed in before. Its guesses are counted separately, so that
// strangers cannot lock the author out.
type KnownBrowser struct {
	TokenHash string
	VoiceID   blog.ID
	SeenAt    time.Time // when the author signed in
}

// AddKnownBrowser saves a browser. It replaces the row with the given old token hash of the same browser ("" for
// none).
func (s *Store) AddKnownBrowser(ctx context.Context, b KnownBrowser, old string) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.run(ctx, `DELETE FROM known_browsers WHERE token_hash = ?`, old); err != nil {
			return err
		}
		if err := s.run(ctx, `INSERT INTO known_browsers (token_hash, voice_id, seen_at) VALUES (?, ?, ?)`, b.TokenHash,
			b.VoiceID, b.SeenAt); err != nil {
			return err
		}
		// The limit bounds the table when an author clears cookies after each session.
		return s.run(ctx, `DELETE FROM known_browsers WHERE voice_id = ? AND token_hash NOT IN (
			SELECT token_hash FROM known_browsers WHERE voice_id = ? ORDER BY seen_at DESC, token_hash LIMIT ?)`,
			b.VoiceID, b.VoiceID, mostKnownBrowsers)
	})
}

// mostKnownBrowsers is how many browsers are kept for one author: the most recently used.
const mostKnownBrowsers = 20

// KnownBrowser returns a browser in which somebody signed in since a moment. Otherwise it returns blog.ErrNotFound.
func (s *Store) KnownBrowser(ctx context.Context, tokenHash string, since time.Time) (KnownBrowser, error) {
	var b KnownBrowser
	err := s.one(ctx, &b, `SELECT token_hash, voice_id, seen_at FROM known_browsers WHERE token_hash = ? AND seen_at
		> ?`, tokenHash, since)
	return b, err
}
