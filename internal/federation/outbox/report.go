package outbox

import (
	"context"
	"errors"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Report sends a report of a comment to the moderators of its server. Errors: blog.Invalid for a text that is missing
// or too long and for a comment that was reported before, blog.ErrForbidden for a comment of our own, blog.ErrGone
// for a deleted one.
func (o *Outbox) Report(ctx context.Context, by blog.ID, comment blog.ID, words string) error {
	err := o.Store.InTx(ctx, func(s *store.Store) error {
		c, err := o.reportable(ctx, s, comment)
		if err != nil {
			return err
		}
		actor, err := s.Actor(ctx, c.ActorID)
		if err != nil {
			return err
		}
		report := blog.Report{ID: blog.NewID(o.Now()), Ours: true, ActorID: actor.ID, Host: actor.Host, VoiceID: by,
			About:     blog.Strings{c.Address},
			CommentID: c.ID, Words: words, State: blog.ReportResolved, At: o.Now()}
		if err := report.Check(); err != nil {
			return err
		}
		// The instance actor sends it, so that nobody learns who reported.
		act, err := o.compose(ctx, s, outgoing{kind: "Flag"},
			func(e activity.Envelope) ([]byte, error) {
				return activity.WrapFlag(e, actor.ID, report.About, words)
			})
		if err != nil {
			return err
		}
		report.ActivityID = act.ID
		if _, err := s.AddReport(ctx, report); err != nil {
			return err
		}
		return s.AddDeliveriesTo(ctx, act, actor.Inbox)
	})
	if err != nil {
		return fmt.Errorf("report the comment %s: %w", comment, err)
	}
	o.Wake()
	return nil
}

// reportable returns a comment that may be reported.
func (o *Outbox) reportable(ctx context.Context, s *store.Store, id blog.ID) (blog.Comment, error) {
	c, err := s.Comment(ctx, id)
	if err != nil {
		return c, err
	}
	switch _, err := s.ReportAbout(ctx, id); {
	case c.ActorID == "":
		return c, blog.ErrForbidden
	case c.State == blog.CommentRemoved:
		return c, blog.ErrGone
	case c.Refused:
		return c, blog.Invalid{Field: "report", Problem: "cannot be sent to a server that is blocked: undo the block first"}
	case err == nil:
		return c, blog.Invalid{Field: "report", Problem: "was sent before: their moderators have it"}
	case !errors.Is(err, blog.ErrNotFound):
		return c, err
	}
	return c, nil
}
