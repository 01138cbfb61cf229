package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Refusal is a server that refuses what one of our voices sends. The deliveries of that voice to that server rest
// until NextAt. Those of other voices do not.
type Refusal struct {
	Host       string
	VoiceID    blog.ID
	Voice      string // handle, "" for the instance actor
	Since      time.Time
	NextAt     *time.Time // nil when the next try is due
	Kind       string     // of the delivery that was refused last: Create, Accept ...
	Code       int        // the HTTP status of the answer
	Answer     string     // the beginning of the answer
	Deliveries int        // of that voice that wait for that server
}

// Refusals lists the servers that refuse waiting deliveries of one of our voices, the longest refusal first, at most
// 200.
func (s *Store) Refusals(ctx context.Context) ([]Refusal, error) {
	var list []Refusal
	err := s.all(ctx, &list, `
		SELECT r.host, r.voice_id, COALESCE(v.handle, '') AS voice, r.since, r.next_at, r.kind, r.code, r.answer, count(*)
		AS deliveries
		FROM refusals r JOIN deliveries d ON d.host = r.host AND d.settled_at IS NULL
		JOIN activities a ON a.id = d.activity_id AND a.voice_id = r.voice_id
		LEFT JOIN voices v ON v.id = r.voice_id
		GROUP BY r.host, r.voice_id, v.handle, r.since, r.next_at, r.kind, r.code, r.answer ORDER BY r.since, r.host LIMIT
		200`)
	return list, err
}

// refused is the condition of a delivery whose voice rests at its server, unless an author asked for another attempt.
const refused = `(NOT deliveries.asked AND EXISTS (SELECT 1 FROM refusals r JOIN activities ra ON ra.voice_id =
	r.voice_id
	WHERE r.host = deliveries.host AND r.next_at IS NOT NULL AND ra.id = deliveries.activity_id))`

// ready is the condition that a server of peers has deliveries that can be sent now.
const ready = `EXISTS (SELECT 1 FROM deliveries WHERE deliveries.host = peers.host AND deliveries.settled_at IS NULL
	AND NOT ` + refused + `)`

// endRefusals ends the rests that are over, so that the voices try again.
func (s *Store) endRefusals(ctx context.Context, now, ahead time.Time) error {
	// Each part is a range of an index: thousands of refusals may rest. A refusal that is later than ahead shows that the
	// clock was set back since.
	const over = ` FROM (SELECT host, voice_id FROM refusals WHERE next_at IS NOT NULL AND next_at <= ?
		UNION ALL SELECT host, voice_id FROM refusals WHERE next_at IS NOT NULL AND next_at > ?
		UNION ALL SELECT host, voice_id FROM refusals WHERE next_at IS NOT NULL AND refused_at > ?) AS o`
	args := []any{now, now.Add(longestRest), ahead}
	// The readers are asked first, as in claim.
	var some int
	if err := s.one(ctx, &some, `SELECT count(*) FROM (SELECT 1`+over+` LIMIT 1) AS x`, args...); err != nil || some == 0 {
		return err
	}
	return s.InTx(ctx, func(s *Store) error {
		var hosts []string
		// The servers are locked in the order of their names, as a fan-out locks them; otherwise both could end in a
		// deadlock.
		err := s.all(ctx, &hosts, `SELECT host FROM peers WHERE host IN (SELECT host`+over+`) ORDER BY host`+s.sql.lockRow(),
			args...)
		if err != nil || len(hosts) == 0 {
			return err
		}
		// Before the rests end: the query finds its servers by them.
		err = s.run(ctx, `UPDATE peers SET waiting = TRUE WHERE unavailable_since IS NULL AND host IN (SELECT host`+over+`)`,
			args...)
		if err != nil {
			return err
		}
		return s.run(ctx, `UPDATE refusals SET next_at = NULL WHERE (host, voice_id) IN (SELECT host, voice_id`+over+`)`,
			args...)
	})
}

// refuse saves that a server refused a delivery, and lets its voice rest at that server.
func (s *Store) refuse(ctx context.Context, done Settlement, now time.Time) error {
	delivery, outcome := done.Delivery, done.Outcome
	if delivery.Asked {
		// Later deliveries about the same object must not overtake this one, even if a person asked for them.
		err := s.run(ctx, `UPDATE deliveries SET asked = FALSE WHERE host = ? AND asked AND settled_at IS NULL
			AND activity_id IN (SELECT id FROM activities WHERE object_id = ? AND voice_id = ?)`,
			delivery.Host, delivery.ObjectID, delivery.VoiceID)
		if err != nil {
			return err
		}
	}
	// A rest under way stays as it is: a try that a person asked for postpones nothing.
	return s.run(ctx, `
		INSERT INTO refusals (host, voice_id, failures, since, refused_at, next_at, kind, code, answer)
		VALUES (?, ?, 1, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (host, voice_id) DO UPDATE SET failures = refusals.failures + 1, refused_at = excluded.refused_at,
			next_at = excluded.next_at, kind = excluded.kind, code = excluded.code, answer = excluded.answer
		WHERE refusals.next_at IS NULL`,
		delivery.Host, delivery.VoiceID, now, now, now.Add(done.Rest), delivery.Kind, outcome.Code, outcome.Answer)
}

// forgetRefusals deletes the refusals that have no waiting delivery.
func (s *Store) forgetRefusals(ctx context.Context) error {
	return s.run(ctx, `
		DELETE FROM refusals WHERE NOT EXISTS (SELECT 1 FROM deliveries d JOIN activities a ON a.id = d.activity_id
			WHERE d.host = refusals.host AND d.settled_at IS NULL AND a.voice_id = refusals.voice_id)`)
}
