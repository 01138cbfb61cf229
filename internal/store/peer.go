package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// RemoveInbox deletes the followers whose own inbox answered 410 to a delivery of a voice. It leaves a shared inbox
// alone: the server may have moved it, and its actors may still exist. Of a voice that is deleted, the answer changes
// nothing: GoToSocial says 410 when the key that signed is gone.
func (s *Store) RemoveInbox(ctx context.Context, inbox string, voice blog.ID) error {
	return s.InTx(ctx, func(s *Store) error {
		return ignoreMissing(s.changeFollows(ctx, `DELETE FROM followers WHERE actor_id IN (SELECT id FROM actors WHERE
			inbox = ? AND shared_inbox <> inbox) AND EXISTS (SELECT 1 FROM voices WHERE id = ? AND retired_at IS NULL)`,
			inbox, voice))
	})
}

// SilentPeers lists at most 200 servers that are silent or answered 429, the ones with most failures first. Servers
// that answer but refuse an author's deliveries are Refusals.
func (s *Store) SilentPeers(ctx context.Context) ([]Peer, error) {
	var list []Peer
	err := s.all(ctx, &list, `
		SELECT p.host, p.failures, p.failing_days, p.last_success, p.free_at, p.software, p.unavailable_since,
			(SELECT count(*) FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL) AS deliveries,
			p.failing_since IS NULL AND EXISTS (SELECT 1 FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL AND
			d.code = 429) AS patient
		FROM peers p WHERE p.failures > 0 ORDER BY p.failures DESC, p.host LIMIT 200`)
	return list, err
}

// ReachedPeer reports whether any server ever accepted a delivery.
func (s *Store) ReachedPeer(ctx context.Context) (bool, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM (SELECT 1 FROM peers WHERE last_success IS NOT NULL LIMIT 1) reached`)
	return n > 0, err
}

// CountSilentPeers counts the servers in trouble for which deliveries wait, at most 1,000.
func (s *Store) CountSilentPeers(ctx context.Context) (SilentCount, error) {
	var n SilentCount
	// waiting is kept, so no delivery is read, but for servers that answered.
	err := s.one(ctx, &n, `
		SELECT count(*) - COALESCE(sum(patient), 0) AS silent, COALESCE(sum(patient), 0) AS patient FROM (
			SELECT CASE WHEN p.failing_since IS NULL AND EXISTS (
				SELECT 1 FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL AND d.code = 429) THEN 1 ELSE 0 END AS
				patient
			FROM peers p WHERE p.waiting AND p.failures > 0 LIMIT ?) AS x`, mostSilent)
	n.More = n.Silent+n.Patient == mostSilent
	return n, err
}

// mostSilent is how many servers CountSilentPeers counts.
const mostSilent = 1000

// SilentCount counts servers for which deliveries wait.
type SilentCount struct {
	Silent  int  // no answer
	Patient int  // answered 429
	More    bool // there may be more of both
}

// Peer is a server that we deliver to.
type Peer struct {
	Host        string
	Failures    int
	FailingDays int
	LastSuccess *time.Time
	FreeAt      time.Time
	Software    string
	Deliveries  int  // waiting for it
	Patient     bool // it answered 429: it asks for no deliveries until FreeAt

	UnavailableSince *time.Time // since when it is given up, with all its deliveries
}

// missingDays is on how many days an inbox must answer 404 before its actors are fetched again.
const missingDays = 3

// InboxMissing records that an inbox answered 404 today. On the third such day it makes the actors behind the inbox
// due, and starts counting again.
func (s *Store) InboxMissing(ctx context.Context, inbox string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		// Days are counted, not answers: a server that is set up wrongly for an hour may answer many deliveries with 404.
		today, cutoff := now.UTC().Format("2006-01-02"), now.UTC().AddDate(0, 0, -missingDays).Format("2006-01-02")
		var days int
		// The count starts again after a gap of more than three days: the 404s are then not of one cause.
		err := s.one(ctx, &days, `
			INSERT INTO missing_inboxes (inbox, days, last_on) VALUES (?, 1, ?)
			ON CONFLICT (inbox) DO UPDATE SET last_on = excluded.last_on, days = CASE
				WHEN missing_inboxes.last_on < ? THEN 1
				WHEN missing_inboxes.last_on < excluded.last_on THEN missing_inboxes.days + 1
				ELSE missing_inboxes.days END
			RETURNING days`, inbox, today, cutoff)
		if err != nil || days < missingDays {
			return err
		}
		if err := s.run(ctx, `DELETE FROM missing_inboxes WHERE inbox = ?`, inbox); err != nil {
			return err
		}
		return s.RecheckActorsOf(ctx, inbox, now)
	})
}

// RecheckActorsOf makes the followers behind an inbox due for fetching: do they still exist, and where?
func (s *Store) RecheckActorsOf(ctx context.Context, inbox string, now time.Time) error {
	return s.run(ctx, `
		UPDATE actors SET refresh_at = ? WHERE (mailbox = ? OR inbox = ?) AND gone_at IS NULL AND refresh_at > ?
		AND id IN (SELECT actor_id FROM followers)`, now, inbox, inbox, now)
}

// TooLarge saves the size of a delivery that a server refused for its size. The smallest such size is kept.
func (s *Store) TooLarge(ctx context.Context, host string, bytes int) error {
	return s.run(ctx, `UPDATE peers SET too_large = ? WHERE host = ? AND (too_large = 0 OR too_large > ?)`, bytes, host,
		bytes)
}

// UnaskedPeers lists at most limit answering servers whose software is due to be asked for, unknown ones first.
func (s *Store) UnaskedPeers(ctx context.Context, now time.Time, limit int) ([]string, error) {
	// Two queries, each of which reads a range of an index in its order and stops at the limit.
	const answering = `SELECT host FROM peers WHERE failures = 0 AND last_success IS NOT NULL AND `
	var unknown, due []string
	err := s.all(ctx, &unknown, answering+`software_due IS NULL ORDER BY host LIMIT ?`, limit)
	if err != nil || len(unknown) == limit {
		return unknown, err
	}
	err = s.all(ctx, &due, answering+`software_due <= ? ORDER BY software_due, host LIMIT ?`, now, limit-len(unknown))
	return append(unknown, due...), err
}

// SaveSoftware saves the software that a server reports ("" keeps the last answer), and when it is asked again.
func (s *Store) SaveSoftware(ctx context.Context, host, software string, again time.Time) error {
	return s.run(ctx, `UPDATE peers SET software = CASE WHEN ? = '' THEN software ELSE ? END, software_due = ? WHERE
		host = ?`, software, software, again, host)
}
