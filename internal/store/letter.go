package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

// Object is what stands for an article or a comment of ours on the wire, as the bytes that were sent last.
type Object struct {
	ID        blog.ID
	ArticleID blog.ID
	CommentID blog.ID
	Payload   []byte
	Revision  int
	At        time.Time
	GoneAt    *time.Time
}

// SaveObject writes an object down or renews its bytes. A second living object of one article is blog.ErrConflict.
func (s *Store) SaveObject(ctx context.Context, o Object) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.do(ctx, `
			INSERT INTO objects (id, article_id, comment_id, payload, revision, at, gone_at) VALUES (?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET payload = excluded.payload, revision = excluded.revision, at = excluded.at, gone_at = excluded.gone_at`,
			o.ID, o.ArticleID, o.CommentID, o.Payload, o.Revision, o.At, o.GoneAt)
	})
}

// Object finds an object by its id, gone or not.
func (s *Store) Object(ctx context.Context, id blog.ID) (Object, error) {
	var o Object
	return o, s.one(ctx, &o, `SELECT id, article_id, comment_id, payload, revision, at, gone_at FROM objects WHERE id = ?`, id)
}

// NextActivityID is greater than every activity's id so far, whatever the clock says. Call it in the transaction that
// says the activity.
func (s *Store) NextActivityID(ctx context.Context, now time.Time) (blog.ID, error) {
	var newest blog.ID
	err := s.one(ctx, &newest, `SELECT id FROM activities ORDER BY id DESC LIMIT 1`)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	return newest.After(now), nil
}

// Say writes an activity down without sending it to anybody yet.
func (s *Store) Say(ctx context.Context, a blog.Activity) error {
	s.touch()
	return s.do(ctx, `INSERT INTO activities (id, voice_id, kind, object_id, revision, payload, at) VALUES (?, ?, ?, ?, ?, ?, ?)`,
		a.ID, a.VoiceID, a.Kind, a.ObjectID, a.Revision, a.Payload, a.At)
}

