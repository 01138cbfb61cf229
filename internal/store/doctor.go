package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// ParkedArrivals lists what is broken in the database itself, a line each; none when it is whole.
func (s *Store) ParkedArrivals(ctx context.Context) ([]string, error) {
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

// RenewStatistics lets the database look at its tables, so that it knows which of the ways to answer a query is short.
// What hardly changed is not looked at, and of the rest a part. PostgreSQL does this by itself.
func (s *Store) RenewStatistics(ctx context.Context) error {
	statement := s.sql.statistics()
	if statement == "" {
		return nil
	}
	if _, err := s.write.ExecContext(ctx, statement); err != nil {
		return fmt.Errorf("renew the statistics: %w", s.translateError(err))
	}
	return nil
}

// LastActivity is when the last thing was said, by the clock of that moment; blog.ErrNotFound when nothing was.
func (s *Store) LastActivity(ctx context.Context) (time.Time, error) {
	var at time.Time
	return at, s.one(ctx, &at, `SELECT at FROM activities ORDER BY id DESC LIMIT 1`)
}

// Dated is a comment as its own server dates it, and when it came here by our clock.
type Dated struct {
	Host                   string
	PublishedAt, ArrivedAt time.Time
}

// LastDated lists the last comments that were sent to us since a moment, the newest first.
func (s *Store) LastDated(ctx context.Context, since time.Time, limit int) ([]Dated, error) {
	var list []Dated
	return list, s.all(ctx, &list, `
		SELECT a.host, c.published_at, c.arrived_at FROM comments c JOIN actors a ON a.id = c.actor_id
		WHERE c.origin = 'pushed' AND c.arrived_at > ? ORDER BY c.arrived_at DESC LIMIT ?`, since, limit)
}

// Speaking lists the voices that have not left, by handle.
func (s *Store) Speaking(ctx context.Context) ([]blog.Voice, error) {
	var list []blog.Voice
	return list, s.all(ctx, &list, `SELECT `+voiceColumns+` FROM voices v WHERE v.retired_at IS NULL ORDER BY v.handle`)
}

// Backlog is what should have been worked on by some moment and was not.
type Backlog struct {
	Letters  int // whose servers are not silent and refuse nothing of their voice, and which nobody has tried
	Servers  int // to which they are to go
	Arrivals int // that are due
	Parked   int // arrivals that were set aside after they failed too often
	AtWork   bool
}

// BacklogSince counts what waits since before a moment, and reports whether somebody is at work on deliveries now.
func (s *Store) BacklogSince(ctx context.Context, before, now time.Time) (Backlog, error) {
	const letters = ` FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN peers p ON p.host = d.host
		WHERE d.settled_at IS NULL AND NOT EXISTS (SELECT 1 FROM refusals r WHERE r.host = d.host AND r.voice_id =
		a.voice_id) AND p.failures = 0 AND p.free_at < ? AND a.at < ? AND (d.written_at IS NULL OR d.written_at < ?)`
	var b Backlog
	return b, s.one(ctx, &b, `
		SELECT (SELECT count(*)`+letters+`) AS letters, (SELECT count(DISTINCT d.host)`+letters+`) AS servers,
			(SELECT count(*) FROM arrivals WHERE parked = '' AND at < ? AND due_at < ?) AS arrivals,
			(SELECT count(*) FROM arrivals WHERE parked <> '') AS parked,
			EXISTS (SELECT 1 FROM peers p WHERE p.visited AND p.free_at > ?) AS at_work`,
		before, before, before, before, before, before, before, before, now)
}
