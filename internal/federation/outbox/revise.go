package outbox

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// ReviseOptions says how a change is sent. The zero value sends it at once, as an edit that readers are told of.
type ReviseOptions struct {
	// Quiet sends an Update that keeps its old `updated` time. Other servers take the policy and the audience from it,
	// but keep the text of their copies, record no edit and notify nobody. A server that fetches the article later gets
	// the new text.
	Quiet bool
	// Hold delays all deliveries by this time. During it, Undo removes the change; nothing was sent.
	Hold time.Duration
	// Updated is the time of the change, if it is between the last change and now; nil is now.
	Updated *time.Time
	// SkipIfSame sends nothing when the stored article has the same content. The time of its last change stays.
	SkipIfSame bool
}

// Revise saves a changed published article and sends the Update to every server that has it. Errors: blog.Invalid when
// the edit changes the format or whether the article federates, which cannot change after publication;
// blog.ErrConflict when somebody else saved the article in the meantime.
func (o *Outbox) Revise(ctx context.Context, edited *blog.Article) error {
	return o.ReviseWith(ctx, edited, ReviseOptions{})
}

// ReviseWith is Revise with options. A change of an article whose publication is still held becomes part of that
// publication.
func (o *Outbox) ReviseWith(ctx context.Context, edited *blog.Article, options ReviseOptions) error {
	ready, err := o.prepare(ctx, *edited, options.Hold > 0, nil)
	if err != nil {
		return fmt.Errorf("revise %q: %w", edited.Title, err)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		current, err := s.LockArticle(ctx, edited.ID)
		if err != nil {
			return err
		}
		// The checks use the locked row, because the article may have changed while prepare waited for other servers.
		if err := keepFixed(edited, current); err != nil {
			return err
		}
		if err := ready.apply(edited); err != nil {
			return err
		}
		if options.SkipIfSame && edited.Same(current) {
			*edited = current
			return nil
		}
		if options.Quiet {
			err = edited.Correct()
		} else {
			err = edited.Revise(changeTime(options.Updated, current, o.Now()))
		}
		if err != nil {
			return err
		}
		undo, err := holdBefore(ctx, s, current, *edited)
		if err != nil {
			return err
		}
		if err := o.saveText(ctx, s, edited, current, options.Quiet); err != nil {
			return err
		}
		if err := ready.saveLinks(ctx, s, edited); err != nil {
			return err
		}
		// A change to unlisted removes the article from the pins, which are public.
		if !edited.Listed() {
			if err := o.unpin(ctx, s, *edited); err != nil {
				return err
			}
		}
		// The article was never sent, so there is nobody to update.
		if current.ObjectID == "" {
			return nil
		}
		return o.sendOrHold(ctx, s, undo, options.Hold, ready.mentions)
	})
	if err != nil {
		return fmt.Errorf("revise %q: %w", edited.Title, err)
	}
	o.Wake()
	return nil
}

// changeTime returns the time of a change: the one that its author gives, unless that is not newer than the last change
// or not over yet.
func changeTime(given *time.Time, current blog.Article, now time.Time) time.Time {
	if given != nil && current.Status == blog.Published && given.After(current.ChangedAt()) && given.Before(now) {
		return *given
	}
	return now
}

// saveText saves an article, and a revision when its text is new.
func (o *Outbox) saveText(ctx context.Context, s *store.Store, edited *blog.Article, current blog.Article,
	quiet bool) error {
	if err := o.saveArticle(ctx, s, edited); err != nil || edited.SameContent(current.Text) {
		return err
	}
	at := edited.ChangedAt()
	// A quiet correction keeps the time when this text was first published, so that readers see no notice of a change.
	if quiet {
		ages, err := s.TextAges(ctx, []blog.ID{edited.ID})
		if err != nil {
			return err
		}
		if at = ages[edited.ID][edited.Language].Since; at.IsZero() {
			at = *edited.PublishedAt
		}
	}
	return addRevision(ctx, s, *edited, "published", at)
}

// sendOrHold sends a change of an article, or saves it in a hold. undo has the article before the change.
func (o *Outbox) sendOrHold(ctx context.Context, s *store.Store, undo store.Hold, hold time.Duration,
	mentions []activity.Mention) error {
	held, before, err := o.holdBack(ctx, s, undo, hold)
	if held || err != nil {
		return err
	}
	return o.queueChange(ctx, s, before, mentions)
}

// queueChange adds the Update of an article and the Announces that the change causes. before is the article as it was
// last sent.
func (o *Outbox) queueChange(ctx context.Context, s *store.Store, before blog.Article,
	mentions []activity.Mention) error {
	// An edit may have only the ids of the co-authors. The stored article also has their names.
	saved, err := s.Article(ctx, before.ID)
	if err != nil {
		return err
	}
	if err := o.queueUpdate(ctx, s, before, saved, mentions); err != nil {
		return err
	}
	return o.queueAnnounces(ctx, s, before, saved)
}

