package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// Claim is the right to work on one server's deliveries until its lease ends. Claims is the fence: once somebody else
// has claimed the host, nothing done under an older claim is written.
type Claim struct {
	Host     string
	Claims   int64
	Failures int
	TooLarge int // bytes of the smallest delivery that the server called too large; 0 for none

	ResumeAt *time.Time // when it was to be tried again, of a server that rests and that a person asked to be tried now
}

// ErrLost means that the lease ended and another process has the host.
var ErrLost = errors.New("the lease on this server was lost")

// longestRest bounds free_at: one further ahead comes from a clock that jumped, and counts as due.
const longestRest = 30 * time.Hour

// A clock that is set back leaves times ahead that mean nothing. No lease ends later than one that begins now, so what
// is held for twice as long, or was released so far ahead, was written by the clock before. Twice, since the clocks of
// two processes differ a little.
const (
	freeLease  = `(p.free_at <= ? OR p.free_at > ?)`
	freeServer = `(p.free_at <= ? OR p.free_at > ? AND (p.visited OR p.freed_at > ? OR p.freed_at IS NULL AND ` +
		`p.failures = 0) OR p.free_at > ?)`
)

func aheadOf(now time.Time, lease time.Duration) time.Time { return now.Add(2 * lease) }

// ClaimPeers takes up to n servers that have mail and are free, for the length of the lease. With failing set it takes
// those that failed last time, else those that did not; and voices whose rest at a server is over get their turn again.
func (s *Store) ClaimPeers(ctx context.Context, now time.Time, lease time.Duration, n int,
	failing bool) ([]Claim, error) {
	condition := `p.failures > 0`
	if !failing {
		condition = `p.failures = 0`
		if err := s.endRefusals(ctx, now, aheadOf(now, lease)); err != nil {
			return nil, fmt.Errorf("end refusals: %w", err)
		}
	}
	ahead := aheadOf(now, lease)
	return s.claim(ctx, claimable{
		table:     "peers",
		condition: freeServer + ` AND ` + condition,
		args:      []any{now, ahead, ahead, now.Add(longestRest)},
		set:       ", visited = TRUE",
		columns:   ", too_large, resume_at",
	}, now, lease, n)
}

// ClaimCallers takes up to n servers of which an arrival is due. It is the arrivals that rest, not the server: one that
// waits for something must not keep the next one waiting.
func (s *Store) ClaimCallers(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	const due = ` AND (EXISTS (SELECT 1 FROM arrivals x WHERE x.host = p.host AND x.parked = '' AND x.due_at <= ?)
		OR EXISTS (SELECT 1 FROM arrivals x WHERE x.host = p.host AND x.parked = '' AND x.due_at > ?))`
	return s.claim(ctx, claimable{
		table:     "callers",
		condition: freeLease + due,
		args:      []any{now, aheadOf(now, lease), now, now.Add(longestWait)},
	}, now, lease, n)
}

// claimable says which servers of a table can be claimed now, and what a claim of that table has beside its lease.
type claimable struct {
	table     string // peers or callers
	condition string // of a row p that is free and has work
	args      []any  // of the condition
	set       string // more assignments of the claim, each after a comma
	columns   string // more columns of a Claim, each after a comma
}

func (s *Store) claim(ctx context.Context, from claimable, now time.Time, lease time.Duration,
	n int) ([]Claim, error) {
	if n <= 0 {
		return nil, nil
	}
	free := ` FROM ` + from.table + ` p WHERE p.waiting AND ` + from.condition
	// Asked of the readers first, so that an idle courier never disturbs the writer.
	var some int
	err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+free+` LIMIT 1) AS x`, from.args...)
	if err != nil || some == 0 {
		return nil, err
	}
	var claims []Claim
	for {
		var due []Claim
		var ours []string
		err := s.InTx(ctx, func(s *Store) error {
			due, ours = nil, nil
			err := s.all(ctx, &due, `
				WITH due AS (SELECT p.host`+free+` ORDER BY p.free_at LIMIT ?`+s.sql.skipLocked("p")+`)
				UPDATE `+from.table+` SET free_at = ?, claims = claims + 1`+from.set+`
				WHERE host IN (SELECT host FROM due) RETURNING host, claims, failures`+from.columns,
				append(slices.Clone(from.args), n-len(claims), now.Add(lease))...)
			if err != nil {
				return err
			}
			due = slices.DeleteFunc(due, func(c Claim) bool {
				held := s.leases.has(from.table, c.Host, c.Claims-1)
				if held {
					ours = append(ours, c.Host)
				}
				return held
			})
			if len(ours) == 0 {
				return nil
			}
			// Only the clock makes them seem free: who works on them here goes on under the claim that they have.
			return s.run(ctx, `UPDATE `+from.table+` SET claims = claims - 1 WHERE host IN (?)`, ours)
		})
		if err != nil {
			return claims, fmt.Errorf("claim %s: %w", from.table, err)
		}
		taken := make(map[string]int64, len(due))
		for _, c := range due {
			taken[c.Host] = c.Claims
		}
		s.leases.take(from.table, lease, taken)
		claims = append(claims, due...)
		if len(ours) == 0 || len(claims) >= n {
			return claims, nil
		}
	}
}

