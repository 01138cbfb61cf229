package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Welcome is one of the last articles of a voice that is sent to a server when its first follower comes.
type Welcome struct {
	VoiceID    blog.ID
	Host       string
	ActivityID blog.ID // the Create of the article
	Inbox      string
}

// PlanWelcome plans to send the last public articles of a voice to the server of its first follower there. most is
// the number of articles, and pace is the time between two of them. The oldest is sent first. This happens only once
// for each voice and server.
func (s *Store) PlanWelcome(ctx context.Context, f blog.Follower, most int, pace time.Duration, now time.Time) error {
	host := f.Actor.MailHost()
	// The row in welcomes stays for ever. So a follower who leaves and comes back does not get the articles twice.
	n, err := s.exec(ctx, `INSERT INTO welcomes (voice_id, host, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING`, f.VoiceID,
		host, now)
	if err != nil || n == 0 {
		return err
	}
	var others int
	err = s.one(ctx, &others, `
		SELECT count(*) FROM followers f JOIN actors p ON p.id = f.actor_id AND p.mail_host = ?
		WHERE f.voice_id = ? AND f.state = 'accepted' AND f.actor_id <> ?`, host, f.VoiceID, f.ActorID)
	if err != nil || others > 0 {
		return err
	}
	var last []blog.ID
	err = s.all(ctx, &last, `SELECT s.id`+outbox+
		` AND a.visibility = 'public' AND o.comment_id = '' ORDER BY s.id DESC LIMIT ?`, f.VoiceID, most)
	if err != nil {
		return err
	}
	for i, id := range last {
		// The list is newest first, so the last one in it is due first.
		due := now.Add(time.Duration(len(last)-i) * pace)
		if err := s.run(ctx, `INSERT INTO welcome_letters (voice_id, host, activity_id, inbox, due_at) VALUES (?, ?, ?, ?,
			?)`,
			f.VoiceID, host, id, f.Actor.Mailbox(), due); err != nil {
			return err
		}
	}
	return nil
}

// longestPace is longer than any welcome waits. A welcome that is due later was planned before the clock was set
// back.
const longestPace = time.Hour

// DueWelcomes lists the welcomes that are due: the next article of each voice for each server.
func (s *Store) DueWelcomes(ctx context.Context, now time.Time, limit int) ([]Welcome, error) {
	var list []Welcome
	// A server with other waiting deliveries is left out, so that old articles do not delay new ones.
	err := s.all(ctx, &list, `
		SELECT w.voice_id, w.host, w.activity_id, w.inbox FROM welcome_letters w
		WHERE (w.due_at <= ? OR w.due_at > ?) AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.host = w.host AND
		d.settled_at IS NULL)
		AND NOT EXISTS (SELECT 1 FROM welcome_letters v WHERE v.voice_id = w.voice_id AND v.host = w.host AND
		v.activity_id < w.activity_id)
		ORDER BY w.due_at LIMIT ?`, now, now.Add(longestPace), limit)
	return list, err
}

// QueueWelcome adds the delivery of a welcome, with the newest text. It adds none in four cases: another process did
// so already, the voice has no follower on the server any more, the article is no longer public, or the server has
// the article already.
func (s *Store) QueueWelcome(ctx context.Context, w Welcome, pace time.Duration, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		// Of two processes, only the one that deletes the row goes on.
		n, err := s.exec(ctx, `DELETE FROM welcome_letters WHERE voice_id = ? AND host = ? AND activity_id = ?`, w.VoiceID,
			w.Host, w.ActivityID)
		if err != nil || n == 0 {
			return err
		}
		// If this article is late, the next one must not follow at once.
		if err := s.run(ctx, `UPDATE welcome_letters SET due_at = ? WHERE voice_id = ? AND host = ? AND due_at < ?`,
			now.Add(pace), w.VoiceID, w.Host, now.Add(pace)); err != nil {
			return err
		}
		welcome := blog.Activity{ID: w.ActivityID, Kind: "welcome"}
		err = s.insertDeliveries(ctx, welcome, `
			INSERT INTO deliveries (activity_id, inbox, host, revision, welcome)
			SELECT s.id, ?, ?, CASE WHEN s.kind = 'Create' THEN o.revision ELSE s.revision END, TRUE`+outbox+
			` AND s.id = ? AND a.visibility = 'public'
			AND EXISTS (SELECT 1 FROM followers f JOIN actors p ON p.id = f.actor_id AND p.gone_at IS NULL AND p.block <>
			'refuse' AND p.mailbox = ?
				WHERE f.voice_id = s.voice_id AND f.state = 'accepted')
			AND NOT EXISTS (SELECT 1 FROM activities e JOIN deliveries h ON h.activity_id = e.id AND h.inbox = ? AND
				h.status = 'delivered' WHERE e.object_id = s.object_id AND e.kind <> 'Undo')
			AND NOT EXISTS (SELECT 1 FROM activities e JOIN `+s.sql.pastDeliveries()+` h ON h.activity_id = e.id
				AND h.inbox = ? AND (h.status = 'delivered' OR e.id = s.id) WHERE e.object_id = s.object_id AND e.kind <> 'Undo')
			ON CONFLICT DO NOTHING`, w.Inbox, w.Host, w.VoiceID, w.ActivityID, w.Inbox, w.Inbox, w.Inbox)
		if err != nil {
			return err
		}
		if err := s.wakePeers(ctx, welcome, w.Host); err != nil {
			return err
		}
		// A delivery is given up a week after its activity. Here the activity is old, so the week begins at written_at.
		return s.run(ctx, `UPDATE deliveries SET written_at = ? WHERE activity_id = ? AND inbox = ? AND
			welcome AND written_at IS NULL`, now, w.ActivityID, w.Inbox)
	})
}

// endWelcome supersedes the waiting welcomes for an actor's inbox when no follower uses that inbox any more.
func (s *Store) endWelcome(ctx context.Context, actor string) error {
	return s.run(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = (SELECT a.at FROM activities a WHERE a.id =
		deliveries.activity_id)
		WHERE welcome AND settled_at IS NULL AND host = (SELECT mail_host FROM actors WHERE id = ?) AND inbox = (SELECT
		mailbox FROM actors WHERE id = ?)
		AND NOT EXISTS (SELECT 1 FROM activities a JOIN followers f ON f.voice_id = a.voice_id AND f.state = 'accepted'
			JOIN actors p ON p.id = f.actor_id AND p.mailbox = deliveries.inbox WHERE a.id = deliveries.activity_id)`, actor,
		actor)
}
