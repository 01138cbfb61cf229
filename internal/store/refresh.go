package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

const (
	// RefreshEvery is how old our copy of an actor may become before it is fetched again.
	RefreshEvery = 7 * 24 * time.Hour
	// checkAfter is how soon the handle of a new actor is verified.
	checkAfter = time.Minute
)

// refreshAt is when an actor that was fetched now is fetched again.
func refreshAt(a blog.Actor) time.Time {
	// To verify a handle takes a WebFinger request. A job does that soon, so that accepting an activity need not wait.
	if a.HandleCheckedAt == nil {
		return a.FetchedAt.Add(checkAfter)
	}
	return a.FetchedAt.Add(RefreshEvery)
}

// DueActors lists at most limit actors that are due to be fetched, longest due first.
func (s *Store) DueActors(ctx context.Context, now time.Time, limit int) ([]blog.Actor, error) {
	var list []blog.Actor
	return list, s.all(ctx, &list, `SELECT `+actorColumns+
		` FROM actors p WHERE p.refresh_at <= ? AND p.gone_at IS NULL ORDER BY p.refresh_at LIMIT ?`, now, limit)
}

// IsReferenced reports whether a follow, a comment or a reaction refers to an actor.
func (s *Store) IsReferenced(ctx context.Context, actor string) (bool, error) {
	var yes bool
	return yes, s.one(ctx, &yes, `
		SELECT EXISTS (SELECT 1 FROM followers WHERE actor_id = ?) OR EXISTS (SELECT 1 FROM following WHERE actor_id = ?)
			OR EXISTS (SELECT 1 FROM comments WHERE actor_id = ?) OR EXISTS (SELECT 1 FROM reactions WHERE actor_id = ?)`, actor,
		actor, actor, actor)
}

// RefreshAt sets when an actor is fetched again.
func (s *Store) RefreshAt(ctx context.Context, actor string, at time.Time) error {
	return s.run(ctx, `UPDATE actors SET refresh_at = ? WHERE id = ?`, at, actor)
}

// RefreshSoon makes an actor due now.
func (s *Store) RefreshSoon(ctx context.Context, actor string, now time.Time) error {
	return s.run(ctx, `UPDATE actors SET refresh_at = ? WHERE id = ? AND refresh_at > ?`, now, actor, now)
}

// FoundSilent records that an actor's server did not answer. The first such time is kept.
func (s *Store) FoundSilent(ctx context.Context, actor string, now, again time.Time) error {
	return s.run(ctx, `UPDATE actors SET silent_since = COALESCE(silent_since, ?), refresh_at = ? WHERE id = ?`, now,
		again, actor)
}

// SaveHandle saves an actor's handle and when it was verified, nil when that failed.
func (s *Store) SaveHandle(ctx context.Context, actor, handle string, checked *time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `UPDATE actors SET handle = ? WHERE id = ? AND handle <> ?`, handle, actor, handle)
		if err != nil {
			return err
		}
		// Most checks confirm the handle. They must not make the cached pages stale.
		if n > 0 {
			s.markChanged()
		}
		return s.run(ctx, `UPDATE actors SET handle_checked_at = ? WHERE id = ?`, checked, actor)
	})
}

// SeemsGone records that a server reports an actor as deleted, and when to check that again. Nothing is deleted yet.
func (s *Store) SeemsGone(ctx context.Context, actor string, now, confirm time.Time) error {
	return s.run(ctx, `UPDATE actors SET gone_at = ?, confirm_at = ? WHERE id = ? AND gone_at IS NULL`, now, confirm,
		actor)
}

// DueDepartures lists at most limit actors whose apparent deletion is due to be checked.
func (s *Store) DueDepartures(ctx context.Context, now time.Time, limit int) ([]blog.Actor, error) {
	var list []blog.Actor
	return list, s.all(ctx, &list, `SELECT `+actorColumns+
		` FROM actors p WHERE p.confirm_at <= ? ORDER BY p.confirm_at LIMIT ?`, now, limit)
}

// ConfirmAt sets when an apparent deletion is checked again.
func (s *Store) ConfirmAt(ctx context.Context, actor string, at time.Time) error {
	return s.run(ctx, `UPDATE actors SET confirm_at = ? WHERE id = ? AND confirm_at IS NOT NULL`, at, actor)
}

// StillThere cancels what SeemsGone recorded.
func (s *Store) StillThere(ctx context.Context, actor string) error {
	return s.run(ctx, `UPDATE actors SET gone_at = NULL, confirm_at = NULL WHERE id = ? AND confirm_at IS NOT NULL`, actor)
}

// UnaskedPeers lists at most limit answering servers whose software is due to be asked for, unknown ones first.
func (s *Store) UnaskedPeers(ctx context.Context, now time.Time, limit int) ([]string, error) {
	var hosts []string
	return hosts, s.all(ctx, &hosts, `
		SELECT host FROM peers WHERE failures = 0 AND last_success IS NOT NULL AND (software_due IS NULL OR software_due <= ?)
		ORDER BY software_due IS NOT NULL, software_due, host LIMIT ?`, now, limit)
}

// SaveSoftware saves the software that a server reports ("" keeps the last answer), and when it is asked again.
func (s *Store) SaveSoftware(ctx context.Context, host, software string, again time.Time) error {
	return s.run(ctx, `UPDATE peers SET software = CASE WHEN ? = '' THEN software ELSE ? END, software_due = ? WHERE
		host = ?`, software, software, again, host)
}

// ActorKeys lists the public keys of an actor.
func (s *Store) ActorKeys(ctx context.Context, actor string) ([]blog.ActorKey, error) {
	var list []blog.ActorKey
	return list, s.all(ctx, &list, `SELECT actor_id, key_id, pem FROM actor_keys WHERE actor_id = ? ORDER BY key_id`,
		actor)
}

// NewOwner records that an actor's address may belong to somebody else now. The new owner follows nobody here, and
// cannot change the earlier posts.
func (s *Store) NewOwner(ctx context.Context, actor, mark string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		if err := s.run(ctx, `DELETE FROM followers WHERE actor_id = ?`, actor); err != nil {
			return err
		}
		// Posts keep the mark of their writer. An edit or a deletion is accepted only with the same mark.
		return s.execOne(ctx, `UPDATE actors SET key_mark = ? WHERE id = ?`, mark, actor)
	})
}
