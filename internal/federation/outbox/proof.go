package outbox

import (
	"context"
	"crypto/ed25519"
	"errors"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/signature"
	"causerie/internal/store"
)

// proofKeyPart is the fragment of the id of an actor's proof key.
const proofKeyPart = "#ed25519-key"

// relayedKinds lists the types that other servers relay.
var relayedKinds = []string{"Create", "Update", "Delete", "Announce"}

// prove adds a proof to a public activity (FEP-8b32), so that servers trust it when others relay it. A voice without
// a proof key adds none.
func (o *Outbox) prove(ctx context.Context, s *store.Store, out outgoing, payload []byte,
	now time.Time) ([]byte, error) {
	if out.voice.ID == "" || !slices.Contains(relayedKinds, out.kind) || !activity.IsPublic(payload) {
		return payload, nil
	}
	// The proof is made once, before the activity is saved: every delivery sends the same bytes.
	pem, err := s.ProofKey(ctx, out.voice.ID)
	if err != nil || pem == "" {
		return payload, err
	}
	id := o.Site.ActorID(out.voice.ID) + proofKeyPart
	key, err := signature.ParseKey(id, pem)
	if err != nil {
		return nil, err
	}
	private, ok := key.Private.(ed25519.PrivateKey)
	if !ok {
		return nil, errors.New("the proof key is not an Ed25519 key")
	}
	return activity.AddProof(payload, private, id, now)
}
