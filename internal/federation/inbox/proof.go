package inbox

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"causerie/internal/activity"
	"causerie/internal/federation"
)

// hasValidProof reports whether a forwarded activity carries a proof by a key that its actor lists and that was valid
// when the activity arrived (FEP-8b32). It returns an error when the key cannot be found now.
func (in *Inbox) hasValidProof(ctx context.Context, doc *activity.Document, act activity.Activity,
	arrived time.Time) (bool, error) {
	if act.ID == "" || !doc.HasProof() { // without an id, an activity could be replayed for ever
		return false, nil
	}
	keyID, key, err := in.verifyProof(ctx, doc, act.Actor, arrived)
	// The actor may have a new key since: fetch it once and verify again.
	if errors.Is(err, activity.ErrProof) && keyID != "" && !key.Fresh {
		good, renewErr := in.keys.Renew(ctx, keyID)
		if renewErr != nil {
			return false, renewErr
		}
		if good != nil {
			if _, _, err = in.verifyProof(ctx, doc, act.Actor, arrived); err == nil {
				good()
			}
		}
	}
	if errors.Is(err, activity.ErrProof) || federation.Permanent(err) {
		return false, nil
	}
	return err == nil, err
}

// verifyProof verifies the proof and returns the key that it names. keyID is "" when no key of the actor was found.
func (in *Inbox) verifyProof(ctx context.Context, doc *activity.Document, actor string,
	arrived time.Time) (keyID string, key federation.RemoteKey, err error) {
	_, err = activity.VerifyProof(doc, func(method string) (ed25519.PublicKey, error) {
		found, err := in.keys.Find(ctx, method)
		public, ok := found.Key.(ed25519.PublicKey)
		switch {
		case err != nil:
			return nil, err
		case found.Owner != actor || !ok:
			return nil, federation.ErrNoKey
		}
		keyID, key = method, found
		return public, nil
	}, arrived)
	return keyID, key, err
}
