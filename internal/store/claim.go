package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// Claim is the right to work on one server until a lease ends: on its deliveries (table peers) or its arrivals (table
// callers). Claims is the fence: each claim raises it, and what was done under an older number is not recorded.
type Claim struct {
	Host     string
	Claims   int64
	Failures int
	TooLarge int // bytes of the smallest delivery that the server called too large; 0 for none

	ResumeAt *time.Time // when its rest would have ended, if a person asked for a try before that
}

// ErrLost means that the lease ended and that somebody else has claimed the server.
var ErrLost = errors.New("the lease on this server was lost")

// longestRest bounds how far ahead free_at can lie. A time further ahead was written before the clock was set back,
// and counts as over.
const longestRest = 30 * time.Hour

// A clock that is set back leaves times in the future that mean nothing. No lease ends later than now and the length
// of a lease. So a server that is leased for longer than twice that, or was released so far in the future, was
// written before the jump. Twice, because the clocks of two processes differ a little.
const (
	freeLease  = `(p.free_at <= ? OR p.free_at > ?)`
	freeServer = `(p.free_at <= ? OR p.free_at > ? AND (p.visited OR p.freed_at > ? OR p.freed_at IS NULL AND ` +
		`p.failures = 0) OR p.free_at > ?)`
)

func aheadOf(now time.Time, lease time.Duration) time.Time { return now.Add(2 * lease) }

