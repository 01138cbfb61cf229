package federation

import (
	"context"
	"fmt"

	"causerie/internal/blog"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// RotateKeys gives a voice other keys, whose public halves stand in it, under the ids that the keys had. Its followers'
// servers are told at once, in a letter that bears the old signature; what was said before bears it, too, until it is out.
// Errors: blog.ErrNotFound, blog.ErrGone for a voice that left.
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
		told, err := o.sayProfile(ctx, store, current)
		if err != nil {
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

// ring is the keys of a voice as they were from one rotation on.
type ring struct {
	voice    blog.ID
	rotation blog.ID
}

// signers are the keys that a letter is signed with: the one that its server knows first. Those of a voice are parsed once;
// that there are others is seen in the letters, whichever process changed them.
func (c *Courier) signers(ctx context.Context, letter store.Letter) ([]signature.Key, error) {
	of := ring{letter.VoiceID, letter.Rotation}
	held, ok := c.keys.Load(of)
	if !ok {
		read, err := c.readKeys(ctx, letter.VoiceID)
		if err != nil {
			return nil, err
		}
		if held = read; read[len(read)-1].Private != nil {
			c.keys.Store(of, read)
		}
	}
	list := held.([]signature.Key)
	if letter.Rotation == "" || letter.ActivityID > letter.Rotation {
		return list[len(list)-1:], nil
	}
	return list, nil
}

// readKeys are the keys of a voice, the old one first. One that cannot be read is the zero key, with which nothing can be
// signed: the letter is refused and says so, and the others go on.
func (c *Courier) readKeys(ctx context.Context, voice blog.ID) ([]signature.Key, error) {
	found, err := c.Store.SigningKeys(ctx, voice)
	if err != nil {
		return nil, err
	}
	id := c.Site.InstanceID()
	if voice != "" {
		id = c.Site.ActorID(voice)
	}
	var list []signature.Key
	for _, pem := range []string{found.Old, found.Current} {
		key, err := signature.ParseKey(id+"#main-key", pem)
		switch {
		case err == nil:
			list = append(list, key)
		case pem == found.Current:
			c.Log.Error("the key of a voice cannot be read", "voice", voice, "error", err)
			list = append(list, signature.Key{})
		}
	}
	return list, nil
}
