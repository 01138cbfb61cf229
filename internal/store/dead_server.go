package store

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// deadSince is what a server must have been since which moment to count as dead, for [dead]: given up as unavailable, which
// takes seven days, and without an answer or a word of its own for a month.
func deadSince(now time.Time) []any {
	month := now.Add(-blog.SilentMonth)
	return []any{month.Add(blog.Patience), month, month}
}

// dead are the servers that have been silent for a month.
const dead = `SELECT p.host FROM peers p WHERE p.failures > 0 AND p.unavailable_since <= ?
	AND (p.last_success IS NULL OR p.last_success <= ?) AND (p.last_heard IS NULL OR p.last_heard <= ?)`

// SetAside sets the followers of dead servers aside, and brings those back whose servers are dead no more. It tells how many.
func (s *Store) SetAside(ctx context.Context, now time.Time) (aside, back int64, err error) {
	err = s.InTx(ctx, func(s *Store) (err error) {
		aside, err = s.exec(ctx, `
			UPDATE followers SET state = 'aside' WHERE state = 'accepted'
			AND actor_id IN (SELECT a.id FROM actors a WHERE a.mail_host IN (`+dead+`))`, deadSince(now)...)
		if err != nil {
			return err
		}
		back, err = s.exec(ctx, `
			UPDATE followers SET state = 'accepted' WHERE state = 'aside'
			AND actor_id NOT IN (SELECT a.id FROM actors a WHERE a.mail_host IN (`+dead+`))`, deadSince(now)...)
		if aside+back > 0 {
			s.touch()
		}
		return err
	})
	return aside, back, err
}

// BringBack lets the followers on a server that speaks again be followers as before.
func (s *Store) BringBack(ctx context.Context, host string) error {
	n, err := s.exec(ctx, `
		UPDATE followers SET state = 'accepted' WHERE state = 'aside'
		AND actor_id IN (SELECT a.id FROM actors a WHERE a.host = ? OR a.mail_host = ?)`, host, host)
	if n > 0 {
		s.touch()
	}
	return err
}

// AsideServer is a dead server with followers who were set aside.
type AsideServer struct {
	Host        string
	Software    string
	Followers   int
	LastSuccess *time.Time // when it answered last; nil when it never did
	LastHeard   *time.Time // when it spoke last
	GivenUpAt   *time.Time
}

// SilentSince is its last sign of life; nil when there never was one.
func (a AsideServer) SilentSince() *time.Time {
	if a.LastHeard != nil && (a.LastSuccess == nil || a.LastHeard.After(*a.LastSuccess)) {
		return a.LastHeard
	}
	return a.LastSuccess
}

// AsideServers lists the servers whose followers of a voice ("" for all voices) were set aside, the most followers first.
func (s *Store) AsideServers(ctx context.Context, voice blog.ID) ([]AsideServer, error) {
	var list []AsideServer
	return list, s.all(ctx, &list, `
		SELECT a.mail_host AS host, p.software, p.last_success, p.last_heard, p.unavailable_since AS given_up_at, count(*) AS followers
		FROM followers f JOIN actors a ON a.id = f.actor_id JOIN peers p ON p.host = a.mail_host
		WHERE f.state = 'aside' AND (f.voice_id = ? OR ? = '')
		GROUP BY a.mail_host, p.software, p.last_success, p.last_heard, p.unavailable_since ORDER BY count(*) DESC, a.mail_host LIMIT 200`, voice, voice)
}

// TryAgain gives a dead server another month: its followers of a voice ("" for all voices) are followers again, and what it
// missed is brought there, and what is said next. blog.ErrNotFound when none were set aside.
func (s *Store) TryAgain(ctx context.Context, voice blog.ID, host string, now time.Time) error {
	return s.ofAside(ctx, `UPDATE followers SET state = 'accepted'`, voice, host, func(s *Store) error {
		return errors.Join(s.catchUp(ctx, host, now), s.do(ctx, `
			UPDATE peers SET failures = 0, failing_days = 0, failed_on = '', failing_since = NULL, unavailable_since = NULL, free_at = ?, freed_at = ?,
				waiting = `+ready+` WHERE host = ?`, now, now, host))
	})
}

