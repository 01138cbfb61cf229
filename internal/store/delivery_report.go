package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

const (
	deliveryRowColumns = `d.activity_id, d.inbox, d.host, d.attempts, d.status, d.code, d.answer, d.took_ms,
		d.revision, d.unsure, d.welcome, d.settled_at,
		a.kind, a.quiet, a.at AS said_at, o.id AS object_id, o.revision AS newest, o.gone_at,
		COALESCE(h.revision, 0) AS holds, COALESCE(h.state, '') = 'asked_to_forget' AS asked,
		p.software, p.free_at AS next_at, p.failures, p.failing_since, p.unavailable_since,
		r.next_at AS rests_until, r.since AS refusing_since, COALESCE(r.code, 0) AS refusal_code, COALESCE(r.answer,
		'') AS refusal_answer`
	// CROSS JOIN is how SQLite is told the order in which it reads the tables. With statistics from a time when the blog
	// had few servers, it would read all of them for each delivery. joined has the conditions of these joins.
	fromDeliveries = ` FROM objects o CROSS JOIN activities a CROSS JOIN deliveries d CROSS JOIN peers p
		LEFT JOIN holdings h ON h.object_id = o.id AND h.host = d.host
		LEFT JOIN refusals r ON r.host = d.host AND r.voice_id = a.voice_id `
	joined = `a.object_id = o.id AND o.comment_id = '' AND d.activity_id = a.id AND p.host = d.host`
)

// deliveryRow is a delivery about an article, as the database returns it.
type deliveryRow struct {
	blog.DeliveryRow
	ArticleID  blog.ID
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
// first. With hosts, it lists those to these servers only.
func (s *Store) DeliveryRows(ctx context.Context, article blog.ID, hosts ...string) ([]blog.DeliveryRow, error) {
	if len(hosts) == 0 {
		return s.deliveryRows(ctx, article, ``)
	}
	return s.deliveryRows(ctx, article, ` AND d.host IN (?)`, hosts)
}

// deliveryRows is DeliveryRows with a condition.
func (s *Store) deliveryRows(ctx context.Context, article blog.ID, among string, args ...any) ([]blog.DeliveryRow,
	error) {
	var rows []deliveryRow
	err := s.all(ctx, &rows, `SELECT `+deliveryRowColumns+`, COALESCE(m.n, 0) AS followers`+fromDeliveries+
		`LEFT JOIN follower_mailboxes m ON m.voice_id = a.voice_id AND m.mailbox = d.inbox
		WHERE `+joined+` AND o.article_id = ?`+among+` ORDER BY d.activity_id DESC, d.host, d.inbox`,
		append([]any{article}, args...)...)
	list := make([]blog.DeliveryRow, len(rows))
	for i, row := range rows {
		list[i] = row.row()
	}
	return list, err
}

// SampleDeliveryRows returns one row for all servers that have the same history of deliveries, by article. Alike is
// the number of the other servers with that history. Followers are not counted. Most servers have the same history,
// so few rows are read, however many servers there are. blog.ServerStates decides what a history means. Of an article
// with many deliveries, the result may be some seconds old.
func (s *Store) SampleDeliveryRows(ctx context.Context, articles []blog.ID) (map[blog.ID][]blog.DeliveryRow, error) {
	all, err := s.DeliveryGroups(ctx, articles)
	samples := map[blog.ID][]blog.DeliveryRow{}
	for article, groups := range all {
		samples[article] = SampleOf(groups)
	}
	return samples, err
}
