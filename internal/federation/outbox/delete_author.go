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

// PlanDeletion plans the deletion of an author. Until then it can be cancelled. It returns blog.Invalid for the last
// admin.
func (o *Outbox) PlanDeletion(ctx context.Context, voice blog.ID, at time.Time) error {
	return o.Store.InTx(ctx, func(s *store.Store) error {
		if _, err := o.deletableAuthor(ctx, s, voice); err != nil {
			return err
		}
		return s.PlanLeave(ctx, voice, &at)
	})
}

// CancelDeletion cancels the planned deletion of an author.
func (o *Outbox) CancelDeletion(ctx context.Context, voice blog.ID) error {
	return o.Store.PlanLeave(ctx, voice, nil)
}

// deletableAuthor returns an author who may be deleted, or blog.Invalid for the last admin.
func (o *Outbox) deletableAuthor(ctx context.Context, s *store.Store, id blog.ID) (blog.Author, error) {
	author, err := s.Author(ctx, id)
	if err != nil || author.Role != blog.Admin {
		return author, err
	}
	others, err := s.OtherAdmins(ctx, id)
	if err == nil && others == 0 {
		err = blog.Invalid{Field: "handle", Problem: "belongs to the last admin, without whom nobody could manage this " +
			"blog: make somebody else an admin first"}
	}
	return author, err
}

// DeleteAuthor deletes an author for good. Every server that we ever sent to or know of gets the Delete. The
// addresses of the actor, the articles and the answers answer 410. Sessions end, the handle stays taken, and the
// personal data is erased. Errors: blog.Invalid for the last admin, blog.ErrNotFound for an author who is deleted
// already.
func (o *Outbox) DeleteAuthor(ctx context.Context, id blog.ID) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		author, err := o.deletableAuthor(ctx, s, id)
		if err != nil {
			return err
		}
		// The Delete is composed first, while the author still has a profile. The keys stay until its last delivery is
		// settled.
		act, err := o.compose(ctx, s, outgoing{voice: author.Voice, kind: "Delete"}, activity.WrapDeleteActor)
		if err != nil {
			return err
		}
		if err := s.FanOutToAll(ctx, act); err != nil {
			return err
		}
		if err := o.buryObjects(ctx, s, id); err != nil {
			return err
		}
		if err := o.forgetAuthor(ctx, s, id); err != nil {
			return err
		}
		// Last, since it may only erase a voice without living objects.
		return s.EraseVoice(ctx, author.Voice, o.Now())
	})
	if err != nil {
		return fmt.Errorf("delete the author: %w", err)
	}
	o.Wake()
	return nil
}

// tombstonesAtOnce limits how many objects are in memory at once.
const tombstonesAtOnce = 200

// buryObjects replaces all objects of a voice by tombstones. It sends no Delete for them: the Delete of the actor
// covers them.
func (o *Outbox) buryObjects(ctx context.Context, s *store.Store, voice blog.ID) error {
	now := o.Now()
	// Each round marks its objects as gone, so the next query returns others, and none at the end.
	for {
		living, err := s.LivingObjects(ctx, voice, tombstonesAtOnce)
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

// DeleteDueAuthors deletes the authors whose planned deletion is due. The deletion of an author who has become the
// last admin is cancelled.
func (o *Outbox) DeleteDueAuthors(ctx context.Context) error {
	due, err := o.Store.DueLeaves(ctx, o.Now())
	if err != nil {
		return err
	}
	var errs []error // each author is a transaction of their own: one that fails does not hold up the others
	for _, id := range due {
		left := o.DeleteAuthor(ctx, id)
		if errors.As(left, new(blog.Invalid)) {
			o.Log.Warn("the planned deletion of an author is cancelled", "voice", id, "reason", left)
			left = o.CancelDeletion(ctx, id)
		}
		if !errors.Is(left, blog.ErrNotFound) { // another process deleted the author
			errs = append(errs, left)
		}
	}
	return errors.Join(errs...)
}
