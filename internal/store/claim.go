package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"causerie/internal/blog"
)

// Claim is the right of one process to work on a server until a lease ends: on its deliveries (table peers) or on its
// arrivals (table callers). Claims is the fence: each claim raises it, and results under an older number are not
// saved.
type Claim struct {
	Host     string
	Claims   int64
	Failures int
	TooLarge int // bytes of the smallest delivery that the server called too large; 0 for none

	ResumeAt *time.Time // when its rest would have ended, if a person asked for a try before that
}

// ErrLost means that the lease ended and another process has claimed the server.
var ErrLost = errors.New("the lease on this server was lost")

// longestRest limits how far ahead free_at can be. A later time was written before the clock was set back, so that
// rest counts as over.
const longestRest = 30 * time.Hour

// These are conditions of a row p that is free. When the clock is set back, times in the future stay in the database.
// The last two find such rows. No lease ends later than now plus its length, so a leased server whose free_at is twice
// that far ahead, or a server that was released so far in the future, was written before the clock was set back. Twice,
// because the clocks of two processes differ a little.
const (
	freeLease    = `(p.free_at <= ? OR p.free_at > ?)`
	aheadHealthy = `p.free_at > ? AND (p.visited OR p.freed_at > ? OR p.freed_at IS NULL OR p.free_at > ?)`
	aheadFailing = `p.free_at > ? AND (p.visited OR p.freed_at > ? OR p.free_at > ?)`
)

// failingAhead lists the hosts that aheadFailing is true for, each part by a range of an index. Without it a database
// may read all servers that rest, and there may be thousands. The condition must stay beside it: PostgreSQL checks it
// once more when it has locked a row.
const failingAhead = `SELECT host FROM peers WHERE waiting AND visited AND free_at > ?
	UNION ALL SELECT host FROM peers WHERE waiting AND failures > 0 AND freed_at > ?
	UNION ALL SELECT host FROM peers WHERE waiting AND failures > 0 AND free_at > ?`

// aheadOf returns the time after which a lease must be from before the clock was set back.
func aheadOf(now time.Time, lease time.Duration) time.Time { return now.Add(2 * lease) }

// ClaimPeers claims up to n free servers with waiting deliveries for the length of a lease. With failing it claims
// only servers that failed last time, without it only the others. The courier has separate slots for failing servers,
// so that they do not delay the rest.
func (s *Store) ClaimPeers(ctx context.Context, now time.Time, lease time.Duration, n int,
	failing bool) ([]Claim, error) {
	ahead, longest := aheadOf(now, lease), now.Add(longestRest)
	from := claimable{table: "peers", lease: lease, set: ", visited = TRUE", columns: ", too_large, resume_at"}
	if failing {
		from.ranges = []claimRange{
			{`p.failures > 0 AND p.free_at <= ?`, "free_at", []any{now}},
			{`p.failures > 0 AND ` + aheadFailing + ` AND p.host IN (` + failingAhead + `)`, "free_at",
				[]any{ahead, ahead, longest, ahead, ahead, longest}},
		}
		return s.claim(ctx, from, now, n)
	}
	// The courier asks for healthy servers in every round, so this is a good place to end the rests of refused voices.
	if err := s.endRefusals(ctx, now, ahead); err != nil {
		return nil, fmt.Errorf("end refusals: %w", err)
	}
	from.ranges = []claimRange{
		{`p.failures = 0 AND p.free_at <= ?`, "free_at", []any{now}},
		{`p.failures = 0 AND ` + aheadHealthy, "free_at", []any{ahead, ahead, longest}},
	}
	return s.claim(ctx, from, now, n)
}

// ClaimCallers claims up to n servers with an arrival that is due.
func (s *Store) ClaimCallers(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	ahead, late := aheadOf(now, lease), now.Add(longestWait)
	return s.claim(ctx, claimable{table: "callers", lease: lease, ranges: []claimRange{
		{freeLease + ` AND p.due_at <= ?`, "due_at", []any{now, ahead, now}},
		// A due time too far ahead was written before the clock was set back.
		{freeLease + ` AND p.due_at > ?`, "due_at", []any{now, ahead, late}},
	}}, now, n)
}

// claimable is the part of a claim that differs between the tables.
type claimable struct {
	table   string // peers or callers
	lease   time.Duration
	ranges  []claimRange
	set     string // more assignments of the claim, each after a comma
	columns string // more columns of a Claim, each after a comma
}

// claimRange selects rows p that are free and have work, by a range of an index. So nothing reads the servers that
// rest, and however many are due, a claim reads no more than it takes.
type claimRange struct {
	condition string
	order     string // the column of that index: what comes first is claimed first
	args      []any  // of the condition
}

