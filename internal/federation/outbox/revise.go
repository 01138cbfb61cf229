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
	// Quiet sends an Update whose updated is no newer. Other servers take the policy and the audience from it, but keep
	// the text of their copies, record no edit and notify nobody. A server that fetches the article later gets the new
	// text.
	Quiet bool
	// Hold delays all deliveries by this time. Until then Undo takes the change back without a trace.
	Hold time.Duration
	// SkipIfSame does nothing when the article is stored with the same content: nothing is sent, and the time of its
	// last change stays.
	SkipIfSame bool
}

// Revise saves a changed published article and sends the Update to every server that has it. Errors: blog.Invalid
// when the change concerns what is fixed at publication (the format, and whether the article federates),
// blog.ErrConflict when somebody else saved the article in the meantime.
func (o *Outbox) Revise(ctx context.Context, edited *blog.Article) error {
	return o.ReviseAs(ctx, edited, ReviseOptions{})
}

// ReviseAs is Revise with options. A change of an article whose publication is still held becomes part of that
// publication.
func (o *Outbox) ReviseAs(ctx context.Context, edited *blog.Article, m ReviseOptions) error {
	ready, err := o.prepare(ctx, *edited, m.Hold > 0)
	if err != nil {
		return fmt.Errorf("revise %q: %w", edited.Title, err)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		current, err := s.LockArticle(ctx, edited.ID)
		if err != nil {
			return err
		}
		// The checks run against the locked row, since the article may have changed while prepare was waiting for other
		// servers.
		if err := keepFixed(edited, current); err != nil {
			return err
		}
		if err := ready.settle(edited); err != nil {
			return err
		}
		if m.SkipIfSame && edited.Same(current) {
			return o.saveFile(ctx, s, edited, current)
		}
		if m.Quiet {
			err = edited.Correct()
		} else {
			err = edited.Revise(o.Now())
		}
		if err != nil {
			return err
		}
		was, err := holdFor(ctx, s, current, *edited)
		if err != nil {
			return err
		}
		if err := o.saveText(ctx, s, edited, current, m.Quiet); err != nil {
			return err
		}
		// An article that is unlisted now must leave the list of pinned articles, which is public.
		if !edited.Listed() {
			if err := o.unpin(ctx, s, *edited); err != nil {
				return err
			}
		}
		// It exists on this blog only.
		if current.ObjectID == "" {
			return nil
		}
		return o.sendOrHold(ctx, s, was, m.Hold, ready.mentions)
	})
	if err != nil {
		return fmt.Errorf("revise %q: %w", edited.Title, err)
	}
	o.Wake()
	return nil
}

// saveFile saves only from which file an edit came, when the edit changed nothing else.
func (o *Outbox) saveFile(ctx context.Context, s *store.Store, edited *blog.Article, current blog.Article) error {
	file := edited.File
	*edited = current
	if file == current.File {
		return nil
	}
	edited.File = file
	return s.SaveArticle(ctx, edited, o.Now())
}

// saveText saves an article, and a revision when its text is new.
func (o *Outbox) saveText(ctx context.Context, s *store.Store, edited *blog.Article, current blog.Article,
	quiet bool) error {
	if err := o.saveArticle(ctx, s, edited); err != nil || edited.SameContent(current.Text) {
		return err
	}
	at := edited.ChangedAt()
	// A quiet correction keeps the time of the text that it corrects, so that readers are not told of a change.
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

// sendOrHold sends a change of an article, or holds it.
func (o *Outbox) sendOrHold(ctx context.Context, s *store.Store, was store.Hold, hold time.Duration,
	mentions []activity.Mention) error {
	held, before, err := o.holdBack(ctx, s, was, hold)
	if held || err != nil {
		return err
	}
	return o.queueChange(ctx, s, before, mentions)
}

// queueChange adds the Update of an article and the Announces that the change causes. before is the article as it was
// when something was last sent.
func (o *Outbox) queueChange(ctx context.Context, s *store.Store, before blog.Article,
	mentions []activity.Mention) error {
	// An editor may know only the ids of the co-authors; the stored article has their names.
	saved, err := s.Article(ctx, before.ID) // whose by-line has all the names
	if err != nil {
		return err
	}
	if err := o.queueUpdate(ctx, s, before, saved, mentions); err != nil {
		return err
	}
	return o.queueAnnounces(ctx, s, before, saved)
}

// holdBack reports whether a change waits: for its own hold, or for that of a publication that is not sent yet. A
// change that is sent at once includes what was held before, so holdBack also returns the article as it was when
// something was last sent.
func (o *Outbox) holdBack(ctx context.Context, s *store.Store, was store.Hold,
	hold time.Duration) (bool, blog.Article, error) {
	held, err := o.currentHold(ctx, s, was.ArticleID)
	until := o.Now().Add(hold)
	switch {
	case err != nil:
		return false, was.Before, err
	case held != nil && (held.New || hold > 0):
		// A change must not shorten the time in which the publication can be undone.
		if !held.New || until.After(held.Until) {
			held.Until = until
		}
		held.Totals = mergeTotals(held.Totals, was.Totals)
		return true, was.Before, s.SaveHold(ctx, *held)
	case hold > 0:
		was.Until = until
		return true, was.Before, s.SaveHold(ctx, was)
	case held != nil:
		return false, held.Before, s.DropHold(ctx, was.ArticleID)
	}
	return false, was.Before, nil
}

// keepFixed copies into an edit what it cannot change. It returns blog.Invalid for a change that is not possible.
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
	if edited.Quoted.Address == current.Quoted.Address { // whose writer may have answered meanwhile
		edited.Quoted = current.Quoted
	}
	edited.VoiceID, edited.Status, edited.Month, edited.ObjectID = current.VoiceID, current.Status, current.Month,
		current.ObjectID
	edited.PublishedAt, edited.UpdatedAt, edited.Revision, edited.CreatedAt = current.PublishedAt, current.UpdatedAt,
		current.Revision, current.CreatedAt
	return nil
}

// queueUpdate adds the Update of an article and its deliveries.
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
	// A quiet correction: its time has not changed.
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

// deliverEdit adds the deliveries of an edit: to every server that has the object, and to no other.
func deliverEdit(ctx context.Context, s *store.Store, act blog.Activity, visibility blog.Visibility) error {
	deliver := s.FanOutToHolders
	if visibility == blog.Followers {
		deliver = s.FanOutToFollowingHolders
	}
	// First, since these servers need no Update: they get the new text with the Create that still waits.
	if err := s.UpdateWaitingCreates(ctx, act); err != nil {
		return err
	}
	if err := deliver(ctx, act); err != nil {
		return err
	}
	// Last, since it settles the older Updates that wait at the servers that just got this one.
	return s.Supersede(ctx, act, "Update")
}

// deliverToNewlyMentioned sends the article itself to actors whom an edit mentions and who have not got it yet.
func (o *Outbox) deliverToNewlyMentioned(ctx context.Context, s *store.Store, edit blog.Activity,
	mentions []activity.Mention) error {
	if len(mentions) == 0 {
		return nil
	}
	// The Create and not the Update: a server that never had the article ignores an Update.
	first, err := s.Created(ctx, edit.ObjectID)
	if err != nil {
		return federation.IgnoreMissing(err)
	}
	first.Revision = edit.Revision
	return o.deliverToMentioned(ctx, s, first, mentions)
}
