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

// silentDays is on how many days a server must have been silent, without a word between, to be given up.
const silentDays = 7

// Release ends a claim, and settles what is left to settle of it: the server is free again at the given time, and its
// failures are counted or forgotten. One that was silent on seven days is unavailable from then on: what waits for it
// and what is said later is given up, until it answers or speaks to us. A visit that ended as it should, with its
// delivery taken, is written down together with the others of its moment.
func (s *Store) Release(ctx context.Context, c Claim, freeAt time.Time, how Ending, now time.Time,
	last ...Settlement) error {
	defer s.leases.drop("peers", c.Host, c.Claims)
	if s.tx == nil && how == Answered && !freeAt.After(now) && len(last) == 1 && last[0].takenAsUsual() {
		if err := s.queueRelease(&released{ctx: ctx, claim: c, last: last[0], now: now}); err == nil ||
			errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return s.grouped(ctx, c.Host, func(ctx context.Context,
		s *Store) error {
		return s.release(ctx, c, freeAt, how, now, last)
	})
}

// takenAsUsual reports whether a delivery was taken at once and nothing else is to be noted with it.
func (d Settlement) takenAsUsual() bool {
	return d.Outcome.Status == blog.Delivered && d.Delivery.Refusals == 0 && !d.NewKey
}

// release raises the fence, so that a claim that follows at once is told from the one that ends here (see leases.has).
// It locks the row before its mail is looked at, since a fan-out that commits in between must not be overlooked.
func (s *Store) release(ctx context.Context, c Claim, freeAt time.Time, how Ending, now time.Time,
	last []Settlement) error {
	unavailable, err := s.stillOurs(ctx, c)
	if err != nil {
		return err
	}
	for _, done := range last {
		if err := s.settle(ctx, c, done, now); err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
	}
	if how == Answered && unavailable != nil {
		if err := s.catchUp(ctx, c.Host, now); err != nil {
			return err
		}
	}
	freed := now
	if freeAt.Before(now) {
		freed = freeAt
	}
	set, args := how.counts(c, now)
	err = s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1, `+letGo+set+` WHERE host = ?`,
		append(append([]any{freeAt, freed}, args...), c.Host)...)
	if err != nil || how != Silent {
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
