package store

import (
	"context"
	"errors"
	"strconv"
	"time"

	"causerie/internal/blog"
)

// LastDelivery is the last delivery to an inbox, with its result.
type LastDelivery struct {
	blog.Delivery
	Kind string // of its activity
	At   time.Time
}

// latestActivities is how many of the newest activities of a voice LastDeliveries searches.
const latestActivities = 30

// LastDeliveries returns the last delivery from a voice to each of some inboxes, by inbox. It searches only the
// newest activities of the voice.
func (s *Store) LastDeliveries(ctx context.Context, voice blog.ID, inboxes []string) (map[string]LastDelivery, error) {
	found := map[string]LastDelivery{}
	if len(inboxes) == 0 {
		return found, nil
	}
	var list []LastDelivery
	// The limit is no argument: PostgreSQL would expect a tenth of all activities, and read all of their deliveries.
	err := s.all(ctx, &list, `
		SELECT d.activity_id, d.inbox, d.host, d.attempts, d.status, d.code, d.answer, d.took_ms, d.settled_at, s.kind, s.at
		FROM deliveries d JOIN activities s ON s.id = d.activity_id
		WHERE d.activity_id IN (SELECT x.id FROM activities x WHERE x.voice_id = ? ORDER BY x.id DESC LIMIT `+
		strconv.Itoa(latestActivities)+`) AND d.inbox IN (?) AND d.status <> 'superseded' ORDER BY d.activity_id`, voice,
		inboxes)
	// The rows are in the order of the activities, so the newest one of each inbox stays in the map.
	for _, last := range list {
		found[last.Inbox] = last
	}
	return found, err
}

// Delivery is one delivery with all that the courier needs to send it.
type Delivery struct {
	ActivityID blog.ID
	Inbox      string
	Host       string
	Attempts   int
	VoiceID    blog.ID
	Kind       string
	ObjectID   blog.ID
	Revision   int // of the object; a Create may carry a newer one than its activity
	Unsure     bool
	ActivityAt time.Time
	WrittenAt  *time.Time // when it was added; nil for the time of its activity
	Rotation   blog.ID    // the activity that announced the voice's newest keys; "" for its first keys
	RotatedAt  *time.Time // when those keys were announced
	KnowsKey   bool       // the server has those keys
	Asked      bool       // an author asked for this attempt, so no rest delays it and its failure prolongs none
	Refusals   int        // how often in a row the server refused deliveries of the voice
}

// QueuedAt is when the delivery was added. The courier gives it up a fixed time after that.
func (d Delivery) QueuedAt() time.Time {
	if d.WrittenAt != nil {
		return *d.WrittenAt
	}
	return d.ActivityAt
}

const deliveryColumns = `d.activity_id, d.inbox, d.host, d.attempts, a.voice_id, a.kind, a.object_id, d.revision,
	d.unsure, d.written_at,
	a.at AS activity_at, COALESCE(v.rotation, '') AS rotation, v.rotated_at, n.host IS NOT NULL AS knows_key, d.asked,
	COALESCE(r.failures, 0) AS refusals`

const joinDelivery = `JOIN activities a ON a.id = d.activity_id LEFT JOIN voices v ON v.id = a.voice_id
	LEFT JOIN refusals r ON r.host = d.host AND r.voice_id = a.voice_id LEFT JOIN new_keys n ON n.host = d.host AND
	n.voice_id = a.voice_id `

// WaitingFor lists the deliveries to some servers that can be sent now, at most limit for each server. They are in
// the order of their activities.
func (s *Store) WaitingFor(ctx context.Context, limit int, hosts ...string) ([]Delivery, error) {
	var list []Delivery
	// row_number counts for each server separately. So one query serves all servers.
	err := s.all(ctx, &list, `
		SELECT `+deliveryColumns+`
		FROM (SELECT *, row_number() OVER (PARTITION BY host ORDER BY activity_id, inbox) AS place FROM deliveries
			WHERE host IN (?) AND settled_at IS NULL AND NOT `+refused+`) d
		`+joinDelivery+`WHERE d.place <= ? ORDER BY d.host, d.place`, hosts, limit)
	return list, err
}

// WaitingOf lists at most limit waiting deliveries of one voice to one server, in the order of their activities. It
// includes those that rest after a refusal.
func (s *Store) WaitingOf(ctx context.Context, voice blog.ID, host string, limit int) ([]Delivery, error) {
	var list []Delivery
	err := s.all(ctx, &list, `
		SELECT `+deliveryColumns+` FROM deliveries d `+joinDelivery+`
		WHERE d.host = ? AND d.settled_at IS NULL AND a.voice_id = ? ORDER BY d.activity_id, d.inbox LIMIT ?`, host, voice,
		limit)
	return list, err
}

// Settlement is the result of one attempt to send a delivery.
type Settlement struct {
	Delivery Delivery
	Outcome  blog.Delivery
	NewKey   bool          // the server is now known to have the newest key of the voice
	Rest     time.Duration // after a refusal: how long nothing of this voice is sent to the server; otherwise 0
}

