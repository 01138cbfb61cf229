package inbox

import (
	"context"
	"crypto/ed25519"
	"errors"
	"time"

	"causerie/internal/activity"
	"causerie/internal/federation"
)

// proven reports whether a forwarded activity carries a proof by a key that its actor lists and that was valid when the
// activity arrived (FEP-8b32). An error in finding the key that may pass is returned.
func (in *Inbox) proven(ctx context.Context, doc *activity.Document, act activity.Activity,
	came time.Time) (bool, error) {
	if act.ID == "" || !doc.HasProof() { // one without an id could be shown again for ever
		return false, nil
	}
	keyID, key, err := in.verifyProof(ctx, doc, act.Actor, came)
	if errors.Is(err, activity.ErrProof) && keyID != "" && !key.Fresh {
		good, renewErr := in.keys.Renew(ctx, keyID)
		if renewErr != nil {
			return false, renewErr
		}
		if good != nil {
			if _, _, err = in.verifyProof(ctx, doc, act.Actor, came); err == nil {
				good()
			}
		}
	}
	if errors.Is(err, activity.ErrProof) || federation.Permanent(err) {
		return false, nil
	}
	return err == nil, err
}

func (in *Inbox) verifyProof(ctx context.Context, doc *activity.Document, actor string,
	came time.Time) (keyID string, key federation.RemoteKey, err error) {
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
	}, came)
	return keyID, key, err
}
