package admin

import (
	"context"
	"crypto/ed25519"
	"fmt"
	"math/big"
	"strings"
	"time"

	"causerie/internal/blog"
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
	public, ok := prove.Private.Public().(ed25519.PublicKey)
	if !ok {
		return keys, fmt.Errorf("a proof key of type %T", prove.Private.Public())
	}
	v.ProofKey = multikey(public)
	return keys, nil
}

// multikey is an Ed25519 key as FEP-521a writes it: the multicodec prefix 0xed01 and the key, in base58btc.
func multikey(key ed25519.PublicKey) string {
	const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int).SetBytes(append([]byte{0xed, 0x01}, key...))
	base, rest := big.NewInt(58), new(big.Int)
	var text []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, rest)
		text = append([]byte{digits[rest.Int64()]}, text...)
	}
	return "z" + string(text) // no leading zero byte, so no leading 1
}