// holdBack saves a change in a hold if it must wait: for its own delay, or because the publication of the article is
// still held. Otherwise it ends the hold of earlier changes, since the caller now sends those as well. waits reports
// whether the change waits; before is the article as it was last sent.
func (o *Outbox) holdBack(ctx context.Context, s *store.Store, undo store.Hold,
	delay time.Duration) (waits bool, before blog.Article, err error) {
	held, err := o.currentHold(ctx, s, undo.ArticleID)
	until := o.Now().Add(delay)
	switch {
	case err != nil:
		return false, undo.Before, err
	case held != nil && (held.New || delay > 0):
		// A change must not shorten the time in which the publication can be undone.
		if !held.New || until.After(held.Until) {
			held.Until = until
		}
		held.Totals = mergeTotals(held.Totals, undo.Totals)
		return true, undo.Before, s.SaveHold(ctx, *held)
	case delay > 0:
		undo.Until = until
		return true, undo.Before, s.SaveHold(ctx, undo)
	case held != nil:
		return false, held.Before, s.DropHold(ctx, undo.ArticleID)
	}
	return false, undo.Before, nil
}

// keepFixed copies all fields that an edit may not change from current to edited. It returns blog.Invalid for a change
// of the format or the visibility that is not possible after publication.
func keepFixed(edited *blog.Article, current blog.Article) error {
	switch {
	case edited.Format != current.Format:
		return blog.Invalid{Field: "format",
			Problem: "cannot change once published: other servers keep the format that they got first. " +
				"Withdraw it and publish again"}
	case edited.Visibility != current.Visibility &&
		(current.ObjectID == "" || !edited.Federates() || edited.Visibility == blog.Followers ||
			current.Visibility == blog.Followers):
		return blog.Invalid{Field: "visibility",
			Problem: "can only change between public and unlisted once published. Withdraw it and publish again"}
	}
	// The quoted author may have answered our request since the edit began; keep that answer.
	if edited.Quoted.Address == current.Quoted.Address {
		edited.Quoted = current.Quoted
	}
	edited.VoiceID, edited.Status, edited.Month, edited.ObjectID = current.VoiceID, current.Status, current.Month,
		current.ObjectID
	edited.PublishedAt, edited.UpdatedAt, edited.Revision, edited.CreatedAt = current.PublishedAt, current.UpdatedAt,
		current.Revision, current.CreatedAt
	return nil
}

// queueUpdate adds the Update of an article and its deliveries. before is the article as it was last sent.
func (o *Outbox) queueUpdate(ctx context.Context, s *store.Store, before, a blog.Article,
	mentions []activity.Mention) error {
	object, w, err := o.saveObject(ctx, s, a, mentions)
	if err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: w.Author, kind: "Update", object: a.ObjectID, revision: a.Revision},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapUpdate(e, object)
		})
	if err != nil {
		return err
	}
	// The time of change is the same, so this is a quiet correction (ReviseOptions.Quiet).
	if a.ChangedAt().Equal(before.ChangedAt()) {
		if err := s.MarkQuiet(ctx, act.ID); err != nil {
			return err
		}
	}
	if err := deliverEdit(ctx, s, act, a.Visibility); err != nil {
		return err
	}
	if err := o.deliverToNewlyMentioned(ctx, s, act, mentions); err != nil {
		return err
	}
	return o.queueQuoteRequest(ctx, s, a, object)
}

// deliverEdit adds the deliveries of an edit: to every server that may have the object, and to no other.
func deliverEdit(ctx context.Context, s *store.Store, act blog.Activity, visibility blog.Visibility) error {
	deliver := s.FanOutToHolders
	if visibility == blog.Followers {
		deliver = s.FanOutToFollowingHolders
	}
	// This comes first: where the Create still waits, it gets the new text, and the server needs no Update.
	if err := s.UpdateWaitingCreates(ctx, act); err != nil {
		return err
	}
	if err := deliver(ctx, act); err != nil {
		return err
	}
	// This ends the older waiting Updates of the object. It comes last, because an older one shows which servers may hold
	// the object.
	return s.Supersede(ctx, act, "Update")
}

// deliverToNewlyMentioned sends the article to the actors whom an edit mentions and to whom it was not sent before.
func (o *Outbox) deliverToNewlyMentioned(ctx context.Context, s *store.Store, edit blog.Activity,
	mentions []activity.Mention) error {
	if len(mentions) == 0 {
		return nil
	}
	// We send the Create, because a server without the article ignores an Update.
	create, err := s.CreateActivityOf(ctx, edit.ObjectID)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	create.Revision = edit.Revision
	return o.deliverToMentioned(ctx, s, create, mentions)
}