// ClaimPeers claims up to n servers with waiting deliveries that are free, for the length of the lease. With failing
// it claims servers that failed last time, otherwise the others. Failing servers have slots of their own in the
// courier, so that they do not hold up the rest.
func (s *Store) ClaimPeers(ctx context.Context, now time.Time, lease time.Duration, n int,
	failing bool) ([]Claim, error) {
	condition := `p.failures > 0`
	if !failing {
		condition = `p.failures = 0`
		// The courier asks for healthy servers in every round, so a refused voice gets its turn soon after its rest.
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

// ClaimCallers claims up to n servers of which an arrival is due.
func (s *Store) ClaimCallers(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	// An arrival rests, not its server: one that waits for something must not hold up the next. The second branch finds
	// arrivals whose time was written before the clock was set back. It is an EXISTS of its own, so that each is one
	// range of an index.
	const due = ` AND (EXISTS (SELECT 1 FROM arrivals x WHERE x.host = p.host AND x.parked = '' AND x.due_at <= ?)
		OR EXISTS (SELECT 1 FROM arrivals x WHERE x.host = p.host AND x.parked = '' AND x.due_at > ?))`
	return s.claim(ctx, claimable{
		table:     "callers",
		condition: freeLease + due,
		args:      []any{now, aheadOf(now, lease), now, now.Add(longestWait)},
	}, now, lease, n)
}

// claimable says which servers of a table can be claimed now, and what a claim of that table has besides its lease.
type claimable struct {
	table     string // peers or callers
	condition string // of a row p that is free and has work
	args      []any  // of the condition
	set       string // more assignments of the claim, each after a comma
	columns   string // more columns of a Claim, each after a comma
}

// claim claims up to n servers of a table.
func (s *Store) claim(ctx context.Context, from claimable, now time.Time, lease time.Duration,
	n int) ([]Claim, error) {
	if n <= 0 {
		return nil, nil
	}
	free := ` FROM ` + from.table + ` p WHERE p.waiting AND ` + from.condition
	// The readers are asked first, so that an idle courier never disturbs the one connection that writes on SQLite.
	var some int
	err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+free+` LIMIT 1) AS x`, from.args...)
	if err != nil || some == 0 {
		return nil, err
	}
	var claims []Claim
	// A round may find servers that are claimed here already. It is repeated until n others are found or none is left.
	for {
		var due []Claim
		var stillHeld []string
		err := s.InTx(ctx, func(s *Store) error {
			// InTx may run this twice.
			due, stillHeld = nil, nil
			err := s.all(ctx, &due, `
				WITH due AS (SELECT p.host`+free+` ORDER BY p.free_at LIMIT ?`+s.sql.skipLocked("p")+`)
				UPDATE `+from.table+` SET free_at = ?, claims = claims + 1`+from.set+`
				WHERE host IN (SELECT host FROM due) RETURNING host, claims, failures`+from.columns,
				append(slices.Clone(from.args), n-len(claims), now.Add(lease))...)
			if err != nil {
				return err
			}
			due = slices.DeleteFunc(due, func(c Claim) bool {
				// The number before this claim is held here: only a jump of the clock made the lease seem over.
				held := s.leases.has(from.table, c.Host, c.Claims-1)
				if held {
					stillHeld = append(stillHeld, c.Host)
				}
				return held
			})
			if len(stillHeld) == 0 {
				return nil
			}
			// Whoever works on these servers goes on under the claim that it has, so the fence must not rise. Their new
			// free_at stays: it ends by the new clock.
			return s.run(ctx, `UPDATE `+from.table+` SET claims = claims - 1 WHERE host IN (?)`, stillHeld)
		})
		if err != nil {
			// The claims of earlier rounds are committed. If they were not returned, nobody would work on their servers until
			// the leases end.
			return claims, fmt.Errorf("claim %s: %w", from.table, err)
		}
		taken := make(map[string]int64, len(due))
		for _, c := range due {
			taken[c.Host] = c.Claims
		}
		s.leases.take(from.table, lease, taken)
		claims = append(claims, due...)
		if len(stillHeld) == 0 || len(claims) >= n {
			return claims, nil
		}
	}
}

// Recover frees the servers that a killed process still holds, so that a restart need not wait for the leases to end.
// On PostgreSQL it does nothing.
func (s *Store) Recover(ctx context.Context, now time.Time) error {
	// Another process may be at work there. An SQLite file has only this one.
	if s.sql.postgres {
		return nil
	}
	// A server without failures that is not free is leased, or rests for a short time after a fault of our own. Neither
	// holds after a restart.
	err := s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1 WHERE waiting AND (failures = 0 OR
		visited) AND free_at > ?`, now, now, now)
	if err != nil {
		return err
	}
	return s.run(ctx, `UPDATE callers SET free_at = ?, claims = claims + 1 WHERE waiting AND free_at > ?`, now, now)
}

// Renew prolongs a claim; ErrLost if somebody else has claimed the server.
func (s *Store) Renew(ctx context.Context, c Claim, until time.Time) error {
	err := lost(s.execOne(ctx, `UPDATE peers SET free_at = ? WHERE host = ? AND claims = ?`, until, c.Host, c.Claims))
	// Only now: a claim that was lost must not go on here.
	if err == nil {
		s.leases.renew("peers", c.Host, c.Claims)
	}
	return err
}

// lost turns "no such row" into ErrLost.
func lost(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return ErrLost
	}
	return err
}

// lockClaim locks the server of a claim until the transaction ends, and returns since when it is unavailable (nil if
// it is not). ErrLost if somebody else has claimed it.
func (s *Store) lockClaim(ctx context.Context, c Claim) (unavailable *time.Time, err error) {
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

// PeerContacted ends the rest of a server that just sent us something. A server that was unavailable gets what it
// missed. Call it in a transaction.
func (s *Store) PeerContacted(ctx context.Context, host string, now time.Time) error {
	// The lock waits for a fan-out that is giving up its delivery to this server (see spare), so that catchUp finds that
	// one, too.
	var unavailable []string
	err := s.all(ctx, &unavailable, `SELECT host FROM peers WHERE host = ? AND unavailable_since IS NOT NULL`+
		s.sql.lockRow(), host)
	if err != nil {
		return err
	}
	// A server that is being visited keeps its lease.
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
	// Only now, since waiting depends on the deliveries that catchUp revived.
	return s.run(ctx, `
		UPDATE peers SET unavailable_since = NULL, failing_days = 0, failed_on = '', failing_since = NULL,
			waiting = `+ready+` WHERE host = ?`, host)
}

// missedArticles limits how many articles published while a server was unavailable are delivered to it once it is
// back.
const missedArticles = 10

// catchUp revives the given-up deliveries that still matter to a server that is back: the latest state of what it
// holds, the last articles that it missed, and activities about our voices themselves.
func (s *Store) catchUp(ctx context.Context, host string, now time.Time) error {
	// A Create that may have arrived keeps its revision: the same activity must not come twice with two texts.
	const revive = `UPDATE deliveries SET status = 'waiting', attempts = 0, settled_at = NULL, written_at = ?, revision
		= CASE WHEN unsure THEN revision ELSE ` +
		newestRevision + ` END WHERE host = ? AND status = 'given up' AND activity_id IN `
	// Deletions and undos always, the newest edit, and a Create that may have arrived. Older edits are left out, since
	// each carries the whole object.
	err := s.run(ctx, revive+`(SELECT e.id FROM activities e JOIN objects o ON o.id = e.object_id
		WHERE e.kind IN ('Delete', 'Undo') OR o.gone_at IS NULL AND (e.kind = 'Update' AND e.revision = o.revision OR
		e.kind = 'Create' AND deliveries.unsure))`, now, host)
	if err != nil {
		return err
	}
	// Then the newest articles and boosts.
	err = s.run(ctx, revive+`(SELECT e.id FROM activities e JOIN objects o ON o.id = e.object_id AND o.gone_at IS NULL
		JOIN deliveries d ON d.activity_id = e.id AND d.host = ? AND d.status = 'given up'
		WHERE e.kind IN ('Create', 'Announce') ORDER BY e.id DESC LIMIT ?)`, now, host, host, missedArticles)
	if err != nil {
		return err
	}
	// Activities about no object of ours, such as follows and answers to follows; of the updates of a profile only the
	// newest.
	return s.run(ctx, revive+`(SELECT e.id FROM activities e WHERE e.object_id = '' AND (e.kind <> 'Update' OR NOT EXISTS (
		SELECT 1 FROM activities n WHERE n.voice_id = e.voice_id AND n.object_id = '' AND n.kind = 'Update' AND n.id >
		e.id)))`, now, host)
}
