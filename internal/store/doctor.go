package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// DatabaseProblems lists what is broken in the database itself, a line each; none if it is whole.
func (s *Store) DatabaseProblems(ctx context.Context) ([]string, error) {
	var troubles []string
	for _, query := range s.sql.integrity() {
		var some []string
		if err := s.all(ctx, &some, query); err != nil {
			return troubles, err
		}
		troubles = append(troubles, some...)
	}
	return troubles, nil
}

// RenewStatistics lets the database look at its tables, so that its query planner knows their sizes. Tables that
// hardly changed are skipped, and of the others only a part is read.
func (s *Store) RenewStatistics(ctx context.Context) error {
	statement := s.sql.statistics()
	if statement == "" {
		return nil
	}
	if _, err := s.write.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("renew the statistics: %w", s.translateError(ctx, err))
	}
	return nil
}

// LastActivity returns when the last activity was added; blog.ErrNotFound if there is none.
func (s *Store) LastActivity(ctx context.Context) (time.Time, error) {
	var at time.Time
	// By id, not by time: ids grow even after the clock was set back.
	err := s.one(ctx, &at, `SELECT at FROM activities ORDER BY id DESC LIMIT 1`)
	return at, err
}

// Dated is the date that its own server gives a comment, and when the comment arrived by our clock.
type Dated struct {
	Host                   string
	PublishedAt, ArrivedAt time.Time
}

// LastDated lists the newest comments that were sent to us since a moment, the newest first.
func (s *Store) LastDated(ctx context.Context, since time.Time, limit int) ([]Dated, error) {
	var list []Dated
	err := s.all(ctx, &list, `
		SELECT a.host, c.published_at, c.arrived_at FROM comments c JOIN actors a ON a.id = c.actor_id
		WHERE c.origin = 'pushed' AND c.arrived_at > ? ORDER BY c.arrived_at DESC LIMIT ?`, since, limit)
	return list, err
}

// ActiveVoices lists the voices that are not retired, by handle.
func (s *Store) ActiveVoices(ctx context.Context) ([]blog.Voice, error) {
	var list []blog.Voice
	err := s.all(ctx, &list, `SELECT `+voiceColumns+` FROM voices v WHERE v.retired_at IS NULL ORDER BY v.handle`)
	return list, err
}

// Backlog is what should have been handled before some moment and was not.
type Backlog struct {
	Deliveries int // whose servers are not silent and refuse nothing of their voice, and which nobody has tried
	Servers    int // to which they are to go
	Arrivals   int // that are due
	Parked     int // arrivals that were set aside after they failed too often
	AtWork     bool
}

// BacklogSince counts what has waited since before a moment, and whether a courier is at work now.
func (s *Store) BacklogSince(ctx context.Context, before, now time.Time) (Backlog, error) {
	// Deliveries that wait for a reason are no backlog: their server failed, or refuses their voice.
	const deliveries = ` FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN peers p ON p.host = d.host
		WHERE d.settled_at IS NULL AND NOT EXISTS (SELECT 1 FROM refusals r WHERE r.host = d.host AND r.voice_id =
		a.voice_id) AND p.failures = 0 AND p.free_at < ? AND a.at < ? AND (d.written_at IS NULL OR d.written_at < ?)`
	var b Backlog
	err := s.one(ctx, &b, `
		SELECT (SELECT count(*)`+deliveries+`) AS deliveries, (SELECT count(DISTINCT d.host)`+deliveries+`) AS servers,
			(SELECT count(*) FROM arrivals WHERE parked = '' AND at < ? AND due_at < ?) AS arrivals,
			(SELECT count(*) FROM arrivals WHERE parked <> '') AS parked,
			EXISTS (SELECT 1 FROM peers p WHERE p.visited AND p.free_at > ?) AS at_work`,
		before, before, before, before, before, before, before, before, now)
	return b, err
}
