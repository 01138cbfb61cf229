// Package outbox says everything that an author says to other servers.
//
// Each act asks the noun, builds the bytes, and in one transaction saves the change, adds the activity and queues one
// delivery for each inbox. The network is asked before that transaction, never inside it.
package outbox

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// Outbox sends what our authors do: it is the only way in which an article, an answer or a profile changes for other
// servers. Each method is one transaction with the change and its deliveries. When it returns, both are on disk.
type Outbox struct {
	federation.Core
	Wake func() // tells the courier that there is mail; must not block
}

// outgoing is an activity that is to be composed.
type outgoing struct {
	voice    blog.Voice // whose it is; the zero Voice is the instance actor
	kind     string     // the type: Create, Update …
	object   blog.ID    // the object of ours that it is about; "" when it is about a voice or about something elsewhere
	revision int        // of the object
}

// compose builds an activity, signs it if others may relay it, and saves it. It adds no delivery.
func (o *Outbox) compose(ctx context.Context, s *store.Store, out outgoing,
	build func(activity.Envelope) ([]byte, error)) (blog.Activity, error) {
	now := o.Now()
	id, err := s.NextActivityID(ctx, now)
	if err != nil {
		return blog.Activity{}, err
	}
	payload, err := build(activity.Envelope{Site: o.Site, Voice: out.voice, ID: id, At: now})
	if err != nil {
		return blog.Activity{}, fmt.Errorf("write %s: %w", out.kind, err)
	}
	if payload, err = o.prove(ctx, s, out, payload, now); err != nil {
		return blog.Activity{}, fmt.Errorf("prove %s: %w", out.kind, err)
	}
	composed := blog.Activity{ID: id, VoiceID: out.voice.ID, Kind: out.kind, ObjectID: out.object,
		Revision: out.revision, Payload: payload, At: now}
	return composed, s.AddActivity(ctx, composed)
}

// Retry lets the unsuccessful deliveries of an article be tried again now, only those to one server unless host is "".
// It returns how many.
func (o *Outbox) Retry(ctx context.Context, article blog.ID, host string) (int64, error) {
	n, err := o.Store.RetryDeliveries(ctx, article, host, o.Now())
	if err == nil {
		o.Wake()
	}
	return n, err
}
