package store

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// TellFollowers writes a letter for each mailbox of the speaker's followers: one per shared inbox.
func (s *Store) TellFollowers(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host)
		SELECT DISTINCT s.id, p.mailbox, p.mail_host FROM activities s
		JOIN followers f ON f.voice_id = s.voice_id AND f.state = 'accepted'
		JOIN actors p ON p.id = f.actor_id AND p.gone_at IS NULL AND p.block <> 'refuse'
		WHERE s.id = ? ON CONFLICT DO NOTHING`, a.ID)
}

// TellHolders writes a letter for each inbox that may hold a copy of the activity's object: every one that it was sent
// to without a refusal, and the mailbox of everybody who answered or reacted to it.
func (s *Store) TellHolders(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host)
		SELECT s.id, d.inbox, d.host FROM activities s
		JOIN activities e ON e.object_id = s.object_id AND e.id <> s.id
		JOIN deliveries d ON d.activity_id = e.id AND d.status NOT IN ('refused', 'gone')
		WHERE s.id = ?
		UNION
		SELECT s.id, p.mailbox, p.mail_host FROM activities s
		JOIN objects o ON o.id = s.object_id AND o.comment_id = ''
		JOIN actors p ON p.gone_at IS NULL AND p.block <> 'refuse' AND p.id IN (
			SELECT c.actor_id FROM comments c WHERE c.article_id = o.article_id AND c.state = 'shown'
			UNION SELECT r.actor_id FROM reactions r WHERE r.article_id = o.article_id)
		WHERE s.id = ? ON CONFLICT DO NOTHING`, a.ID, a.ID)
}

