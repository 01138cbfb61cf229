package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Seen notes that something with this address came from this actor; false when it was noted before. Kinds besides the
// activity's own are "undone" and "deleted": marks for what is taken back before it came.
func (s *Store) Seen(ctx context.Context, actor, activity, kind string, now time.Time) (first bool, err error) {
	n, err := s.exec(ctx, `INSERT INTO seen (actor, activity_id, kind, at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
		actor, activity, kind, now)
	return n == 1, err
}

// WasSeen tells under which kind something from this actor was noted; blog.ErrNotFound when it was not.
func (s *Store) WasSeen(ctx context.Context, actor, activity string) (kind string, at time.Time, err error) {
	var mark struct {
		Kind string
		At   time.Time
	}
	err = s.one(ctx, &mark, `SELECT kind, at FROM seen WHERE actor = ? AND activity_id = ?`, actor, activity)
	return mark.Kind, mark.At, err
}

// longestWait bounds when an arrival is due that was tried: one further ahead comes from a clock that was set back.
const longestWait = 4 * time.Hour

// atOnce is when an arrival is due that was not tried yet: always, whatever the clock says later.
var atOnce = time.Unix(0, 0)

// AddArrival writes an arrival down to be worked through. The same activity of the same signer is kept once.
func (s *Store) AddArrival(ctx context.Context, a blog.Arrival) error {
	return s.InTx(ctx, func(s *Store) error {
		err := s.run(ctx, `
			INSERT INTO arrivals (id, host, activity_id, signer, body, at, due_at) VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT
			DO NOTHING`,
			a.ID, a.Host, a.ActivityID, a.Signer, a.Body, a.At, atOnce)
		if err != nil {
			return err
		}
		return s.run(ctx, `
			INSERT INTO callers (host, waiting, free_at) VALUES (?, TRUE, ?) ON CONFLICT (host) DO UPDATE SET waiting = TRUE`,
			a.Host, a.At)
	})
}

// CallerState is how it stands with a server that writes to us.
type CallerState struct {
	Queued  bool // earlier arrivals of it are due, so that later ones must queue behind them
	Resting bool // we let it rest since it was silent when we wrote
}

// CallerState tells how it stands with a server.
func (s *Store) CallerState(ctx context.Context, host string, now time.Time) (CallerState, error) {
	var st CallerState
	return st, s.one(ctx, &st, `
		SELECT EXISTS (SELECT 1 FROM arrivals WHERE host = ? AND parked = '' AND (due_at <= ? OR due_at > ?)) AS queued,
			EXISTS (SELECT 1 FROM peers WHERE host = ? AND failures > 0 AND free_at > ?) AS resting`, host, now,
		now.Add(longestWait), host, now)
}

// Arrivals lists a server's due arrivals in the order of their coming.
func (s *Store) Arrivals(ctx context.Context, host string, now time.Time, limit int) ([]blog.Arrival, error) {
	var list []blog.Arrival
	return list, s.all(ctx, &list, `
		SELECT id, host, activity_id, signer, body, at, attempts FROM arrivals
		WHERE host = ? AND parked = '' AND (due_at <= ? OR due_at > ?) ORDER BY id LIMIT ?`, host, now, now.Add(longestWait),
		limit)
}

// FinishArrival ends an arrival that has been worked through. Call it in the transaction of its effect.
func (s *Store) FinishArrival(ctx context.Context, id blog.ID) error {
	return s.run(ctx, `DELETE FROM arrivals WHERE id = ?`, id)
}

// AttemptArrival counts an attempt at an arrival before it is made, so that one that kills the process is not tried for
// ever; until it is done, the next attempt is due at the given time.
func (s *Store) AttemptArrival(ctx context.Context, id blog.ID, next time.Time) error {
	return s.run(ctx, `UPDATE arrivals SET attempts = attempts + 1, due_at = ? WHERE id = ?`, next, id)
}

// ParkArrival sets an arrival aside for good, with the reason for the operator.
func (s *Store) ParkArrival(ctx context.Context, id blog.ID, reason string) error {
	return s.run(ctx, `UPDATE arrivals SET parked = ? WHERE id = ?`, reason, id)
}

// ReleaseCaller ends a claim on a server's arrivals, as Release does for deliveries.
func (s *Store) ReleaseCaller(ctx context.Context, c Claim, now time.Time) error {
	defer s.leases.drop("callers", c.Host, c.Claims)
	return s.InTx(ctx, func(s *Store) error {
		var claims int64
		err := s.one(ctx, &claims, `SELECT claims FROM callers WHERE host = ?`+s.sql.lockRow(), c.Host)
		if err != nil {
			return lost(err)
		}
		if claims != c.Claims {
			return ErrLost
		}
		return s.run(ctx, `
			UPDATE callers SET free_at = ?, claims = claims + 1, waiting = EXISTS (SELECT 1 FROM arrivals x WHERE x.host =
			callers.host AND x.parked = '')
			WHERE host = ?`, now, c.Host)
	})
}

// CountWaiting returns how many arrivals and deliveries wait, for the health page.
func (s *Store) CountWaiting(ctx context.Context) (arrivals, deliveries int, err error) {
	var n struct{ Arrivals, Letters int }
	err = s.one(ctx, &n, `
		SELECT (SELECT count(*) FROM arrivals WHERE parked = '') AS arrivals,
			(SELECT count(*) FROM deliveries WHERE settled_at IS NULL) AS letters`)
	return n.Arrivals, n.Letters, err
}
