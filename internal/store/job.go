package store

import (
	"context"
	"errors"
	"time"
)

// ClaimJob claims a periodic job if it is due, and sets when it is due again. It returns false when the job is not
// due, which includes that another process claimed it. An unknown job is due at once.
func (s *Store) ClaimJob(ctx context.Context, name string, now time.Time, every time.Duration) (bool, error) {
	// A job that is due later than this claim would make it was claimed before the clock was set back. It is due now.
	n, err := s.exec(ctx, `
		INSERT INTO chores (name, due_at, claims, process) VALUES (?, ?, 1, ?)
		ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at, claims = chores.claims + 1, process = excluded.process
		WHERE chores.due_at <= ? OR chores.due_at > ?`, name, now.Add(every), s.name, now, now.Add(every+time.Minute))
	return n == 1, err
}

// Forget deletes old rows that would otherwise pile up for ever. It tries all deletions and returns all errors.
func (s *Store) Forget(ctx context.Context, now time.Time) error {
	month, year := now.AddDate(0, 0, -31), now.AddDate(-1, 0, 0)
	var failed []error
	for _, old := range []struct {
		query string
		args  []any
	}{
		{`DELETE FROM seen WHERE at < ?`, []any{month}},
		// A guess from the future was counted before the clock was set back. It would count until that time comes.
		{`DELETE FROM guesses WHERE at < ? OR at > ?`, []any{now.Add(-time.Hour), now.Add(time.Minute)}},
		{`DELETE FROM sign_ins WHERE expires_at < ?`, []any{now.Add(-endedFor)}},
		{`DELETE FROM known_browsers WHERE seen_at < ?`, []any{year}},
		{`DELETE FROM links WHERE expires_at < ?`, []any{now}},
		{`DELETE FROM arrivals WHERE parked <> '' AND at < ?`, []any{month}},
		// Deliveries about an article are its report and stay. A failed Accept stays too: the doctor lists its follower as
		// unconfirmed (UnconfirmedFollowers).
		{`DELETE FROM deliveries WHERE settled_at < ? AND activity_id IN (SELECT id FROM activities WHERE object_id = '')
			AND (status = 'delivered' OR NOT EXISTS (SELECT 1 FROM followers f WHERE f.accept_id = deliveries.activity_id
				AND f.accept_id <> ''))`, []any{month}},
		// This follows the deletion above, which leaves activities without any delivery.
		{`DELETE FROM activities WHERE at < ? AND object_id = '' AND NOT EXISTS (SELECT 1 FROM deliveries d
			WHERE d.activity_id = activities.id)`, []any{month}},
		{`DELETE FROM reports WHERE resolved_at < ? OR direction = 'out' AND at < ?`, []any{year, year}},
		{`DELETE FROM authorizations WHERE kind = 'feature' AND state IN ('refused', 'revoked') AND at < ?`, []any{year}},
		{`DELETE FROM callers WHERE NOT waiting AND free_at < ?`, []any{month}},
		{`DELETE FROM missing_inboxes WHERE last_on < ?`, []any{month.UTC().Format(time.DateOnly)}},
		{forgetSchemes, []any{month}},
	} {
		// One deletion that fails must not keep the others from running: they do not depend on each other.
		failed = append(failed, s.run(ctx, old.query, old.args...))
	}
	return errors.Join(append(failed, s.deleteUnusedActors(ctx, month))...)
}

// unusedActor is the condition of an actor p that nothing here refers to. Verifying signatures fetches the keys of many
// such actors.
const unusedActor = `NOT EXISTS (SELECT 1 FROM followers x WHERE x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM following x WHERE x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM reports x WHERE x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM comments x WHERE x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM reactions x WHERE x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM authorizations x WHERE x.actor_id = p.id)`

// actorsOnce is how many actors deleteUnusedActors looks at, and deletes, in one step.
const actorsOnce = 1000

// deleteUnusedActors goes through all actors in small steps. Only a step that deletes something writes.
func (s *Store) deleteUnusedActors(ctx context.Context, before time.Time) error {
	for last := ""; ; {
		var ids []string
		err := s.all(ctx, &ids, `SELECT id FROM actors WHERE id > ? ORDER BY id LIMIT ?`, last, actorsOnce)
		if err != nil || len(ids) == 0 {
			return err
		}
		first := last
		last = ids[len(ids)-1]
		const old = ` FROM actors p WHERE p.id > ? AND p.id <= ? AND p.fetched_at < ? AND (p.gone_at IS NULL OR p.gone_at < ?)
			AND ` + unusedActor
		args := []any{first, last, before, before}
		var unused []string
		if err := s.all(ctx, &unused, `SELECT p.id`+old, args...); err != nil {
			return err
		}
		if len(unused) == 0 {
			continue
		}
		err = s.InTx(ctx, func(s *Store) error {
			// The keys go first: without the actors, the query would no longer find them.
			if err := s.run(ctx, `DELETE FROM actor_keys WHERE actor_id IN (SELECT p.id`+old+`)`, args...); err != nil {
				return err
			}
			return s.run(ctx, `DELETE FROM actors WHERE id IN (SELECT p.id`+old+`)`, args...)
		})
		if err != nil {
			return err
		}
	}
}
