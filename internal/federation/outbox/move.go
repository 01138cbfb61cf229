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

// moveRetryTime is how long a move that is due waits for a server that does not answer. Then it is cancelled.
const moveRetryTime = 3 * 24 * time.Hour

// Move plans the move of a voice to an account on another server, given as @handle@server or by address. If wait is
// zero, the voice moves at once. The account must list the voice among its aliases, now and when the move is due.
// Errors: blog.Invalid, blog.ErrGone for a deleted voice.
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
	// The plan is saved also when it is due at once: if the process ends before it is carried out, MoveDueVoices does
	// it.
	if err := o.Store.PlanMove(ctx, m); err != nil {
		return m, fmt.Errorf("plan the move of %s: %w", voice.Handle, err)
	}
	if wait > 0 {
		return m, nil
	}
	return m, o.carryOut(ctx, m)
}

// mayMove returns blog.Invalid while another move is planned, and within thirty days after a move.
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

// pointsBack returns blog.Invalid for a target that the voice cannot move to.
func (o *Outbox) pointsBack(target blog.Actor, voice blog.Voice) error {
	name, self := target.Handle, o.Site.ActorID(voice.ID)
	switch {
	case target.ID == self:
		return blog.Invalid{Field: "to", Problem: "is this account itself: name the account that you move to"}
	case target.GoneAt != nil:
		return blog.Invalid{Field: "to",
			Problem: fmt.Sprintf("names @%s, which was deleted: name an account that exists", name)}
	// Other servers do not follow a chain of moves.
	case target.MovedTo != "":
		return blog.Invalid{Field: "to", Problem: fmt.Sprintf("names @%s, which has moved itself: name the account at "+
			"the end of the chain", name)}
	// Other servers would ignore the Move.
	case !slices.Contains(target.AlsoKnownAs, self):
		return blog.Invalid{Field: "to", Problem: fmt.Sprintf("names @%s, which does not list %s among its aliases: add it "+
			"to the profile there, then move", name, o.Site.Handle(voice.Handle))}
	}
	return nil
}

// CancelMove cancels the planned move of a voice. It returns blog.ErrNotFound when there is none.
func (o *Outbox) CancelMove(ctx context.Context, voice blog.ID) error {
	return o.Store.CancelMove(ctx, voice, "", o.Now())
}

// MoveDueVoices carries out the moves that are due. A move is cancelled if its target no longer lists the voice, or
// if the target's server does not answer for moveRetryTime.
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
			moved = o.Store.SaveMoveReason(ctx, m, invalid.Problem)
		default:
			moved = o.Store.CancelMove(ctx, m.VoiceID, invalid.Problem, o.Now())
		}
		if !errors.Is(moved, blog.ErrNotFound) { // it was cancelled, or another process carried it out
			errs = append(errs, moved)
		}
	}
	return errors.Join(errs...)
}

// carryOut checks the target again and moves the voice.
func (o *Outbox) carryOut(ctx context.Context, m blog.Move) error {
	voice, err := o.Store.Voice(ctx, m.VoiceID)
	if err != nil {
		return err
	}
	// Days may have passed since the plan. Once the Move is sent, followers cannot be brought back.
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

// queueMove adds the Move and its deliveries to the followers.
func (o *Outbox) queueMove(ctx context.Context, s *store.Store, m blog.Move) error {
	voice, err := s.Voice(ctx, m.VoiceID)
	if err != nil {
		return err
	}
	// The Update of the profile, which now names the target, goes first: some servers look at the profile alone.
	if _, err := o.queueProfile(ctx, s, voice); err != nil {
		return err
	}
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: "Move"},
		func(e activity.Envelope) ([]byte, error) { return activity.WrapMove(e, m.Target) })
	if err != nil {
		return err
	}
	if err := s.SaveMoveActivity(ctx, m.ID, act.ID); err != nil {
		return err
	}
	return s.FanOutToFollowers(ctx, act)
}
