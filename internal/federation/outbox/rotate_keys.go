package outbox

import (
	"context"
	"fmt"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// RotateKeys gives a voice other keys, whose public halves stand in it, under the ids that the keys had. All servers
// that may know the voice are told at once, in a delivery that bears the old signature; what was said before bears it,
// too, where the new key is not known. A server that refuses the new key later is told again, with the old one, while
// that is kept. Errors: blog.ErrNotFound, blog.ErrGone for a voice that left.
func (o *Outbox) RotateKeys(ctx context.Context, voice blog.Voice, keys store.VoiceKeys) error {
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		current, err := store.Voice(ctx, voice.ID)
		switch {
		case err != nil:
			return err
		case current.RetiredAt != nil:
			return blog.ErrGone
		}
		current.PublicKey, current.ProofKey, current.UpdatedAt = voice.PublicKey, voice.ProofKey, o.Now()
		told, err := o.queueProfile(ctx, store, current)
		if err != nil {
			return err
		}
		if err := store.TellWhoKnow(ctx, told); err != nil {
			return err
		}
		return store.RotateKeys(ctx, current, keys, told.ID)
	})
	if err != nil {
		return fmt.Errorf("change the keys of %s: %w", voice.Handle, err)
	}
	o.Wake()
	return nil
}
