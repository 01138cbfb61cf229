package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// SigningKeys are the private RSA keys (PKCS#8 PEM) that sign the deliveries of a voice.
type SigningKeys struct {
	Current string
	Old     string // the key before the last rotation, "" once it is erased (EraseOldKeys)
}

// SigningKeys returns the private keys of a voice, or of the instance actor when voice is "".
func (s *Store) SigningKeys(ctx context.Context, voice blog.ID) (SigningKeys, error) {
	var keys SigningKeys
	if voice == "" {
		err := s.one(ctx, &keys, `SELECT private_key AS current, '' AS old FROM site`)
		return keys, err
	}
	err := s.one(ctx, &keys, `SELECT private_key AS current, old_private_key AS old FROM voices WHERE id = ?`, voice)
	return keys, err
}

// ProofKey returns the private Ed25519 key (PKCS#8 PEM) of a voice, "" when it has none.
func (s *Store) ProofKey(ctx context.Context, voice blog.ID) (string, error) {
	var pem string
	err := s.one(ctx, &pem, `SELECT proof_private_key FROM voices WHERE id = ?`, voice)
	return pem, err
}

// RotateKeys replaces the keys of a voice. update is the activity that announces the new keys.
func (s *Store) RotateKeys(ctx context.Context, v blog.Voice, keys VoiceKeys, update blog.ID) error {
	s.markChanged()
	// new_keys lists the servers that have the newest key. No server has the new one yet.
	if err := s.run(ctx, `DELETE FROM new_keys WHERE voice_id = ?`, v.ID); err != nil {
		return err
	}
	// Servers without the new key can verify only the old one. So the old key signs all activities up to the Update.
	return s.execOne(ctx, `
		UPDATE voices SET old_private_key = private_key, private_key = ?, public_key = ?,
			proof_private_key = ?, proof_key = ?, rotation = ?, rotated_at = ?, updated_at = ?
		WHERE id = ? AND retired_at IS NULL`, keys.RSA, v.PublicKey, keys.Ed25519, v.ProofKey, update, v.UpdatedAt,
		v.UpdatedAt, v.ID)
}

// EraseOldKeys deletes the old keys of voices that rotated before a time, when no delivery needs them any more. It
// returns how many.
func (s *Store) EraseOldKeys(ctx context.Context, before time.Time) (int64, error) {
	n, err := s.exec(ctx, `
		UPDATE voices SET old_private_key = ''
		WHERE old_private_key <> '' AND (rotated_at IS NULL OR rotated_at < ?) AND NOT EXISTS (
			SELECT 1 FROM deliveries d JOIN activities a ON a.id = d.activity_id
			WHERE d.settled_at IS NULL AND a.voice_id = voices.id AND a.id <= voices.rotation)`, before)
	if err != nil {
		return 0, err
	}
	return n, s.run(ctx, `
		DELETE FROM new_keys WHERE voice_id IN (SELECT id FROM voices WHERE old_private_key = '')`)
}

// LatestProfile returns the newest Update of a voice's profile since its last rotation. It returns blog.ErrNotFound
// when that activity was deleted.
func (s *Store) LatestProfile(ctx context.Context, voice, rotation blog.ID) (blog.ID, error) {
	var id blog.ID
	err := s.one(ctx, &id, `
		SELECT id FROM activities WHERE id >= ? AND voice_id = ? AND kind = 'Update' AND object_id = '' ORDER BY id DESC
		LIMIT 1`, rotation, voice)
	return id, err
}

// CountServersOfRotation counts the servers that get the Update of a voice's last rotation.
func (s *Store) CountServersOfRotation(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(DISTINCT d.host) FROM voices v JOIN deliveries d ON d.activity_id =
		v.rotation WHERE v.id = ?`, voice)
	return n, err
}
