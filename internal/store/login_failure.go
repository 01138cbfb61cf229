package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Guess is one attempt to sign in with a password. It counts as a failure until ForgetGuess or ForgiveGuesses deletes
// it.
type Guess struct {
	ID      blog.ID
	Account string // the name as typed, in lower case; empty where only the source counts
	Source  string // a client address or network, a known browser, or a session
	At      time.Time
}

// AddGuess saves a guess, and deletes all guesses that are older than before.
func (s *Store) AddGuess(ctx context.Context, g Guess, before time.Time) error {
	// Deleting old guesses here keeps the table small during an attack. A job would be too slow for that.
	if err := s.run(ctx, `DELETE FROM guesses WHERE at < ?`, before); err != nil {
		return err
	}
	return s.run(ctx, `INSERT INTO guesses (id, account, source, at) VALUES (?, ?, ?, ?)`, g.ID, g.Account, g.Source, g.At)
}

// GuessesAt lists the times of guesses at one account since a time, from any source, newest first.
func (s *Store) GuessesAt(ctx context.Context, account string, since time.Time, limit int) ([]time.Time, error) {
	var at []time.Time
	err := s.all(ctx, &at, `SELECT at FROM guesses WHERE account = ? AND at > ? ORDER BY at DESC LIMIT ?`, account,
		since, limit)
	return at, err
}

// GuessesFrom lists the times of guesses from one source since a time, at any account, newest first.
func (s *Store) GuessesFrom(ctx context.Context, source string, since time.Time, limit int) ([]time.Time, error) {
	var at []time.Time
	err := s.all(ctx, &at, `SELECT at FROM guesses WHERE source = ? AND at > ? ORDER BY at DESC LIMIT ?`, source,
		since, limit)
	return at, err
}

// GuessesBetween lists the times of guesses from one source at one account since a time, newest first.
func (s *Store) GuessesBetween(ctx context.Context, account, source string, since time.Time,
	limit int) ([]time.Time, error) {
	var at []time.Time
	err := s.all(ctx, &at, `SELECT at FROM guesses WHERE source = ? AND account = ? AND at > ? ORDER BY at DESC
		LIMIT ?`,
		source, account, since, limit)
	return at, err
}

// ForgetGuess deletes one guess.
func (s *Store) ForgetGuess(ctx context.Context, id blog.ID) error {
	return s.run(ctx, `DELETE FROM guesses WHERE id = ?`, id)
}

// ForgiveGuesses deletes the guesses from one source at one account. Call it after a correct password.
func (s *Store) ForgiveGuesses(ctx context.Context, account, source string) error {
	return s.run(ctx, `DELETE FROM guesses WHERE source = ? AND account = ?`, source, account)
}
