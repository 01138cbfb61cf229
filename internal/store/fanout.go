package store

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// FanOutToFollowers adds a delivery for each inbox of the accepted followers of the activity's voice, one per shared
// inbox.
func (s *Store) FanOutToFollowers(ctx context.Context, a blog.Activity) error {
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT s.id, m.mailbox, m.host, s.revision FROM activities s JOIN follower_mailboxes m ON m.voice_id = s.voice_id
		WHERE s.id = ? ON CONFLICT DO NOTHING`, a.ID)
}

// unsettled is the condition of a delivery that is not settled, for statements about given activities. It says the same
// as settled_at IS NULL, but there is no index for it: PostgreSQL expects few deliveries that wait, and would read all
// of them by theirs.
const unsettled = `status IN ('waiting', 'retrying')`

// holders selects the inboxes that may have a copy of an activity's object: an earlier delivery about the object
// arrived or may have arrived, or one is waiting while its server is being visited. Its arguments are the id of the
// activity, twice.
func (s *Store) holders() string {
	return `
	SELECT s.id, d.inbox, d.host, s.revision FROM activities s
	JOIN activities e ON e.object_id = s.object_id AND e.id <> s.id
	JOIN deliveries d ON d.activity_id = e.id AND (d.status = 'delivered' OR d.unsure
		OR d.settled_at IS NULL AND EXISTS (SELECT 1 FROM peers p WHERE p.host = d.host AND p.visited))
	WHERE s.id = ?
	UNION
	SELECT s.id, d.inbox, d.host, s.revision FROM activities s
	JOIN activities e ON e.object_id = s.object_id AND e.id <> s.id
	JOIN ` + s.sql.pastDeliveries() + ` d ON d.activity_id = e.id AND (d.status = 'delivered' OR d.unsure)
	WHERE s.id = ?`
}

// FanOutToHolders adds a delivery for each inbox that may have a copy of the activity's object, and for everybody who
// replied or reacted to it. Call it after UpdateWaitingCreates and before Supersede.
func (s *Store) FanOutToHolders(ctx context.Context, a blog.Activity) error {
	holders := `INSERT INTO deliveries (activity_id, inbox, host, revision)` + s.holders() + ` ON CONFLICT DO NOTHING`
	var article blog.ID
	err := s.one(ctx, &article, `SELECT article_id FROM objects WHERE id = ? AND comment_id = ''`, a.ObjectID)
	switch {
	case errors.Is(err, blog.ErrNotFound): // the object is an answer, which is fetched by few
		return s.addDeliveries(ctx, a, holders, a.ID, a.ID)
	case err != nil:
		return err
	}
	if err := s.insertDeliveries(ctx, a, holders, a.ID, a.ID); err != nil {
		return err
	}
	// Whoever replied or reacted has a copy, even if no delivery of ours brought it: their server fetched it. The article
	// is an argument: if it came from a table, PostgreSQL would search the comments once for each actor.
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT DISTINCT s.id, p.mailbox, p.mail_host, s.revision FROM activities s
		JOIN actors p ON p.gone_at IS NULL AND p.block <> 'refuse' AND p.id IN (
			SELECT c.actor_id FROM comments c WHERE c.article_id = ? AND c.state <> 'spam'
			UNION SELECT r.actor_id FROM reactions r WHERE r.article_id = ?)
		WHERE s.id = ? ON CONFLICT DO NOTHING`, article, article, a.ID)
}

