package account

import (
	"context"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// RotateKeys gives a voice new keys and queues the Updates to other servers. Its errors are those of
// Outbox.RotateKeys.
func RotateKeys(ctx context.Context, outbox *outbox.Outbox, voice blog.Voice) error {
	keys, err := makeKeys(&voice)
	if err != nil {
		return err
	}
	return outbox.RotateKeys(ctx, voice, keys)
}

// makeKeys sets the public keys of a voice to new ones and returns the private keys.
func makeKeys(v *blog.Voice) (store.VoiceKeys, error) {
	var keys store.VoiceKeys
	// RSA signs requests (HTTP signatures): every server can verify it.
	rsa, err := signature.NewRSAKey("")
	if err != nil {
		return keys, err
	}
	// Ed25519 signs documents (FEP-8b32), which other servers may pass on.
	ed25519, err := signature.NewEd25519Key("")
	if err != nil {
		return keys, err
	}
	if keys.RSA, err = rsa.PEM(); err != nil {
		return keys, err
	}
	if keys.Ed25519, err = ed25519.PEM(); err != nil {
		return keys, err
	}
	if v.PublicKey, err = rsa.PublicPEM(); err != nil {
		return keys, err
	}
	v.ProofKey, err = ed25519.Multikey()
	return keys, err
}
