package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

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
