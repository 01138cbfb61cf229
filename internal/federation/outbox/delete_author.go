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

// PlanDeletion plans the deletion of an author. It can be cancelled until then. The last admin cannot be deleted: that is
// a blog.Invalid.
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

// leaver returns an author who may be deleted.
func (o *Outbox) deletableAuthor(ctx context.Context, s *store.Store, id blog.ID) (blog.Author, error) {
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

// DeleteAuthor deletes an author for good. Articles and answers are gone and their addresses answer 410. Every server that we
// ever wrote to or know of is told. Sessions end, the handle stays taken, and the personal data is erased. The last
// admin cannot be deleted: that is a blog.Invalid. An author who was deleted before is blog.ErrNotFound.
func (o *Outbox) DeleteAuthor(ctx context.Context, id blog.ID) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		author, err := o.deletableAuthor(ctx, s, id)
		if err != nil {
			return err
		}
		act, err := o.compose(ctx, s, outgoing{voice: author.Voice, kind: "Delete"}, activity.WrapDeleteActor)
		if err != nil {
			return err
		}
		if err := s.TellEveryone(ctx, act); err != nil {
			return err
		}
		if err := o.buryObjects(ctx, s, id); err != nil {
			return err
		}
		return s.EraseVoice(ctx, author.Voice, o.Now())
	})
	if err != nil {
		return fmt.Errorf("delete the author: %w", err)
	}
	o.Wake()
	return nil
}

const tombstonesAtOnce = 200

// bury replaces everything that a voice published by tombstones. No Delete is sent for each: the Delete of the actor
// covers them.
func (o *Outbox) buryObjects(ctx context.Context, s *store.Store, voice blog.ID) error {
	now := o.Now()
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

// DeleteDueAuthors deletes the authors whose time is over. An author who has become the last admin meanwhile stays.
func (o *Outbox) DeleteDueAuthors(ctx context.Context) error {
	due, err := o.Store.DueLeaves(ctx, o.Now())
	if err != nil {
		return err
	}
	var errs []error // each author is a transaction of their own: one that fails does not hold up the others
	for _, id := range due {
		left := o.DeleteAuthor(ctx, id)
		if errors.As(left, new(blog.Invalid)) {
			o.Log.Warn("an author was to leave and stays", "voice", id, "reason", left)
			left = o.CancelDeletion(ctx, id)
		}
		if !errors.Is(left, blog.ErrNotFound) { // another process deleted the author
			errs = append(errs, left)
		}
	}
	return errors.Join(errs...)
}
