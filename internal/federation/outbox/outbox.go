// Package outbox does what the authors of this blog do on the fediverse: publish, edit and delete articles and
// answers, change a profile, follow, like, block and move.
//
// Each method checks what is asked and fetches what it needs from other servers. Then, in one transaction, it saves
// the change, adds the activity and queues one delivery for each inbox. No request to another server is made inside
// that transaction.
package outbox

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// Outbox sends what our authors do. Only through it does an article, an answer or a profile change for other servers.
// When a method returns, the change and its deliveries are committed.
type Outbox struct {
	federation.Core
	Wake func() // wakes the courier after deliveries were queued; must not block
}

// outgoing says what an activity is, before it is composed.
type outgoing struct {
	voice    blog.Voice // whose it is; the zero Voice is the instance actor
	kind     string     // the type: Create, Update …
	object   blog.ID    // the object of ours that it is about; "" when it is about a voice or about something elsewhere
	revision int        // of the object
}

// compose builds an activity, adds a proof if others may relay it, and saves it. It adds no delivery.
func (o *Outbox) compose(ctx context.Context, s *store.Store, out outgoing,
	build func(activity.Envelope) ([]byte, error)) (blog.Activity, error) {
	now := o.Now()
	// The id comes from the store and not only from the clock: ids must grow, since the order of the ids is the order of
	// the deliveries, and a clock may be set back.
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

// Retry makes the failed deliveries of an article due now, or only those to one server if host is not "". It returns
// how many.
func (o *Outbox) Retry(ctx context.Context, article blog.ID, host string) (int64, error) {
	n, err := o.Store.RetryDeliveries(ctx, article, host, o.Now())
	if err == nil {
		o.Wake()
	}
	return n, err
}
