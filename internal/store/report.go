package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

const reportColumns = `id, direction = 'out' AS ours, actor_id, host, voice_id, about, comment_id, activity_id, ` +
	`words, state, resolved_by, at, resolved_at`

// maxOpenReports is how many open reports one server may have with us. Further ones are dropped.
const maxOpenReports = 100

// AddReport saves a report that we received or send. It returns false when the server has too many open ones.
func (s *Store) AddReport(ctx context.Context, c blog.Report) (bool, error) {
	direction := "in"
	if c.Ours {
		direction = "out"
	}
	var taken bool
	err := s.InTx(ctx, func(s *Store) error {
		if !c.Ours {
			// A second report by the same person about the same thing replaces the text of an open one.
			n, err := s.exec(ctx, `UPDATE reports SET words = ?, at = ? WHERE direction = 'in' AND state = 'open' AND
				actor_id = ? AND about = ?`,
				c.Words, c.At, c.ActorID, c.About)
			if taken = n > 0; err != nil || taken {
				return err
			}
			// This counts after the update above: a full list must not keep a reporter from adding to an open report.
			var open int
			err = s.one(ctx, &open, `SELECT count(*) FROM reports WHERE host = ? AND direction = 'in' AND state = 'open'`,
				c.Host)
			if err != nil || open >= maxOpenReports {
				return err
			}
		}
		taken = true
		return s.run(ctx, `
			INSERT INTO reports (id, direction, actor_id, host, voice_id, about, comment_id, activity_id, words, state, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			c.ID, direction, c.ActorID, c.Host, c.VoiceID, c.About, c.CommentID, c.ActivityID, c.Words, c.State, c.At)
	})
	return taken, err
}

// ReportList selects reports.
type ReportList struct {
	Ours   bool
	State  blog.ReportState // "" for all
	Limit  int
	Offset int
}

// Reports lists reports, newest first.
func (s *Store) Reports(ctx context.Context, l ReportList) ([]blog.Report, error) {
	var list []blog.Report
	err := s.all(ctx, &list, `
		SELECT `+reportColumns+` FROM reports WHERE direction = ? AND (state = ? OR ? = '') ORDER BY id DESC LIMIT ?
			OFFSET ?`,
		l.direction(), l.State, l.State, min(max(l.Limit, 1), 500), max(0, l.Offset))
	return list, err
}

// CountReports counts the reports of a list.
func (s *Store) CountReports(ctx context.Context, l ReportList) (int, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM reports WHERE direction = ? AND (state = ? OR ? = '')`, l.direction(),
		l.State, l.State)
	return n, err
}

func (l ReportList) direction() string {
	if l.Ours {
		return "out"
	}
	return "in"
}

// ReportAbout returns our newest report about a comment, or blog.ErrNotFound.
func (s *Store) ReportAbout(ctx context.Context, comment blog.ID) (blog.Report, error) {
	var c blog.Report
	err := s.one(ctx, &c, `SELECT `+reportColumns+
		` FROM reports WHERE comment_id = ? AND direction = 'out' ORDER BY id DESC LIMIT 1`, comment)
	return c, err
}

// ResolveReport resolves a received report, or opens it again when by is "". It returns blog.ErrNotFound when
// there is no such report in the other state.
func (s *Store) ResolveReport(ctx context.Context, id, by blog.ID, now time.Time) error {
	if by == "" {
		return s.execOne(ctx, `UPDATE reports SET state = 'open', resolved_by = '', resolved_at = NULL WHERE id = ? AND
			direction = 'in' AND state = 'resolved'`, id)
	}
	return s.execOne(ctx, `UPDATE reports SET state = 'resolved', resolved_by = ?, resolved_at = ? WHERE id = ? AND
		direction = 'in' AND state = 'open'`, by, now, id)
}
