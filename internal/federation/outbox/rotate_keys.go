package outbox

import (
	"context"
	"fmt"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// RotateKeys replaces the keys of a voice by those whose public halves stand in it. The key ids stay. All servers that
// may know the voice get an Update with the old signature at once. What was written before is signed with the old key
// too, where the new one is not known. A server that refuses the new key later gets the Update again, while the old key
// is kept. Errors: blog.ErrNotFound, blog.ErrGone for a deleted voice.
func (o *Outbox) RotateKeys(ctx context.Context, voice blog.Voice, keys store.VoiceKeys) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		current, err := s.Voice(ctx, voice.ID)
		switch {
		case err != nil:
			return err
		case current.RetiredAt != nil:
			return blog.ErrGone
		}
		current.PublicKey, current.ProofKey, current.UpdatedAt = voice.PublicKey, voice.ProofKey, o.Now()
		told, err := o.queueProfile(ctx, s, current)
		if err != nil {
			return err
		}
		if err := s.TellWhoKnow(ctx, told); err != nil {
			return err
		}
		return s.RotateKeys(ctx, current, keys, told.ID)
	})
	if err != nil {
		return fmt.Errorf("change the keys of %s: %w", voice.Handle, err)
	}
	o.Wake()
	return nil
}
