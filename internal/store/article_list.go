package store

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"causerie/internal/blog"
)

// ArticleFilter selects articles for a list. Zero fields select everything, and the last saved comes first. A list of
// listed articles is limited by one of Voice, Tag, Series and Language at most.
type ArticleFilter struct {
	Listed     bool // only articles on front pages, in archives and in feeds
	InOutbox   bool // only articles that an outbox may list: public and unlisted
	Statuses   []blog.Status
	Voice      blog.ID       // owned or co-written by this voice
	Tag        string        // in any case
	Series     blog.ID       // only with Listed
	Language   string        // only articles with a public text in this language; that text is returned
	Prefer     string        // any article, with its public text in this language if there is one
	Text       bool          // also read Markdown, HTML and plain text
	BySaveTime bool          // last saved first; otherwise last published first, without those never published
	ByPart     bool          // by the part in the series, ascending
	Unpinned   bool          // without the articles that Voice pinned
	After      *blog.Article // only articles that follow this one in the order; not for lists that pages show
	Limit      int           // at most 1,000; 0 means 1,000
	Offset     int           // of lists that pages show: it costs little there, however large it is
}

// listed is the condition of front pages, archives and feeds. It is written as in the index articles_parts.
const listed = `a.status = 'published' AND a.visibility IN ('public', 'local')`

// list returns the list that has the articles of the filter, but for Unpinned. Filters that no page needs have none.
func (f ArticleFilter) list() (listName, bool) {
	limits := 0
	for _, limit := range []bool{f.Voice != "", f.Tag != "", f.Series != "", f.Language != ""} {
		if limit {
			limits++
		}
	}
	switch {
	case f.InOutbox || limits > 1 || f.Listed && len(f.Statuses) > 0:
		return listName{}, false
	case !f.Listed:
		if len(f.Statuses) != 1 || limits == 1 && f.Voice == "" {
			return listName{}, false
		}
		return listName{Kind: string(f.Statuses[0]), VoiceID: f.Voice}, true
	case f.Tag != "":
		return listName{Kind: "tag", Name: strings.ToLower(f.Tag)}, true
	case f.Series != "":
		return listName{Kind: "series", Name: string(f.Series)}, true
	case f.Language != "":
		return listName{Kind: "language", Name: f.Language}, true
	}
	return listName{Kind: "listed", VoiceID: f.Voice}, true
}

// inOrder reports whether a list is in the order of the filter.
func (f ArticleFilter) inOrder(l listName) bool {
	switch {
	case f.ByPart || f.After != nil:
		return false
	case f.Listed || l.Kind == string(blog.Published):
		return !f.BySaveTime
	}
	return true
}

// pick is a query for ids of articles in an order. The columns are article_id and those of the order.
type pick struct {
	query string
	args  []any
	order string // of the picked rows, named p
}

// pick returns the query for the articles of a filter.
func (s *Store) pick(ctx context.Context, f ArticleFilter) (pick, error) {
	limit := f.Limit
	if limit <= 0 || limit > 1000 {
		limit = 1000
	}
	offset := max(0, f.Offset)
	l, found := f.list()
	if !found || !f.inOrder(l) {
		p, err := s.pickFromArticles(f)
		p.query, p.args = p.query+limited(limit), append(p.args, offset)
		return p, err
	}
	query, args := `SELECT l.article_id, l.at FROM article_lists l WHERE `+ofList, l.args()
	if offset > longestSkip {
		until, left, err := s.skip(ctx, f, l, offset)
		if err != nil {
			return pick{}, err
		}
		offset = left
		if !until.IsZero() {
			query, args = query+` AND l.at < ?`, append(args, until)
		}
	}
	if f.Unpinned {
		query, args = query+` AND NOT EXISTS (SELECT 1 FROM pins n WHERE n.article_id = l.article_id AND n.voice_id = ?)`,
			append(args, f.Voice)
	}
	return pick{query + ` ORDER BY l.at DESC, l.article_id DESC` + limited(limit), append(args, offset),
		` ORDER BY p.at DESC, p.article_id DESC`}, nil
}

