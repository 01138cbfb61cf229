package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Refusal is a server that answers and does not take what one of our voices sends. That voice's deliveries rest there
// until NextAt; those of other voices do not.
type Refusal struct {
	Host    string
	VoiceID blog.ID
	Voice   string // handle, "" for the instance actor
	Since   time.Time
	NextAt  *time.Time // nil when the next try is due
	Kind    string     // of the delivery that was refused last: Create, Accept ...
	Code    int        // the HTTP status of the answer
	Answer  string     // how the answer began
	Letters int        // of that voice that wait for that server
}

// Refusals lists the servers that hold deliveries of one of our voices up by refusing them, the longest first; at most
// 200.
func (s *Store) Refusals(ctx context.Context) ([]Refusal, error) {
	var list []Refusal
	return list, s.all(ctx, &list, `
		SELECT r.host, r.voice_id, COALESCE(v.handle, '') AS voice, r.since, r.next_at, r.kind, r.code, r.answer, count(*)
		AS letters
		FROM refusals r JOIN deliveries d ON d.host = r.host AND d.settled_at IS NULL
		JOIN activities a ON a.id = d.activity_id AND a.voice_id = r.voice_id
		LEFT JOIN voices v ON v.id = r.voice_id
		GROUP BY r.host, r.voice_id, v.handle, r.since, r.next_at, r.kind, r.code, r.answer ORDER BY r.since, r.host LIMIT
		200`)
}

// refused is the condition that a delivery's voice rests at the delivery's server, and that no person asked for another
// try.
const refused = `(NOT deliveries.asked AND EXISTS (SELECT 1 FROM refusals r JOIN activities ra ON ra.voice_id =
	r.voice_id
	WHERE r.host = deliveries.host AND r.next_at IS NOT NULL AND ra.id = deliveries.activity_id))`

// ready is the condition that a server of peers has mail that can be brought now.
const ready = `EXISTS (SELECT 1 FROM deliveries WHERE deliveries.host = peers.host AND deliveries.settled_at IS NULL
	AND NOT ` + refused + `)`

// endRefusals lets voices be tried again at servers where their rest is over. A server that was released after ahead
// shows that the clock was set back since: the rests there are over, too.
func (s *Store) endRefusals(ctx context.Context, now, ahead time.Time) error {
	const over = ` FROM refusals WHERE next_at IS NOT NULL AND (next_at <= ? OR next_at > ? OR EXISTS (
		SELECT 1 FROM peers f WHERE f.host = refusals.host AND f.freed_at > ?))`
	args := []any{now, now.Add(longestRest), ahead}
	// Asked of the readers first, so that an idle courier never disturbs the writer.
	var some int
	if err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+over+` LIMIT 1) AS x`, args...); err != nil || some == 0 {
		return err
	}
	return s.InTx(ctx, func(s *Store) error {
		var hosts []string
		err := s.all(ctx, &hosts, `SELECT host FROM peers WHERE host IN (SELECT host`+over+`) ORDER BY host`+s.sql.lockRow(),
			args...)
		if err != nil || len(hosts) == 0 {
			return err
		}
		err = s.run(ctx, `UPDATE peers SET waiting = TRUE WHERE unavailable_since IS NULL AND host IN (SELECT host`+over+`)`,
			args...)
		if err != nil {
			return err
		}
		return s.run(ctx, `UPDATE refusals SET next_at = NULL WHERE (host, voice_id) IN (SELECT host, voice_id`+over+`)`,
			args...)
	})
}

// refuse notes that a server did not take a delivery and that its voice rests there. A rest that is under way stays as
// it is: a try that a person asked for makes nothing later.
func (s *Store) refuse(ctx context.Context, done Settlement, now time.Time) error {
	l, d := done.Delivery, done.Outcome
	if l.Asked { // what stands behind it must not come before it
		err := s.run(ctx, `UPDATE deliveries SET asked = FALSE WHERE host = ? AND asked AND settled_at IS NULL
			AND activity_id IN (SELECT id FROM activities WHERE object_id = ? AND voice_id = ?)`, l.Host, l.ObjectID, l.VoiceID)
		if err != nil {
			return err
		}
	}
	return s.run(ctx, `
		INSERT INTO refusals (host, voice_id, failures, since, next_at, kind, code, answer) VALUES (?, ?, 1, ?, ?, ?, ?, ?)
		ON CONFLICT (host, voice_id) DO UPDATE SET failures = refusals.failures + 1, next_at = excluded.next_at, kind =
		excluded.kind,
			code = excluded.code, answer = excluded.answer
		WHERE refusals.next_at IS NULL`, l.Host, l.VoiceID, now, now.Add(done.Rest), l.Kind, d.Code, d.Answer)
}

// forgetRefusals ends the refusals that hold nothing up any more.
func (s *Store) forgetRefusals(ctx context.Context) error {
	return s.run(ctx, `
		DELETE FROM refusals WHERE NOT EXISTS (SELECT 1 FROM deliveries d JOIN activities a ON a.id = d.activity_id
			WHERE d.host = refusals.host AND d.settled_at IS NULL AND a.voice_id = refusals.voice_id)`)
}
