package store

import (
	"context"
	"time"
)

// missingDays is on how many days an inbox must have answered 404 before the people behind it are looked at.
const missingDays = 3

// InboxMissing notes that an inbox answered 404 today. On the third such day it lets those behind it be looked at, and
// counts anew.
func (s *Store) InboxMissing(ctx context.Context, inbox string, now time.Time) error {
	return s.InTx(ctx, func(s *Store) error {
		today, lately := now.UTC().Format("2006-01-02"), now.UTC().AddDate(0, 0, -missingDays).Format("2006-01-02")
		var days int
		err := s.one(ctx, &days, `
			INSERT INTO missing_inboxes (inbox, days, last_on) VALUES (?, 1, ?)
			ON CONFLICT (inbox) DO UPDATE SET last_on = excluded.last_on, days = CASE
				WHEN missing_inboxes.last_on < ? THEN 1
				WHEN missing_inboxes.last_on < excluded.last_on THEN missing_inboxes.days + 1
				ELSE missing_inboxes.days END
			RETURNING days`, inbox, today, lately)
		if err != nil || days < missingDays {
			return err
		}
		if err := s.do(ctx, `DELETE FROM missing_inboxes WHERE inbox = ?`, inbox); err != nil {
			return err
		}
		return s.LookBehind(ctx, inbox, now)
	})
}

// LookBehind lets the followers whose letters come to an inbox be asked for as soon as anybody looks: whether they are
// still there, and where.
func (s *Store) LookBehind(ctx context.Context, inbox string, now time.Time) error {
	return s.do(ctx, `
		UPDATE actors SET refresh_at = ? WHERE (mailbox = ? OR inbox = ?) AND gone_at IS NULL AND refresh_at > ?
		AND id IN (SELECT actor_id FROM followers)`, now, inbox, inbox, now)
}

// TooLarge remembers how large a letter was that a server refused for its size. The smallest counts.
func (s *Store) TooLarge(ctx context.Context, host string, bytes int) error {
	return s.do(ctx, `UPDATE peers SET too_large = ? WHERE host = ? AND (too_large = 0 OR too_large > ?)`, bytes, host, bytes)
}
