package store

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"causerie/internal/blog"
)

// ArticleFilter selects articles for a list. Zero fields select everything.
type ArticleFilter struct {
	Listed     bool // only articles on front pages, in archives and in feeds
	InOutbox   bool // only articles that an outbox may list: public and unlisted
	Statuses   []blog.Status
	Voice      blog.ID // owned or co-written by this voice
	Tag        string  // in any case
	Series     blog.ID
	Language   string // only articles with a public text in this language; that text is returned
	Prefer     string // any article, with its public text in this language if there is one
	Text       bool   // also read Markdown, HTML and plain text
	BySaveTime bool   // last saved first, instead of last published
	ByPart     bool   // by the part in the series, ascending
	Unpinned   bool   // without the articles that Voice pinned
	Limit      int    // at most 1,000; 0 means 1,000
	Offset     int
}

// listed is the condition of front pages, archives and feeds. It is written as in the index articles_newest, so that
// a front page reads no more rows than it shows.
const listed = `a.status = 'published' AND a.visibility IN ('public', 'local')`

// where returns the WHERE clause of the filter with its arguments.
func (f ArticleFilter) where() (string, []any) {
	conditions, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	if f.Listed {
		add(listed)
	}
	if f.InOutbox {
		add(`a.status = 'published' AND a.visibility IN ('public', 'unlisted') AND a.object_id <> ''`)
	}
	if len(f.Statuses) > 0 {
		names := make([]string, len(f.Statuses))
		for i, status := range f.Statuses {
			names[i] = string(status)
		}
		add(`a.status IN (?)`, names)
	}
	if f.Voice != "" {
		add(`(a.voice_id = ? OR a.id IN (SELECT article_id FROM article_authors WHERE voice_id = ?))`, f.Voice, f.Voice)
	}
	if f.Unpinned {
		add(`NOT EXISTS (SELECT 1 FROM pins p WHERE p.article_id = a.id AND p.voice_id = ?)`, f.Voice)
	}
	if f.Tag != "" {
		add(`a.id IN (SELECT article_id FROM article_tags WHERE tag = ?)`, strings.ToLower(f.Tag))
	}
	if f.Series != "" {
		add(`a.series_id = ?`, f.Series)
	}
	if f.Language != "" {
		add(`EXISTS (SELECT 1 FROM article_texts x WHERE x.article_id = a.id AND x.language = ? AND NOT x.draft)`, f.Language)
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

// from returns the FROM clause, which joins each article with one text: in the wanted language if there is one.
func (f ArticleFilter) from() (string, []any) {
	language := cmp.Or(f.Language, f.Prefer)
	if language == "" {
		return fromArticles, nil
	}
	// Readers do not see the draft of a translation. They get the original instead.
	return ` FROM articles a JOIN article_texts t ON t.article_id = a.id AND t.language = COALESCE(
		(SELECT x.language FROM article_texts x WHERE x.article_id = a.id AND x.language = ? AND NOT x.draft), a.language) `,
		[]any{language}
}

// order returns the ORDER BY clause. The id makes the order of articles with equal times stable.
func (f ArticleFilter) order() string {
	switch {
	case f.ByPart:
		return ` ORDER BY a.part, a.published_at, a.id`
	case f.BySaveTime:
		return ` ORDER BY a.saved_at DESC, a.id DESC`
	}
	return ` ORDER BY a.published_at DESC, a.id DESC`
}

// Articles lists articles with their by-lines and tags. The newest comes first, unless the filter has another order.
func (s *Store) Articles(ctx context.Context, f ArticleFilter) ([]blog.Article, error) {
	from, args := f.from()
	where, conditions := f.where()
	args = append(args, conditions...)
	columns := articleColumns
	if f.Text {
		columns += textColumns
	}
	limit := f.Limit
	if limit <= 0 || limit > 1000 {
		limit = 1000
	}
	var list []blog.Article
	err := s.all(ctx, &list, `SELECT `+columns+from+where+f.order()+` LIMIT ? OFFSET ?`,
		append(args, limit, max(0, f.Offset))...)
	if err != nil {
		return nil, fmt.Errorf("list articles: %w", err)
	}
	return list, s.loadBylinesAndTags(ctx, list)
}

// CountArticles counts the articles that a filter selects.
func (s *Store) CountArticles(ctx context.Context, f ArticleFilter) (int, error) {
	// The join with the texts is left out: it adds exactly one row for each article.
	where, args := f.where()
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM articles a`+where, args...)
	return n, err
}

// loadBylinesAndTags reads the by-lines and tags of all articles in a list, with two queries in total.
func (s *Store) loadBylinesAndTags(ctx context.Context, list []blog.Article) error {
	if len(list) == 0 {
		return nil
	}
	at := map[blog.ID]int{}
	ids := make([]blog.ID, len(list))
	for i, a := range list {
		at[a.ID], ids[i] = i, a.ID
	}
	if err := s.loadBylines(ctx, list, at, ids); err != nil {
		return err
	}
	return s.loadTags(ctx, list, at, ids)
}

func (s *Store) loadBylines(ctx context.Context, list []blog.Article, at map[blog.ID]int, ids []blog.ID) error {
	var rows []struct {
		ArticleID blog.ID
		Position  int
		blog.Byline
	}
	// The owner is position 0; saveByline counts the others from 1.
	err := s.all(ctx, &rows, `
		SELECT a.id AS article_id, 0 AS position, v.id AS voice_id, v.handle, v.name, '' AS url, v.picture
		FROM articles a JOIN voices v ON v.id = a.voice_id WHERE a.id IN (?)
		UNION ALL
		SELECT b.article_id, b.position, b.voice_id, COALESCE(v.handle, ''), COALESCE(v.name, b.guest_name), b.guest_url,
		COALESCE(v.picture, '')
		FROM article_authors b LEFT JOIN voices v ON v.id = b.voice_id WHERE b.article_id IN (?)
		ORDER BY 1, 2`, ids, ids)
	for _, row := range rows {
		a := &list[at[row.ArticleID]]
		a.Authors = append(a.Authors, row.Byline)
	}
	return err
}

func (s *Store) loadTags(ctx context.Context, list []blog.Article, at map[blog.ID]int, ids []blog.ID) error {
	var rows []struct {
		ArticleID blog.ID
		Name      string
	}
	err := s.all(ctx, &rows, `SELECT article_id, name FROM article_tags WHERE article_id IN (?) ORDER BY article_id,
		position`, ids)
	for _, row := range rows {
		a := &list[at[row.ArticleID]]
		a.Tags = append(a.Tags, row.Name)
	}
	return err
}

// Languages lists the languages in which readers find listed articles, the most used language first.
func (s *Store) Languages(ctx context.Context) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `SELECT t.language FROM articles a JOIN article_texts t ON t.article_id = a.id AND
		NOT t.draft
		WHERE `+listed+` GROUP BY t.language ORDER BY count(*) DESC, t.language`)
	return list, err
}