// Recover frees what a process that was killed still holds, so that a restart need not wait for the leases to end. Only
// SQLite can know that nobody else is at work; on PostgreSQL it does nothing, since another process may be. A server
// that has not failed and is not free is on lease: rests come from failures alone.
func (s *Store) Recover(ctx context.Context, now time.Time) error {
	if s.sql.postgres {
		return nil
	}
	err := s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1 WHERE waiting AND (failures = 0 OR
		visited) AND free_at > ?`, now, now, now)
	if err != nil {
		return err
	}
	return s.run(ctx, `UPDATE callers SET free_at = ?, claims = claims + 1 WHERE waiting AND free_at > ?`, now, now)
}

// Renew prolongs a claim; ErrLost when it is no longer ours.
func (s *Store) Renew(ctx context.Context, c Claim, until time.Time) error {
	err := lost(s.execOne(ctx, `UPDATE peers SET free_at = ? WHERE host = ? AND claims = ?`, until, c.Host, c.Claims))
	if err == nil {
		s.leases.renew("peers", c.Host, c.Claims)
	}
	return err
}

func lost(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return ErrLost
	}
	return err
}

// stillOurs locks the server of a claim and answers since when it is unavailable; ErrLost when somebody else has
// claimed it since.
func (s *Store) stillOurs(ctx context.Context, c Claim) (unavailable *time.Time, err error) {
	var peer struct {
		Claims           int64
		UnavailableSince *time.Time
	}
	err = s.one(ctx, &peer, `SELECT claims, unavailable_since FROM peers WHERE host = ?`+s.sql.lockRow(), c.Host)
	if err != nil {
		return nil, lost(err)
	}
	if peer.Claims != c.Claims {
		return nil, ErrLost
	}
	return peer.UnavailableSince, nil
}

// PeerContacted ends the rest of a server that just spoke to us. One that was given up hears what it missed.
func (s *Store) PeerContacted(ctx context.Context, host string, now time.Time) error {
	var unavailable []string
	err := s.all(ctx, &unavailable, `SELECT host FROM peers WHERE host = ? AND unavailable_since IS NOT NULL`+
		s.sql.lockRow(), host)
	if err != nil {
		return err
	}
	err = s.run(ctx, `
		UPDATE peers SET last_heard = ?, freed_at = ?, free_at = CASE WHEN failures > 0 AND NOT visited AND free_at > ?
		THEN ? ELSE free_at END WHERE host = ?`,
		now, now, now, now, host)
	if err != nil || len(unavailable) == 0 {
		return err
	}
	if err := s.catchUp(ctx, host, now); err != nil {
		return err
	}
	return s.run(ctx, `
		UPDATE peers SET unavailable_since = NULL, failing_days = 0, failed_on = '', failing_since = NULL,
			waiting = `+ready+` WHERE host = ?`, host)
}

// missedArticles is how many articles a server is brought at most that were published while it was given up.
const missedArticles = 10

// catchUp revives what was given up and still matters to a server that is back: of everything it holds the latest
// state, an edit or the word that it is gone, what may have arrived, and the last articles that it missed, with their
// newest words; and of the rest what tells of our voices.
func (s *Store) catchUp(ctx context.Context, host string, now time.Time) error {
	const revive = `UPDATE deliveries SET status = 'waiting', attempts = 0, settled_at = NULL, written_at = ?, revision
		= CASE WHEN unsure THEN revision ELSE ` +
		newestWords + ` END WHERE host = ? AND status = 'given up' AND activity_id IN `
	err := s.run(ctx, revive+`(SELECT e.id FROM activities e JOIN objects o ON o.id = e.object_id
		WHERE e.kind IN ('Delete', 'Undo') OR o.gone_at IS NULL AND (e.kind = 'Update' AND e.revision = o.revision OR
		e.kind = 'Create' AND deliveries.unsure))`, now, host)
	if err != nil {
		return err
	}
	err = s.run(ctx, revive+`(SELECT e.id FROM activities e JOIN objects o ON o.id = e.object_id AND o.gone_at IS NULL
		JOIN deliveries d ON d.activity_id = e.id AND d.host = ? AND d.status = 'given up'
		WHERE e.kind IN ('Create', 'Announce') ORDER BY e.id DESC LIMIT ?)`, now, host, host, missedArticles)
	if err != nil {
		return err
	}
	return s.run(ctx, revive+`(SELECT e.id FROM activities e WHERE e.object_id = '' AND (e.kind <> 'Update' OR NOT EXISTS (
		SELECT 1 FROM activities n WHERE n.voice_id = e.voice_id AND n.object_id = '' AND n.kind = 'Update' AND n.id >
		e.id)))`, now, host)
}