// limited is a LIMIT with an OFFSET as argument. The limit is no argument: PostgreSQL would plan the same statement for
// all limits, and expect a tenth of the list. There are few limits.
func limited(limit int) string { return ` LIMIT ` + strconv.Itoa(limit) + ` OFFSET ?` }

// pickFromArticles picks the articles of a filter from their own table, in the order of one of its indices.
func (s *Store) pickFromArticles(f ArticleFilter) (pick, error) {
	conditions, args := []string{}, []any{}
	add := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	switch {
	case f.Tag != "" || f.Language != "" || f.Unpinned || f.Listed && !f.ByPart || (f.Series != "") != f.ByPart:
		return pick{}, fmt.Errorf("list articles: there is no list of %+v", f)
	case f.ByPart:
		add(`a.series_id = ? AND `+listed, f.Series)
		return pick{`SELECT a.id AS article_id, a.part, a.published_at AS at FROM articles a WHERE ` +
			strings.Join(conditions, " AND ") + ` ORDER BY a.part, a.published_at, a.id`, args,
			` ORDER BY p.part, p.at, p.article_id`}, nil
	}
	column, last := `a.published_at`, any(nil)
	if f.After != nil {
		last = f.After.PublishedAt
	}
	if f.BySaveTime || len(f.Statuses) == 0 && !f.InOutbox {
		column = `a.saved_at`
		if f.After != nil {
			last = f.After.SavedAt
		}
	}
	add(column + ` IS NOT NULL`)
	if f.After != nil {
		add(`(`+column+`, a.id) < (?, ?)`, last, f.After.ID)
	}
	if f.InOutbox {
		add(`a.status = 'published' AND a.visibility IN ('public', 'unlisted') AND a.object_id <> ''`)
	}
	if len(f.Statuses) > 0 {
		status := `a.status`
		// Nearly all articles have one of several statuses: they are read in their order, and not by status and sorted.
		if len(f.Statuses) > 1 {
			status = s.sql.unindexed(status)
		}
		add(status+` IN (?)`, texts(f.Statuses))
	}
	if f.Voice != "" {
		add(`EXISTS (SELECT 1 FROM article_lists w WHERE w.article_id = a.id AND w.kind = a.status AND w.voice_id = ?)`,
			f.Voice)
	}
	return pick{`SELECT a.id AS article_id, ` + column + ` AS at FROM articles a WHERE ` +
		strings.Join(conditions, " AND ") + ` ORDER BY ` + column + ` DESC, a.id DESC`, args,
		` ORDER BY p.at DESC, p.article_id DESC`}, nil
}

// textOf is the language of the text that a filter returns.
func (f ArticleFilter) textOf() (string, []any) {
	language := cmp.Or(f.Language, f.Prefer)
	if language == "" {
		return `a.language`, nil
	}
	// Readers do not see the draft of a translation. They get the original instead.
	return `COALESCE((SELECT x.language FROM article_texts x WHERE x.article_id = a.id AND x.language = ? AND NOT x.draft),
		a.language)`, []any{language}
}

// Articles lists articles with their by-lines and tags. The newest comes first, unless the filter has another order.
func (s *Store) Articles(ctx context.Context, f ArticleFilter) ([]blog.Article, error) {
	p, err := s.pick(ctx, f)
	if err != nil {
		return nil, err
	}
	// The ids come first, from an index alone. Only the articles that are returned are read.
	language, args := f.textOf()
	columns, from := articleColumns, ` FROM (`+p.query+`) p JOIN articles a ON a.id = p.article_id
		JOIN article_texts t ON t.article_id = a.id AND t.language = `+language
	if f.Text {
		columns, from = columns+textColumn, from+withBody
	}
	var rows []wholeArticle
	if err := s.all(ctx, &rows, `SELECT `+columns+from+p.order, append(p.args, args...)...); err != nil {
		return nil, fmt.Errorf("list articles: %w", err)
	}
	list := make([]blog.Article, len(rows))
	for i, row := range rows {
		row.Body.fill(&row.Text)
		list[i] = row.Article
	}
	return list, s.loadBylinesAndTags(ctx, list)
}