// from is the FROM clause of a range.
func (r claimRange) from(table string) string {
	return ` FROM ` + table + ` p WHERE p.waiting AND ` + r.condition
}

// claim claims up to n servers of a table.
func (s *Store) claim(ctx context.Context, from claimable, now time.Time, n int) ([]Claim, error) {
	if n <= 0 {
		return nil, nil
	}
	// A read comes first: an idle courier must not use the only connection that writes on SQLite.
	var parts []string
	var args []any
	for i, r := range from.ranges {
		parts = append(parts, `SELECT * FROM (SELECT `+strconv.Itoa(i)+` AS place`+r.from(from.table)+` LIMIT 1) AS x`+
			strconv.Itoa(i))
		args = append(args, r.args...)
	}
	var some []int
	if err := s.all(ctx, &some, strings.Join(parts, ` UNION ALL `), args...); err != nil {
		return nil, err
	}
	var claims []Claim
	for _, i := range some {
		more, err := s.claimFrom(ctx, from, from.ranges[i], now, n-len(claims))
		if claims = append(claims, more...); err != nil {
			// What is claimed already must be returned, or nobody would work on those servers until the leases end.
			return claims, fmt.Errorf("claim %s: %w", from.table, err)
		}
	}
	return claims, nil
}

// claimFrom claims up to n servers of a range.
func (s *Store) claimFrom(ctx context.Context, from claimable, r claimRange, now time.Time, n int) ([]Claim, error) {
	var claims []Claim
	// A round may find servers that this process still holds. Then another round looks for others.
	for len(claims) < n {
		var due []Claim
		var stillHeld []string
		err := s.InTx(ctx, func(s *Store) error {
			// InTx may run this function again.
			due, stillHeld = nil, nil
			err := s.all(ctx, &due, `
				WITH due AS (SELECT p.host`+r.from(from.table)+` ORDER BY p.`+r.order+` LIMIT ?`+s.sql.skipLocked("p")+`)
				UPDATE `+from.table+` SET free_at = ?, claims = claims + 1, process = ?`+from.set+`
				WHERE host IN (SELECT host FROM due) RETURNING host, claims, failures`+from.columns,
				append(slices.Clone(r.args), n-len(claims), now.Add(from.lease), s.name)...)
			if err != nil {
				return err
			}
			due = slices.DeleteFunc(due, func(c Claim) bool {
				// If this process holds the previous number, the lease only seems to be over after a jump of the clock.
				held := s.leases.has(from.table, c.Host, c.Claims-1)
				if held {
					stillHeld = append(stillHeld, c.Host)
				}
				return held
			})
			if len(stillHeld) == 0 {
				return nil
			}
			// This process goes on with the claim that it has, so the fence must not rise. The new free_at stays, because it
			// is right for the new clock.
			return s.run(ctx, `UPDATE `+from.table+` SET claims = claims - 1 WHERE host IN (?)`, stillHeld)
		})
		if err != nil {
			return claims, err
		}
		taken := make(map[string]int64, len(due))
		for _, c := range due {
			taken[c.Host] = c.Claims
		}
		s.leases.take(from.table, from.lease, taken)
		claims = append(claims, due...)
		if len(stillHeld) == 0 {
			break
		}
	}
	return claims, nil
}

