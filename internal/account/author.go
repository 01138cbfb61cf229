// Package account has what the admin and the commands share about accounts: authors and their keys, passwords,
// one-time links, and the voices of the blog and of series.
package account

import (
	"context"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

// NewAuthor adds an author with new keys. author has the handle, the name, the e-mail address and the role; the id
// and the times are set here. With an empty password the author signs in with a link. Errors: blog.Invalid, and
// blog.ErrConflict when somebody has or had the handle or the e-mail address.
func NewAuthor(ctx context.Context, s *store.Store, author blog.Author, password string,
	now time.Time) (blog.Author, error) {
	author, keys, err := MakeAuthor(author, password, now)
	if err != nil {
		return author, err
	}
	return author, s.AddAuthor(ctx, author, keys)
}

// MakeAuthor fills in the fields of a new author and makes the keys and the hash of the password. It is slow: call it
// before the transaction that saves them.
func MakeAuthor(author blog.Author, password string, now time.Time) (blog.Author, store.VoiceKeys, error) {
	var keys store.VoiceKeys
	author.Handle, author.Email = strings.TrimSpace(author.Handle), strings.ToLower(text.WrittenLine(author.Email))
	author.Name, author.HoldSeconds = text.WrittenLine(author.Name), blog.FirstHold
	// Checked first: the hash and the keys are slow to make.
	if err := author.Check(); err != nil {
		return author, keys, err
	}
	if password != "" {
		hash, err := HashPassword(password)
		if err != nil {
			return author, keys, err
		}
		author.Password = hash
	}
	author.ID, author.Kind = blog.NewID(now), blog.AuthorVoice
	author.CreatedAt, author.UpdatedAt = now, now
	// Search engines and directories may list an author who has not chosen.
	author.Discoverable, author.Indexable = true, true
	keys, err := makeKeys(&author.Voice)
	return author, keys, err
}
