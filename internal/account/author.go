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

// NewAuthor makes an author with keys and writes them down: handle, name, e-mail and role are taken from the given one,
// id, keys and times are made here. Without a password only sign-in links open the door. Errors: blog.Invalid, and
// blog.ErrConflict for a handle or an address that somebody has or had.
func NewAuthor(ctx context.Context, s *store.Store, author blog.Author, password string,
	now time.Time) (blog.Author, error) {
	author, keys, err := MakeAuthor(author, password, now)
	if err != nil {
		return author, err
	}
	return author, s.AddAuthor(ctx, author, keys)
}

// MakeAuthor does what takes long before anything is written.
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
