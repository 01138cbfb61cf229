package store

import (
	"context"
	"errors"
	"time"
)

// ClaimJob takes a periodic job if it is due, and makes it due again after the given time; false when another process
// has it or it is not due. A job nobody knew of is due at once, and so is one that is due later than a claim of now
// would make it, since the clock was set back.
func (s *Store) ClaimJob(ctx context.Context, name string, now time.Time, every time.Duration) (bool, error) {
	n, err := s.exec(ctx, `
		INSERT INTO chores (name, due_at, claims) VALUES (?, ?, 1)
		ON CONFLICT (name) DO UPDATE SET due_at = excluded.due_at, claims = chores.claims + 1
		WHERE chores.due_at <= ? OR chores.due_at > ?`, name, now.Add(every), now, now.Add(every+time.Minute))
	return n == 1, err
}

// Forget ends what must not grow for ever: old dedupe marks, reports that were done with a year ago, guesses, sign-ins
// and links, browsers in which nobody signed in for a year, and once they are a month old, deliveries that belong to no
// article, and people and servers elsewhere with whom nothing ties us.
func (s *Store) Forget(ctx context.Context, now time.Time) error {
	month := now.AddDate(0, 0, -31)
	return errors.Join(
		s.run(ctx, `DELETE FROM seen WHERE at < ?`, month),
		// Ahead of now they are from before the clock was set back.
		s.run(ctx, `DELETE FROM guesses WHERE at < ? OR at > ?`, now.Add(-time.Hour), now.Add(time.Minute)),
		s.run(ctx, `DELETE FROM sign_ins WHERE expires_at < ?`, now),
		s.run(ctx, `DELETE FROM known_browsers WHERE seen_at < ?`, now.AddDate(-1, 0, 0)),
		s.run(ctx, `DELETE FROM links WHERE expires_at < ?`, now),
		s.run(ctx, `DELETE FROM arrivals WHERE parked <> '' AND at < ?`, month),
		s.run(ctx, `
			DELETE FROM deliveries WHERE settled_at < ? AND activity_id IN (SELECT id FROM activities WHERE object_id = '')
				AND (status = 'delivered' OR activity_id NOT IN (SELECT accept_id FROM followers))`, month),
		s.run(ctx, `DELETE FROM activities WHERE at < ? AND object_id = '' AND NOT EXISTS (SELECT 1 FROM deliveries d
			WHERE d.activity_id = activities.id)`, month),
		s.run(ctx, `DELETE FROM reports WHERE resolved_at < ? OR direction = 'out' AND at < ?`, now.AddDate(-1, 0, 0),
			now.AddDate(-1, 0, 0)),
		s.run(ctx, `DELETE FROM callers WHERE NOT waiting AND free_at < ?`, month),
		s.run(ctx, `DELETE FROM missing_inboxes WHERE last_on < ?`, month.UTC().Format("2006-01-02")),
		s.run(ctx, forgetSchemes, month),
		s.forgetStrangers(ctx, month),
	)
}

// strangers are actors that nothing of ours points to. Keys were fetched of many more people than ever said a word
// here.
const strangers = `SELECT p.id FROM actors p WHERE p.fetched_at < ? AND (p.gone_at IS NULL OR p.gone_at < ?)
	AND NOT EXISTS (SELECT 1 FROM followers x WHERE x.actor_id = p.id) AND NOT EXISTS (SELECT 1 FROM following x WHERE
	x.actor_id = p.id)
	AND NOT EXISTS (SELECT 1 FROM reports x WHERE x.actor_id = p.id) AND NOT EXISTS (SELECT 1 FROM comments x WHERE
	x.actor_id = p.id) AND NOT EXISTS (SELECT 1 FROM reactions x WHERE x.actor_id = p.id)`

func (s *Store) forgetStrangers(ctx context.Context, before time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		return errors.Join(
			s.run(ctx, `DELETE FROM actor_keys WHERE actor_id IN (`+strangers+`)`, before, before),
			s.run(ctx, `DELETE FROM actors WHERE id IN (`+strangers+`)`, before, before))
	})
}
