package store

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// Claim is the right to work on one server's letters until its lease ends. Claims is the fence: once somebody else has
// claimed the host, nothing done under an older claim is written.
type Claim struct {
	Host     string
	Claims   int64
	Failures int
}

// ErrLost: the lease ended and somebody else has the host.
var ErrLost = errors.New("the lease on this server was lost")

// longestRest bounds free_at: one further ahead comes from a clock that jumped, and counts as due.
const longestRest = 30 * time.Hour

// ClaimPeers takes up to n servers that have mail and are free, for the length of the lease. With failing set it takes
// those that failed last time, else those that did not.
func (s *Store) ClaimPeers(ctx context.Context, now time.Time, lease time.Duration, n int, failing bool) ([]Claim, error) {
	condition := `p.failures = 0`
	if failing {
		condition = `p.failures > 0`
	}
	return s.claim(ctx, "peers", ", visited = TRUE", condition, nil, now, lease, n)
}

// ClaimCallers takes up to n servers of which an arrival is due. It is the arrivals that rest, not the server: one that
// waits for something must not keep the next one waiting.
func (s *Store) ClaimCallers(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	due := `EXISTS (SELECT 1 FROM arrivals x WHERE x.host = p.host AND x.parked = '' AND x.due_at <= ?)`
	return s.claim(ctx, "callers", "", due, []any{now}, now, lease, n)
}

func (s *Store) claim(ctx context.Context, table, mark, condition string, args []any, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	if n <= 0 {
		return nil, nil
	}
	due := ` FROM ` + table + ` p WHERE p.waiting AND (p.free_at <= ? OR p.free_at > ?) AND ` + condition
	args = append([]any{now, now.Add(longestRest)}, args...)
	// Asked of the readers first, so that an idle courier never disturbs the writer.
	var some int
	if err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+due+` LIMIT 1) AS x`, args...); err != nil || some == 0 {
		return nil, err
	}
	var claims []Claim
	err := s.InTx(ctx, func(s *Store) error {
		return s.all(ctx, &claims, `
			WITH due AS (SELECT p.host`+due+` ORDER BY p.free_at LIMIT ?`+s.sql.skipLocked("p")+`)
			UPDATE `+table+` SET free_at = ?, claims = claims + 1`+mark+` WHERE host IN (SELECT host FROM due)
			RETURNING host, claims, failures`, append(args, n, now.Add(lease))...)
	})
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", table, err)
	}
	return claims, nil
}

// Recover frees what a process that was killed still holds, so that a restart need not wait for the leases to end. Only
// SQLite can know that nobody else is at work; on PostgreSQL it does nothing, since another process may be. A server that
// has not failed and is not free is on lease: rests come from failures alone.
func (s *Store) Recover(ctx context.Context, now time.Time) error {
	if s.sql.postgres {
		return nil
	}
	return errors.Join(
		s.do(ctx, `UPDATE peers SET free_at = ?, claims = claims + 1 WHERE waiting AND failures = 0 AND free_at > ?`, now, now),
		s.do(ctx, `UPDATE callers SET free_at = ?, claims = claims + 1 WHERE waiting AND free_at > ?`, now, now))
}

// Renew prolongs a claim; ErrLost when it is no longer ours.
func (s *Store) Renew(ctx context.Context, c Claim, until time.Time) error {
	return lost(s.must(ctx, `UPDATE peers SET free_at = ? WHERE host = ? AND claims = ?`, until, c.Host, c.Claims))
}

func lost(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return ErrLost
	}
	return err
}

// Ending is how a visit to a server ended.
type Ending int

const (
	HandedBack Ending = iota // nothing can be said of the server: we stopped
	Answered                 // it answered, whatever it said
	Silent                   // it did not answer, or asked us to come later
)

// Release ends a claim: the server is free again at the given time, and its failures are counted or forgotten. The row
// is locked before its mail is looked at, since a fan-out that commits in between must not be overlooked.
func (s *Store) Release(ctx context.Context, c Claim, freeAt time.Time, how Ending, now time.Time) error {
	return s.gathered(ctx, c.Host, func(ctx context.Context, s *Store) error {
		if err := s.stillOurs(ctx, c); err != nil {
			return err
		}
		set, args := ``, []any{}
		switch how {
		case Answered:
			set, args = `, failures = 0, failing_days = 0, failed_on = '', unavailable_since = NULL, last_success = ?`, []any{now}
		case Silent:
			today := now.UTC().Format("2006-01-02")
			set, args = `, failures = failures + 1, failing_days = failing_days + CASE WHEN failed_on = ? THEN 0 ELSE 1 END, failed_on = ?`, []any{today, today}
		}
		return s.do(ctx, `
			UPDATE peers SET free_at = ?, visited = FALSE, waiting = EXISTS (SELECT 1 FROM deliveries d WHERE d.host = peers.host AND d.settled_at IS NULL)`+set+`
			WHERE host = ?`, append(append([]any{freeAt}, args...), c.Host)...)
	})
}

// stillOurs locks the server of a claim; ErrLost when somebody else has claimed it since.
func (s *Store) stillOurs(ctx context.Context, c Claim) error {
	var claims int64
	err := s.one(ctx, &claims, `SELECT claims FROM peers WHERE host = ?`+s.sql.lockRow(), c.Host)
	if err != nil {
		return lost(err)
	}
	return lostUnless(claims == c.Claims)
}

func lostUnless(ours bool) error {
	if ours {
		return nil
	}
	return ErrLost
}

// HeardFrom ends the rest of a server that just spoke to us. A rest is told from a lease by its length: leases are
// shorter than the given time.
func (s *Store) HeardFrom(ctx context.Context, host string, now time.Time, longestLease time.Duration) error {
	return s.do(ctx, `
		UPDATE peers SET last_heard = ?, free_at = CASE WHEN failures > 0 AND free_at > ? THEN ? ELSE free_at END WHERE host = ?`,
		now, now.Add(longestLease), now, host)
}
