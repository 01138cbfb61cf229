package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// PlanLeave lets an author of ours leave at a moment to come; until then it can be called off. The last admin cannot:
// that is a blog.Invalid.
func (o *Outbox) PlanLeave(ctx context.Context, voice blog.ID, at time.Time) error {
	return o.Store.InTx(ctx, func(store *store.Store) error {
		if _, err := o.leaver(ctx, store, voice); err != nil {
			return err
		}
		return store.PlanLeave(ctx, voice, &at)
	})
}

// CallOffLeave lets an author stay who was to leave.
func (o *Outbox) CallOffLeave(ctx context.Context, voice blog.ID) error {
	return o.Store.PlanLeave(ctx, voice, nil)
}

// leaver is an author who may leave.
func (o *Outbox) leaver(ctx context.Context, s *store.Store, id blog.ID) (blog.Author, error) {
	author, err := s.Author(ctx, id)
	if err != nil || author.Role != blog.Admin {
		return author, err
	}
	others, err := s.OtherAdmins(ctx, id)
	if err == nil && others == 0 {
		err = blog.Invalid{Field: "handle", Problem: "is that of the last admin, without whom nobody could look after this " +
			"blog: make somebody else an admin first"}
	}
	return author, err
}

// Leave deletes an author of ours, now and for ever: articles and answers are gone and their addresses say so, every
// server that we ever wrote to or know of is told, sign-ins end, the handle stays taken, and what we kept of the person
// is erased. The last admin cannot: that is a blog.Invalid. One who left before is blog.ErrNotFound.
func (o *Outbox) Leave(ctx context.Context, id blog.ID) error {
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		author, err := o.leaver(ctx, store, id)
		if err != nil {
			return err
		}
		said, err := o.compose(ctx, store, author.Voice, "Delete", "", 0, activity.WrapDeleteActor)
		if err != nil {
			return err
		}
		if err := store.TellEveryone(ctx, said); err != nil {
			return err
		}
		if err := o.bury(ctx, store, id); err != nil {
			return err
		}
		return store.EraseVoice(ctx, author.Voice, o.Now())
	})
	if err != nil {
		return fmt.Errorf("delete the author: %w", err)
	}
	o.Wake()
	return nil
}

const buriedAtOnce = 200

// bury puts a tombstone in the place of everything that a voice published. Nobody is told of each: the Delete of the
// actor takes them all.
func (o *Outbox) bury(ctx context.Context, s *store.Store, voice blog.ID) error {
	now := o.Now()
	for {
		living, err := s.LivingObjects(ctx, voice, buriedAtOnce)
		if err != nil || len(living) == 0 {
			return err
		}
		for _, object := range living {
			if object.Payload, err = activity.Tombstone(object.Payload, now); err != nil {
				return err
			}
			object.GoneAt = &now
			if err := s.SaveObject(ctx, object); err != nil {
				return err
			}
		}
	}
}

// LeaveDue deletes the authors whose time of grace is over. One who has become the last admin meanwhile stays.
func (o *Outbox) LeaveDue(ctx context.Context) error {
	due, err := o.Store.DueLeaves(ctx, o.Now())
	for _, id := range due {
		left := o.Leave(ctx, id)
		if errors.As(left, new(blog.Invalid)) {
			o.Log.Warn("an author was to leave and stays", "voice", id, "reason", left)
			left = o.CallOffLeave(ctx, id)
		}
		if !errors.Is(left, blog.ErrNotFound) { // another process did it
			err = errors.Join(err, left)
		}
	}
	return err
}
