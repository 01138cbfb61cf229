package store

import (
	"bytes"
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// Sighting is what was saved first of an id in an activity.
type Sighting struct {
	Kind string // the type of the activity, or "undone" or "deleted" for what was taken back; "" when it is new
	At   time.Time
}

// Seen saves that an actor sent an activity with this id, unless an activity with it was seen before. It returns what
// was saved then. kind is the type of the activity, or "undone" for something that is taken back before it arrives.
func (s *Store) Seen(ctx context.Context, actor, activity, kind string, now time.Time) (Sighting, error) {
	var before Sighting
	n, err := s.exec(ctx, `INSERT INTO seen (actor, activity_id, kind, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		actor, activity, kind, now)
	if n == 0 && err == nil {
		err = s.one(ctx, &before, `SELECT kind, at FROM seen WHERE actor = ? AND activity_id = ?`, actor, activity)
	}
	return before, err
}

// MarkDeleted saves that an actor deleted the object with this id. An activity with the same id may have been seen:
// some servers give one id to a post and to what they say of it.
func (s *Store) MarkDeleted(ctx context.Context, actor, object string, now time.Time) error {
	return s.run(ctx, `INSERT INTO seen (actor, activity_id, kind, at) VALUES (?, ?, 'deleted', ?)
		ON CONFLICT (actor, activity_id) DO UPDATE SET kind = excluded.kind, at = excluded.at`, actor, object, now)
}

// KnownPost returns the comment that a post became, "" when it became none, and whether its author deleted the post. It
// is one query, because each reply asks both.
func (s *Store) KnownPost(ctx context.Context, author, address string) (comment blog.ID, deleted bool, err error) {
	var known struct {
		Comment blog.ID
		Deleted bool
	}
	err = s.one(ctx, &known, `
		SELECT COALESCE((SELECT c.id FROM comments c WHERE c.address = ?), '') AS comment,
			EXISTS (SELECT 1 FROM seen WHERE actor = ? AND activity_id = ? AND kind = 'deleted') AS deleted`,
		address, author, address)
	return known.Comment, known.Deleted, err
}

// longestWait limits how far ahead the next attempt at an arrival can be. A later time was written before the clock
// was set back.
const longestWait = 4 * time.Hour

// atOnce is when an arrival without an attempt is due: always, whatever the clock says later.
var atOnce = time.Unix(0, 0)

// AddArrival queues an arrival, unless it repeats the newest waiting one of its signer. An older one may be repeated on
// purpose: who follows, undoes that and follows again may send the same bytes twice.
func (s *Store) AddArrival(ctx context.Context, a blog.Arrival) error {
	return s.InTx(ctx, func(s *Store) error {
		var newest []byte
		err := s.one(ctx, &newest, `SELECT body FROM arrivals WHERE signer = ? AND parked = '' ORDER BY id DESC LIMIT 1`,
			a.Signer)
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		if err == nil && bytes.Equal(newest, a.Body) {
			return nil
		}
		err = s.run(ctx, `
			INSERT INTO arrivals (id, host, activity_id, signer, body, at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
			a.ID, a.Host, a.ActivityID, a.Signer, a.Body, a.At, atOnce)
		if err != nil {
			return err
		}
		// A known caller keeps its free_at: somebody may be at work on it.
		return s.run(ctx, `
			INSERT INTO callers (host, waiting, free_at, due_at) VALUES (?, TRUE, ?, ?)
			ON CONFLICT (host) DO UPDATE SET waiting = TRUE, due_at = excluded.due_at`, a.Host, a.At, atOnce)
	})
}

// CallerState is the state of a server that sends to us.
type CallerState struct {
	Queued  bool // earlier arrivals of it are due, so that later ones must queue behind them
	Resting bool // we let it rest since it was silent when we wrote
}

// CallerState returns the state of a server.
func (s *Store) CallerState(ctx context.Context, host string, now time.Time) (CallerState, error) {
	var st CallerState
	err := s.one(ctx, &st, `
		SELECT EXISTS (SELECT 1 FROM arrivals WHERE host = ? AND parked = '' AND (due_at <= ? OR due_at > ?)) AS queued,
			EXISTS (SELECT 1 FROM peers WHERE host = ? AND failures > 0 AND free_at > ?) AS resting`, host, now,
		now.Add(longestWait), host, now)
	return st, err
}

// Arrivals lists the due arrivals of a server in the order of arrival.
func (s *Store) Arrivals(ctx context.Context, host string, now time.Time, limit int) ([]blog.Arrival, error) {
	var list []blog.Arrival
	err := s.all(ctx, &list, `
		SELECT id, host, activity_id, signer, body, at, attempts FROM arrivals
		WHERE host = ? AND parked = '' AND (due_at <= ? OR due_at > ?) ORDER BY id LIMIT ?`, host, now, now.Add(longestWait),
		limit)
	return list, err
}

// FinishArrival deletes an arrival that was handled. Call it in the transaction that saves its effect, so that both
// happen or neither.
func (s *Store) FinishArrival(ctx context.Context, id blog.ID) error {
	return s.run(ctx, `DELETE FROM arrivals WHERE id = ?`, id)
}

// CountAttempt counts an attempt before it is made, and sets when the next one is due. So an arrival that kills the
// process is not tried for ever.
func (s *Store) CountAttempt(ctx context.Context, id blog.ID, next time.Time) error {
	return s.run(ctx, `UPDATE arrivals SET attempts = attempts + 1, due_at = ? WHERE id = ?`, next, id)
}

// UncountAttempt takes back what CountAttempt wrote, of an attempt that failed because of our own database: the arrival
// is due at once.
func (s *Store) UncountAttempt(ctx context.Context, id blog.ID) error {
	return s.run(ctx, `UPDATE arrivals SET attempts = attempts - 1, due_at = ? WHERE id = ?`, atOnce, id)
}

// ParkArrival stops all attempts at an arrival. reason is for the operator.
func (s *Store) ParkArrival(ctx context.Context, id blog.ID, reason string) error {
	return s.run(ctx, `UPDATE arrivals SET parked = ? WHERE id = ?`, reason, id)
}

// ReleaseCaller ends a claim on a server's arrivals. It returns ErrLost when another process has claimed the server.
func (s *Store) ReleaseCaller(ctx context.Context, c Claim, now time.Time) error {
	defer s.leases.drop("callers", c.Host, c.Claims)
	return s.InTx(ctx, func(s *Store) error {
		var claims int64
		err := s.one(ctx, &claims, `SELECT claims FROM callers WHERE host = ?`+s.sql.lockRow(), c.Host)
		if err != nil {
			return asLost(err)
		}
		if claims != c.Claims {
			return ErrLost
		}
		// waiting covers arrivals that rest, too: the claim looks at when the first of them is due.
		return s.run(ctx, `
			UPDATE callers SET free_at = ?, claims = claims + 1,
				waiting = EXISTS (SELECT 1 FROM arrivals x WHERE x.host = callers.host AND x.parked = ''),
				due_at = (SELECT min(x.due_at) FROM arrivals x WHERE x.host = callers.host AND x.parked = '')
			WHERE host = ?`, now, c.Host)
	})
}

// CountWaiting counts the waiting arrivals and deliveries.
func (s *Store) CountWaiting(ctx context.Context) (arrivals, deliveries int, err error) {
	var n struct{ Arrivals, Deliveries int }
	err = s.one(ctx, &n, `
		SELECT (SELECT count(*) FROM arrivals WHERE parked = '') AS arrivals,
			(SELECT count(*) FROM deliveries WHERE settled_at IS NULL) AS deliveries`)
	return n.Arrivals, n.Deliveries, err
}
