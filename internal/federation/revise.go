package federation

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Revise saves a changed published article and tells every server that holds it. What may not change after
// publication (format, and whether it federates) is a blog.Invalid; an article that somebody saved in the meantime is
// blog.ErrConflict.
func (o *Outbox) Revise(ctx context.Context, edited *blog.Article) error {
	mentions := o.findMentions(ctx, edited.Markdown)
	err := o.Store.InTx(ctx, func(store *store.Store) error {
		current, err := store.LockArticle(ctx, edited.ID)
		if err != nil {
			return err
		}
		if err := keepFrozen(edited, current); err != nil {
			return err
		}
		if err := edited.Revise(o.Now()); err != nil {
			return err
		}
		if err := o.save(ctx, store, edited, "published"); err != nil {
			return err
		}
		if !edited.Listed() {
			if err := o.unpin(ctx, store, *edited); err != nil {
				return err
			}
		}
		if current.ObjectID == "" {
			return nil
		}
		saved, err := store.Article(ctx, edited.ID) // whose by-line has all the names
		if err != nil {
			return err
		}
		if err := o.sayUpdate(ctx, store, saved, mentions); err != nil {
			return err
		}
		return o.carryOn(ctx, store, current, saved)
	})
	if err != nil {
		return fmt.Errorf("revise %q: %w", edited.Title, err)
	}
	o.Wake()
	return nil
}

// keepFrozen carries over what an edit cannot change, and refuses what it must not.
func keepFrozen(edited *blog.Article, current blog.Article) error {
	switch {
	case edited.Format != current.Format:
		return blog.Invalid{Field: "format", Problem: "cannot change once published: servers remember what kind it was. Withdraw it and publish again"}
	case edited.Visibility != current.Visibility && (current.ObjectID == "" || !edited.Federates() || edited.Visibility == blog.Followers || current.Visibility == blog.Followers):
		return blog.Invalid{Field: "visibility", Problem: "can only change between public and unlisted once published. Withdraw it and publish again"}
	}
	edited.VoiceID, edited.Status, edited.Month, edited.ObjectID = current.VoiceID, current.Status, current.Month, current.ObjectID
	edited.PublishedAt, edited.UpdatedAt, edited.Revision, edited.CreatedAt = current.PublishedAt, current.UpdatedAt, current.Revision, current.CreatedAt
	return nil
}

func (o *Outbox) sayUpdate(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) error {
	object, w, err := o.saveObject(ctx, s, a, mentions)
	if err != nil {
		return err
	}
	said, err := o.say(ctx, s, w.Author, "Update", a.ObjectID, a.Revision, func(e activity.Envelope) ([]byte, error) {
		return activity.WrapUpdate(e, object)
	})
	if err != nil {
		return err
	}
	if err := tellEdit(ctx, s, said, a.Visibility); err != nil {
		return err
	}
	return o.tellNewlyMentioned(ctx, s, said, mentions)
}

// tellEdit sends an edit to whoever holds what was edited, and to nobody else: a server that still waits for the first
// letter gets the new words in that one.
func tellEdit(ctx context.Context, s *store.Store, said blog.Activity, visibility blog.Visibility) error {
	tell := s.TellHolders
	if visibility == blog.Followers {
		tell = s.TellHoldersWhoFollow
	}
	if err := s.Freshen(ctx, said); err != nil {
		return err
	}
	return errors.Join(tell(ctx, said), s.Supersede(ctx, said, "Update"))
}

// tellNewlyMentioned sends the article itself to people whom an edit mentions and who have no letter about it yet.
func (o *Outbox) tellNewlyMentioned(ctx context.Context, s *store.Store, edit blog.Activity, mentions []activity.Mention) error {
	if len(mentions) == 0 {
		return nil
	}
	first, err := s.Created(ctx, edit.ObjectID)
	if err != nil {
		return ignoreMissing(err)
	}
	first.Revision = edit.Revision
	return o.tellMentioned(ctx, s, first, mentions)
}
