package store

import (
	"cmp"
	"context"
	"errors"
	"strings"
	"time"
)

// released is the end of a visit as it should be: the server took the delivery that was the last one, and is free
// again.
type released struct {
	ctx   context.Context
	claim Claim
	last  Settlement
	now   time.Time
	err   error // to be read once it is done
	done  chan struct{}
}

// If we are killed before an accepted delivery is recorded, it is sent again. So groups and the pause that gathers them
// are kept short. Without the pause most groups would have one member.
const (
	maxReleases = 32
	gatherPause = 10 * time.Millisecond
)

// queueRelease writes a departure down together with those of the same moment: with the same few statements, each for
// all. It returns after the commit; ErrLost when the server is somebody else's by now, the context's own error when it
// ended first.
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

// releaseGroups goes on until nobody waits.
func (s *Store) releaseGroups() {
	for group := s.releases.take(maxReleases); group != nil; group = s.releases.take(maxReleases) {
		err := safely(func() error { return s.releaseGroup(group) })
		for _, d := range group {
			if err != nil {
				d.err = err
			}
			close(d.done)
		}
		time.Sleep(gatherPause)
	}
}

func (s *Store) releaseGroup(group []*released) error {
	ctx, cancel := context.WithTimeout(context.Background(), batchLimit)
	defer cancel()
	return s.InTx(ctx, func(s *Store) error { return s.recordReleases(ctx, group) })
}

// recordReleases writes down that the visits of a group are over, those that somebody still waits for.
func (s *Store) recordReleases(ctx context.Context, group []*released) error {
	now := group[len(group)-1].now
	ours, back, err := s.oursAmong(ctx, group)
	if err != nil || len(ours) == 0 {
		return err
	}
	all := padded(ours) // so that there are few forms of the statements; the same twice is once
	if err := s.taken(ctx, all, now); err != nil {
		return err
	}
	if err := s.held(ctx, all, now); err != nil {
		return err
	}
	for _, host := range back {
		if err := s.catchUp(ctx, host, now); err != nil {
			return err
		}
	}
	return s.free(ctx, all, now)
}

// oursAmong locks the servers of departures, in the order of their names as a fan-out does, and answers those
// departures whose claim still holds, the others get ErrLost; and which of the servers had been given up.
func (s *Store) oursAmong(ctx context.Context, group []*released) (ours []*released, back []string, err error) {
	var peers []struct {
		Host             string
		Claims           int64
		UnavailableSince *time.Time
	}
	hosts := make([]string, len(group))
	for i, d := range group {
		hosts[i], d.err = d.claim.Host, cmp.Or(d.ctx.Err(), ErrLost)
	}
	err = s.all(ctx, &peers, `SELECT host, claims, unavailable_since FROM peers WHERE host IN (?) ORDER BY host`+
		s.sql.lockRow(), hosts)
	for _, p := range peers {
		for _, d := range group {
			if d.claim.Host != p.Host || d.claim.Claims != p.Claims || !errors.Is(d.err, ErrLost) {
				continue
			}
			d.err, ours = nil, append(ours, d)
			if p.UnavailableSince != nil {
				back = append(back, p.Host)
			}
		}
	}
	return ours, back, err
}

// taken settles the deliveries; it is what settle does for one.
func (s *Store) taken(ctx context.Context, group []*released, now time.Time) error {
	args := []any{now}
	for _, d := range group {
		l, o := d.last.Delivery, d.last.Outcome
		args = append(args, l.ActivityID, l.Inbox, o.Code, o.Answer, o.TookMS)
	}
	return s.run(ctx, `
		UPDATE deliveries SET attempts = attempts + 1, asked = FALSE, status = 'delivered', settled_at = ?, code =
		v.column3, answer = v.column4, took_ms = v.column5
		FROM (VALUES `+rows(`(?, ?, CAST(? AS INTEGER), ?, CAST(? AS BIGINT))`, len(group))+`) AS v
		WHERE activity_id = v.column1 AND inbox = v.column2`, args...)
}

// held notes what the servers hold now, of deliveries that were not erased meanwhile; it is what hold does for one.
func (s *Store) held(ctx context.Context, group []*released, now time.Time) error {
	args, n := []any{now}, 0
	for _, d := range group {
		if l := d.last.Delivery; l.carriesCopy() {
			args, n = append(args, l.ObjectID, l.Host, l.Revision, l.holdingState(), l.ActivityID, l.Inbox), n+1
		}
	}
	if n == 0 {
		return nil
	}
	return s.run(ctx, `
		INSERT INTO holdings (object_id, host, revision, state, proof_at)
		SELECT o.id, v.column2, v.column3, v.column4, ?
		FROM (SELECT DISTINCT * FROM (VALUES `+rows(`(?, ?, CAST(? AS INTEGER), ?, ?, ?)`, n)+`) AS v) AS v
		JOIN objects o ON o.id = v.column1 JOIN deliveries d ON d.activity_id = v.column5 AND d.inbox = v.column6
		WHERE TRUE `+renewHolding, args...)
}

// free releases the servers, whose failures are forgotten.
func (s *Store) free(ctx context.Context, group []*released, now time.Time) error {
	hosts := make([]string, len(group))
	for i, d := range group {
		hosts[i] = d.claim.Host
	}
	set, args := Answered.counts(Claim{}, now)
	return s.run(ctx, `UPDATE peers SET free_at = ?, freed_at = ?, claims = claims + 1, `+letGo+set+` WHERE host IN (?)`,
		append(append([]any{now, now}, args...), hosts)...)
}

// rows writes a row of VALUES so many times.
func rows(row string, n int) string { return row + strings.Repeat(", "+row, n-1) }
