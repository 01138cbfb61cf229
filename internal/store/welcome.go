package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Welcome is an article that is to be brought to a server whose first follower came.
type Welcome struct {
	VoiceID    blog.ID
	Host       string
	ActivityID blog.ID // by which it was published
	Inbox      string
}

// PlanWelcome has the last public things that a voice said brought to a new follower's server: so many at most, oldest
// first, one each pace from the given moment on. It happens once for each server, and not where somebody follows
// already.
func (s *Store) PlanWelcome(ctx context.Context, f blog.Follower, most int, pace time.Duration, now time.Time) error {
	host := f.Actor.MailHost()
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
		due := now.Add(time.Duration(len(last)-i) * pace)
		if err := s.run(ctx, `INSERT INTO welcome_letters (voice_id, host, activity_id, inbox, due_at) VALUES (?, ?, ?, ?,
			?)`,
			f.VoiceID, host, id, f.Actor.Mailbox(), due); err != nil {
			return err
		}
	}
	return nil
}

// longestPace bounds how far ahead a welcome is due: one that is later was planned before the clock was set back.
const longestPace = time.Hour

// DueWelcomes lists what is to be brought now, the next of each voice to each server. A server that other letters wait
// for gets those first.
func (s *Store) DueWelcomes(ctx context.Context, now time.Time, limit int) ([]Welcome, error) {
	var list []Welcome
	return list, s.all(ctx, &list, `
		SELECT w.voice_id, w.host, w.activity_id, w.inbox FROM welcome_letters w
		WHERE (w.due_at <= ? OR w.due_at > ?) AND NOT EXISTS (SELECT 1 FROM deliveries d WHERE d.host = w.host AND
		d.settled_at IS NULL)
		AND NOT EXISTS (SELECT 1 FROM welcome_letters v WHERE v.voice_id = w.voice_id AND v.host = w.host AND
		v.activity_id < w.activity_id)
		ORDER BY w.due_at LIMIT ?`, now, now.Add(longestPace), limit)
}

// BringWelcome writes the delivery of a welcome, with the newest words, unless another process did, nobody follows from
// there any more, the article is not public now, or the server has it. The next one waits for another pace.
func (s *Store) BringWelcome(ctx context.Context, w Welcome, pace time.Duration, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `DELETE FROM welcome_letters WHERE voice_id = ? AND host = ? AND activity_id = ?`, w.VoiceID,
			w.Host, w.ActivityID)
		if err != nil || n == 0 {
			return err
		}
		if err := s.run(ctx, `UPDATE welcome_letters SET due_at = ? WHERE voice_id = ? AND host = ? AND due_at < ?`,
			now.Add(pace), w.VoiceID, w.Host, now.Add(pace)); err != nil {
			return err
		}
		err = s.tell(ctx, blog.Activity{ID: w.ActivityID, Kind: "welcome"}, `
			INSERT INTO deliveries (activity_id, inbox, host, revision, welcome)
			SELECT s.id, ?, ?, CASE WHEN s.kind = 'Create' THEN o.revision ELSE s.revision END, TRUE`+outbox+
			` AND s.id = ? AND a.visibility = 'public'
			AND EXISTS (SELECT 1 FROM followers f JOIN actors p ON p.id = f.actor_id AND p.gone_at IS NULL AND p.block <>
			'refuse' AND p.mailbox = ?
				WHERE f.voice_id = s.voice_id AND f.state = 'accepted')
			AND NOT EXISTS (SELECT 1 FROM holdings h WHERE h.object_id = s.object_id AND h.host = ? AND h.state = 'held')
			ON CONFLICT DO NOTHING`, w.Inbox, w.Host, w.VoiceID, w.ActivityID, w.Inbox, w.Host)
		if err != nil {
			return err
		}
		return s.run(ctx, `UPDATE deliveries SET written_at = ? WHERE activity_id = ? AND inbox = ? AND
			welcome AND written_at IS NULL`, now, w.ActivityID, w.Inbox)
	})
}

// endWelcome settles what of a welcome waits for an inbox from behind which nobody follows any more, and has not left.
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