// FanOutToFollowingHolders is FanOutToHolders for objects that only followers may read. Former followers do not get
// the new text.
func (s *Store) FanOutToFollowingHolders(ctx context.Context, a blog.Activity) error {
	// Without WHERE TRUE, SQLite takes ON CONFLICT for the ON of the join.
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT DISTINCT h.* FROM (`+s.holders()+`) AS h
		JOIN actors p ON p.mailbox = h.inbox AND p.gone_at IS NULL AND p.block <> 'refuse'
		JOIN followers f ON f.actor_id = p.id AND f.state = 'accepted' AND f.voice_id = ?
		WHERE TRUE ON CONFLICT DO NOTHING`, a.ID, a.ID, a.VoiceID)
}

// FanOutToRecipientsOf adds a delivery for each inbox that an earlier activity was sent to, unless the inbox is gone or
// refused that activity.
func (s *Store) FanOutToRecipientsOf(ctx context.Context, a blog.Activity, earlier blog.ID) error {
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT s.id, d.inbox, d.host, s.revision FROM activities s JOIN deliveries d ON d.activity_id = ? AND d.status NOT
		IN ('refused', 'gone')
		WHERE s.id = ?
		UNION
		SELECT s.id, d.inbox, d.host, s.revision FROM activities s JOIN `+s.sql.pastDeliveries()+` d ON d.activity_id = ?
		AND d.status NOT IN ('refused', 'gone')
		WHERE s.id = ? ON CONFLICT DO NOTHING`, earlier, a.ID, earlier, a.ID)
}

