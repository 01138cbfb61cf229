package store

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// Ending says how a visit to a server ended.
type Ending int

const (
	HandedBack Ending = iota // we stopped, and learned nothing about the server
	Answered                 // it answered, whether it accepted the deliveries or not
	Silent                   // it did not answer, or only a proxy before it did
	Busy                     // it asked us to come back later
)

// VisitEnd is how a visit to a server ended, and what is recorded together with it.
type VisitEnd struct {
	How    Ending
	FreeAt time.Time    // when the server can be claimed again
	Last   []Settlement // outcomes that are not settled yet
}

// silentDays is on how many days a server must be silent, without an answer in between, to be given up. Several
// failures on one day count once.
const silentDays = 7

// Release ends a claim and settles the last outcomes: the server is free again at end.FreeAt, and its failures are
// counted or forgotten. A server that was silent on seven days becomes unavailable: its deliveries are given up until
// it answers or sends us something. ErrLost if somebody else has claimed the server.
func (s *Store) Release(ctx context.Context, c Claim, end VisitEnd, now time.Time) error {
	defer s.leases.drop("peers", c.Host, c.Claims)
	// Nearly all visits end like this; one statement for many of them saves most of the commits.
	if s.tx == nil && end.isRoutine(now) {
		// Any other error may be the fault of another member of the group: this visit is then released alone.
		if err := s.queueRelease(&released{ctx: ctx, claim: c, last: end.Last[0], now: now}); err == nil ||
			errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return s.grouped(ctx, c.Host, func(ctx context.Context, s *Store) error { return s.release(ctx, c, end, now) })
}

// isRoutine reports whether a visit ended as nearly all do: the server accepted one delivery, and nothing else changes.
func (e VisitEnd) isRoutine(now time.Time) bool {
	if e.How != Answered || e.FreeAt.After(now) || len(e.Last) != 1 {
		return false
	}
	last := e.Last[0]
	return last.Outcome.Status == blog.Delivered && last.Delivery.Refusals == 0 && !last.NewKey
}

// release is Release in a transaction. It raises the fence, so that a claim that follows at once has another number
// than the one that ends here (see leases.has).
func (s *Store) release(ctx context.Context, c Claim, end VisitEnd, now time.Time) error {
	// The row is locked before the deliveries are looked at: a fan-out that commits in between would be overlooked, and
	// its delivery would wait until the next one.
	unavailable, err := s.lockClaim(ctx, c)
	if err != nil {
		return err
	}
	for _, done := range end.Last {
		// The claim holds, so "not found" means that the delivery was erased.
		if err := s.settle(ctx, c, done, now); err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
	}
	// Before the update below, whose waiting depends on what is revived here.
	if end.How == Answered && unavailable != nil {
		if err := s.catchUp(ctx, c.Host, now); err != nil {
			return err
		}
	}
	// A release dated later than free_at would look like one from before the clock was set back.
	freed := now
	if end.FreeAt.Before(now) {
		freed = end.FreeAt
	}
	set, args := end.How.counts(c, now)
	err = s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1, `+endClaim+set+` WHERE host = ?`,
		append(append([]any{end.FreeAt, freed}, args...), c.Host)...)
	if err != nil || end.How != Silent {
		return err
	}
	return s.giveUpServer(ctx, c.Host, now)
}

// endClaim are the assignments that end a claim, and set again whether deliveries can be sent.
const endClaim = `visited = FALSE, resume_at = NULL, waiting = ` + ready

// counts returns what an ending does to a server's failures, as assignments with their arguments.
func (e Ending) counts(c Claim, now time.Time) (string, []any) {
	more := 1
	// A person asked for this visit, before the server's rest was over: its failure must not prolong the next rest.
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
	// It answered, so its days of silence are over; its rest still grows.
	case Busy:
		return `, failures = failures + ?, failing_days = 0, failed_on = '', failing_since = NULL`, []any{more}
	}
	return ``, nil
}

// giveUpServer makes a server unavailable that was silent for too many days, and gives up its deliveries.
func (s *Store) giveUpServer(ctx context.Context, host string, now time.Time) error {
	n, err := s.exec(ctx, `UPDATE peers SET unavailable_since = ?, waiting = FALSE WHERE host = ? AND failing_days >= ?
		AND unavailable_since IS NULL`,
		now, host, silentDays)
	if err != nil || n == 0 {
		return err
	}
	return s.run(ctx, `UPDATE deliveries SET status = 'given up', settled_at = ? WHERE host = ? AND settled_at IS NULL`,
		now, host)
}
