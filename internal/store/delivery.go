package store

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// LastDelivery is what became of the last delivery to somebody.
type LastDelivery struct {
	blog.Delivery
	Kind string // of what was said
	At   time.Time
}

// latestSaid is in how many of a voice's last words a delivery to a follower is looked for.
const latestSaid = 30

// LastDeliveries finds what became of the last deliveries from a voice to some inboxes, among the last things that it
// said.
func (s *Store) LastDeliveries(ctx context.Context, voice blog.ID, inboxes []string) (map[string]LastDelivery, error) {
	fates := map[string]LastDelivery{}
	if len(inboxes) == 0 {
		return fates, nil
	}
	var list []LastDelivery
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

// Delivery is one delivery with what is needed to bring it.
type Delivery struct {
	ActivityID blog.ID
	Inbox      string
	Host       string
	Attempts   int
	VoiceID    blog.ID
	Kind       string
	ObjectID   blog.ID
	Revision   int // of the object whose words it carries; those of a Create may be newer than the activity
	Unsure     bool
	SaidAt     time.Time
	WrittenAt  *time.Time // where it was written later than its words were said
	Rotation   blog.ID    // the activity that told of the voice's newest keys, "" when they are its first
	RotatedAt  *time.Time // when that was
	KnowsKey   bool       // its server is known to have those keys
	Asked      bool       // a person asked for this try: no rest holds it up, and it makes nothing later
	Refusals   int        // how often in a row its server did not take what its voice sends
}

// Since is when a delivery was written: how long it may be tried is counted from there.
func (l Delivery) Since() time.Time {
	if l.WrittenAt != nil {
		return *l.WrittenAt
	}
	return l.SaidAt
}

const letterColumns = `d.activity_id, d.inbox, d.host, d.attempts, a.voice_id, a.kind, a.object_id, d.revision,
	d.unsure, d.written_at,
	a.at AS said_at, COALESCE(v.rotation, '') AS rotation, v.rotated_at, n.host IS NOT NULL AS knows_key, d.asked,
	COALESCE(r.failures, 0) AS refusals`

const ofLetters = `JOIN activities a ON a.id = d.activity_id LEFT JOIN voices v ON v.id = a.voice_id
	LEFT JOIN refusals r ON r.host = d.host AND r.voice_id = a.voice_id LEFT JOIN new_keys n ON n.host = d.host AND
	n.voice_id = a.voice_id `

// WaitingFor lists the deliveries of servers that can be brought now, so many of each at most, those of one in the
// order in which they were said.
func (s *Store) WaitingFor(ctx context.Context, limit int, hosts ...string) ([]Delivery, error) {
	var list []Delivery
	return list, s.all(ctx, &list, `
		SELECT `+letterColumns+`
		FROM (SELECT *, row_number() OVER (PARTITION BY host ORDER BY activity_id, inbox) AS place FROM deliveries
			WHERE host IN (?) AND settled_at IS NULL AND NOT `+refused+`) d
		`+ofLetters+`WHERE d.place <= ? ORDER BY d.host, d.place`, hosts, limit)
}

// WaitingOf lists the deliveries of one voice that wait for a server, resting or not, so many at most, in the order in
// which they were said.
func (s *Store) WaitingOf(ctx context.Context, voice blog.ID, host string, limit int) ([]Delivery, error) {
	var list []Delivery
	return list, s.all(ctx, &list, `
		SELECT `+letterColumns+` FROM deliveries d `+ofLetters+`
		WHERE d.host = ? AND d.settled_at IS NULL AND a.voice_id = ? ORDER BY d.activity_id, d.inbox LIMIT ?`, host, voice,
		limit)
}

// Settlement is what became of one attempt to bring a delivery.
type Settlement struct {
	Delivery Delivery
	Outcome  blog.Delivery
	NewKey   bool          // its server has the newest key of its voice by now, which was not known
	Rest     time.Duration // how long its voice rests at its server, which answered and did not take it; 0: not at all
}

// Settle writes down what became of one attempt, under a claim; together with whatever else is settled at this moment.
// A delivery that was made needless while it was on its way stays so, unless it arrived; of one that was erased there
// is nothing to write down.
func (s *Store) Settle(ctx context.Context, c Claim, done Settlement, now time.Time) error {
	return s.grouped(ctx, c.Host, func(ctx context.Context, s *Store) error {
		err := s.settle(ctx, c, done, now)
		if errors.Is(err, blog.ErrNotFound) {
			_, err = s.stillOurs(ctx, c)
		}
		return err
	})
}

// settle is blog.ErrNotFound when the delivery was erased or the claim is lost.
func (s *Store) settle(ctx context.Context, c Claim, done Settlement, now time.Time) error {
	l, d := done.Delivery, done.Outcome
	var settled *time.Time
	if d.Status.Settled() {
		settled = &now
	}
	err := s.execOne(ctx, `
		UPDATE deliveries SET attempts = attempts + 1, asked = FALSE, code = ?, answer = ?, took_ms = ?, unsure = CASE
		WHEN ? THEN TRUE ELSE unsure END,
			status = CASE WHEN settled_at IS NULL OR ? THEN ? ELSE status END,
			settled_at = CASE WHEN settled_at IS NULL OR ? THEN ? ELSE settled_at END
		WHERE activity_id = ? AND inbox = ? AND EXISTS (SELECT 1 FROM peers p WHERE p.host = ? AND p.claims = ?)`,
		d.Code, d.Answer, d.TookMS, d.Unsure, d.Status == blog.Delivered, d.Status, d.Status == blog.Delivered, settled,
		l.ActivityID, l.Inbox, c.Host, c.Claims)
	switch {
	case err != nil:
		return err
	case done.Rest > 0:
		return s.refuse(ctx, done, now)
	case d.Status != blog.Delivered:
		return nil
	}
	if l.Refusals > 0 {
		err = s.run(ctx, `DELETE FROM refusals WHERE host = ? AND voice_id = ?`, l.Host, l.VoiceID)
	}
	if err == nil && done.NewKey {
		err = s.run(ctx, `INSERT INTO new_keys (voice_id, host) VALUES (?, ?) ON CONFLICT DO NOTHING`, l.VoiceID, l.Host)
	}
	if err == nil && l.carriesCopy() {
		err = s.hold(ctx, l, now)
	}
	return err
}

// MarkUnsure notes that a delivery may have arrived although its answer was never read.
func (s *Store) MarkUnsure(ctx context.Context, l Delivery) error {
	return s.run(ctx, `UPDATE deliveries SET unsure = TRUE WHERE activity_id = ? AND inbox = ?`, l.ActivityID, l.Inbox)
}

// carriesCopy reports whether a server that takes a delivery has an object by it, or was asked to forget it.
func (l Delivery) carriesCopy() bool { return l.ObjectID != "" && l.Kind != "Undo" }

// holdingState is the state of a holding that a delivery leaves.
func (l Delivery) holdingState() string {
	if l.Kind == "Delete" {
		return "asked_to_forget"
	}
	return "held"
}

// hold notes that a server has an object now, or was asked to forget it.
func (s *Store) hold(ctx context.Context, l Delivery, now time.Time) error {
	return s.run(ctx, `INSERT INTO holdings (object_id, host, revision, state, proof_at) SELECT o.id, ?, ?, ?, ? FROM
		objects o WHERE o.id = ? `+renewHolding,
		l.Host, l.Revision, l.holdingState(), now, l.ObjectID)
}

const renewHolding = `ON CONFLICT (object_id, host) DO UPDATE SET revision = excluded.revision, state =
	excluded.state, proof_at = excluded.proof_at`

// GiveUp settles the deliveries that were said before a moment and never arrived, or lie behind such; it returns how
// many. What nobody tried to bring yet, since we were away ourselves, is not given up.
func (s *Store) GiveUp(ctx context.Context, before, now time.Time) (int64, error) {
	n, err := s.exec(ctx, `
		UPDATE deliveries SET status = 'given up', settled_at = ?
		WHERE settled_at IS NULL AND activity_id IN (SELECT id FROM activities WHERE at < ?) AND (written_at IS NULL OR
		written_at < ?)
		AND (attempts > 0 OR EXISTS (SELECT 1 FROM peers p WHERE p.host = deliveries.host AND p.failures > 0) OR `+refused+
		`)`, now, before, before)
	if err != nil {
		return 0, err
	}
	return n, s.forgetRefusals(ctx)
}

// newestWords is the revision that a Create should carry that never arrived; of any other letter its own.
const newestWords = `COALESCE((SELECT o.revision FROM activities c JOIN objects o ON o.id = c.object_id AND
	o.gone_at IS NULL
	WHERE c.id = deliveries.activity_id AND c.kind = 'Create'), deliveries.revision)`

// RetryDeliveries lets the unsuccessful deliveries about an article be tried again at once; only those of one server
// when host is not "". Of what is gone, only the word that it is gone. It returns how many. What rests is tried again
// no later than it was to be.
func (s *Store) RetryDeliveries(ctx context.Context, article blog.ID, host string, now time.Time) (int64, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		n, err = s.exec(ctx, `
			UPDATE deliveries SET status = CASE WHEN attempts = 0 THEN 'waiting' ELSE 'retrying' END, settled_at = NULL,
			asked = TRUE,
				revision = CASE WHEN unsure OR settled_at IS NULL THEN revision ELSE `+newestWords+` END
			WHERE status IN ('refused', 'gone', 'given up', 'retrying', 'waiting') AND (host = ? OR ? = '')
			AND activity_id IN (SELECT a.id FROM activities a JOIN objects o ON o.id = a.object_id
				WHERE o.article_id = ? AND (o.gone_at IS NULL OR a.kind = 'Delete'))`, host, host, article)
		if err != nil || n == 0 {
			return err
		}
		return s.run(ctx, `
			UPDATE peers SET waiting = TRUE, free_at = CASE WHEN `+rests+` THEN ? ELSE free_at END,
				resume_at = CASE WHEN `+rests+` THEN free_at ELSE resume_at END
			WHERE (host = ? OR ? = '') AND host IN (
				SELECT d.host FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN objects o ON o.id = a.object_id
				WHERE o.article_id = ? AND d.settled_at IS NULL)`, now, now, now, host, host, article)
	})
	return n, err
}

// rests is the condition that a server is left alone at a moment since it failed, and that nobody visits it.
const rests = `failures > 0 AND NOT visited AND free_at > ?`

// CountDeliveries counts the deliveries that were written about an article and that no later one made needless.
func (s *Store) CountDeliveries(ctx context.Context, article blog.ID) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*)`+fromDeliveries+`WHERE o.article_id = ? AND d.status <> 'superseded'`,
		article)
}