// Settle saves the result of one attempt under a claim. It returns ErrLost when another process has claimed the
// server. It returns nil when the delivery was erased meanwhile.
func (s *Store) Settle(ctx context.Context, c Claim, done Settlement, now time.Time) error {
	return s.grouped(ctx, c.Host, func(ctx context.Context, s *Store) error {
		err := s.settle(ctx, c, done, now)
		// The delivery was erased, or the claim is lost. Only a lost claim is an error for the courier.
		if errors.Is(err, blog.ErrNotFound) {
			_, err = s.lockClaim(ctx, c)
		}
		return err
	})
}

// settle is Settle inside a transaction. It returns blog.ErrNotFound when the delivery was erased or the claim is
// lost.
func (s *Store) settle(ctx context.Context, c Claim, done Settlement, now time.Time) error {
	delivery, outcome := done.Delivery, done.Outcome
	arrived := outcome.Status == blog.Delivered
	var settled *time.Time
	if outcome.Status.Settled() {
		settled = &now
	}
	// A delivery that was superseded while it was being sent keeps that status, unless it arrived. The EXISTS is the
	// fence: it fails when another process has claimed the server.
	err := s.execOne(ctx, `
		UPDATE deliveries SET attempts = attempts + 1, asked = FALSE, code = ?, answer = ?, took_ms = ?, unsure = CASE
		WHEN ? THEN TRUE ELSE unsure END,
			status = CASE WHEN settled_at IS NULL OR ? THEN ? ELSE status END,
			settled_at = CASE WHEN settled_at IS NULL OR ? THEN ? ELSE settled_at END
		WHERE activity_id = ? AND inbox = ? AND EXISTS (SELECT 1 FROM peers p WHERE p.host = ? AND p.claims = ?)`,
		outcome.Code, outcome.Answer, outcome.TookMS, outcome.Unsure, arrived, outcome.Status, arrived, settled,
		delivery.ActivityID, delivery.Inbox, c.Host, c.Claims)
	switch {
	case err != nil:
		return err
	case done.Rest > 0:
		return s.refuse(ctx, done, now)
	case !arrived:
		return nil
	}
	if delivery.Refusals > 0 {
		// The server accepts this voice again, so the rest of the voice there is over.
		err := s.run(ctx, `DELETE FROM refusals WHERE host = ? AND voice_id = ?`, delivery.Host, delivery.VoiceID)
		if err != nil {
			return err
		}
	}
	if done.NewKey {
		err := s.run(ctx, `INSERT INTO new_keys (voice_id, host) VALUES (?, ?) ON CONFLICT DO NOTHING`, delivery.VoiceID,
			delivery.Host)
		if err != nil {
			return err
		}
	}
	if delivery.Kind == "Accept" {
		return s.confirmFollower(ctx, delivery.ActivityID)
	}
	return nil
}

// MarkUnsure saves that a delivery may have arrived: it was sent, but no answer was read.
func (s *Store) MarkUnsure(ctx context.Context, d Delivery) error {
	return s.run(ctx, `UPDATE deliveries SET unsure = TRUE WHERE activity_id = ? AND inbox = ?`, d.ActivityID, d.Inbox)
}

// expired is the condition of a delivery that was added before a time and did not succeed. A delivery without an
// attempt stays when its server has no failures and its voice does not rest there. Then this blog was down itself. The
// ids of activities begin with their time, so the index of the waiting deliveries finds the old ones of a server.
const expired = `settled_at IS NULL AND activity_id < ?
	AND activity_id IN (SELECT a.id FROM activities a WHERE a.id = deliveries.activity_id AND a.at < ?)
	AND (written_at IS NULL OR written_at < ?)
	AND (attempts > 0 OR EXISTS (SELECT 1 FROM peers p WHERE p.host = deliveries.host AND p.failures > 0) OR ` +
	refused + `)`

// expireAtOnce is how many servers GiveUp handles in one transaction.
const expireAtOnce = 100

// GiveUp gives up the unsettled deliveries that were added before a time. It returns how many.
func (s *Store) GiveUp(ctx context.Context, before, now time.Time) (given int64, err error) {
	bound, err := s.idsBefore(ctx, before, now)
	if err != nil {
		return 0, err
	}
	bounds := []any{bound, before, before}
	for last := ""; ; {
		var hosts []string
		err := s.all(ctx, &hosts, `SELECT p.host FROM peers p WHERE p.host > ? AND EXISTS (
			SELECT 1 FROM deliveries WHERE deliveries.host = p.host AND `+expired+`) ORDER BY p.host LIMIT ?`,
			append(append([]any{last}, bounds...), expireAtOnce)...)
		if err != nil {
			return given, err
		}
		if len(hosts) == 0 {
			return given, s.forgetRefusals(ctx)
		}
		n, err := s.exec(ctx, `UPDATE deliveries SET status = 'given up', settled_at = ? WHERE host IN (?) AND `+expired,
			append([]any{now, hosts}, bounds...)...)
		if given += n; err != nil {
			return given, err
		}
		last = hosts[len(hosts)-1]
	}
}

