package store

import (
	"context"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

const (
	// RefreshEvery is how old our copy of an actor may become before it is fetched again.
	RefreshEvery = 7 * 24 * time.Hour
	// checkAfter is how soon the handle of a new actor is verified.
	checkAfter = time.Minute
)

// refreshAt returns when an actor that was fetched now is due to be fetched again.
func refreshAt(a blog.Actor) time.Time {
	// A new handle needs a WebFinger request. The refresh job makes it soon, so that the activity need not wait for it.
	if a.HandleCheckedAt == nil {
		return a.FetchedAt.Add(checkAfter)
	}
	return a.FetchedAt.Add(RefreshEvery)
}

// DueActors lists at most limit actors that are due to be fetched, longest due first.
func (s *Store) DueActors(ctx context.Context, now time.Time, limit int) ([]blog.Actor, error) {
	var list []blog.Actor
	err := s.all(ctx, &list, `SELECT `+actorColumns+
		` FROM actors p WHERE p.refresh_at <= ? AND p.gone_at IS NULL ORDER BY p.refresh_at LIMIT ?`, now, limit)
	return list, err
}

// IsReferenced reports whether a follow, a comment, a reaction or an authorization refers to an actor.
func (s *Store) IsReferenced(ctx context.Context, actor string) (bool, error) {
	var yes bool
	err := s.one(ctx, &yes, `
		SELECT EXISTS (SELECT 1 FROM followers WHERE actor_id = ?) OR EXISTS (SELECT 1 FROM following WHERE actor_id = ?)
			OR EXISTS (SELECT 1 FROM comments WHERE actor_id = ?) OR EXISTS (SELECT 1 FROM reactions WHERE actor_id = ?)
			OR EXISTS (SELECT 1 FROM authorizations WHERE actor_id = ?)`, actor, actor, actor, actor, actor)
	return yes, err
}

// RefreshAt sets when an actor is fetched again.
func (s *Store) RefreshAt(ctx context.Context, actor string, at time.Time) error {
	return s.run(ctx, `UPDATE actors SET refresh_at = ? WHERE id = ?`, at, actor)
}

// RefreshSoon makes an actor due now.
func (s *Store) RefreshSoon(ctx context.Context, actor string, now time.Time) error {
	return s.run(ctx, `UPDATE actors SET refresh_at = ? WHERE id = ? AND refresh_at > ?`, now, actor, now)
}

// MarkActorSilent saves that an actor's server did not answer, and when to try again. silent_since keeps the first
// such time.
func (s *Store) MarkActorSilent(ctx context.Context, actor string, now, again time.Time) error {
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
			s.mark(changes.Actor(actor))
		}
		return s.run(ctx, `UPDATE actors SET handle_checked_at = ? WHERE id = ?`, checked, actor)
	})
}

// MarkMaybeGone saves that a server reports an actor as deleted, and when to check that again. Nothing is deleted
// yet.
func (s *Store) MarkMaybeGone(ctx context.Context, actor string, now, confirm time.Time) error {
	return s.run(ctx, `UPDATE actors SET gone_at = ?, confirm_at = ? WHERE id = ? AND gone_at IS NULL`, now, confirm,
		actor)
}

// DueGoneChecks lists at most limit actors whose reported deletion is due to be checked.
func (s *Store) DueGoneChecks(ctx context.Context, now time.Time, limit int) ([]blog.Actor, error) {
	var list []blog.Actor
	err := s.all(ctx, &list, `SELECT `+actorColumns+
		` FROM actors p WHERE p.confirm_at <= ? ORDER BY p.confirm_at LIMIT ?`, now, limit)
	return list, err
}

// ConfirmAt sets when a reported deletion is checked again.
func (s *Store) ConfirmAt(ctx context.Context, actor string, at time.Time) error {
	return s.run(ctx, `UPDATE actors SET confirm_at = ? WHERE id = ? AND confirm_at IS NOT NULL`, at, actor)
}

// ClearMaybeGone undoes MarkMaybeGone, because the actor exists.
func (s *Store) ClearMaybeGone(ctx context.Context, actor string) error {
	return s.run(ctx, `UPDATE actors SET gone_at = NULL, confirm_at = NULL WHERE id = ? AND confirm_at IS NOT NULL`, actor)
}
