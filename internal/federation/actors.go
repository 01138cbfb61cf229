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

// How long what we know of people elsewhere is good.
const (
	StaleAfter   = 24 * time.Hour      // older than this, it is asked for anew once something needs it
	confirmAfter = 24 * time.Hour      // a departure that only showed itself is looked at once more
	forgottenBy  = 30 * 24 * time.Hour // out of reach for longer, and another key: another owner
)

// FetchActor asks an actor's server for it and remembers the answer.
func (b Core) FetchActor(ctx context.Context, id string) (blog.Actor, error) {
	doc, err := b.Remote.Lookup(ctx, id)
	if errors.Is(err, remote.ErrGone) {
		now := b.Now()
		return blog.Actor{}, errors.Join(err, b.Store.SeemsGone(ctx, id, now, now.Add(confirmAfter)))
	}
	if err != nil {
		return blog.Actor{}, err
	}
	return b.readActor(ctx, id, doc)
}

// readActor reads what an actor's server answers for it, and remembers that.
func (b Core) readActor(ctx context.Context, id string, doc *activity.Document) (blog.Actor, error) {
	actor, err := activity.ParseActor(doc)
	if err != nil {
		return blog.Actor{}, err
	}
	if actor.ID != id {
		return blog.Actor{}, fmt.Errorf("%w: %s answers for %s", ErrForeign, actor.ID, id)
	}
	return actor, b.rememberActor(ctx, &actor)
}

// rememberActor saves what a server says of its actor now. A handle that was checked before stays while its first part
// does.
func (b Core) rememberActor(ctx context.Context, actor *blog.Actor) error {
	if b.Site.Owns(actor.ID) {
		return fmt.Errorf("%w: %s is ours", ErrForeign, actor.ID)
	}
	actor.FetchedAt = b.Now()
	known, err := b.Store.Actor(ctx, actor.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return b.Store.SaveActor(ctx, *actor)
	}
	if err != nil {
		return err
	}
	if known.HandleCheckedAt != nil && SameUser(known.Handle, actor.Handle) {
		actor.Handle, actor.HandleCheckedAt = known.Handle, known.HandleCheckedAt
	}
	another, err := b.takenOver(ctx, known, *actor)
	if err != nil {
		return err
	}
	return b.Store.InTx(ctx, func(store *store.Store) error {
		if another {
			if err := store.NewOwner(ctx, actor.ID, string(blog.NewID(b.Now()))); err != nil {
				return err
			}
		}
		return store.SaveActor(ctx, *actor)
	})
}

func SameUser(a, b string) bool {
	first, _, _ := strings.Cut(a, "@")
	second, _, _ := strings.Cut(b, "@")
	return strings.EqualFold(first, second)
}

// CheckHandle asks who bears an actor's handle. What cannot be proven is shown as the name on the actor's own host.
func (b Core) CheckHandle(ctx context.Context, actor blog.Actor) error {
	handle, err := b.ProvenHandle(ctx, actor)
	switch {
	case err == nil:
		now := b.Now()
		return b.Store.SaveHandle(ctx, actor.ID, handle, &now)
	case Temporary(err): // what was proven before holds on
		return nil
	case ctx.Err() != nil:
		return ctx.Err()
	}
	return b.Store.SaveHandle(ctx, actor.ID, ClaimedHandle(actor), nil)
}

// ClaimedHandle is an actor's name on its own host.
func ClaimedHandle(actor blog.Actor) string {
	name, _, _ := strings.Cut(actor.Handle, "@")
	return name + "@" + actor.Host
}

// ProvenHandle is the handle under which an actor's own host knows it. Where that host names another domain, that one must
// lead to the actor as well.
func (b Core) ProvenHandle(ctx context.Context, actor blog.Actor) (string, error) {
	handle := ClaimedHandle(actor)
	self, subject, err := b.Remote.WebFinger(ctx, handle)
	if err != nil {
		return "", err
	}
	if self == actor.ID && !strings.EqualFold(subject, handle) {
		handle = subject
		self, subject, err = b.Remote.WebFinger(ctx, handle)
	}
	if err == nil && (self != actor.ID || !strings.EqualFold(subject, handle)) {
		err = ErrForeign
	}
	return subject, err
}

// takenOver tells whether an actor that was out of reach for long came back with other keys alone: whoever has the address
// now need not be who had it then. Keys that change on a server that is there are nothing of the kind.
func (b Core) takenOver(ctx context.Context, known, now blog.Actor) (bool, error) {
	if known.SilentSince == nil || b.Now().Sub(*known.SilentSince) < forgottenBy {
		return false, nil
	}
	before, err := b.Store.ActorKeys(ctx, known.ID)
	if err != nil || len(before) == 0 {
		return false, err
	}
	for _, old := range before {
		for _, key := range now.Keys {
			if key.PEM == old.PEM {
				return false, nil
			}
		}
	}
	return true, nil
}
