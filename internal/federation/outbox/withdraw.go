package outbox

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Withdraw withdraws a published article. Every server that may have a copy is asked to delete it, and its page
// answers 410. The text stays here. A publication that was not sent yet is undone instead (see Undo).
func (o *Outbox) Withdraw(ctx context.Context, id blog.ID) error {
	return o.takeBack(ctx, id, withdrawing, (*blog.Article).Withdraw)
}

const withdrawing = "withdraw"

// Delete marks an article as deleted. A published article is withdrawn.
func (o *Outbox) Delete(ctx context.Context, id blog.ID) error {
	return o.takeBack(ctx, id, "delete", (*blog.Article).Delete)
}

// takeBack withdraws or deletes an article. what names the action in errors; change changes the state.
func (o *Outbox) takeBack(ctx context.Context, id blog.ID, what string, change func(*blog.Article) error) error {
	var a blog.Article
	err := o.Store.InTx(ctx, func(s *store.Store) (err error) {
		if a, err = s.LockArticle(ctx, id); err != nil {
			return err
		}
		hold, err := o.currentHold(ctx, s, id)
		if err != nil {
			return err
		}
		object := a.ObjectID
		switch {
		// Nobody has the article yet. An undo makes it a draft again, which is all that Withdraw asks for.
		case hold != nil && hold.New:
			object = ""
			if _, err := o.undo(ctx, s, &a, *hold); err != nil || what == withdrawing {
				return err
			}
		// The change that was held is not sent any more: the Delete is enough.
		case hold != nil:
			if err := s.DropHold(ctx, id); err != nil {
				return err
			}
		}
		if err := change(&a); err != nil {
			return err
		}
		a.ObjectID, a.Quoted.Consent, a.Quoted.Authorization = "", "", "" // the next object asks again
		if _, err := s.Unpin(ctx, a.ID); err != nil {                     // no Remove: its Delete takes the pin along
			return err
		}
		if err := s.SaveArticle(ctx, &a, o.Now()); err != nil || object == "" {
			return err
		}
		return o.queueDelete(ctx, s, object)
	})
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, a.Title, err)
	}
	o.Wake()
	return nil
}

// queueDelete ends an object: its bytes become a tombstone, and every server that may have it gets a Delete.
func (o *Outbox) queueDelete(ctx context.Context, s *store.Store, id blog.ID) error {
	object, err := s.Object(ctx, id)
	if err != nil {
		return err
	}
	voice, err := o.OwnerOf(ctx, s, object)
	if err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Delete", object: id, revision: object.Revision},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapDelete(e, object.Payload)
		})
	if err != nil {
		return err
	}
	now := o.Now()
	if object.Payload, err = activity.Tombstone(object.Payload, now); err != nil {
		return err
	}
	object.GoneAt = &now
	// While the peers are locked, no delivery of the object can leave: it is certain which servers have it.
	if err := s.LockPeersOf(ctx, id); err != nil {
		return err
	}
	if err := s.SaveObject(ctx, object); err != nil {
		return err
	}
	if err := s.FanOutToHolders(ctx, act); err != nil {
		return err
	}
	// Last, since FanOutToHolders looks at the deliveries that are settled here.
	return s.Supersede(ctx, act, "Create", "Update", "Announce")
}
