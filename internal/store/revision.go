package store

import (
	"context"
	"errors"
	"time"

	"causerie/internal/blog"
)

// Revision is one kept state of an article's text.
type Revision struct {
	ArticleID blog.ID
	Language  string
	Number    int
	Kind      string // autosave, saved or published
	Title     string
	Summary   string
	Markdown  string
	Author    string
	Note      string
	At        time.Time
}

// mostSaved is how many states of a text are kept besides those that were published.
const mostSaved = 100

// AddRevision keeps a state of an article's text for comparing and restoring; it gets the next number. Of what was only saved
// the last hundred stay.
func (s *Store) AddRevision(ctx context.Context, r Revision) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.one(ctx, &r.Number, `SELECT COALESCE(max(number), 0) + 1 FROM revisions WHERE article_id = ? AND language = ?`, r.ArticleID, r.Language); err != nil {
			return err
		}
		return errors.Join(s.do(ctx, `
			INSERT INTO revisions (article_id, language, number, kind, title, summary, markdown, author, note, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ArticleID, r.Language, r.Number, r.Kind, r.Title, r.Summary, r.Markdown, r.Author, r.Note, r.At),
			s.do(ctx, `DELETE FROM revisions WHERE article_id = ? AND language = ? AND kind <> 'published' AND number <= ?`,
				r.ArticleID, r.Language, r.Number-mostSaved))
	})
}

// Revisions lists an article's kept states, newest first.
func (s *Store) Revisions(ctx context.Context, article blog.ID) ([]Revision, error) {
	var list []Revision
	return list, s.all(ctx, &list, `
		SELECT article_id, language, number, kind, title, summary, markdown, author, note, at
		FROM revisions WHERE article_id = ? ORDER BY at DESC, number DESC LIMIT 200`, article)
}
