package store

import (
	"context"
	"slices"
	"time"

	"causerie/internal/blog"
)

const (
	deliveryRowColumns = `d.activity_id AS activity_id, d.inbox AS inbox, d.host AS host, d.attempts, d.status, d.code,
		d.answer, d.took_ms, d.revision, d.unsure, d.welcome, d.settled_at,
		a.kind, a.quiet, a.at AS said_at, o.id AS object_id, o.revision AS newest, o.gone_at,
		p.software, p.free_at AS next_at, p.failures, p.failing_since, p.unavailable_since,
		r.next_at AS rests_until, r.since AS refusing_since, COALESCE(r.code, 0) AS refusal_code, COALESCE(r.answer,
		'') AS refusal_answer`

	// joined has the conditions of the joins of fromDeliveries.
	joined = `a.object_id = o.id AND o.comment_id = '' AND d.activity_id = a.id AND p.host = d.host`
)

// fromDeliveries joins the deliveries about articles, from one of two tables, with what a report shows about them.
func (d dialect) fromDeliveries(table string) string {
	// CROSS JOIN is how SQLite is told the order in which it reads the tables, and INDEXED BY how it finds a server. With
	// statistics from a time when the blog had few servers, it would read all of them for each delivery.
	index := ` INDEXED BY sqlite_autoindex_peers_1`
	if d.postgres {
		index = ``
	}
	return ` FROM objects o CROSS JOIN activities a CROSS JOIN ` + table + ` d CROSS JOIN peers p` + index + `
		LEFT JOIN refusals r ON r.host = d.host AND r.voice_id = a.voice_id `
}

// reportRows reads deliveries, and those that were summed up, the newest activity first. more are columns, join is what
// they need, and where is the condition. It must select all deliveries to a server, see addCopies.
func (s *Store) reportRows(ctx context.Context, more, join, where string, args ...any) ([]deliveryRow, error) {
	query := func(table, past string) string {
		return `SELECT ` + deliveryRowColumns + `, o.article_id, ` + past + ` AS past` + more +
			s.sql.fromDeliveries(table) + join + `WHERE ` + joined + ` AND ` + where
	}
	var rows []deliveryRow
	err := s.all(ctx, &rows, query(`deliveries`, `FALSE`)+` UNION ALL `+query(s.sql.pastDeliveries(), `TRUE`)+
		` ORDER BY activity_id DESC, host, inbox`, slices.Concat(args, args)...)
	addCopies(rows)
	return rows, err
}

// addCopies sets what each server has of each object: what the newest delivery about the object brought that it
// accepted. rows have all deliveries to their servers, the newest activity first.
func addCopies(rows []deliveryRow) {
	type place struct {
		object blog.ID
		host   string
	}
	newest := map[place]*deliveryRow{}
	for i := range rows {
		r := &rows[i]
		at := place{r.ObjectID, r.Host}
		if r.Status != blog.Delivered || r.Kind == "Undo" {
			continue
		}
		// One activity may go to several inboxes of a server, with several revisions.
		if n := newest[at]; n == nil || n.ActivityID == r.ActivityID && n.Revision < r.Revision {
			newest[at] = r
		}
	}
	for i := range rows {
		if n := newest[place{rows[i].ObjectID, rows[i].Host}]; n != nil {
			rows[i].Holds, rows[i].Asked = n.Revision, n.Kind == "Delete"
		}
	}
}

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
	rows, err := s.reportRows(ctx, `, COALESCE(m.n, 0) AS followers`, `LEFT JOIN follower_mailboxes m
		ON m.voice_id = a.voice_id AND m.mailbox = d.inbox `, `o.article_id = ?`+among, append([]any{article}, args...)...)
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
