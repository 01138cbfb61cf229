package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

const (
	deliveryRowColumns = `d.activity_id, d.inbox, d.host, d.attempts, d.status, d.code, d.answer, d.took_ms,
		d.revision, d.unsure, d.welcome, d.settled_at,
		a.voice_id, a.kind, a.quiet, a.at AS said_at, o.id AS object_id, o.revision AS newest, o.gone_at,
		COALESCE(h.revision, 0) AS holds, COALESCE(h.state, '') = 'asked_to_forget' AS asked,
		p.software, p.free_at AS next_at, p.failures, p.failing_since, p.unavailable_since,
		r.next_at AS rests_until, r.since AS refusing_since, COALESCE(r.code, 0) AS refusal_code, COALESCE(r.answer,
		'') AS refusal_answer`
	fromDeliveries = ` FROM objects o JOIN activities a ON a.object_id = o.id AND o.comment_id = '' JOIN deliveries d
		ON d.activity_id = a.id
		JOIN peers p ON p.host = d.host LEFT JOIN holdings h ON h.object_id = o.id AND h.host = d.host
		LEFT JOIN refusals r ON r.host = d.host AND r.voice_id = a.voice_id `
)

// deliveryRow is a delivery about an article, as the database returns it.
type deliveryRow struct {
	blog.DeliveryRow
	ArticleID  blog.ID
	VoiceID    blog.ID
	RestsUntil *time.Time // the voice at the server
}

// row returns the delivery with the time of its next attempt.
func (r deliveryRow) row() blog.DeliveryRow {
	// The next attempt waits for both the back-off of the server and the rest of the voice at that server.
	if r.RestsUntil != nil && r.RestsUntil.After(r.NextAt) {
		r.NextAt = *r.RestsUntil
	}
	return r.DeliveryRow
}

// DeliveryRows lists all deliveries about an article, without those about its replies. The newest activity comes
// first.
func (s *Store) DeliveryRows(ctx context.Context, article blog.ID) ([]blog.DeliveryRow, error) {
	var rows []deliveryRow
	err := s.all(ctx, &rows, `SELECT `+deliveryRowColumns+fromDeliveries+
		`WHERE o.article_id = ? ORDER BY d.activity_id DESC, d.host, d.inbox`, article)
	if err != nil {
		return nil, err
	}
	followers, err := s.followersByInbox(ctx, article)
	list := make([]blog.DeliveryRow, len(rows))
	for i, row := range rows {
		list[i] = row.row()
		list[i].Followers = followers[voiceInbox{row.VoiceID, row.Inbox}]
	}
	return list, err
}

// SampleDeliveryRows returns one row for all servers that have the same history of deliveries, by article. Alike is
// the number of the other servers with that history. Followers are not counted. Most servers have the same history,
// so few rows are read, however many servers there are. blog.ServerStates decides what a history means.
func (s *Store) SampleDeliveryRows(ctx context.Context, articles []blog.ID) (map[blog.ID][]blog.DeliveryRow, error) {
	samples := map[blog.ID][]blog.DeliveryRow{}
	if len(articles) == 0 {
		return samples, nil
	}
	var rows []deliveryRow
	err := s.all(ctx, &rows, `
		SELECT o.article_id, s.alike, `+deliveryRowColumns+fromDeliveries+`JOIN (
			SELECT article_id, min(host) AS host, count(*) - 1 AS alike FROM (
				SELECT o.article_id, p.host, p.failures > 0 AS failing, p.failing_since, p.unavailable_since, r.since AS
				refusing_since,
					string_agg(
					d.activity_id || ' ' || d.status || ' ' || d.code || ' ' || d.attempts || ' ' || d.revision || ' ' || d.unsure
					|| ' ' ||
					COALESCE(h.revision, 0) || ' ' || COALESCE(h.state, ''), ';' ORDER BY d.activity_id) AS history
				`+fromDeliveries+`WHERE o.article_id IN (?) GROUP BY o.article_id, p.host, r.since) AS histories
			GROUP BY article_id, failing, failing_since, unavailable_since, refusing_since, history) AS s ON s.article_id =
			o.article_id AND s.host = d.host
		ORDER BY d.activity_id DESC, d.host, d.inbox`, articles)
	for _, row := range rows {
		samples[row.ArticleID] = append(samples[row.ArticleID], row.row())
	}
	return samples, err
}

// voiceInbox is a voice, and an inbox to which its deliveries go.
type voiceInbox struct {
	VoiceID blog.ID
	Inbox   string
}

// followersByInbox counts the followers behind each inbox, for all voices with an activity about an article.
func (s *Store) followersByInbox(ctx context.Context, article blog.ID) (map[voiceInbox]int, error) {
	var rows []struct {
		voiceInbox
		N int
	}
	err := s.all(ctx, &rows, `
		SELECT m.voice_id, m.mailbox AS inbox, m.n FROM follower_mailboxes m WHERE m.voice_id IN (
			SELECT a.voice_id FROM objects o JOIN activities a ON a.object_id = o.id WHERE o.article_id = ?)`, article)
	counts := make(map[voiceInbox]int, len(rows))
	for _, row := range rows {
		counts[row.voiceInbox] = row.N
	}
	return counts, err
}