// idsBefore returns an id that is above those of the activities that were added before a time.
func (s *Store) idsBefore(ctx context.Context, before, now time.Time) (blog.ID, error) {
	next, err := s.NextActivityID(ctx, now)
	// After the clock was set back, ids are ahead of it, and say nothing about the time.
	if ahead := blog.FirstID(now.Add(time.Minute)); err == nil && next > ahead {
		return next, nil
	}
	return blog.FirstID(before), err
}

// newestRevision is the revision of an object that a retried delivery carries: the newest for a Create, otherwise its
// own.
const newestRevision = `COALESCE((SELECT o.revision FROM activities c JOIN objects o ON o.id = c.object_id AND
	o.gone_at IS NULL
	WHERE c.id = deliveries.activity_id AND c.kind = 'Create'), deliveries.revision)`

// RetryDeliveries makes the unsuccessful deliveries about an article due now. With a host, only those to that server.
// For a deleted object, only the Delete is sent again. It returns how many there are.
func (s *Store) RetryDeliveries(ctx context.Context, article blog.ID, host string, now time.Time) (int64, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		// A delivery that may have arrived keeps its revision, because the same activity must not arrive with two texts.
		// With asked = TRUE it is sent although its voice rests at the server.
		n, err = s.exec(ctx, `
			UPDATE deliveries SET status = CASE WHEN attempts = 0 THEN 'waiting' ELSE 'retrying' END, settled_at = NULL,
			asked = TRUE,
				revision = CASE WHEN unsure OR settled_at IS NULL THEN revision ELSE `+newestRevision+` END
			WHERE status IN ('refused', 'gone', 'given up', 'retrying', 'waiting') AND (host = ? OR ? = '')
			AND activity_id IN (SELECT a.id FROM activities a JOIN objects o ON o.id = a.object_id
				WHERE o.article_id = ? AND (o.gone_at IS NULL OR a.kind = 'Delete'))`, host, host, article)
		if err != nil || n == 0 {
			return err
		}
		// resume_at keeps the end of the server's back-off. A failure of this attempt must not prolong it.
		return s.run(ctx, `
			UPDATE peers SET waiting = TRUE, free_at = CASE WHEN `+rests+` THEN ? ELSE free_at END,
				resume_at = CASE WHEN `+rests+` THEN free_at ELSE resume_at END
			WHERE (host = ? OR ? = '') AND host IN (
				SELECT d.host FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN objects o ON o.id = a.object_id
				WHERE o.article_id = ? AND d.`+unsettled+`)`, now, now, now, host, host, article)
	})
	return n, err
}

// rests is the condition of a server that waits after a failure, and that no process is visiting.
const rests = `failures > 0 AND NOT visited AND free_at > ?`

// deliveriesAbout is the FROM of the deliveries about an article.
const deliveriesAbout = ` FROM objects o JOIN activities a ON a.object_id = o.id
	JOIN deliveries d ON d.activity_id = a.id WHERE o.article_id = ? AND o.comment_id = '' `

// CountDeliveries counts the deliveries that were ever added about articles. An article without any has no entry.
func (s *Store) CountDeliveries(ctx context.Context, articles []blog.ID) (map[blog.ID]int, error) {
	found := map[blog.ID]int{}
	if len(articles) == 0 {
		return found, nil
	}
	var list []struct {
		ArticleID blog.ID
		N         int
	}
	err := s.all(ctx, &list, `SELECT o.article_id, CAST(sum(n.n) AS BIGINT) AS n FROM objects o
		JOIN activities a ON a.object_id = o.id JOIN delivery_counts n ON n.activity_id = a.id
		WHERE o.article_id IN (?) AND o.comment_id = '' GROUP BY o.article_id`, articles)
	for _, row := range list {
		found[row.ArticleID] = row.N
	}
	return found, err
}

// CountWaitingServers counts the servers for which deliveries about an article wait.
func (s *Store) CountWaitingServers(ctx context.Context, article blog.ID) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(DISTINCT d.host)`+deliveriesAbout+`AND d.`+unsettled, article)
	return n, err
}

// DeliveriesOf returns the only delivery of each given activity, by activity. Deliveries that were deleted are
// missing.
func (s *Store) DeliveriesOf(ctx context.Context, activities []blog.ID) (map[blog.ID]blog.Delivery, error) {
	found := map[blog.ID]blog.Delivery{}
	if len(activities) == 0 {
		return found, nil
	}
	var list []blog.Delivery
	err := s.all(ctx, &list, `
		SELECT activity_id, inbox, host, attempts, status, code, answer, took_ms, settled_at FROM deliveries WHERE
		activity_id IN (?)`, activities)
	for _, d := range list {
		found[d.ActivityID] = d
	}
	return found, err
}
