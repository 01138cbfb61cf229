package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Guess is one guess at a password.
type Guess struct {
	ID      blog.ID
	Account string // the name that was typed, in small letters; empty where the source alone counts
	Source  string // a client address or network, a known browser, or a session
	At      time.Time
}

// AddGuess counts a guess, and removes those from before the given moment, which count no more.
func (s *Store) AddGuess(ctx context.Context, g Guess, before time.Time) error {
	if err := s.run(ctx, `DELETE FROM guesses WHERE at < ?`, before); err != nil {
		return err
	}
	return s.run(ctx, `INSERT INTO guesses (id, account, source, at) VALUES (?, ?, ?, ?)`, g.ID, g.Account, g.Source, g.At)
}

// GuessesAt lists when an account was guessed at since a moment, by anybody, newest first and at most limit.
func (s *Store) GuessesAt(ctx context.Context, account string, since time.Time, limit int) ([]time.Time, error) {
	var at []time.Time
	return at, s.all(ctx, &at, `SELECT at FROM guesses WHERE account = ? AND at > ? ORDER BY at DESC LIMIT ?`, account,
		since, limit)
}

// GuessesFrom lists when a source guessed since a moment, at any account, newest first and at most limit.
func (s *Store) GuessesFrom(ctx context.Context, source string, since time.Time, limit int) ([]time.Time, error) {
	var at []time.Time
	return at, s.all(ctx, &at, `SELECT at FROM guesses WHERE source = ? AND at > ? ORDER BY at DESC LIMIT ?`, source,
		since, limit)
}

// GuessesBetween lists when a source guessed at one account since a moment, newest first and at most limit.
func (s *Store) GuessesBetween(ctx context.Context, account, source string, since time.Time,
	limit int) ([]time.Time, error) {
	var at []time.Time
	return at, s.all(ctx, &at, `SELECT at FROM guesses WHERE source = ? AND account = ? AND at > ? ORDER BY at DESC
		LIMIT ?`,
		source, account, since, limit)
}

// ForgetGuess takes one guess out of the count.
func (s *Store) ForgetGuess(ctx context.Context, id blog.ID) error {
	return s.run(ctx, `DELETE FROM guesses WHERE id = ?`, id)
}

// ForgiveGuesses forgets what a source guessed at an account, once it found the right password.
func (s *Store) ForgiveGuesses(ctx context.Context, account, source string) error {
	return s.run(ctx, `DELETE FROM guesses WHERE source = ? AND account = ?`, source, account)
}

// KnownBrowser is a browser in which an author signed in.
type KnownBrowser struct {
	TokenHash string
	VoiceID   blog.ID
	SeenAt    time.Time // when the author signed in
}

// mostKnownBrowsers are kept of one author: those that were used last.
const mostKnownBrowsers = 20

// AddKnownBrowser remembers a browser. The given other token hash, of the same browser, is forgotten ("" for none).
func (s *Store) AddKnownBrowser(ctx context.Context, b KnownBrowser, instead string) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.run(ctx, `DELETE FROM known_browsers WHERE token_hash = ?`, instead); err != nil {
			return err
		}
		if err := s.run(ctx, `INSERT INTO known_browsers (token_hash, voice_id, seen_at) VALUES (?, ?, ?)`, b.TokenHash,
			b.VoiceID, b.SeenAt); err != nil {
			return err
		}
		return s.run(ctx, `DELETE FROM known_browsers WHERE voice_id = ? AND token_hash NOT IN (
			SELECT token_hash FROM known_browsers WHERE voice_id = ? ORDER BY seen_at DESC, token_hash LIMIT ?)`,
			b.VoiceID, b.VoiceID, mostKnownBrowsers)
	})
}

// KnownBrowser finds a browser in which somebody signed in since a moment; else it is blog.ErrNotFound.
func (s *Store) KnownBrowser(ctx context.Context, tokenHash string, since time.Time) (KnownBrowser, error) {
	var b KnownBrowser
	return b, s.one(ctx, &b, `SELECT token_hash, voice_id, seen_at FROM known_browsers WHERE token_hash = ? AND seen_at
		> ?`, tokenHash, since)
}
