package store

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"causerie/internal/blog"
)

// Old deliveries that are settled are summed up: one row for all inboxes of an activity with the same outcome, in
// place of one each. What is lost is how long each took, how often it was tried, and the way to try it again. Whoever
// has an article, and why others do not, stays known.

// pastDeliveries are the deliveries that were summed up, as rows like those of deliveries. Use it as a table.
func (d dialect) pastDeliveries() string {
	each := `json_each(g.inboxes) AS e JOIN inboxes i ON i.id = e.value`
	if d.postgres {
		each = `unnest(g.inboxes) AS e (value) JOIN inboxes i ON i.id = e.value`
	}
	return `(SELECT g.activity_id, i.inbox, i.host, g.attempts, g.status, g.code, g.answer, 0 AS took_ms, g.revision,
		g.unsure, g.welcome, g.settled_at FROM past_deliveries g CROSS JOIN ` + each + `)`
}

// sumUpOnce is how many deliveries are summed up in one transaction, so that SQLite's only writer is not held for long.
const sumUpOnce = 500

// outcome is what deliveries that are summed up have in common.
type outcome struct {
	Status   blog.DeliveryStatus
	Code     int
	Answer   string
	Revision int
	Unsure   bool
	Welcome  bool
	Tried    bool
}

// summable is the condition of a delivery d that can be summed up. Those that were given up stay while their server is
// unavailable: when it is back, it gets what it missed.
const summable = `d.settled_at < ? AND d.activity_id IN (SELECT a.id FROM activities a
	JOIN objects o ON o.id = a.object_id WHERE a.id = d.activity_id)
	AND NOT (d.status = 'given up' AND EXISTS (SELECT 1 FROM peers p WHERE p.host = d.host
		AND p.unavailable_since IS NOT NULL))`

// SumUpDeliveries sums up some settled deliveries of one activity that are older than a time. after is where the last
// call stopped, "" to begin. It returns where the next call begins, and how many deliveries it summed up; next is ""
// when no more are left. It commits before it returns, so it can be stopped at any time.
func (s *Store) SumUpDeliveries(ctx context.Context, after blog.ID, before time.Time) (next blog.ID, n int, err error) {
	// Ids begin with their time, so the key finds the old activities.
	err = s.one(ctx, &next, `SELECT d.activity_id FROM deliveries d WHERE d.activity_id >= ? AND d.activity_id < ? AND `+
		summable+` ORDER BY d.activity_id LIMIT 1`, after, blog.FirstID(before), before)
	if errors.Is(err, blog.ErrNotFound) {
		return "", 0, nil
	}
	if err != nil {
		return "", 0, err
	}
	err = s.InTx(ctx, func(s *Store) error {
		n, err = s.sumUp(ctx, next, before)
		return err
	})
	return next, n, err
}

// sumUp is SumUpDeliveries for one activity, inside a transaction.
func (s *Store) sumUp(ctx context.Context, activity blog.ID, before time.Time) (int, error) {
	var rows []struct {
		outcome
		Inbox     string
		SettledAt time.Time
	}
	// The lock keeps an author from trying one again meanwhile.
	err := s.all(ctx, &rows, `SELECT d.inbox, d.status, d.code, d.answer, d.revision, d.unsure, d.welcome,
		d.attempts > 0 AS tried, d.settled_at FROM deliveries d WHERE d.activity_id = ? AND `+summable+`
		ORDER BY d.inbox LIMIT ?`+s.sql.lockRow(), activity, before, sumUpOnce)
	if err != nil || len(rows) == 0 {
		return 0, err
	}
	var part int
	if err := s.one(ctx, &part, `SELECT COALESCE(max(part), 0) FROM past_deliveries WHERE activity_id = ?`,
		activity); err != nil {
		return 0, err
	}
	addresses, newest := make([]string, len(rows)), map[outcome]time.Time{}
	inboxes := map[outcome][]string{}
	var order []outcome
	for i, row := range rows {
		addresses[i] = row.Inbox
		if inboxes[row.outcome] == nil {
			order = append(order, row.outcome)
		}
		inboxes[row.outcome] = append(inboxes[row.outcome], row.Inbox)
		if row.SettledAt.After(newest[row.outcome]) {
			newest[row.outcome] = row.SettledAt
		}
	}
	err = s.run(ctx, `INSERT INTO inboxes (inbox, host) SELECT d.inbox, d.host FROM deliveries d
		WHERE d.activity_id = ? AND d.inbox IN (?) AND NOT EXISTS (SELECT 1 FROM inboxes i WHERE i.inbox = d.inbox)
		ON CONFLICT DO NOTHING`, activity, addresses)
	if err != nil {
		return 0, err
	}
	for i, o := range order {
		ids, err := s.inboxIDs(ctx, inboxes[o])
		if err != nil {
			return 0, err
		}
		attempts := 0
		if o.Tried {
			attempts = 1
		}
		if err := s.run(ctx, `
			INSERT INTO past_deliveries (activity_id, part, n, status, code, answer, attempts, revision, unsure, welcome,
			settled_at, inboxes) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			activity, part+i+1, len(inboxes[o]), o.Status, o.Code, o.Answer, attempts, o.Revision, o.Unsure, o.Welcome,
			newest[o], ids); err != nil {
			return 0, err
		}
	}
	gone, err := s.exec(ctx, `DELETE FROM deliveries WHERE activity_id = ? AND inbox IN (?)`, activity, addresses)
	if err == nil && gone != int64(len(rows)) {
		err = blog.ErrConflict // nothing else deletes locked rows, so this would be a fault of ours
	}
	if err != nil {
		return 0, err
	}
	// The kept sample of the article says of each delivery whether it was summed up.
	return len(rows), s.run(ctx, `UPDATE delivery_samples SET stale = 2 WHERE stale < 2 AND article_id IN (
		SELECT o.article_id FROM activities a JOIN objects o ON o.id = a.object_id WHERE a.id = ?)`, activity)
}

// inboxIDs returns the numbers of inboxes as a list that the database can read: a JSON array, or an array of
// PostgreSQL.
func (s *Store) inboxIDs(ctx context.Context, inboxes []string) (string, error) {
	var ids []int64
	if err := s.all(ctx, &ids, `SELECT id FROM inboxes WHERE inbox IN (?) ORDER BY id`, inboxes); err != nil {
		return "", err
	}
	list, err := json.Marshal(ids)
	if s.sql.postgres && err == nil {
		list[0], list[len(list)-1] = '{', '}'
	}
	return string(list), err
}
