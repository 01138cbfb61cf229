package store

import (
	"context"

	"causerie/internal/blog"
)

// SigningKeys are the private RSA keys (PKCS#8 PEM) with which a voice's letters are signed.
type SigningKeys struct {
	Current string
	Old     string // of before the last rotation, "" once its letters are settled
}

// SigningKeys finds the private keys of a voice, or of the instance actor when voice is "".
func (s *Store) SigningKeys(ctx context.Context, voice blog.ID) (SigningKeys, error) {
	var keys SigningKeys
	if voice == "" {
		return keys, s.one(ctx, &keys, `SELECT private_key AS current, '' AS old FROM site`)
	}
	return keys, s.one(ctx, &keys, `SELECT private_key AS current, old_private_key AS old FROM voices WHERE id = ?`, voice)
}

// ProofKey is the private Ed25519 key (PKCS#8 PEM) of a voice, "" when it has none.
func (s *Store) ProofKey(ctx context.Context, voice blog.ID) (string, error) {
	var pem string
	return pem, s.one(ctx, &pem, `SELECT proof_private_key FROM voices WHERE id = ?`, voice)
}

// RotateKeys gives a voice the keys of which the activity told. What was said up to that one goes on being signed with
// the key that it had.
func (s *Store) RotateKeys(ctx context.Context, v blog.Voice, keys VoiceKeys, told blog.ID) error {
	s.touch()
	return s.must(ctx, `
		UPDATE voices SET old_private_key = private_key, private_key = ?, public_key = ?, proof_private_key = ?, proof_key = ?,
			rotation = ?, updated_at = ?
		WHERE id = ? AND retired_at IS NULL`, keys.RSA, v.PublicKey, keys.Ed25519, v.ProofKey, told, v.UpdatedAt, v.ID)
}

// EraseOldKeys forgets the keys of before a rotation, once all letters that they sign are settled. It tells how many.
func (s *Store) EraseOldKeys(ctx context.Context) (int64, error) {
	return s.exec(ctx, `
		UPDATE voices SET old_private_key = ''
		WHERE old_private_key <> '' AND NOT EXISTS (
			SELECT 1 FROM deliveries d JOIN activities a ON a.id = d.activity_id
			WHERE d.settled_at IS NULL AND a.voice_id = voices.id AND a.id <= voices.rotation)`)
}
