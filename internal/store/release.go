package store

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// Ending is how a visit to a server ended.
type Ending int

const (
	HandedBack Ending = iota // nothing can be said of the server: we stopped
	Answered                 // it answered, whatever it said of deliveries and of those who send them
	Silent                   // it did not answer, or only what stands before it did
	Busy                     // it asked to be left alone for a while
)

// VisitEnd is how a visit to a server ended, and what is recorded together with it.
type VisitEnd struct {
	How    Ending
	FreeAt time.Time    // when the server can be claimed again
	Last   []Settlement // outcomes that are not settled yet
}

// silentDays is on how many days a server must have been silent, without a word between, to be given up.
const silentDays = 7

// Release ends a claim, and settles what is left to settle of it: the server is free again at end.FreeAt, and its
// failures are counted or forgotten. One that was silent on seven days is unavailable from then on: what waits for it
// and what is said later is given up, until it answers or speaks to us. A visit that ended as it should, with its
// delivery taken, is written down together with the others of its moment.
func (s *Store) Release(ctx context.Context, c Claim, end VisitEnd, now time.Time) error {
	defer s.leases.drop("peers", c.Host, c.Claims)
	if s.tx == nil && end.asUsual(now) {
		if err := s.queueRelease(&released{ctx: ctx, claim: c, last: end.Last[0], now: now}); err == nil ||
			errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return s.grouped(ctx, c.Host, func(ctx context.Context, s *Store) error { return s.release(ctx, c, end, now) })
}

// asUsual reports whether a visit ended as nearly all do: one delivery is left to settle, and it was taken at once.
func (e VisitEnd) asUsual(now time.Time) bool {
	return e.How == Answered && !e.FreeAt.After(now) && len(e.Last) == 1 && e.Last[0].takenAsUsual()
}

// takenAsUsual reports whether a delivery was taken at once and nothing else is to be noted with it.
func (d Settlement) takenAsUsual() bool {
	return d.Outcome.Status == blog.Delivered && d.Delivery.Refusals == 0 && !d.NewKey
}

// release raises the fence, so that a claim that follows at once is told from the one that ends here (see leases.has).
// It locks the row before its mail is looked at, since a fan-out that commits in between must not be overlooked.
func (s *Store) release(ctx context.Context, c Claim, end VisitEnd, now time.Time) error {
	unavailable, err := s.stillOurs(ctx, c)
	if err != nil {
		return err
	}
	for _, done := range end.Last {
		if err := s.settle(ctx, c, done, now); err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
	}
	if end.How == Answered && unavailable != nil {
		if err := s.catchUp(ctx, c.Host, now); err != nil {
			return err
		}
	}
	freed := now
	if end.FreeAt.Before(now) {
		freed = end.FreeAt
	}
	set, args := end.How.counts(c, now)
	err = s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1, `+letGo+set+` WHERE host = ?`,
		append(append([]any{end.FreeAt, freed}, args...), c.Host)...)
	if err != nil || end.How != Silent {
		return err
	}
	return s.setAside(ctx, c.Host, now)
}

// letGo ends a claim, and looks whether there is mail.
const letGo = `visited = FALSE, resume_at = NULL, waiting = ` + ready

// counts is what the end of a visit does to a server's failures. One for which a person asked prolongs no later rest.
func (e Ending) counts(c Claim, now time.Time) (string, []any) {
	more := 1
	if c.ResumeAt != nil {
		more = 0
	}
	switch today := now.UTC().Format("2006-01-02"); e {
	case Answered:
		return `, failures = 0, failing_days = 0, failed_on = '', failing_since = NULL, unavailable_since = NULL, ` +
			`last_success = ?`, []any{now}
	case Silent:
		return `, failures = failures + ?, failing_days = failing_days + CASE WHEN failed_on = ? THEN 0 ELSE 1 END,
			failed_on = ?,
			failing_since = COALESCE(failing_since, ?)`, []any{more, today, today, now}
	case Busy:
		return `, failures = failures + ?, failing_days = 0, failed_on = '', failing_since = NULL`, []any{more}
	}
	return ``, nil
}

// setAside gives a server up that was silent for too many days, with all that waits for it.
func (s *Store) setAside(ctx context.Context, host string, now time.Time) error {
	n, err := s.exec(ctx, `UPDATE peers SET unavailable_since = ?, waiting = FALSE WHERE host = ? AND failing_days >= ?
		AND unavailable_since IS NULL`,
		now, host, silentDays)
	if err != nil || n == 0 {
		return err
	}
	return s.run(ctx, `UPDATE deliveries SET status = 'given up', settled_at = ? WHERE host = ? AND settled_at IS NULL`,
		now, host)
}