// FanOutToParticipants adds a delivery for each inbox of everybody with a public comment under an article, one per
// shared inbox.
func (s *Store) FanOutToParticipants(ctx context.Context, a blog.Activity, article blog.ID) error {
	// repliers has one row for each person, however much they wrote. Those who only mentioned or quoted are few.
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT DISTINCT s.id, p.mailbox, p.mail_host, s.revision FROM activities s
		JOIN actors p ON p.gone_at IS NULL AND p.mail_host <> '' AND p.id IN (
			SELECT r.actor_id FROM repliers r WHERE r.article_id = ? AND r.n > 0
			UNION SELECT c.actor_id FROM comments c WHERE c.article_id = ? AND c.kind > '' AND `+public+`)
		WHERE s.id = ? ON CONFLICT DO NOTHING`, article, article, a.ID)
}

// AddDeliveriesTo adds a delivery for each of the given inboxes.
func (s *Store) AddDeliveriesTo(ctx context.Context, a blog.Activity, inboxes ...string) error {
	var hosts []string
	var all int64
	for _, inbox := range inboxes {
		// An actor may have no inbox, or an inbox that is not a URL.
		if host := blog.HostOf(inbox); host != "" {
			n, err := s.exec(ctx, `INSERT INTO deliveries (activity_id, inbox, host, revision) VALUES (?, ?, ?, ?) ON CONFLICT
				DO NOTHING`, a.ID, inbox, host, a.Revision)
			if err != nil {
				return err
			}
			all, hosts = all+n, append(hosts, host)
		}
	}
	if len(hosts) == 0 {
		return nil
	}
	if err := s.countDeliveries(ctx, a.ID, all); err != nil {
		return err
	}
	return s.wakePeers(ctx, a, hosts...)
}

// countDeliveries adds to the kept number of an activity's deliveries, if the activity is about an object of ours.
func (s *Store) countDeliveries(ctx context.Context, activity blog.ID, n int64) error {
	if n == 0 {
		return nil
	}
	return s.run(ctx, `INSERT INTO delivery_counts (activity_id, n) SELECT id, CAST(? AS BIGINT) FROM activities
		WHERE id = ? AND object_id <> ''
		ON CONFLICT (activity_id) DO UPDATE SET n = delivery_counts.n + excluded.n`, n, activity)
}

// addDeliveries runs a statement that inserts the deliveries of an activity, and wakes their servers.
func (s *Store) addDeliveries(ctx context.Context, a blog.Activity, fanOut string, args ...any) error {
	if err := s.insertDeliveries(ctx, a, fanOut, args...); err != nil {
		return err
	}
	if err := s.keepSample(ctx, a); err != nil {
		return err
	}
	return s.wakePeers(ctx, a)
}

// insertDeliveries runs a statement that inserts deliveries of an activity.
func (s *Store) insertDeliveries(ctx context.Context, a blog.Activity, fanOut string, args ...any) error {
	// One activity may go through several fan-outs. ON CONFLICT in each statement keeps the first delivery to an inbox.
	n, err := s.exec(ctx, fanOut, args...)
	if err != nil {
		return fmt.Errorf("add the deliveries of %s %s: %w", a.Kind, a.ID, err)
	}
	return s.countDeliveries(ctx, a.ID, n)
}

// wakePeers marks the servers of an activity's deliveries as waiting, so that the courier claims them. It does not
// end the back-off of a failing server. With hosts, it looks at those alone: the activity may have thousands of others.
func (s *Store) wakePeers(ctx context.Context, a blog.Activity, hosts ...string) error {
	s.mark(changes.Mail)
	among, args := ``, []any{a.ID}
	if len(hosts) > 0 {
		among, args = ` AND d.host IN (?)`, append(args, hosts)
	}
	if err := s.giveUpUnavailable(ctx, among, args); err != nil {
		return err
	}
	// ORDER BY 1: all fan-outs lock the peers in the same order, so that two cannot wait for each other.
	return s.run(ctx, `
		INSERT INTO peers (host, waiting, free_at)
		SELECT DISTINCT d.host, TRUE, s.at FROM deliveries d JOIN activities s ON s.id = d.activity_id
		WHERE d.activity_id = ?`+among+` AND d.`+unsettled+` ORDER BY 1
		ON CONFLICT (host) DO UPDATE SET waiting = TRUE WHERE NOT peers.waiting`, args...)
}

// giveUpUnavailable gives up the deliveries of an activity to unavailable servers, among those of wakePeers. When
// such a server sends something again, PeerContacted revives those that still matter.
func (s *Store) giveUpUnavailable(ctx context.Context, among string, args []any) error {
	// The lock keeps these servers unavailable until the commit. Otherwise PeerContacted could revive the deliveries of
	// a server just before this one is added.
	var hosts []string
	err := s.all(ctx, &hosts, `
		SELECT p.host FROM deliveries d JOIN peers p ON p.host = d.host AND p.unavailable_since IS NOT NULL
		WHERE d.activity_id = ?`+among+` AND d.`+unsettled+` ORDER BY p.host`+s.sql.shareRow("p"), args...)
	if err != nil {
		return err
	}
	// Not in one statement with the search: PostgreSQL expects few deliveries of an activity that it has just got, and
	// searched the whole list of servers for each of them.
	for some := range slices.Chunk(slices.Compact(hosts), 1000) {
		err := s.run(ctx, `
			UPDATE deliveries AS d SET status = 'given up', settled_at = (SELECT a.at FROM activities a WHERE a.id =
			d.activity_id)
			WHERE d.activity_id = ?`+among+` AND d.`+unsettled+` AND d.host IN (?)`,
			append(slices.Clone(args), some)...)
		if err != nil {
			return err
		}
	}
	return nil
}

// UpdateWaitingCreates gives the revision of an activity to the waiting Creates of the same object that were
// certainly not sent yet. Those inboxes then need no Update.
func (s *Store) UpdateWaitingCreates(ctx context.Context, a blog.Activity) error {
	// Without the lock, a courier could claim a server and send the old text while this statement runs.
	if err := s.LockPeersOf(ctx, a.ObjectID); err != nil {
		return err
	}
	return s.run(ctx, `
		UPDATE deliveries SET revision = ?
		WHERE `+unsettled+` AND NOT unsure
		AND activity_id IN (SELECT e.id FROM activities e WHERE e.object_id = ? AND e.kind = 'Create' AND e.id < ?)
		AND NOT EXISTS (SELECT 1 FROM peers p WHERE p.host = deliveries.host AND p.visited)`, a.Revision, a.ObjectID, a.ID)
}

// LockPeersOf stops claims of the servers with waiting deliveries about an object until the transaction ends. So the
// caller knows which deliveries were not sent yet.
func (s *Store) LockPeersOf(ctx context.Context, object blog.ID) error {
	var hosts []string
	return s.all(ctx, &hosts, `
		SELECT host FROM peers WHERE host IN (SELECT d.host FROM deliveries d JOIN activities e ON e.id = d.activity_id
			WHERE e.object_id = ? AND d.`+unsettled+`) ORDER BY host`+s.sql.lockRow(), object)
}

// Supersede settles older waiting deliveries about the same object whose activities are of the given kinds. An Update
// supersedes Updates. A Delete supersedes everything.
func (s *Store) Supersede(ctx context.Context, a blog.Activity, kinds ...string) error {
	var older []blog.ID
	err := s.all(ctx, &older, `SELECT e.id FROM activities e WHERE e.object_id = ? AND e.id < ? AND e.kind IN (?)`,
		a.ObjectID, a.ID, kinds)
	if err != nil || len(older) == 0 {
		return err
	}
	return s.run(ctx, `UPDATE deliveries SET status = 'superseded', settled_at = ?
		WHERE `+unsettled+` AND activity_id IN (?)`, a.At, older)
}

// FanOutToAcquaintances adds a delivery to every other server that may know a voice: something of the voice was sent
// there, or somebody there follows, replied, reacted, mentioned it or is followed by it. Each server gets one.
func (s *Store) FanOutToAcquaintances(ctx context.Context, a blog.Activity) error {
	// One inbox per server is enough: servers keep one copy of a key. min() picks the same one each time.
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host, revision)
		SELECT s.id, min(k.inbox), k.host, s.revision FROM activities s, (
			SELECT d.inbox, d.host FROM activities e JOIN deliveries d ON d.activity_id = e.id
			WHERE e.voice_id = ? AND d.attempts > 0 AND d.status <> 'gone'
			UNION
			SELECT d.inbox, d.host FROM activities e JOIN `+s.sql.pastDeliveries()+` d ON d.activity_id = e.id
			WHERE e.voice_id = ? AND d.attempts > 0 AND d.status <> 'gone'
			UNION
			SELECT p.mailbox, p.mail_host FROM actors p WHERE p.gone_at IS NULL AND p.block <> 'refuse' AND p.id IN (
				SELECT c.actor_id FROM comments c JOIN articles w ON w.id = c.article_id WHERE w.voice_id = ? AND c.state <> 'spam'
				UNION SELECT x.actor_id FROM reactions x JOIN articles w ON w.id = x.article_id WHERE w.voice_id = ?
				UNION SELECT m.actor_id FROM mentions m WHERE m.voice_id = ?
				UNION SELECT f.actor_id FROM followers f WHERE f.voice_id = ? AND f.state <> 'aside'
				UNION SELECT g.actor_id FROM following g WHERE g.voice_id = ?)) AS k
		WHERE s.id = ? AND k.host <> '' AND k.host NOT IN (SELECT t.host FROM deliveries t WHERE t.activity_id = ?)
		GROUP BY s.id, k.host, s.revision ON CONFLICT DO NOTHING`, a.VoiceID, a.VoiceID, a.VoiceID, a.VoiceID, a.VoiceID,
		a.VoiceID, a.VoiceID, a.ID, a.ID)
}

// FanOutToAll adds a delivery for every inbox that we know of or ever sent to, one for all actors behind a shared
// inbox. Any of these servers may hold something of the voice.
func (s *Store) FanOutToAll(ctx context.Context, a blog.Activity) error {
	// The first half leaves out personal inboxes whose actor has a shared one: the second half reaches those.
	return s.addDeliveries(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host)
		SELECT s.id, d.inbox, d.host FROM activities s, deliveries d WHERE s.id = ? AND d.activity_id <> s.id AND d.status
		<> 'gone'
			AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.inbox = d.inbox AND p.mailbox <> p.inbox)
		UNION
		SELECT s.id, d.inbox, d.host FROM activities s, `+s.sql.pastDeliveries()+` d WHERE s.id = ? AND d.status <> 'gone'
			AND NOT EXISTS (SELECT 1 FROM actors p WHERE p.inbox = d.inbox AND p.mailbox <> p.inbox)
		UNION
		SELECT s.id, p.mailbox, p.mail_host FROM activities s, actors p WHERE s.id = ? AND p.gone_at IS NULL AND p.mailbox
		<> ''
		ON CONFLICT DO NOTHING`, a.ID, a.ID, a.ID)
}