// CountArticles counts the articles that a filter selects. It knows the filters of pages, without a Limit, and those of
// statuses.
func (s *Store) CountArticles(ctx context.Context, f ArticleFilter) (int, error) {
	l, found := f.list()
	switch {
	case found:
		n, err := s.countList(ctx, l)
		if err != nil || !f.Unpinned {
			return n, err
		}
		pinned, err := s.pinnedIn(ctx, l)
		return n - len(pinned), err
	case f.Listed || f.InOutbox || f.Tag != "" || f.Series != "" || f.Language != "":
		return 0, fmt.Errorf("count articles: there is no count of %+v", f)
	case len(f.Statuses) == 0:
		f.Statuses = []blog.Status{blog.Draft, blog.Scheduled, blog.Published, blog.Withdrawn, blog.Deleted}
	}
	all := 0
	for _, status := range f.Statuses {
		n, err := s.countList(ctx, listName{Kind: string(status), VoiceID: f.Voice})
		if err != nil {
			return 0, err
		}
		all += n
	}
	return all, nil
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
		SELECT a.id AS article_id, 0 AS position, v.id AS voice_id, v.handle, v.name, '' AS url, v.picture,
		FALSE AS asked
		FROM articles a JOIN voices v ON v.id = a.voice_id WHERE a.id IN (?)
		UNION ALL
		SELECT b.article_id, b.position, b.voice_id, COALESCE(v.handle, ''), COALESCE(v.name, b.guest_name), b.guest_url,
		COALESCE(v.picture, ''), b.asked
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
		ArticleID      blog.ID
		Language, Name string
	}
	err := s.all(ctx, &rows, `SELECT article_id, language, name FROM article_tags WHERE article_id IN (?)
		ORDER BY article_id, language, position`, ids)
	for _, row := range rows {
		a := &list[at[row.ArticleID]]
		tags := &a.OtherHashtags
		switch row.Language {
		case typed:
			tags = &a.Tags
		case a.Language:
			tags = &a.Hashtags
		}
		*tags = append(*tags, row.Name)
	}
	return err
}

// Languages lists the languages in which readers find listed articles, the most used language first.
func (s *Store) Languages(ctx context.Context) ([]string, error) {
	var list []string
	err := s.all(ctx, &list, `SELECT name FROM article_counts WHERE kind = 'language' AND voice_id = '' AND month = ''
		ORDER BY n DESC, name`)
	return list, err
}

// ListedText is what a sitemap needs of the text of a listed article.
type ListedText struct {
	VoiceID     blog.ID
	Month       string // as in the address, with Slug
	Slug        string
	PublishedAt time.Time
	Since       *time.Time // when readers got the present text; nil if it is as old as the publication
}

// Changed returns when the text became what it is.
func (t ListedText) Changed() time.Time {
	if t.Since != nil && t.Since.After(t.PublishedAt) {
		return *t.Since
	}
	return t.PublishedAt
}

// ListedTexts lists the public texts of listed articles, the newest article first. limit and offset count articles.
func (s *Store) ListedTexts(ctx context.Context, limit, offset int) ([]ListedText, error) {
	p, err := s.pick(ctx, ArticleFilter{Listed: true, Limit: limit, Offset: offset})
	if err != nil {
		return nil, err
	}
	var list []ListedText
	// As in TextAges: revisions from before published_at belong to an earlier publication.
	err = s.all(ctx, &list, `SELECT a.voice_id, a.month, t.slug, a.published_at, r.at AS since
		FROM (`+p.query+`) p JOIN articles a ON a.id = p.article_id
		JOIN article_texts t ON t.article_id = a.id AND NOT t.draft
		LEFT JOIN revisions r ON a.updated_at IS NOT NULL AND r.article_id = a.id AND r.language = t.language
			AND r.kind = 'published' AND r.at >= a.published_at AND r.number = (SELECT max(x.number) FROM revisions x
			WHERE x.article_id = a.id AND x.language = t.language AND x.kind = 'published')`+
		p.order+`, t.language <> a.language, t.language`, p.args...)
	return list, err
}
