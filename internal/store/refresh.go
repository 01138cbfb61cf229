package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

const (
	// RefreshEvery is how old what we know of an actor may grow before it is asked for again.
	RefreshEvery = 7 * 24 * time.Hour
	// checkAfter is when the handle of somebody new is looked at.
	checkAfter = time.Minute
)

// refreshAt is when an actor that was fetched just now is asked for again.
func refreshAt(a blog.Actor) time.Time {
	if a.HandleCheckedAt == nil {
		return a.FetchedAt.Add(checkAfter)
	}
	return a.FetchedAt.Add(RefreshEvery)
}

// DueActors lists actors that are to be asked for again, the longest due first, so many at most.
func (s *Store) DueActors(ctx context.Context, now time.Time, limit int) ([]blog.Actor, error) {
	var list []blog.Actor
	return list, s.all(ctx, &list, `SELECT `+actorColumns+
		` FROM actors p WHERE p.refresh_at <= ? AND p.gone_at IS NULL ORDER BY p.refresh_at LIMIT ?`, now, limit)
}

// IsReferenced reports whether anything here points to an actor: a follow, a comment or a reaction.
func (s *Store) IsReferenced(ctx context.Context, actor string) (bool, error) {
	var yes bool
	return yes, s.one(ctx, &yes, `
		SELECT EXISTS (SELECT 1 FROM followers WHERE actor_id = ?) OR EXISTS (SELECT 1 FROM following WHERE actor_id = ?)
			OR EXISTS (SELECT 1 FROM comments WHERE actor_id = ?) OR EXISTS (SELECT 1 FROM reactions WHERE actor_id = ?)`, actor,
		actor, actor, actor)
}

// RefreshAt sets when an actor is asked for again.
func (s *Store) RefreshAt(ctx context.Context, actor string, at time.Time) error {
	return s.run(ctx, `UPDATE actors SET refresh_at = ? WHERE id = ?`, at, actor)
}

// RefreshSoon lets an actor be asked for again as soon as anybody looks.
func (s *Store) RefreshSoon(ctx context.Context, actor string, now time.Time) error {
	return s.run(ctx, `UPDATE actors SET refresh_at = ? WHERE id = ? AND refresh_at > ?`, now, actor, now)
}

// FoundSilent records that an actor's server did not answer. The first such time is kept.
func (s *Store) FoundSilent(ctx context.Context, actor string, now, again time.Time) error {
	return s.run(ctx, `UPDATE actors SET silent_since = COALESCE(silent_since, ?), refresh_at = ? WHERE id = ?`, now,
		again, actor)
}

// SaveHandle writes an actor's handle down, and when it was proven; nil when it could not be.
func (s *Store) SaveHandle(ctx context.Context, actor, handle string, checked *time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `UPDATE actors SET handle = ? WHERE id = ? AND handle <> ?`, handle, actor, handle)
		if err != nil {
			return err
		}
		if n > 0 {
			s.markChanged()
		}
		return s.run(ctx, `UPDATE actors SET handle_checked_at = ? WHERE id = ?`, checked, actor)
	})
}

// SeemsGone notes that an actor's server said that it is gone, and when that is looked at again. Nothing is taken out
// yet.
func (s *Store) SeemsGone(ctx context.Context, actor string, now, confirm time.Time) error {
	return s.run(ctx, `UPDATE actors SET gone_at = ?, confirm_at = ? WHERE id = ? AND gone_at IS NULL`, now, confirm,
		actor)
}

// DueDepartures lists the actors whose departure is to be confirmed by now, so many at most.
func (s *Store) DueDepartures(ctx context.Context, now time.Time, limit int) ([]blog.Actor, error) {
	var list []blog.Actor
	return list, s.all(ctx, &list, `SELECT `+actorColumns+
		` FROM actors p WHERE p.confirm_at <= ? ORDER BY p.confirm_at LIMIT ?`, now, limit)
}

// ConfirmAt sets when a departure is looked at again.
func (s *Store) ConfirmAt(ctx context.Context, actor string, at time.Time) error {
	return s.run(ctx, `UPDATE actors SET confirm_at = ? WHERE id = ? AND confirm_at IS NOT NULL`, at, actor)
}

// StillThere takes back what SeemsGone noted.
func (s *Store) StillThere(ctx context.Context, actor string) error {
	return s.run(ctx, `UPDATE actors SET gone_at = NULL, confirm_at = NULL WHERE id = ? AND confirm_at IS NOT NULL`, actor)
}

// UnaskedPeers lists servers that answer and are to be asked what they run, those that never were first, so many at
// most.
func (s *Store) UnaskedPeers(ctx context.Context, now time.Time, limit int) ([]string, error) {
	var hosts []string
	return hosts, s.all(ctx, &hosts, `
		SELECT host FROM peers WHERE failures = 0 AND last_success IS NOT NULL AND (software_due IS NULL OR software_due <= ?)
		ORDER BY software_due IS NOT NULL, software_due, host LIMIT ?`, now, limit)
}

// SaveSoftware writes down what a server says that it runs, and when it is asked again. One that does not say, "", runs
// what it ran.
func (s *Store) SaveSoftware(ctx context.Context, host, software string, again time.Time) error {
	return s.run(ctx, `UPDATE peers SET software = CASE WHEN ? = '' THEN software ELSE ? END, software_due = ? WHERE
		host = ?`, software, software, again, host)
}

// ActorKeys lists the keys that an actor is known by.
func (s *Store) ActorKeys(ctx context.Context, actor string) ([]blog.ActorKey, error) {
	var list []blog.ActorKey
	return list, s.all(ctx, &list, `SELECT actor_id, key_id, pem FROM actor_keys WHERE actor_id = ? ORDER BY key_id`,
		actor)
}

// NewOwner notes that somebody else may have an actor's address now: they follow nobody, and the words that stand here
// are not theirs to change.
func (s *Store) NewOwner(ctx context.Context, actor, mark string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.run(ctx, `DELETE FROM followers WHERE actor_id = ?`, actor); err != nil {
			return err
		}
		return s.execOne(ctx, `UPDATE actors SET key_mark = ? WHERE id = ?`, mark, actor)
	})
}
