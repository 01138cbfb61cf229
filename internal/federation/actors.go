package federation

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/store"
)

// How long our record of a remote actor is valid.
const (
	StaleAfter     = 24 * time.Hour      // an older record is fetched again when something needs it
	recheckGone    = 24 * time.Hour      // an actor that seems to be gone is checked once more after this
	takeoverSilent = 30 * 24 * time.Hour // silent for longer and other keys: the address has a new owner
	returnAfter    = 24 * time.Hour      // an actor that was removed may return with its old keys after this
)

// FetchActor fetches an actor from its server and saves it. After a 410 it records that the actor seems to be gone, and
// returns remote.ErrGone.
func (b Core) FetchActor(ctx context.Context, id string) (blog.Actor, error) {
	// Our own actors are read from the store, never over the network (threat T-047).
	if b.Site.Owns(id) {
		return blog.Actor{}, ErrForeign
	}
	doc, err := b.Remote.Lookup(ctx, id)
	if errors.Is(err, remote.ErrGone) {
		now := b.Now()
		// One 410 may be a mistake of the server. A job asks once more before the actor is removed.
		if saveErr := b.Store.MarkMaybeGone(ctx, id, now, now.Add(recheckGone)); saveErr != nil {
			return blog.Actor{}, saveErr
		}
		return blog.Actor{}, err
	}
	if err != nil {
		return blog.Actor{}, err
	}
	return b.SaveActor(ctx, id, doc)
}

// SaveActor parses the document that was fetched from the address id, and saves the actor.
func (b Core) SaveActor(ctx context.Context, id string, doc *activity.Document) (blog.Actor, error) {
	actor, err := ParseActor(doc, id)
	if err != nil {
		return blog.Actor{}, err
	}
	err = b.rememberActor(ctx, &actor)
	return actor, err
}

// rememberActor saves an actor as its server describes it now. A verified handle is kept as long as its user part is
// unchanged.
func (b Core) rememberActor(ctx context.Context, actor *blog.Actor) error {
	// Another server could redirect to us, or name one of our actors: our own keys must never come from outside.
	if b.Site.Owns(actor.ID) {
		return fmt.Errorf("%w: %s is an address of this blog", ErrForeign, actor.ID)
	}
	actor.FetchedAt = b.Now()
	known, err := b.Store.Actor(ctx, actor.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return b.Store.SaveActor(ctx, *actor)
	}
	if err != nil {
		return err
	}
	// The document only claims a handle. WebFinger has verified the domain of the known one.
	if known.HandleCheckedAt != nil && SameUser(known.Handle, actor.Handle) {
		actor.Handle, actor.HandleCheckedAt = known.Handle, known.HandleCheckedAt
	}
	// The old keys are compared before SaveActor replaces them.
	newOwner, err := b.takenOver(ctx, known, *actor)
	if err != nil {
		return err
	}
	return b.Store.InTx(ctx, func(store *store.Store) error {
		if newOwner {
			if err := store.NewOwner(ctx, actor.ID, string(blog.NewID(b.Now()))); err != nil {
				return err
			}
		}
		return store.SaveActor(ctx, *actor)
	})
}

// SameUser reports whether two handles have the same user part, the part before the "@".
func SameUser(a, b string) bool {
	first, _, _ := strings.Cut(a, "@")
	second, _, _ := strings.Cut(b, "@")
	return strings.EqualFold(first, second)
}

// CheckHandle verifies the handle of an actor by WebFinger and saves the result. An actor whose handle cannot be
// verified is shown with its name and the host of its id (threat T-046).
func (b Core) CheckHandle(ctx context.Context, actor blog.Actor) error {
	handle, err := b.ProvenHandle(ctx, actor)
	switch {
	case err == nil:
		now := b.Now()
		return b.Store.SaveHandle(ctx, actor.ID, handle, &now)
	case Temporary(err):
		return nil // an earlier result stays
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return b.Store.SaveHandle(ctx, actor.ID, ClaimedHandle(actor), nil)
}

// ClaimedHandle returns an actor's user name with the host of its id: "name@host".
func ClaimedHandle(actor blog.Actor) string {
	name, _, _ := strings.Cut(actor.Handle, "@")
	return name + "@" + actor.Host
}

// ProvenHandle returns the handle that WebFinger gives for an actor. The actor's host may name another domain (a
// handle domain): that domain must then lead to the actor as well. The error is ErrForeign when WebFinger leads to
// another actor.
func (b Core) ProvenHandle(ctx context.Context, actor blog.Actor) (string, error) {
	handle := ClaimedHandle(actor)
	self, subject, err := b.Remote.WebFinger(ctx, handle)
	if err != nil {
		return "", err
	}
	// The host answers with a handle on another domain, which must confirm it: anybody could claim that domain.
	if self == actor.ID && !strings.EqualFold(subject, handle) {
		handle = subject
		self, subject, err = b.Remote.WebFinger(ctx, handle)
	}
	if err == nil && (self != actor.ID || !strings.EqualFold(subject, handle)) {
		err = ErrForeign
	}
	return subject, err
}

// takenOver reports whether the address of an actor has a new owner: it was silent for long (threat T-049) or removed,
// and came back with other keys only. One that was removed is new with its old keys as well, but not at once: its
// server may still serve it for a while, and send late what it said before.
func (b Core) takenOver(ctx context.Context, known, fetched blog.Actor) (bool, error) {
	removed := known.GoneAt != nil && known.ConfirmAt == nil
	if removed && b.Now().Sub(*known.GoneAt) >= returnAfter {
		return true, nil
	}
	// A server that was never silent may change its keys. An expired domain may have been bought by somebody else.
	silent := known.SilentSince != nil && b.Now().Sub(*known.SilentSince) >= takeoverSilent
	if !removed && !silent {
		return false, nil
	}
	knownKeys, err := b.Store.ActorKeys(ctx, known.ID)
	if err != nil || len(knownKeys) == 0 {
		return removed, err
	}
	// One old key is enough: only the old owner has it.
	for _, old := range knownKeys {
		for _, key := range fetched.Keys {
			if key.PEM == old.PEM {
				return false, nil
			}
		}
	}
	return true, nil
}
