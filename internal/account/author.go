// Package account is what the admin and the terminal share about who may sign in and who speaks: authors and their
// keys, passwords, one-time links, and the voices of the blog and of a series.
package account

import (
	"context"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// NewAuthor adds an author with keys. Handle, name, e-mail and role are taken from author; id, keys and times are made
// here. Without a password the author signs in by link. Errors: blog.Invalid, and blog.ErrConflict for a handle or an
// e-mail that somebody has or had.
func NewAuthor(ctx context.Context, s *store.Store, author blog.Author, password string,
	now time.Time) (blog.Author, error) {
	author, keys, err := MakeAuthor(author, password, now)
	if err != nil {
		return author, err
	}
	return author, s.AddAuthor(ctx, author, keys)
}

// MakeAuthor makes keys and password hash, which take long, before the transaction that saves them.
func MakeAuthor(author blog.Author, password string, now time.Time) (blog.Author, store.VoiceKeys, error) {
	var keys store.VoiceKeys
	author.Handle, author.Email = strings.TrimSpace(author.Handle), strings.ToLower(strings.TrimSpace(author.Email))
	author.Name, author.HoldSeconds = strings.TrimSpace(author.Name), blog.FirstHold
	if err := author.Check(); err != nil {
		return author, keys, err
	}
	if password != "" {
		kept, err := HashPassword(password)
		if err != nil {
			return author, keys, err
		}
		author.Password = kept
	}
	author.ID, author.Kind = blog.NewID(now), blog.AuthorVoice
	author.CreatedAt, author.UpdatedAt = now, now
	author.Discoverable, author.Indexable = true, true
	keys, err := makeKeys(&author.Voice)
	return author, keys, err
}
