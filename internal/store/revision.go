package store

import (
	"context"
	"time"

	"causerie/internal/blog"
)

// Revision is one saved state of an article's text.
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
	// the time of the save; a quiet correction of a published text has the time of the text that it corrects
	At time.Time
}

// mostSaved is how many unpublished states of a text are kept.
const mostSaved = 100

// AddRevision saves a state of an article's text under the next number. Of the unpublished states it keeps the last
// hundred.
func (s *Store) AddRevision(ctx context.Context, r Revision) error {
	// Articles are dated to the second, and the two times are compared.
	r.At = r.At.Truncate(time.Second)
	return s.InTx(ctx, func(s *Store) error {
		if err := s.one(ctx, &r.Number, `SELECT COALESCE(max(number), 0) + 1 FROM revisions WHERE article_id = ? AND
			language = ?`, r.ArticleID, r.Language); err != nil {
			return err
		}
		err := s.run(ctx, `
			INSERT INTO revisions (article_id, language, number, kind, title, summary, markdown, author, note, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ArticleID, r.Language, r.Number, r.Kind, r.Title, r.Summary, packed(r.Markdown), r.Author, r.Note, r.At)
		if err != nil {
			return err
		}
		return s.run(ctx, `
			DELETE FROM revisions WHERE article_id = ? AND language = ? AND kind <> 'published' AND number <= ?`,
			r.ArticleID, r.Language, r.Number-mostSaved)
	})
}

// TextAge is when readers got an article's text in one language: the present one (Since), and the first one after
// publication (First).
type TextAge struct{ Since, First time.Time }

// Changed reports whether readers were told of a change after publication.
func (w TextAge) Changed() bool { return w.Since.After(w.First) }

// TextAges returns the ages of articles' texts by article and language. An article without changes since publication
// has no entry: all its texts are as old as the publication.
func (s *Store) TextAges(ctx context.Context, articles []blog.ID) (map[blog.ID]map[string]TextAge, error) {
	ages := map[blog.ID]map[string]TextAge{}
	if len(articles) == 0 {
		return ages, nil
	}
	var rows []struct {
		ArticleID blog.ID
		Language  string
		At        time.Time
	}
	// Revisions from before published_at belong to an earlier publication of an article that was withdrawn.
	err := s.all(ctx, &rows, `
		SELECT r.article_id, r.language, r.at FROM articles a JOIN revisions r ON r.article_id = a.id AND r.kind =
		'published' AND r.at >= a.published_at
		WHERE a.id IN (?) AND a.updated_at IS NOT NULL ORDER BY r.article_id, r.language, r.number`, articles)
	for _, row := range rows {
		if ages[row.ArticleID] == nil {
			ages[row.ArticleID] = map[string]TextAge{}
		}
		age, known := ages[row.ArticleID][row.Language]
		if !known {
			age.First = row.At
		}
		age.Since = row.At
		ages[row.ArticleID][row.Language] = age
	}
	return ages, err
}

// UnpublishRevisions turns the published revisions after a moment into saved ones, when their publication is undone.
func (s *Store) UnpublishRevisions(ctx context.Context, article blog.ID, after time.Time) error {
	return s.run(ctx, `UPDATE revisions SET kind = 'saved' WHERE article_id = ? AND kind = 'published' AND at > ?`,
		article, after)
}

// Revisions lists the saved states of an article, newest first, at most 200.
func (s *Store) Revisions(ctx context.Context, article blog.ID) ([]Revision, error) {
	var rows []struct {
		Revision
		Markdown packed
	}
	err := s.all(ctx, &rows, `
		SELECT article_id, language, number, kind, title, summary, markdown, author, note, at
		FROM revisions WHERE article_id = ? ORDER BY at DESC, number DESC LIMIT 200`, article)
	list := make([]Revision, len(rows))
	for i, row := range rows {
		list[i] = row.Revision
		list[i].Markdown = string(row.Markdown)
	}
	return list, err
}
