package admin

import (
	"context"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// NewAuthor makes an author with keys and writes them down: handle, name, e-mail and role are taken from the given one,
// id, keys and times are made here. Without a password only sign-in links open the door. Errors: blog.Invalid, and
// blog.ErrConflict for a handle or an address that somebody has or had.
func NewAuthor(ctx context.Context, s *store.Store, author blog.Author, password string, now time.Time) (blog.Author, error) {
	author, keys, err := makeAuthor(author, password, now)
	if err != nil {
		return author, err
	}
	return author, s.AddAuthor(ctx, author, keys)
}

// makeAuthor does what takes long before anything is written.
func makeAuthor(author blog.Author, password string, now time.Time) (blog.Author, store.VoiceKeys, error) {
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

// RotateKeys gives a voice new keys and has its followers' servers told. Errors are those of Outbox.RotateKeys.
func RotateKeys(ctx context.Context, outbox *federation.Outbox, voice blog.Voice) error {
	keys, err := makeKeys(&voice)
	if err != nil {
		return err
	}
	return outbox.RotateKeys(ctx, voice, keys)
}

// makeKeys gives a voice its two pairs of keys and returns the private halves.
func makeKeys(v *blog.Voice) (store.VoiceKeys, error) {
	var keys store.VoiceKeys
	sign, err := signature.NewRSAKey("")
	if err != nil {
		return keys, err
	}
	prove, err := signature.NewEd25519Key("")
	if err != nil {
		return keys, err
	}
	if keys.RSA, err = sign.PEM(); err != nil {
		return keys, err
	}
	if keys.Ed25519, err = prove.PEM(); err != nil {
		return keys, err
	}
	if v.PublicKey, err = sign.PublicPEM(); err != nil {
		return keys, err
	}
	v.ProofKey, err = prove.Multikey()
	return keys, err
}
