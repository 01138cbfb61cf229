package outbox

import (
	"context"
	"fmt"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// RotateKeys replaces the keys of a voice. voice has the public halves of keys. The key ids stay. All servers that
// may know the voice get an Update at once, signed with the old key. Older activities are still signed with the old
// key, except for servers that have the new one. The old key is kept for a while: a server that refuses the new key
// gets the Update again. Errors: blog.ErrNotFound, blog.ErrGone for a deleted voice.
func (o *Outbox) RotateKeys(ctx context.Context, voice blog.Voice, keys store.VoiceKeys) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		current, err := s.Voice(ctx, voice.ID)
		switch {
		case err != nil:
			return err
		case current.RetiredAt != nil:
			return blog.ErrGone
		}
		// Only the keys are taken from voice: its other fields may be outdated.
		current.PublicKey, current.ProofKey, current.UpdatedAt = voice.PublicKey, voice.ProofKey, o.Now()
		update, err := o.queueProfile(ctx, s, current)
		if err != nil {
			return err
		}
		if err := o.queueAuthorsUpdate(ctx, s, current); err != nil {
			return err
		}
		// Not only the followers: every server that has the old key in its cache would refuse our next activity.
		if err := s.FanOutToAcquaintances(ctx, update); err != nil {
			return err
		}
		return s.RotateKeys(ctx, current, keys, update.ID)
	})
	if err != nil {
		return fmt.Errorf("change the keys of %s: %w", voice.Handle, err)
	}
	o.Wake()
	return nil
}
