package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// Hold is a publication or an edit that is not sent yet, because its author can still undo it. Readers of this blog
// see it already.
type Hold struct {
	ArticleID blog.ID
	New       bool            // a publication; otherwise a change of a published article
	Until     time.Time       // when it is sent
	Saved     time.Time       // the article's last save; read with the hold, not written
	Before    blog.Article    // the article before, restored when the hold is undone
	Totals    map[blog.ID]int // planned parts of series before this changed them
}

// formerState is the part of a hold that is stored as JSON: what Undo restores.
type formerState struct {
	blog.Article
	Totals map[blog.ID]int `json:",omitempty"`
}

// clockSlack is how much the clocks of two processes on one database may differ.
const clockSlack = time.Minute

// Over reports whether the hold has ended.
func (h Hold) Over(now time.Time) bool {
	// After the clock was set back, Until may lie years ahead. A hold may have any length, so Until cannot show that.
	// The last save can: it then lies in the future.
	return !h.Until.After(now) || h.Saved.After(now.Add(clockSlack))
}

// SaveHold saves a hold. It replaces an earlier hold of the same article.
func (s *Store) SaveHold(ctx context.Context, h Hold) error {
	before, err := json.Marshal(formerState{h.Before, h.Totals})
	if err != nil {
		return fmt.Errorf("encode the former state of article %s: %w", h.ArticleID, err)
	}
	return s.run(ctx, `
		INSERT INTO holds (article_id, new, until, before) VALUES (?, ?, ?, ?)
		ON CONFLICT (article_id) DO UPDATE SET new = excluded.new, until = excluded.until, before = excluded.before`,
		h.ArticleID, h.New, h.Until, before)
}

// Hold returns the hold of an article, or blog.ErrNotFound.
func (s *Store) Hold(ctx context.Context, article blog.ID) (Hold, error) {
	var row struct {
		Hold
		Before []byte
	}
	if err := s.one(ctx, &row, `
		SELECT h.article_id, h.new, h.until, h.before, a.saved_at AS saved FROM holds h JOIN articles a ON a.id =
		h.article_id WHERE h.article_id = ?`, article); err != nil {
		return Hold{}, err
	}
	var before formerState
	if err := json.Unmarshal(row.Before, &before); err != nil {
		return Hold{}, fmt.Errorf("decode the former state of article %s: %w", article, err)
	}
	row.Hold.Before, row.Totals = before.Article, before.Totals
	return row.Hold, nil
}

// HeldUntil returns until when articles are held, by article. Those that are not held have no entry.
func (s *Store) HeldUntil(ctx context.Context, articles []blog.ID) (map[blog.ID]time.Time, error) {
	found := map[blog.ID]time.Time{}
	if len(articles) == 0 {
		return found, nil
	}
	var list []struct {
		ArticleID blog.ID
		Until     time.Time
	}
	err := s.all(ctx, &list, `SELECT article_id, until FROM holds WHERE article_id IN (?)`, articles)
	for _, row := range list {
		found[row.ArticleID] = row.Until
	}
	return found, err
}

// DueHolds lists the articles whose hold has ended, at most 100.
func (s *Store) DueHolds(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var ids []blog.ID
	// The same condition as in Hold.Over. CROSS JOIN makes SQLite begin with the few holds, and not with all articles.
	err := s.all(ctx, &ids, `
		SELECT h.article_id FROM holds h CROSS JOIN articles a
		WHERE a.id = h.article_id AND (h.until <= ? OR a.saved_at > ?) ORDER BY h.until LIMIT 100`, now, now.Add(clockSlack))
	return ids, err
}

// DropHold deletes a hold after it was sent or undone.
func (s *Store) DropHold(ctx context.Context, article blog.ID) error {
	s.markChanged()
	return s.run(ctx, `DELETE FROM holds WHERE article_id = ?`, article)
}
