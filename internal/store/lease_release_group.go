package store

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"

	"causerie/internal/blog"
)

// released is the usual end of a visit: the server accepted the last delivery, and its lease is released.
type released struct {
	ctx   context.Context
	claim Claim
	last  Settlement
	now   time.Time
	err   error // to be read once it is done
	done  chan struct{}
}

// If the process is killed before an accepted delivery is recorded, it is sent again. So groups are small and the
// pause between them is short. Without the pause, most groups would have one member.
const (
	maxReleases = 32
	gatherPause = 10 * time.Millisecond
)

// queueRelease saves a release together with others of the same moment, in one transaction. It returns after the
// commit. It returns ErrLost when another process has claimed the server, and the context's error when that ends
// first.
func (s *Store) queueRelease(d *released) error {
	d.done = make(chan struct{})
	if s.releases.join(d) {
		go s.releaseGroups()
	}
	select {
	case <-d.done:
		return d.err
	case <-d.ctx.Done():
		return d.ctx.Err()
	}
}

// releaseGroups saves groups until the queue is empty.
func (s *Store) releaseGroups() {
	for group := s.releases.take(maxReleases); group != nil; group = s.releases.take(maxReleases) {
		err := safely(func() error { return s.releaseGroup(group) })
		for _, d := range group {
			if err != nil {
				d.err = err
			}
			close(d.done)
		}
		// The callers of this group have their answers already. The pause lets the next group grow.
		time.Sleep(gatherPause)
	}
}

// releaseGroup saves a group in one transaction. It has its own context, because no single caller may cancel the
// others.
func (s *Store) releaseGroup(group []*released) error {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	return s.InTx(ctx, func(s *Store) error { return s.recordReleases(ctx, group) })
}

// recordReleases saves the releases of a group, except for those whose caller has left or whose claim is lost.
func (s *Store) recordReleases(ctx context.Context, group []*released) error {
	// The time of the newest release serves for all. The others are at most a few pauses older.
	now := group[len(group)-1].now
	valid, back, err := s.lockClaims(ctx, group)
	if err != nil || len(valid) == 0 {
		return err
	}
	// Padding keeps the number of different statements small, so that they can be prepared. A repeated member changes
	// nothing.
	all := padded(valid)
	if err := s.settleDelivered(ctx, all, now); err != nil {
		return err
	}
	if err := s.confirmFollowers(ctx, all); err != nil {
		return err
	}
	// This comes before freeServers, which sets waiting from the deliveries that are revived here.
	for _, host := range back {
		if err := s.reviveDeliveries(ctx, host, now); err != nil {
			return err
		}
	}
	return s.freeServers(ctx, all, now)
}

// lockClaims locks the servers of a group. valid are the members whose claim still holds; the others get ErrLost.
// back are the servers of valid members that were unavailable.
func (s *Store) lockClaims(ctx context.Context, group []*released) (valid []*released, back []string, err error) {
	var peers []struct {
		Host             string
		Claims           int64
		UnavailableSince *time.Time
	}
	hosts := make([]string, len(group))
	for i, d := range group {
		// ErrLost until a row below proves that the claim holds. If the caller has left, the error of its context stays,
		// and the loop below skips it.
		hosts[i], d.err = d.claim.Host, cmp.Or(d.ctx.Err(), ErrLost)
	}
	// ORDER BY host: fan-outs lock the servers in this order too, so the two cannot wait for each other.
	err = s.all(ctx, &peers, `SELECT host, claims, unavailable_since FROM peers WHERE host IN (?) ORDER BY host`+
		s.sql.lockRow(), hosts)
	for _, p := range peers {
		for _, d := range group {
			if d.claim.Host != p.Host || d.claim.Claims != p.Claims || !errors.Is(d.err, ErrLost) {
				continue
			}
			d.err, valid = nil, append(valid, d)
			if p.UnavailableSince != nil {
				back = append(back, p.Host)
			}
		}
	}
	return valid, back, err
}

// settleDelivered is settle for a group of accepted deliveries.
func (s *Store) settleDelivered(ctx context.Context, group []*released, now time.Time) error {
	args := []any{now}
	for _, d := range group {
		delivery, outcome := d.last.Delivery, d.last.Outcome
		args = append(args, delivery.ActivityID, delivery.Inbox, outcome.Code, outcome.Answer, outcome.TookMS)
	}
	// PostgreSQL takes untyped arguments in VALUES as text, hence the casts.
	return s.run(ctx, `
		UPDATE deliveries SET attempts = attempts + 1, asked = FALSE, status = 'delivered', settled_at = ?, code =
		v.column3, answer = v.column4, took_ms = v.column5
		FROM (VALUES `+rows(`(?, ?, CAST(? AS INTEGER), ?, CAST(? AS BIGINT))`, len(group))+`) AS v
		WHERE activity_id = v.column1 AND inbox = v.column2`, args...)
}

// confirmFollowers is confirmFollower for a group.
func (s *Store) confirmFollowers(ctx context.Context, group []*released) error {
	var accepts []blog.ID
	for _, d := range group {
		if d.last.Delivery.Kind == "Accept" {
			accepts = append(accepts, d.last.Delivery.ActivityID)
		}
	}
	return s.confirmFollower(ctx, accepts...)
}

// freeServers releases the servers and resets their failures.
func (s *Store) freeServers(ctx context.Context, group []*released, now time.Time) error {
	hosts := make([]string, len(group))
	for i, d := range group {
		hosts[i] = d.claim.Host
	}
	set, args := Answered.counts(Claim{}, now)
	return s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1, `+endClaim+set+`
		WHERE host IN (?)`,
		append(append([]any{now, now}, args...), hosts)...)
}

// rows returns n rows of VALUES.
func rows(row string, n int) string { return row + strings.Repeat(", "+row, n-1) }
