package outbox

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// proofKeyPart is the part of an actor's document that shows the key of its proofs.
const proofKeyPart = "#ed25519-key"

// proving are the activities that others pass on.
var proving = []string{"Create", "Update", "Delete", "Announce"}

// prove closes what a voice says to everybody with a proof (FEP-8b32), by which servers believe it that get it from
// others than us. It is made once, before the activity is written down, and goes out with every delivery; what is read
// here needs none. A voice without a key of that kind says it without.
func (o *Outbox) prove(ctx context.Context, s *store.Store, voice blog.Voice, kind string, payload []byte,
	now time.Time) ([]byte, error) {
	if voice.ID == "" || !slices.Contains(proving, kind) || !activity.IsPublic(payload) {
		return payload, nil
	}
	pem, err := s.ProofKey(ctx, voice.ID)
	if err != nil || pem == "" {
		return payload, err
	}
	id := o.Site.ActorID(voice.ID) + proofKeyPart
	key, err := signature.ParseKey(id, pem)
	if err != nil {
		return nil, err
	}
	private, ok := key.Private.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the key of the proofs is no Ed25519 key")
	}
	return activity.AddProof(payload, private, id, now)
}
