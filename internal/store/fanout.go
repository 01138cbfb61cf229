package store

import (
	"context"
	"fmt"

	"causerie/internal/blog"
)

// TellFollowers writes a delivery for each mailbox of the speaker's followers: one per shared inbox.
func (s *Store) TellFollowers(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT DISTINCT s.id, p.mailbox, p.mail_host, s.revision FROM activities s
		JOIN followers f ON f.voice_id = s.voice_id AND f.state = 'accepted'
		JOIN actors p ON p.id = f.actor_id AND p.gone_at IS NULL AND p.block <> 'refuse'
		WHERE s.id = ? ON CONFLICT DO NOTHING`, a.ID)
}

// holders are the inboxes that may hold a copy of an activity's object: those where a delivery about it arrived or may
// have arrived, and those of servers that are being visited while one waits for them.
const holders = `
	SELECT s.id, d.inbox, d.host, s.revision FROM activities s
	JOIN activities e ON e.object_id = s.object_id AND e.id <> s.id
	JOIN deliveries d ON d.activity_id = e.id AND (d.status = 'delivered' OR d.unsure
		OR d.settled_at IS NULL AND EXISTS (SELECT 1 FROM peers p WHERE p.host = d.host AND p.visited))
	WHERE s.id = ?`

// TellHolders writes a delivery for each inbox that may hold a copy of the activity's object, and for the mailbox of
// everybody who answered or reacted to it: they have one to do it with. Call it after Freshen and before Supersede.
func (s *Store) TellHolders(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)`+holders+`
		UNION
		SELECT s.id, p.mailbox, p.mail_host, s.revision FROM activities s
		JOIN objects o ON o.id = s.object_id AND o.comment_id = ''
		JOIN actors p ON p.gone_at IS NULL AND p.block <> 'refuse' AND p.id IN (
			SELECT c.actor_id FROM comments c WHERE c.article_id = o.article_id AND c.state <> 'spam'
			UNION SELECT r.actor_id FROM reactions r WHERE r.article_id = o.article_id)
		WHERE s.id = ? ON CONFLICT DO NOTHING`, a.ID, a.ID)
}

// TellHoldersWhoFollow is TellHolders for what only followers may read: whoever holds it and follows no more is not
// told its new words.
func (s *Store) TellHoldersWhoFollow(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT DISTINCT h.* FROM (`+holders+`) AS h
		JOIN actors p ON p.mailbox = h.inbox AND p.gone_at IS NULL AND p.block <> 'refuse'
		JOIN followers f ON f.actor_id = p.id AND f.state = 'accepted' AND f.voice_id = ?
		WHERE TRUE ON CONFLICT DO NOTHING`, a.ID, a.VoiceID)
}

// TellOutboxReaders writes a delivery for each inbox that an earlier activity was sent to without a refusal.
func (s *Store) TellOutboxReaders(ctx context.Context, a blog.Activity, earlier blog.ID) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT s.id, d.inbox, d.host, s.revision FROM activities s JOIN deliveries d ON d.activity_id = ? AND d.status NOT
		IN ('refused', 'gone')
		WHERE s.id = ? ON CONFLICT DO NOTHING`, earlier, a.ID)
}

// TellInboxes writes a delivery for each of the given inboxes.
func (s *Store) TellInboxes(ctx context.Context, a blog.Activity, inboxes ...string) error {
	for _, inbox := range inboxes {
		if host := blog.HostOf(inbox); host != "" {
			if err := s.run(ctx, `INSERT INTO deliveries (activity_id, inbox, host, revision) VALUES (?, ?, ?, ?) ON CONFLICT
				DO NOTHING`,
				a.ID, inbox, host, a.Revision); err != nil {
				return err
			}
		}
	}
	return s.awaken(ctx, a)
}

func (s *Store) tell(ctx context.Context, a blog.Activity, fanOut string, args ...any) error {
	if err := s.run(ctx, fanOut, args...); err != nil {
		return fmt.Errorf("write the letters of %s %s: %w", a.Kind, a.ID, err)
	}
	return s.awaken(ctx, a)
}

// awaken marks the servers that now have mail. A server that rests goes on resting. Rows are taken in the order of
// their names, so that two fan-outs do not block each other.
func (s *Store) awaken(ctx context.Context, a blog.Activity) error {
	if err := s.spare(ctx, a.ID); err != nil {
		return err
	}
	return s.run(ctx, `
		INSERT INTO peers (host, waiting, free_at)
		SELECT DISTINCT d.host, TRUE, s.at FROM deliveries d JOIN activities s ON s.id = d.activity_id
		WHERE d.activity_id = ? AND d.settled_at IS NULL ORDER BY 1
		ON CONFLICT (host) DO UPDATE SET waiting = TRUE`, a.ID)
}

// spare gives deliveries up at once that are for servers which were given up: they hear of what still matters when they
// are back (see PeerContacted). Until it commits none of those comes back, which would not see the delivery.
func (s *Store) spare(ctx context.Context, activity blog.ID) error {
	return s.run(ctx, `
		UPDATE deliveries SET status = 'given up', settled_at = (SELECT a.at FROM activities a WHERE a.id =
		deliveries.activity_id)
		WHERE activity_id = ? AND settled_at IS NULL AND host IN (
			SELECT host FROM peers WHERE unavailable_since IS NOT NULL AND host IN (SELECT d.host FROM deliveries d WHERE
			d.activity_id = ?)
			ORDER BY host`+s.sql.shareRow()+`)`, activity, activity)
}

// UpdateWaitingCreates gives the words of a later activity about the same object to every Create of it that waits and
// certainly has not left: one delivery will do there.
func (s *Store) UpdateWaitingCreates(ctx context.Context, a blog.Activity) error {
	if err := s.LockPeersOf(ctx, a.ObjectID); err != nil {
		return err
	}
	return s.run(ctx, `
		UPDATE deliveries SET revision = ?
		WHERE settled_at IS NULL AND NOT unsure
		AND activity_id IN (SELECT e.id FROM activities e WHERE e.object_id = ? AND e.kind = 'Create' AND e.id < ?)
		AND NOT EXISTS (SELECT 1 FROM peers p WHERE p.host = deliveries.host AND p.visited)`, a.Revision, a.ObjectID, a.ID)
}

// LockPeersOf keeps servers from being claimed for which deliveries about an object wait: what of those
// has left can then be told, until the transaction ends.
func (s *Store) LockPeersOf(ctx context.Context, object blog.ID) error {
	var hosts []string
	return s.all(ctx, &hosts, `
		SELECT host FROM peers WHERE host IN (SELECT d.host FROM deliveries d JOIN activities e ON e.id = d.activity_id
			WHERE e.object_id = ? AND d.settled_at IS NULL) ORDER BY host`+s.sql.lockRow(), object)
}

// Supersede settles the deliveries about an object, of the given kinds and older than the activity, that are still
// waiting: a later edit replaces a waiting one, a removal replaces all.
func (s *Store) Supersede(ctx context.Context, a blog.Activity, kinds ...string) error {
	return s.run(ctx, `
		UPDATE deliveries SET status = 'superseded', settled_at = ?
		WHERE settled_at IS NULL AND activity_id IN (SELECT e.id FROM activities e WHERE e.object_id = ? AND e.id < ? AND
		e.kind IN (?))`,
		a.At, a.ObjectID, a.ID, kinds)
}