// Recover frees the servers that a killed process still holds, so that a restart need not wait for the leases to end.
// It does nothing on PostgreSQL (see Beat).
func (s *Store) Recover(ctx context.Context, now time.Time) error {
	// Other processes may be working on a PostgreSQL database. An SQLite file has only this one.
	if s.sql.postgres {
		return nil
	}
	// A server without failures that is not free is leased, or rests for a short time after an error of our own. Both
	// end with a restart. Two statements, because an OR would read all servers that wait.
	for _, leased := range []string{"failures = 0", "visited"} {
		err := s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1 WHERE waiting AND `+leased+`
			AND free_at > ?`, now, now, now)
		if err != nil {
			return err
		}
	}
	return s.run(ctx, `UPDATE callers SET free_at = ?, claims = claims + 1 WHERE waiting AND free_at > ?`, now, now)
}

// Renew prolongs a claim. It returns ErrLost when another process has claimed the server.
func (s *Store) Renew(ctx context.Context, c Claim, until time.Time) error {
	err := asLost(s.execOne(ctx, `UPDATE peers SET free_at = ? WHERE host = ? AND claims = ?`, until, c.Host, c.Claims))
	// Only after the database: this process must not go on with a lost claim.
	if err == nil {
		s.leases.renew("peers", c.Host, c.Claims)
	}
	return err
}

// asLost turns blog.ErrNotFound into ErrLost.
func asLost(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return ErrLost
	}
	return err
}

// lockClaim locks the server of a claim until the transaction ends. It returns since when the server is unavailable
// (nil when it is not), and ErrLost when another process has claimed it.
func (s *Store) lockClaim(ctx context.Context, c Claim) (unavailable *time.Time, err error) {
	var peer struct {
		Claims           int64
		UnavailableSince *time.Time
	}
	err = s.one(ctx, &peer, `SELECT claims, unavailable_since FROM peers WHERE host = ?`+s.sql.lockRow(), c.Host)
	if err != nil {
		return nil, asLost(err)
	}
	if peer.Claims != c.Claims {
		return nil, ErrLost
	}
	return peer.UnavailableSince, nil
}

// PeerContacted ends the back-off of a server that just sent us something. If the server was unavailable, it gets
// what it missed. Call it in a transaction.
func (s *Store) PeerContacted(ctx context.Context, host string, now time.Time) error {
	// A fan-out may be giving up its delivery to this server at the moment (see giveUpUnavailable). The lock waits for
	// its commit, so that reviveDeliveries finds that delivery too.
	var unavailable []string
	err := s.all(ctx, &unavailable, `SELECT host FROM peers WHERE host = ? AND unavailable_since IS NOT NULL`+
		s.sql.lockRow(), host)
	if err != nil {
		return err
	}
	// A server that is being visited keeps its free_at, because that is its lease.
	err = s.run(ctx, `
		UPDATE peers SET last_heard = ?, freed_at = ?, free_at = CASE WHEN failures > 0 AND NOT visited AND free_at > ?
		THEN ? ELSE free_at END WHERE host = ?`,
		now, now, now, now, host)
	if err != nil || len(unavailable) == 0 {
		return err
	}
	if err := s.reviveDeliveries(ctx, host, now); err != nil {
		return err
	}
	// This comes last, because waiting depends on the deliveries that were revived.
	return s.run(ctx, `
		UPDATE peers SET unavailable_since = NULL, failing_days = 0, failed_on = '', failing_since = NULL,
			waiting = `+ready+` WHERE host = ?`, host)
}

// maxMissedArticles limits how many articles that were published meanwhile are sent to a server that is back.
const maxMissedArticles = 10

// reviveDeliveries revives the given-up deliveries to a server that is back, as far as they still matter: the latest
// state of the objects that it holds, the last articles that it missed, and activities about our voices.
func (s *Store) reviveDeliveries(ctx context.Context, host string, now time.Time) error {
	// A Create that may have arrived keeps its revision, because the same activity must not arrive with two texts.
	// Each statement begins with the given-up deliveries of the server, and not with the activities of the whole blog.
	const revive = `UPDATE deliveries SET status = 'waiting', attempts = 0, settled_at = NULL, written_at = ?, revision
		= CASE WHEN unsure THEN revision ELSE ` +
		newestRevision + ` END WHERE host = ? AND status = 'given up' AND `
	// Each Update carries the whole object, so only the newest one is sent. All Deletes and Undos are sent, and the
	// Creates that may have arrived.
	err := s.run(ctx, revive+`EXISTS (SELECT 1 FROM activities e JOIN objects o ON o.id = e.object_id
		WHERE e.id = deliveries.activity_id AND (e.kind IN ('Delete', 'Undo')
			OR o.gone_at IS NULL AND (e.kind = 'Update' AND e.revision = o.revision OR e.kind = 'Create'
				AND deliveries.unsure)))`, now, host)
	if err != nil {
		return err
	}
	// Then the newest articles and boosts that the server missed.
	err = s.run(ctx, revive+`activity_id IN (SELECT d.activity_id FROM deliveries d CROSS JOIN activities e
		JOIN objects o ON o.id = e.object_id AND o.gone_at IS NULL
		WHERE d.host = ? AND d.status = 'given up' AND e.id = d.activity_id AND e.kind IN ('Create', 'Announce')
		ORDER BY e.id DESC LIMIT ?)`, now, host, host, maxMissedArticles)
	if err != nil {
		return err
	}
	// Then activities without an object of ours, such as a Follow or an Accept. Of the Updates of a profile, only the
	// newest is sent.
	return s.run(ctx, revive+`EXISTS (SELECT 1 FROM activities e WHERE e.id = deliveries.activity_id AND e.object_id = ''
		AND (e.kind <> 'Update' OR NOT EXISTS (SELECT 1 FROM activities n WHERE n.voice_id = e.voice_id
			AND n.object_id = '' AND n.kind = 'Update' AND n.id > e.id)))`, now, host)
}
