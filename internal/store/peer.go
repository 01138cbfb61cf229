package store

import (
	"context"
	"time"
)

// RemoveInbox forgets the followers whose own inbox answered 410. A shared inbox is left alone: its server may have
// moved it, and its people may still be there.
func (s *Store) RemoveInbox(ctx context.Context, inbox string) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `DELETE FROM followers WHERE actor_id IN (SELECT id FROM actors WHERE inbox = ? AND
			shared_inbox <> inbox)`, inbox)
		if n > 0 {
			s.markChanged()
		}
		return err
	})
}

// SilentPeers lists servers that were silent or asked for patience, the longest first; at most 200. Those that answer
// and do not take what somebody sends are Refusals.
func (s *Store) SilentPeers(ctx context.Context) ([]Peer, error) {
	var list []Peer
	return list, s.all(ctx, &list, `
		SELECT p.host, p.failures, p.failing_days, p.last_success, p.free_at, p.software, p.unavailable_since,
			(SELECT count(*) FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL) AS letters,
			p.failing_since IS NULL AND EXISTS (SELECT 1 FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL AND
			d.code = 429) AS patient
		FROM peers p WHERE p.failures > 0 ORDER BY p.failures DESC, p.host LIMIT 200`)
}

// CountSilentPeers counts the servers for which deliveries wait: those that are silent, and those that asked for
// patience.
func (s *Store) CountSilentPeers(ctx context.Context) (SilentCount, error) {
	var n SilentCount
	// The peers lead: those that fail are few, while the waiting deliveries may be millions.
	return n, s.one(ctx, &n, `
		SELECT count(*) - COALESCE(sum(patient), 0) AS silent, COALESCE(sum(patient), 0) AS patient FROM (
			SELECT CASE WHEN p.failing_since IS NULL AND EXISTS (
				SELECT 1 FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL AND d.code = 429) THEN 1 ELSE 0 END AS
				patient
			FROM peers p WHERE p.failures > 0 AND EXISTS (SELECT 1 FROM deliveries d WHERE d.host = p.host AND d.settled_at
			IS NULL)) waiting`)
}

// SilentCount are numbers of servers for which deliveries wait.
type SilentCount struct {
	Silent  int // they did not answer
	Patient int // they answered, and asked for patience
}

// Peer is a server that we write to.
type Peer struct {
	Host        string
	Failures    int
	FailingDays int
	LastSuccess *time.Time
	FreeAt      time.Time
	Software    string
	Letters     int
	Patient     bool // it answered, and asked to be left alone until FreeAt

	UnavailableSince *time.Time // since when it is given up, with all that is for it
}

// missingDays is on how many days an inbox must have answered 404 before the people behind it are looked at.
const missingDays = 3

// InboxMissing notes that an inbox answered 404 today. On the third such day it lets those behind it be looked at, and
// counts anew.
func (s *Store) InboxMissing(ctx context.Context, inbox string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		today, lately := now.UTC().Format("2006-01-02"), now.UTC().AddDate(0, 0, -missingDays).Format("2006-01-02")
		var days int
		err := s.one(ctx, &days, `
			INSERT INTO missing_inboxes (inbox, days, last_on) VALUES (?, 1, ?)
			ON CONFLICT (inbox) DO UPDATE SET last_on = excluded.last_on, days = CASE
				WHEN missing_inboxes.last_on < ? THEN 1
				WHEN missing_inboxes.last_on < excluded.last_on THEN missing_inboxes.days + 1
				ELSE missing_inboxes.days END
			RETURNING days`, inbox, today, lately)
		if err != nil || days < missingDays {
			return err
		}
		if err := s.run(ctx, `DELETE FROM missing_inboxes WHERE inbox = ?`, inbox); err != nil {
			return err
		}
		return s.RecheckActorsOf(ctx, inbox, now)
	})
}

// RecheckActorsOf lets the followers whose deliveries come to an inbox be asked for as soon as anybody looks: whether
// they are still there, and where.
func (s *Store) RecheckActorsOf(ctx context.Context, inbox string, now time.Time) error {
	return s.run(ctx, `
		UPDATE actors SET refresh_at = ? WHERE (mailbox = ? OR inbox = ?) AND gone_at IS NULL AND refresh_at > ?
		AND id IN (SELECT actor_id FROM followers)`, now, inbox, inbox, now)
}

// TooLarge remembers how large a delivery was that a server refused for its size. The smallest counts.
func (s *Store) TooLarge(ctx context.Context, host string, bytes int) error {
	return s.run(ctx, `UPDATE peers SET too_large = ? WHERE host = ? AND (too_large = 0 OR too_large > ?)`, bytes, host,
		bytes)
}
