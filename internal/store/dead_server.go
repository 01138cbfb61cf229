package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// deadSince returns the cutoffs after which a server counts as dead, the arguments of [dead]: unavailable since (which
// itself takes seven days), and the last answer and the last contact, each a month ago.
func deadSince(now time.Time) []any {
	month := now.Add(-blog.SilentMonth)
	return []any{month.Add(blog.Patience), month, month}
}

// dead is the query for the servers that have been silent for a month.
const dead = `SELECT p.host FROM peers p WHERE p.failures > 0 AND p.unavailable_since <= ?
	AND (p.last_success IS NULL OR p.last_success <= ?) AND (p.last_heard IS NULL OR p.last_heard <= ?)`

// followersOnce is how many followers change in one transaction, so that SQLite's only writer is not held for long.
const followersOnce = 2000

// SuspendDead sets aside the followers on dead servers, and brings back those whose servers are no longer dead. It
// returns how many of each. It commits as it goes.
func (s *Store) SuspendDead(ctx context.Context, now time.Time) (aside, back int64, err error) {
	var dying, living []string
	err = s.all(ctx, &dying, `SELECT DISTINCT f.host FROM follower_servers f WHERE f.state = 'accepted' AND f.host IN (`+
		dead+`)`, deadSince(now)...)
	if err != nil {
		return 0, 0, err
	}
	err = s.all(ctx, &living, `SELECT DISTINCT f.host FROM follower_servers f WHERE f.state = 'aside' AND f.host NOT IN (`+
		dead+`)`, deadSince(now)...)
	if err != nil {
		return 0, 0, err
	}
	for _, host := range dying {
		n, err := s.suspend(ctx, host, true, now)
		if aside += n; err != nil {
			return aside, back, err
		}
	}
	for _, host := range living {
		n, err := s.suspend(ctx, host, false, now)
		if back += n; err != nil {
			return aside, back, err
		}
	}
	return aside, back, nil
}

// suspend sets aside the followers whose mailboxes are on a dead server, or brings them back when it is not dead, in
// bounded transactions.
func (s *Store) suspend(ctx context.Context, host string, isDead bool, now time.Time) (moved int64, err error) {
	from, to, not := "aside", "accepted", `NOT `
	if isDead {
		from, to, not = "accepted", "aside", ""
	}
	// Whether the server is dead is asked again: it may have spoken meanwhile.
	statement := `UPDATE followers SET state = ? WHERE (voice_id, actor_id) IN (
		SELECT f.voice_id, f.actor_id FROM actors a JOIN followers f ON f.actor_id = a.id
		WHERE a.mail_host = ? AND f.state = ? AND ` + not + `EXISTS (` + dead + ` AND p.host = a.mail_host) LIMIT ?)`
	for {
		var n int64
		err = s.InTx(ctx, func(s *Store) (err error) {
			args := append(append([]any{to, host, from}, deadSince(now)...), followersOnce)
			n, err = s.exec(ctx, statement, args...)
			if n > 0 {
				s.markChanged()
			}
			return err
		})
		if moved += n; err != nil || n < followersOnce {
			return moved, err
		}
	}
}

// ResumeFollowers brings back the followers on a server that is active again.
func (s *Store) ResumeFollowers(ctx context.Context, host string) error {
	// Each contact comes here, and mostly nobody is set aside. The counts say so without a look at the followers.
	var aside int
	err := s.one(ctx, &aside, `SELECT count(*) FROM (
		SELECT 1 FROM follower_servers WHERE state = 'aside' AND host = ? LIMIT 1) AS x`, host)
	if err != nil {
		return err
	}
	// The inbox of an actor may be on another host than its id. There are few of these.
	whose := []string{`a.host = ? AND a.mail_host <> a.host`}
	if aside > 0 {
		whose = append(whose, `a.mail_host = ?`)
	}
	for _, condition := range whose {
		n, err := s.exec(ctx, `UPDATE followers SET state = 'accepted' WHERE state = 'aside'
			AND actor_id IN (SELECT a.id FROM actors a WHERE `+condition+`)`, host)
		if err != nil {
			return err
		}
		if n > 0 {
			s.markChanged()
		}
	}
	return nil
}

// AsideServer is a dead server whose followers are set aside.
type AsideServer struct {
	Host        string
	Software    string
	Followers   int
	LastSuccess *time.Time // when it answered last; nil when it never did
	LastHeard   *time.Time // when it last sent us something; nil when it never did
	GivenUpAt   *time.Time
}

// SilentSince is when the server last answered or sent us something; nil if it never did.
func (a AsideServer) SilentSince() *time.Time {
	if a.LastHeard != nil && (a.LastSuccess == nil || a.LastHeard.After(*a.LastSuccess)) {
		return a.LastHeard
	}
	return a.LastSuccess
}

// AsideServers lists the servers whose followers of a voice ("" for all voices) are set aside, those with the most
// followers first; at most 200.
func (s *Store) AsideServers(ctx context.Context, voice blog.ID) ([]AsideServer, error) {
	var list []AsideServer
	err := s.all(ctx, &list, `
		SELECT p.host, p.software, p.last_success, p.last_heard, p.unavailable_since AS given_up_at, f.followers
		FROM (SELECT host, sum(n) AS followers FROM follower_servers WHERE state = 'aside' AND (voice_id = ? OR ? = '')
			GROUP BY host ORDER BY sum(n) DESC, host LIMIT 200) AS f JOIN peers p ON p.host = f.host
		ORDER BY f.followers DESC, p.host`, voice, voice)
	return list, err
}

// RetryDead gives a dead server another month. Its followers of a voice ("" for all voices) are followers again and
// get what they missed. It returns blog.ErrNotFound when none were set aside.
func (s *Store) RetryDead(ctx context.Context, voice blog.ID, host string, now time.Time) error {
	return s.changeSuspended(ctx, `UPDATE followers SET state = 'accepted'`, voice, host, func(s *Store) error {
		if err := s.reviveDeliveries(ctx, host, now); err != nil {
			return err
		}
		// This comes after reviveDeliveries, because waiting depends on the revived deliveries.
		return s.run(ctx, `
			UPDATE peers SET failures = 0, failing_days = 0, failed_on = '', failing_since = NULL, unavailable_since = NULL,
			free_at = ?, freed_at = ?,
				waiting = `+ready+` WHERE host = ?`, now, now, host)
	})
}

// DropSuspended removes the followers of a voice ("" for all voices) that are set aside on a server. It returns
// blog.ErrNotFound when there are none.
func (s *Store) DropSuspended(ctx context.Context, voice blog.ID, host string) error {
	return s.changeSuspended(ctx, `DELETE FROM followers`, voice, host, func(*Store) error { return nil })
}

// changeSuspended runs a statement on the followers of a voice that are set aside on a server, and then the function
// and.
func (s *Store) changeSuspended(ctx context.Context, what string, voice blog.ID, host string,
	and func(*Store) error) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		err := s.execOne(ctx, what+`
			WHERE state = 'aside' AND (voice_id = ? OR ? = '') AND actor_id IN (SELECT a.id FROM actors a WHERE a.mail_host =
			?)`, voice, voice, host)
		if err != nil {
			return err
		}
		return and(s)
	})
}
