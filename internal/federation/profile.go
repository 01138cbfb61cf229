package federation

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Introduce saves a changed profile and tells the followers' servers.
func (o *Outbox) Introduce(ctx context.Context, voice blog.Voice) error {
	voice.UpdatedAt = o.Now()
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		if err := store.SaveVoice(ctx, voice); err != nil {
			return err
		}
		saved, err := store.Voice(ctx, voice.ID)
		if err != nil {
			return err
		}
		person, err := activity.Person(o.Site, saved)
		if err != nil {
			return err
		}
		said, err := o.say(ctx, store, saved, "Update", "", 0, func(e activity.Envelope) ([]byte, error) {
			return activity.WrapUpdate(e, person)
		})
		if err != nil {
			return err
		}
		return store.TellFollowers(ctx, said)
	})
	if err != nil {
		return fmt.Errorf("save the profile of %s: %w", voice.Handle, err)
	}
	o.Wake()
	return nil
}
