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

// VisitEnd is how a visit to a server ended, and what is saved together with that.
type VisitEnd struct {
	How    Ending
	FreeAt time.Time    // when the server can be claimed again
	Last   []Settlement // outcomes that are not settled yet
}

// silentDays is the number of days without an answer after which a server counts as unavailable. Several failures on
// one day count once.
const silentDays = 7

// Release ends a claim and saves the last outcomes. The server can be claimed again at end.FreeAt. Its failures are
// counted, or reset after an answer. After silentDays without an answer the server becomes unavailable: its
// deliveries are given up until it answers or sends us something. Release returns ErrLost when another process has
// claimed the server.
func (s *Store) Release(ctx context.Context, c Claim, end VisitEnd, now time.Time) error {
	defer s.leases.drop("peers", c.Host, c.Claims)
	// Nearly all visits end like this. One transaction for many of them saves most of the commits.
	if s.tx == nil && end.isRoutine(now) {
		// Another member of the group may have caused the error. So this visit is then released alone, unless the claim is
		// lost or the caller has left.
		if err := s.queueRelease(&released{ctx: ctx, claim: c, last: end.Last[0], now: now}); err == nil ||
			errors.Is(err, ErrLost) || ctx.Err() != nil {
			return err
		}
	}
	return s.grouped(ctx, c.Host, func(ctx context.Context, s *Store) error { return s.release(ctx, c, end, now) })
}

// isRoutine reports whether a visit ended in the usual way: the server accepted one delivery, and nothing else
// changes.
func (e VisitEnd) isRoutine(now time.Time) bool {
	if e.How != Answered || e.FreeAt.After(now) || len(e.Last) != 1 {
		return false
	}
	last := e.Last[0]
	return last.Outcome.Status == blog.Delivered && last.Delivery.Refusals == 0 && !last.NewKey
}

// release is Release inside a transaction. It raises the fence, so that the next claim gets another number than the
// claim that ends here (see leases.has).
func (s *Store) release(ctx context.Context, c Claim, end VisitEnd, now time.Time) error {
	// The lock on the server comes before any look at its deliveries. Otherwise a fan-out could commit in between, and
	// its delivery would be overlooked until the next fan-out.
	unavailable, err := s.lockClaim(ctx, c)
	if err != nil {
		return err
	}
	for _, done := range end.Last {
		// The claim is valid, so ErrNotFound means that the delivery was erased.
		if err := s.settle(ctx, c, done, now); err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
	}
	// This comes before the update below, which sets waiting from the deliveries that are revived here.
	if end.How == Answered && unavailable != nil {
		if err := s.reviveDeliveries(ctx, c.Host, now); err != nil {
			return err
		}
	}
	// A freed_at later than free_at would look as if the clock had been set back.
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

// endClaim are the assignments that end a claim. waiting is computed again from the deliveries that are left.
const endClaim = `visited = FALSE, resume_at = NULL, waiting = ` + ready

// counts returns the changes of a server's failure counters, as SQL assignments with their arguments.
func (e Ending) counts(c Claim, now time.Time) (string, []any) {
	more := 1
	// An author asked for this visit before the server's back-off was over. Its failure must not prolong the next
	// back-off.
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
	// The server answered, so its days of silence are over. Its back-off still grows.
	case Busy:
		return `, failures = failures + ?, failing_days = 0, failed_on = '', failing_since = NULL`, []any{more}
	}
	return ``, nil
}

// giveUpServer makes a server unavailable after silentDays without an answer, and gives up its deliveries.
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