// RemoveAside removes the followers of a voice ("" for all voices) who were set aside with their server. blog.ErrNotFound
// when there were none.
func (s *Store) RemoveAside(ctx context.Context, voice blog.ID, host string) error {
	return s.ofAside(ctx, `DELETE FROM followers`, voice, host, func(*Store) error { return nil })
}

func (s *Store) ofAside(ctx context.Context, what string, voice blog.ID, host string, and func(*Store) error) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return errors.Join(s.must(ctx, what+`
			WHERE state = 'aside' AND (voice_id = ? OR ? = '') AND actor_id IN (SELECT a.id FROM actors a WHERE a.mail_host = ?)`, voice, voice, host), and(s))
	})
}

// NoteAccept keeps by which activity we said yes to a follower last.
func (s *Store) NoteAccept(ctx context.Context, f blog.Follower, accept blog.ID) error {
	return s.do(ctx, `UPDATE followers SET accept_id = ? WHERE voice_id = ? AND actor_id = ?`, accept, f.VoiceID, f.ActorID)
}

// Fate is what became of the last letter to somebody.
type Fate struct {
	blog.Delivery
	Kind string // of what was said
	At   time.Time
}

// latestSaid is in how many of a voice's last words a letter to a follower is looked for.
const latestSaid = 30

// Fates finds what became of the last letters from a voice to some inboxes, among the last things that it said.
func (s *Store) Fates(ctx context.Context, voice blog.ID, inboxes []string) (map[string]Fate, error) {
	fates := map[string]Fate{}
	if len(inboxes) == 0 {
		return fates, nil
	}
	var list []Fate
	err := s.all(ctx, &list, `
		SELECT d.activity_id, d.inbox, d.host, d.attempts, d.status, d.code, d.answer, d.took_ms, d.settled_at, s.kind, s.at
		FROM deliveries d JOIN activities s ON s.id = d.activity_id
		WHERE d.activity_id IN (SELECT x.id FROM activities x WHERE x.voice_id = ? ORDER BY x.id DESC LIMIT ?)
			AND d.inbox IN (?) AND d.status <> 'superseded' ORDER BY d.activity_id`, voice, latestSaid, inboxes)
	for _, fate := range list {
		fates[fate.Inbox] = fate
	}
	return fates, err
}

// Unheard is a follower who may see the follow as pending at home, or does so here without a reason.
type Unheard struct {
	VoiceID     blog.ID
	Voice       string // handle
	ActorID     string
	Handle      string
	State       blog.FollowState
	Since       time.Time
	Status      blog.DeliveryStatus // of our yes; "" when none was said
	Code        int
	Answer      string
	Host        string     // to which it is to go
	Unavailable *time.Time // since when that is given up
}

// Unheard lists the followers who wait though their author asks for no yes, those whose server refused our yes, and those
// to whom it has been on its way since before a moment.
func (s *Store) Unheard(ctx context.Context, before time.Time) ([]Unheard, error) {
	var list []Unheard
	return list, s.all(ctx, &list, `
		SELECT f.voice_id, v.handle AS voice, f.actor_id, a.handle, f.state, f.since, COALESCE(d.status, '') AS status,
			COALESCE(d.code, 0) AS code, COALESCE(d.answer, '') AS answer, COALESCE(d.host, a.host) AS host, p.unavailable_since AS unavailable
		FROM followers f JOIN voices v ON v.id = f.voice_id AND v.retired_at IS NULL JOIN actors a ON a.id = f.actor_id
		LEFT JOIN deliveries d ON d.activity_id = f.accept_id AND f.accept_id <> ''
		LEFT JOIN activities y ON y.id = d.activity_id LEFT JOIN peers p ON p.host = d.host
		WHERE f.state = 'pending' AND NOT v.approves_followers AND a.block = '' AND f.since < ?
			OR f.state = 'accepted' AND d.status NOT IN ('delivered', 'superseded') AND (d.settled_at IS NOT NULL OR y.at < ?)
		ORDER BY f.since LIMIT 500`, before, before)
}
