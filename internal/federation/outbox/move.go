package outbox

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// moveRetryTime is how long a move that is due waits for the other server to answer.
const moveRetryTime = 3 * 24 * time.Hour

// Move plans the move of a voice to an actor elsewhere, given as @handle@server or by address. It moves at once when
// wait is zero. The actor must list the voice among its aliases, now and when the move is due. Errors: blog.Invalid,
// blog.ErrGone.
func (o *Outbox) Move(ctx context.Context, voice blog.Voice, to string, wait time.Duration) (blog.Move, error) {
	if err := o.mayMove(ctx, voice); err != nil {
		return blog.Move{}, err
	}
	target, err := o.identify(ctx, "to", to)
	if err != nil {
		return blog.Move{}, err
	}
	if err := o.pointsBack(target, voice); err != nil {
		return blog.Move{}, err
	}
	now := o.Now()
	m := blog.Move{ID: blog.NewID(now), VoiceID: voice.ID, Target: target.ID, Handle: target.Handle, AskedAt: now,
		DueAt: now.Add(max(wait, 0))}
	if err := o.Store.PlanMove(ctx, m); err != nil {
		return m, fmt.Errorf("plan the move of %s: %w", voice.Handle, err)
	}
	if wait > 0 {
		return m, nil
	}
	return m, o.carryOut(ctx, m)
}

// mayMove refuses a move while another is planned, and within thirty days after one.
func (o *Outbox) mayMove(ctx context.Context, voice blog.Voice) error {
	if voice.RetiredAt != nil {
		return blog.ErrGone
	}
	last, err := o.Store.LastMove(ctx, voice.ID)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return nil
	case err != nil:
		return err
	case last.Planned():
		return blog.Invalid{Field: "to", Problem: fmt.Sprintf("was given before, as %s: cancel that move first",
			nameOf(last))}
	case last.MovedAt != nil && o.Now().Sub(*last.MovedAt) < blog.BetweenMoves:
		return blog.Invalid{Field: "to", Problem: fmt.Sprintf("cannot change so soon: other servers follow a second move "+
			"thirty days after the first, on %s",
			last.MovedAt.Add(blog.BetweenMoves).Format("2 January 2006"))}
	}
	return nil
}

func nameOf(m blog.Move) string {
	if m.Handle != "" {
		return "@" + m.Handle
	}
	return m.Target
}

// pointsBack refuses a target that does not list the voice among its aliases: other servers would ignore the move.
func (o *Outbox) pointsBack(target blog.Actor, voice blog.Voice) error {
	name, self := target.Handle, o.Site.ActorID(voice.ID)
	switch {
	case target.ID == self:
		return blog.Invalid{Field: "to", Problem: "is this account itself: name the account that you move to"}
	case target.GoneAt != nil:
		return blog.Invalid{Field: "to",
			Problem: fmt.Sprintf("names @%s, which was deleted: name an account that exists", name)}
	case target.MovedTo != "":
		return blog.Invalid{Field: "to", Problem: fmt.Sprintf("names @%s, which has moved itself: name the account at "+
			"the end of the chain", name)}
	case !slices.Contains(target.AlsoKnownAs, self):
		return blog.Invalid{Field: "to", Problem: fmt.Sprintf("names @%s, which does not list %s among its aliases: add it "+
			"to the profile there, then move", name, o.Site.Handle(voice.Handle))}
	}
	return nil
}

// CancelMove cancels the planned move of a voice. blog.ErrNotFound when there is none.
func (o *Outbox) CancelMove(ctx context.Context, voice blog.ID) error {
	return o.Store.CallOffMove(ctx, voice, "", o.Now())
}

// MoveDueVoices carries out the moves that are due. A move whose target no longer lists the voice is cancelled.
func (o *Outbox) MoveDueVoices(ctx context.Context) error {
	due, err := o.Store.DueMoves(ctx, o.Now())
	if err != nil {
		return err
	}
	var errs []error // each move is a transaction of its own: one that fails does not hold up the others
	for _, m := range due {
		moved := o.carryOut(ctx, m)
		var invalid blog.Invalid
		switch {
		case !errors.As(moved, &invalid):
		case federation.Temporary(moved) && o.Now().Sub(m.DueAt) < moveRetryTime:
			moved = o.Store.NoteMove(ctx, m, invalid.Problem)
		default:
			moved = o.Store.CallOffMove(ctx, m.VoiceID, invalid.Problem, o.Now())
		}
		if !errors.Is(moved, blog.ErrNotFound) { // it was cancelled, or another process carried it out
			errs = append(errs, moved)
		}
	}
	return errors.Join(errs...)
}

// carryOut checks the target once more and moves the voice. The profile names the target before anybody is told.
func (o *Outbox) carryOut(ctx context.Context, m blog.Move) error {
	voice, err := o.Store.Voice(ctx, m.VoiceID)
	if err != nil {
		return err
	}
	target, err := o.identify(ctx, "to", m.Target)
	if err == nil {
		err = o.pointsBack(target, voice)
	}
	if err != nil {
		return err
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		if err := s.MoveVoice(ctx, m, o.Now()); err != nil {
			return err
		}
		return o.queueMove(ctx, s, m)
	})
	if err != nil {
		return fmt.Errorf("move to %s: %w", m.Target, err)
	}
	o.Wake()
	return nil
}

// queueMove tells the followers of a move. An Update of the profile goes first, since some servers look at the profile
// alone.
func (o *Outbox) queueMove(ctx context.Context, s *store.Store, m blog.Move) error {
	voice, err := s.Voice(ctx, m.VoiceID)
	if err != nil {
		return err
	}
	if _, err := o.queueProfile(ctx, s, voice); err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Move"},
		func(e activity.Envelope) ([]byte, error) { return activity.WrapMove(e, m.Target) })
	if err != nil {
		return err
	}
	if err := s.ToldOfMove(ctx, m.ID, act.ID); err != nil {
		return err
	}
	return s.TellFollowers(ctx, act)
}
