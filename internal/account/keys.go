package account

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// RotateKeys gives a voice new keys and tells other servers. Errors are those of Outbox.RotateKeys.
func RotateKeys(ctx context.Context, outbox *outbox.Outbox, voice blog.Voice) error {
	keys, err := makeKeys(&voice)
	if err != nil {
		return err
	}
	return outbox.RotateKeys(ctx, voice, keys)
}

// makeKeys gives a voice two new pairs of keys and returns the private halves.
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