// TellFollowers writes a letter for each mailbox of the speaker's followers: one per shared inbox.
func (s *Store) TellFollowers(ctx context.Context, a blog.Activity) error {
	return s.tell(ctx, a, `
		INSERT INTO deliveries (activity_id, inbox, host)
		SELECT DISTINCT s.id, p.mailbox, p.mail_host FROM activities s
		JOIN followers f ON f.voice_id = s.voice_id AND f.state = 'accepted'
		JOIN actors p ON p.id = f.actor_id AND p.gone_at IS NULL
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
		JOIN actors p ON p.gone_at IS NULL AND p.id IN (
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
// their names, so that two fan-outs cannot block each other.
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

// Activity finds what was said, by its id.
func (s *Store) Activity(ctx context.Context, id blog.ID) (blog.Activity, error) {
	var a blog.Activity
	return a, s.one(ctx, &a, `SELECT id, voice_id, kind, object_id, revision, payload, at FROM activities WHERE id = ?`, id)
}

// Activities lists what was said about an object, oldest first.
func (s *Store) Activities(ctx context.Context, object blog.ID) ([]blog.Activity, error) {
	var list []blog.Activity
	return list, s.all(ctx, &list, `SELECT id, voice_id, kind, object_id, revision, payload, at FROM activities WHERE object_id = ? ORDER BY id`, object)
}

// Claim is the right to work on one server's letters until its lease ends. Claims is the fence: once somebody else has
// claimed the host, nothing done under an older claim is written.
type Claim struct {
	Host     string
	Claims   int64
	Failures int
}

// ErrLost: the lease ended and somebody else has the host.
var ErrLost = errors.New("the lease on this server was lost")

// longestRest bounds free_at: one further ahead comes from a clock that jumped, and counts as due.
const longestRest = 30 * time.Hour

// ClaimPeers takes up to n servers that have mail and are free, for the length of the lease. With failing set it takes
// those that failed last time, else those that did not.
func (s *Store) ClaimPeers(ctx context.Context, now time.Time, lease time.Duration, n int, failing bool) ([]Claim, error) {
	condition := `p.failures = 0`
	if failing {
		condition = `p.failures > 0`
	}
	return s.claim(ctx, "peers", condition, now, lease, n)
}

// ClaimCallers takes up to n servers whose arrivals wait to be worked through.
func (s *Store) ClaimCallers(ctx context.Context, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	return s.claim(ctx, "callers", `TRUE`, now, lease, n)
}

func (s *Store) claim(ctx context.Context, table, condition string, now time.Time, lease time.Duration, n int) ([]Claim, error) {
	var claims []Claim
	var any int
	// Asked of the readers first, so that an idle courier never disturbs the writer.
	due := ` WHERE p.waiting AND (p.free_at <= ? OR p.free_at > ?) AND ` + condition
	if err := s.one(ctx, &any, `SELECT count(*) FROM (SELECT 1 FROM `+table+` p`+due+` LIMIT 1) AS x`, now, now.Add(longestRest)); err != nil || any == 0 {
		return nil, err
	}
	err := s.InTx(ctx, func(s *Store) error {
		return s.all(ctx, &claims, `
			UPDATE `+table+` SET free_at = ?, claims = claims + 1
			WHERE host IN (SELECT p.host FROM `+table+` p`+due+` ORDER BY p.free_at LIMIT ?`+s.sql.skipLocked("p")+`)
			RETURNING host, claims, failures`, now.Add(lease), now, now.Add(longestRest), n)
	})
	if err != nil {
		return nil, fmt.Errorf("claim %s: %w", table, err)
	}
	return claims, nil
}

// Recover frees what a process that was killed still holds, so that a restart need not wait for the leases to end. Only
// SQLite can know that nobody else is at work; on PostgreSQL it does nothing, since another process may be. A server that
// has not failed and is not free is on lease: rests come from failures alone.
func (s *Store) Recover(ctx context.Context, now time.Time) error {
	if s.sql.postgres {
		return nil
	}
	return errors.Join(
		s.do(ctx, `UPDATE peers SET free_at = ?, claims = claims + 1 WHERE waiting AND failures = 0 AND free_at > ?`, now, now),
		s.do(ctx, `UPDATE callers SET free_at = ?, claims = claims + 1 WHERE waiting AND free_at > ?`, now, now))
}

// Renew prolongs a claim; ErrLost when it is no longer ours.
func (s *Store) Renew(ctx context.Context, c Claim, until time.Time) error {
	return lost(s.must(ctx, `UPDATE peers SET free_at = ? WHERE host = ? AND claims = ?`, until, c.Host, c.Claims))
}

func lost(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return ErrLost
	}
	return err
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

// Settle writes down what became of one attempt, under a claim; together with whatever else is settled at this moment.
func (s *Store) Settle(ctx context.Context, c Claim, l Letter, d blog.Delivery, now time.Time) error {
	return s.Together(ctx, func(ctx context.Context, s *Store) error {
		var settled *time.Time
		if d.Status.Settled() {
			settled = &now
		}
		err := s.must(ctx, `
			UPDATE deliveries SET attempts = attempts + 1, status = ?, code = ?, answer = ?, took_ms = ?, settled_at = ?
			WHERE activity_id = ? AND inbox = ? AND EXISTS (SELECT 1 FROM peers p WHERE p.host = ? AND p.claims = ?)`,
			d.Status, d.Code, d.Answer, d.TookMS, settled, l.ActivityID, l.Inbox, c.Host, c.Claims)
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

// Ending is how a visit to a server ended.
type Ending int

const (
	HandedBack Ending = iota // nothing can be said of the server: we stopped
	Answered                 // it answered, whatever it said
	Silent                   // it did not answer, or asked us to come later
)

// Release ends a claim: the server is free again at the given time, and its failures are counted or forgotten. The row
// is locked before its mail is looked at, since a fan-out that commits in between must not be overlooked.
func (s *Store) Release(ctx context.Context, c Claim, freeAt time.Time, how Ending, now time.Time) error {
	return s.Together(ctx, func(ctx context.Context, s *Store) error {
		var claims int64
		if err := s.one(ctx, &claims, `SELECT claims FROM peers WHERE host = ?`+s.sql.lockRow(), c.Host); err != nil || claims != c.Claims {
			return errors.Join(err, lostUnless(claims == c.Claims))
		}
		set, args := ``, []any{}
		switch how {
		case Answered:
			set, args = `, failures = 0, failing_days = 0, failed_on = '', unavailable_since = NULL, last_success = ?`, []any{now}
		case Silent:
			today := now.UTC().Format("2006-01-02")
			set, args = `, failures = failures + 1, failing_days = failing_days + CASE WHEN failed_on = ? THEN 0 ELSE 1 END, failed_on = ?`, []any{today, today}
		}
		return s.do(ctx, `
			UPDATE peers SET free_at = ?, waiting = EXISTS (SELECT 1 FROM deliveries d WHERE d.host = peers.host AND d.settled_at IS NULL)`+set+`
			WHERE host = ?`, append(append([]any{freeAt}, args...), c.Host)...)
	})
}

func lostUnless(ours bool) error {
	if ours {
		return nil
	}
	return ErrLost
}

// GiveUp settles the letters that were said before a moment and never arrived; it tells how many.
func (s *Store) GiveUp(ctx context.Context, before, now time.Time) (int64, error) {
	return s.exec(ctx, `
		UPDATE deliveries SET status = 'given up', settled_at = ?
		WHERE settled_at IS NULL AND attempts > 0 AND activity_id IN (SELECT id FROM activities WHERE at < ?)`, now, before)
}

// HeardFrom ends the rest of a server that just spoke to us. A rest is told from a lease by its length: leases are
// shorter than the given time.
func (s *Store) HeardFrom(ctx context.Context, host string, now time.Time, longestLease time.Duration) error {
	return s.do(ctx, `
		UPDATE peers SET last_heard = ?, free_at = CASE WHEN failures > 0 AND free_at > ? THEN ? ELSE free_at END WHERE host = ?`,
		now, now.Add(longestLease), now, host)
}

// RetryLetters lets the unsuccessful letters about an article be tried again at once; only those of one server when
// host is not "". It tells how many.
func (s *Store) RetryLetters(ctx context.Context, article blog.ID, host string, now time.Time) (int64, error) {
	var n int64
	err := s.InTx(ctx, func(s *Store) (err error) {
		n, err = s.exec(ctx, `
			UPDATE deliveries SET status = CASE WHEN attempts = 0 THEN 'waiting' ELSE 'retrying' END, settled_at = NULL
			WHERE status IN ('refused', 'gone', 'given up', 'retrying', 'waiting') AND (host = ? OR ? = '')
			AND activity_id IN (SELECT a.id FROM activities a JOIN objects o ON o.id = a.object_id WHERE o.article_id = ?)`, host, host, article)
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

// Reports lists every letter about an article, for its author: the newest activity first, then by server.
func (s *Store) Reports(ctx context.Context, article blog.ID) ([]blog.Report, error) {
	var list []blog.Report
	return list, s.all(ctx, &list, `
		SELECT d.activity_id, d.inbox, d.host, d.attempts, d.status, d.code, d.answer, d.took_ms, d.settled_at,
			a.kind, a.at AS said_at, COALESCE(p.software, '') AS software, p.free_at AS next_at,
			(SELECT count(*) FROM followers f JOIN actors x ON x.id = f.actor_id
				WHERE f.voice_id = a.voice_id AND f.state = 'accepted' AND x.mailbox = d.inbox) AS followers
		FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN objects o ON o.id = a.object_id
		JOIN peers p ON p.host = d.host
		WHERE o.article_id = ? ORDER BY d.activity_id DESC, d.host, d.inbox`, article)
}

// Progress is how far the letters of one article have come.
type Progress struct {
	Total, Delivered, Waiting, Retrying, Refused, Gone, GivenUp int
}

// ProgressOf counts, for each article, what became of the letters of its first publication and later changes.
func (s *Store) ProgressOf(ctx context.Context, ids []blog.ID) (map[blog.ID]Progress, error) {
	progress := map[blog.ID]Progress{}
	if len(ids) == 0 {
		return progress, nil
	}
	var rows []struct {
		ArticleID blog.ID
		Status    blog.DeliveryStatus
		N         int
	}
	err := s.all(ctx, &rows, `
		SELECT o.article_id, d.status, count(*) AS n
		FROM deliveries d JOIN activities a ON a.id = d.activity_id JOIN objects o ON o.id = a.object_id AND o.comment_id = ''
		WHERE o.article_id IN (?) AND d.status <> 'superseded' GROUP BY o.article_id, d.status`, ids)
	for _, row := range rows {
		p := progress[row.ArticleID]
		p.add(row.Status, row.N)
		progress[row.ArticleID] = p
	}
	return progress, err
}

func (p *Progress) add(status blog.DeliveryStatus, n int) {
	p.Total += n
	switch status {
	case blog.Delivered:
		p.Delivered += n
	case blog.Waiting:
		p.Waiting += n
	case blog.Retrying:
		p.Retrying += n
	case blog.Refused:
		p.Refused += n
	case blog.GoneAway:
		p.Gone += n
	case blog.GivenUp:
		p.GivenUp += n
	}
}

// SilentPeers lists servers that have failed, the longest silent first: what an author sees of the network's health.
func (s *Store) SilentPeers(ctx context.Context) ([]Peer, error) {
	var list []Peer
	return list, s.all(ctx, &list, `
		SELECT p.host, p.failures, p.failing_days, p.last_success, p.free_at, p.software,
			(SELECT count(*) FROM deliveries d WHERE d.host = p.host AND d.settled_at IS NULL) AS letters
		FROM peers p WHERE p.failures > 0 ORDER BY p.failures DESC, p.host LIMIT 200`)
}

// Peer is a server that we write to.
type Peer struct {
	Host        string
	Failures    int
	FailingDays int
	LastSuccess *time.Time
	FreeAt      time.Time
	Software    string
	Letters     int
}

// RemoveInbox forgets the followers who live at an inbox that answered 410. A shared inbox is left alone: its server may
// have moved it, and its people may still be there.
func (s *Store) RemoveInbox(ctx context.Context, inbox string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.do(ctx, `DELETE FROM followers WHERE actor_id IN (SELECT id FROM actors WHERE inbox = ? AND shared_inbox = '')`, inbox)
	})
}

// federal is what of our activities everybody may read: about an article that is public or unlisted, or about a public
// answer of ours, and not gone.
const federal = `EXISTS (SELECT 1 FROM objects o JOIN articles a ON a.id = o.article_id LEFT JOIN comments c ON c.id = o.comment_id
	WHERE o.id = s.object_id AND o.gone_at IS NULL AND a.visibility IN ('public', 'unlisted')
	AND (o.comment_id = '' OR ` + public + `))`

// PublicActivity finds something said that everybody may read, by its id.
func (s *Store) PublicActivity(ctx context.Context, id blog.ID) (blog.Activity, error) {
	var a blog.Activity
	return a, s.one(ctx, &a, `SELECT s.id, s.voice_id, s.kind, s.object_id, s.revision, s.payload, s.at FROM activities s WHERE s.id = ? AND `+federal, id)
}

// Outbox lists what a voice publicly said, newest first, from before a cursor ("" begins at the newest); with last set
// it is the oldest of all, still newest first.
func (s *Store) Outbox(ctx context.Context, voice, before blog.ID, last bool, limit int) ([]blog.Activity, error) {
	order, condition, args := ` ORDER BY s.id DESC`, ``, []any{voice}
	switch {
	case last:
		order = ` ORDER BY s.id`
	case before != "":
		condition, args = ` AND s.id < ?`, append(args, before)
	}
	var list []blog.Activity
	err := s.all(ctx, &list, `
		SELECT s.id, s.voice_id, s.kind, s.object_id, s.revision, s.payload, s.at FROM activities s
		WHERE s.voice_id = ? AND s.kind IN ('Create', 'Announce') AND `+federal+condition+order+` LIMIT ?`, append(args, limit)...)
	if last {
		slices.Reverse(list)
	}
	return list, err
}

// CountOutbox tells how much a voice publicly said.
func (s *Store) CountOutbox(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM activities s WHERE s.voice_id = ? AND s.kind IN ('Create', 'Announce') AND `+federal, voice)
}

// Usage is what NodeInfo tells of a site.
type Usage struct{ Authors, Articles, Comments int }

// Usage counts authors, published articles and public comments.
func (s *Store) Usage(ctx context.Context) (Usage, error) {
	var u Usage
	return u, s.one(ctx, &u, `
		SELECT (SELECT count(*) FROM authors WHERE disabled_at IS NULL) AS authors,
			(SELECT count(*) FROM articles WHERE status = 'published' AND visibility IN ('public', 'local')) AS articles,
			(SELECT count(*) FROM comments c WHERE `+public+`) AS comments`)
}

// CountFollowing tells how many a voice follows.
func (s *Store) CountFollowing(ctx context.Context, voice blog.ID) (int, error) {
	var n int
	return n, s.one(ctx, &n, `SELECT count(*) FROM following WHERE voice_id = ? AND state = 'accepted'`, voice)
}