// TellInboxes writes a letter for each of the given inboxes.
func (s *Store) TellInboxes(ctx context.Context, a blog.Activity, inboxes ...string) error {
	for _, inbox := range inboxes {
		if host := blog.HostOf(inbox); host != "" {
			if err := s.do(ctx, `INSERT INTO deliveries (activity_id, inbox, host) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, a.ID, inbox, host); err != nil {
				return err
			}
		}
	}
	return s.awaken(ctx, a)
}

func (s *Store) tell(ctx context.Context, a blog.Activity, fanOut string, args ...any) error {
	if err := s.do(ctx, fanOut, args...); err != nil {
		return fmt.Errorf("write the letters of %s %s: %w", a.Kind, a.ID, err)
	}
	return s.awaken(ctx, a)
}

// awaken marks the servers that now have mail. A server that rests goes on resting. Rows are taken in the order of
// their names, so that two fan-outs do not block each other.
func (s *Store) awaken(ctx context.Context, a blog.Activity) error {
	return s.do(ctx, `
		INSERT INTO peers (host, waiting, free_at)
		SELECT DISTINCT d.host, TRUE, s.at FROM deliveries d JOIN activities s ON s.id = d.activity_id
		WHERE d.activity_id = ? AND d.settled_at IS NULL ORDER BY 1
		ON CONFLICT (host) DO UPDATE SET waiting = TRUE`, a.ID)
}

// Supersede settles the letters about an object, of the given kinds and older than the activity, that are still
// waiting: a later edit replaces a waiting one, a removal replaces all.
func (s *Store) Supersede(ctx context.Context, a blog.Activity, kinds ...string) error {
	return s.do(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = ?
		WHERE settled_at IS NULL AND activity_id IN (SELECT e.id FROM activities e WHERE e.object_id = ? AND e.id < ? AND e.kind IN (?))`,
		a.At, a.ObjectID, a.ID, kinds)
}

// Letter is one delivery with what is needed to bring it.
type Letter struct {
	ActivityID blog.ID
	Inbox      string
	Host       string
	Attempts   int
	VoiceID    blog.ID
	Kind       string
	ObjectID   blog.ID
	Revision   int
	SaidAt     time.Time
}

// WaitingFor lists a server's waiting letters in the order in which they were said.
func (s *Store) WaitingFor(ctx context.Context, host string, limit int) ([]Letter, error) {
	var list []Letter
	return list, s.all(ctx, &list, `
		SELECT d.activity_id, d.inbox, d.host, d.attempts, a.voice_id, a.kind, a.object_id, a.revision, a.at AS said_at
		FROM deliveries d JOIN activities a ON a.id = d.activity_id
		WHERE d.host = ? AND d.settled_at IS NULL ORDER BY d.activity_id, d.inbox LIMIT ?`, host, limit)
}

// Settle writes down what became of one attempt, under a claim; together with whatever else is settled at this moment. A
// letter that was made needless while it was on its way stays so, unless it arrived.
func (s *Store) Settle(ctx context.Context, c Claim, l Letter, d blog.Delivery, now time.Time) error {
	return s.gathered(ctx, c.Host, func(ctx context.Context, s *Store) error {
		var settled *time.Time
		if d.Status.Settled() {
			settled = &now
		}
		err := s.must(ctx, `
			UPDATE deliveries SET attempts = attempts + 1, code = ?, answer = ?, took_ms = ?,
				status = CASE WHEN settled_at IS NULL OR ? THEN ? ELSE status END,
				settled_at = CASE WHEN settled_at IS NULL OR ? THEN ? ELSE settled_at END
			WHERE activity_id = ? AND inbox = ? AND EXISTS (SELECT 1 FROM peers p WHERE p.host = ? AND p.claims = ?)`,
			d.Code, d.Answer, d.TookMS, d.Status == blog.Delivered, d.Status, d.Status == blog.Delivered, settled,
			l.ActivityID, l.Inbox, c.Host, c.Claims)
		if err != nil || d.Status != blog.Delivered || l.ObjectID == "" {
			return lost(err)
		}
		return s.hold(ctx, l, now)
	})
}

// hold notes that a server has an object now, or was asked to forget it.
func (s *Store) hold(ctx context.Context, l Letter, now time.Time) error {
	state := "held"
	if l.Kind == "Delete" {
		state = "asked_to_forget"
	}
	return s.do(ctx, `
		INSERT INTO holdings (object_id, host, revision, state, proof_at) SELECT o.id, ?, ?, ?, ? FROM objects o WHERE o.id = ?
		ON CONFLICT (object_id, host) DO UPDATE SET revision = excluded.revision, state = excluded.state, proof_at = excluded.proof_at`,
		l.Host, l.Revision, state, now, l.ObjectID)
}

// GiveUp settles the letters that were said before a moment and never arrived, or lie behind such; it tells how many. What
// nobody tried to bring yet, since we were away ourselves, is not given up.
func (s *Store) GiveUp(ctx context.Context, before, now time.Time) (int64, error) {
	return s.exec(ctx, `
		UPDATE deliveries SET status = 'given up', settled_at = ?
		WHERE settled_at IS NULL AND activity_id IN (SELECT id FROM activities WHERE at < ?)
		AND (attempts > 0 OR EXISTS (SELECT 1 FROM peers p WHERE p.host = deliveries.host AND p.failures > 0))`, now, before)
}

// RetryLetters lets the unsuccessful letters about an article be tried again at once; only those of one server when
// host is not "". Of what is gone, only the word that it is gone. It tells how many.
func (s *Store) RetryLetters(ctx context.Context, article blog.ID, host string, now time.Time) (int64, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		n, err = s.exec(ctx, `
			UPDATE deliveries SET status = CASE WHEN attempts = 0 THEN 'waiting' ELSE 'retrying' END, settled_at = NULL
			WHERE status IN ('refused', 'gone', 'given up', 'retrying', 'waiting') AND (host = ? OR ? = '')
			AND activity_id IN (SELECT a.id FROM activities a JOIN objects o ON o.id = a.object_id
				WHERE o.article_id = ? AND (o.gone_at IS NULL OR a.kind = 'Delete'))`, host, host, article)
		if err != nil || n == 0 {
			return err
		}
		return s.do(ctx, `
			UPDATE peers SET waiting = TRUE, free_at = CASE WHEN free_at > ? AND failures > 0 THEN ? ELSE free_at END
			WHERE (host = ? OR ? = '') AND host IN (
				SELECT d.host FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN objects o ON o.id = a.object_id
				WHERE o.article_id = ? AND d.settled_at IS NULL)`, now, now, host, host, article)
	})
	return n, err
}
