package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Reports lists every letter about an article itself, for its author: the newest activity first, then by server.
func (s *Store) Reports(ctx context.Context, article blog.ID) ([]blog.Report, error) {
	var rows []struct {
		blog.Report
		VoiceID blog.ID
	}
	err := s.all(ctx, &rows, `
		SELECT d.activity_id, d.inbox, d.host, d.attempts, d.status, d.code, d.answer, d.took_ms, d.revision, d.unsure, d.welcome, d.settled_at,
			a.voice_id, a.kind, a.quiet, a.at AS said_at, o.id AS object_id, o.revision AS newest, o.gone_at,
			COALESCE(h.revision, 0) AS holds, COALESCE(h.state, '') = 'asked_to_forget' AS asked,
			p.software, p.free_at AS next_at, p.failures, p.failing_since, p.unavailable_since
		FROM objects o JOIN activities a ON a.object_id = o.id JOIN deliveries d ON d.activity_id = a.id JOIN peers p ON p.host = d.host
		LEFT JOIN holdings h ON h.object_id = o.id AND h.host = d.host
		WHERE o.article_id = ? AND o.comment_id = '' ORDER BY d.activity_id DESC, d.host, d.inbox`, article)
	if err != nil {
		return nil, err
	}
	behind, err := s.behind(ctx, article)
	list := make([]blog.Report, len(rows))
	for i, row := range rows {
		list[i] = row.Report
		list[i].Followers = behind[door{row.VoiceID, row.Inbox}]
	}
	return list, err
}

// door is a mailbox with the voice whose letters come to it.
type door struct {
	VoiceID blog.ID
	Mailbox string
}

// behind counts the followers behind each mailbox, of all voices that said something about an article. It is asked apart
// from the letters: in one query, a database that plans badly counts anew for each of them.
func (s *Store) behind(ctx context.Context, article blog.ID) (map[door]int, error) {
	var rows []struct {
		door
		N int
	}
	err := s.all(ctx, &rows, `
		SELECT f.voice_id, x.mailbox, count(*) AS n FROM followers f JOIN actors x ON x.id = f.actor_id
		WHERE f.state = 'accepted' AND f.voice_id IN (
			SELECT a.voice_id FROM objects o JOIN activities a ON a.object_id = o.id WHERE o.article_id = ?)
		GROUP BY f.voice_id, x.mailbox`, article)
	counts := make(map[door]int, len(rows))
	for _, row := range rows {
		counts[row.door] = row.N
	}
	return counts, err
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
		SELECT p.host, p.failures, p.failing_days, p.last_success, p.free_at, p.software, p.unavailable_since,
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

	UnavailableSince *time.Time // since when it is given up, with all that is for it
}
