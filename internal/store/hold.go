package store

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"causerie/internal/blog"
)

// Hold is what an author has let go and can still take back: readers here see it, and nothing of it has left.
type Hold struct {
	ArticleID blog.ID
	New       bool            // a publication; else a change of what is published
	Until     time.Time       // when it leaves
	Saved     time.Time       // when the article was saved last; read with the hold, never written
	Before    blog.Article    // as it was, and is again when it is taken back
	Totals    map[blog.ID]int // how many parts series were to have, as it was before this changed it
}

// formerly is what of a hold is kept as JSON.
type formerly struct {
	blog.Article
	Totals map[blog.ID]int `json:",omitempty"`
}

// clockSlack is how far the clock of one process may be behind that of another on the same database.
const clockSlack = time.Minute

// Over reports whether what is held is to leave by now. A hold of before the clock was set back is over too: its end
// may be years away. A hold may be of any length, so its article's last save tells, which then lies in the future.
func (h Hold) Over(now time.Time) bool {
	return !h.Until.After(now) || h.Saved.After(now.Add(clockSlack))
}

// SaveHold writes a hold down, or changes the one that an article has.
func (s *Store) SaveHold(ctx context.Context, h Hold) error {
	before, err := json.Marshal(formerly{h.Before, h.Totals})
	if err != nil {
		return fmt.Errorf("write down article %s as it was: %w", h.ArticleID, err)
	}
	return s.run(ctx, `
		INSERT INTO holds (article_id, new, until, before) VALUES (?, ?, ?, ?)
		ON CONFLICT (article_id) DO UPDATE SET new = excluded.new, until = excluded.until, before = excluded.before`,
		h.ArticleID, h.New, h.Until, before)
}

// Hold finds what of an article is held; blog.ErrNotFound when nothing is.
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
	var before formerly
	if err := json.Unmarshal(row.Before, &before); err != nil {
		return Hold{}, fmt.Errorf("read article %s as it was: %w", article, err)
	}
	row.Hold.Before, row.Totals = before.Article, before.Totals
	return row.Hold, nil
}

// DueHolds lists the articles whose hold is over.
func (s *Store) DueHolds(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var ids []blog.ID
	return ids, s.all(ctx, &ids, `
		SELECT h.article_id FROM holds h JOIN articles a ON a.id = h.article_id
		WHERE h.until <= ? OR a.saved_at > ? ORDER BY h.until LIMIT 100`, now, now.Add(clockSlack))
}

// DropHold ends a hold, however it ends; readers see by then what became of the article.
func (s *Store) DropHold(ctx context.Context, article blog.ID) error {
	s.markChanged()
	return s.run(ctx, `DELETE FROM holds WHERE article_id = ?`, article)
}
