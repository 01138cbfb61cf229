package store

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"causerie/internal/blog"
)

const (
	articleColumns = `a.id, a.voice_id, a.status, a.format, a.visibility, a.comments, a.quotes, a.warning, a.series_id, a.part,
		a.picture_id, a.picture_alt, a.month, a.object_id, a.revision, a.published_at, a.updated_at, a.scheduled_at,
		a.created_at, a.saved_at, t.language, t.title, t.subtitle, t.summary, t.slug, t.words`
	textColumns  = `, t.markdown, t.html, t.plain`
	fromArticles = ` FROM articles a JOIN article_texts t ON t.article_id = a.id AND t.language = a.language `
)

// SaveArticle writes an article with its text, by-line and tags, new or known. An article that was saved by somebody
// else since it was read (SavedAt differs) is blog.ErrConflict, and so is a slug that another article has or had.
// The noun's SavedAt is renewed.
func (s *Store) SaveArticle(ctx context.Context, a *blog.Article, now time.Time) error {
	saved := now.UTC().Truncate(time.Microsecond)
	if !saved.After(a.SavedAt) {
		saved = a.SavedAt.Add(time.Microsecond)
	}
	err := s.InTx(ctx, func(s *Store) error {
		if a.Status != blog.Draft {
			s.touch()
		}
		if err := s.saveArticleRow(ctx, *a, saved); err != nil {
			return err
		}
		return errors.Join(s.saveText(ctx, *a), s.saveByline(ctx, *a), s.saveTags(ctx, *a), s.saveSlug(ctx, *a))
	})
	if err != nil {
		return fmt.Errorf("save article %q: %w", a.Title, err)
	}
	a.SavedAt = saved
	return nil
}

func (s *Store) saveArticleRow(ctx context.Context, a blog.Article, saved time.Time) error {
	n, err := s.exec(ctx, `
		INSERT INTO articles (id, voice_id, status, format, visibility, comments, quotes, warning, language, series_id, part,
			picture_id, picture_alt, month, object_id, revision, published_at, updated_at, scheduled_at, created_at, saved_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, format = excluded.format, visibility = excluded.visibility,
			comments = excluded.comments, quotes = excluded.quotes, warning = excluded.warning, language = excluded.language,
			series_id = excluded.series_id, part = excluded.part, picture_id = excluded.picture_id,
			picture_alt = excluded.picture_alt, month = excluded.month, object_id = excluded.object_id,
			revision = excluded.revision, published_at = excluded.published_at, updated_at = excluded.updated_at,
			scheduled_at = excluded.scheduled_at, saved_at = excluded.saved_at
		WHERE articles.saved_at = ?`,
		a.ID, a.VoiceID, a.Status, a.Format, a.Visibility, a.Comments, a.Quotes, a.Warning, a.Language, a.SeriesID, a.Part,
		a.PictureID, a.PictureAlt, a.Month, a.ObjectID, a.Revision, a.PublishedAt, a.UpdatedAt, a.ScheduledAt, a.CreatedAt, saved,
		a.SavedAt)
	if err == nil && n == 0 {
		return fmt.Errorf("%w: somebody saved it since you opened it", blog.ErrConflict)
	}
	return err
}

func (s *Store) saveText(ctx context.Context, a blog.Article) error {
	err := s.do(ctx, `DELETE FROM article_texts WHERE article_id = ? AND language <> ? AND translator = '' AND of_revision = 0`, a.ID, a.Language)
	if err != nil {
		return err
	}
	return s.do(ctx, `
		INSERT INTO article_texts (article_id, language, title, subtitle, summary, markdown, html, plain, slug, words)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (article_id, language) DO UPDATE SET title = excluded.title, subtitle = excluded.subtitle,
			summary = excluded.summary, markdown = excluded.markdown, html = excluded.html, plain = excluded.plain,
			slug = excluded.slug, words = excluded.words`,
		a.ID, a.Language, a.Title, a.Subtitle, a.Summary, a.Markdown, a.HTML, a.Plain, a.Slug, a.Words)
}

// saveByline writes the names after the owner's; the owner is a column of the article.
func (s *Store) saveByline(ctx context.Context, a blog.Article) error {
	if err := s.do(ctx, `DELETE FROM article_authors WHERE article_id = ?`, a.ID); err != nil {
		return err
	}
	for i, by := range a.Authors {
		if by.VoiceID == a.VoiceID {
			continue
		}
		guest, url := by.Name, by.URL
		if by.VoiceID != "" {
			guest, url = "", ""
		}
		if err := s.do(ctx, `INSERT INTO article_authors (article_id, position, voice_id, guest_name, guest_url) VALUES (?, ?, ?, ?, ?)`,
			a.ID, i+1, by.VoiceID, guest, url); err != nil {
			return err
		}
	}
	return nil
}

func (s *Store) saveTags(ctx context.Context, a blog.Article) error {
	if err := s.do(ctx, `DELETE FROM article_tags WHERE article_id = ?`, a.ID); err != nil {
		return err
	}
	for i, name := range a.Tags {
		if err := s.do(ctx, `INSERT INTO article_tags (article_id, position, tag, name) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING`,
			a.ID, i, strings.ToLower(name), name); err != nil {
			return err
		}
	}
	return nil
}

// saveSlug keeps a public article's address for ever: the current one serves, older ones redirect to it. A draft takes
// no slug from anybody.
func (s *Store) saveSlug(ctx context.Context, a blog.Article) error {
	if a.Slug == "" || a.Month == "" {
		return nil
	}
	if err := s.do(ctx, `UPDATE slugs SET is_current = FALSE WHERE article_id = ? AND language = ? AND slug <> ?`, a.ID, a.Language, a.Slug); err != nil {
		return err
	}
	n, err := s.exec(ctx, `
		INSERT INTO slugs (slug, article_id, language, is_current) VALUES (?, ?, ?, TRUE)
		ON CONFLICT (slug) DO UPDATE SET is_current = TRUE, language = excluded.language WHERE slugs.article_id = excluded.article_id`,
		a.Slug, a.ID, a.Language)
	if err == nil && n == 0 {
		return blog.Invalid{Field: "slug", Problem: fmt.Sprintf("“%s” belongs to another article", a.Slug)}
	}
	return err
}

// FreeSlug is the wanted slug, or the first of wanted-2, wanted-3 … that no other article has or had.
func (s *Store) FreeSlug(ctx context.Context, wanted string, article blog.ID) (string, error) {
	slug := wanted
	for n := 2; ; n++ {
		var taken int
		if err := s.one(ctx, &taken, `SELECT count(*) FROM slugs WHERE slug = ? AND article_id <> ?`, slug, article); err != nil {
			return "", err
		}
		if taken == 0 {
			return slug, nil
		}
		slug = fmt.Sprintf("%s-%d", wanted, n)
	}
}

// Article finds an article by id, whatever its status, with all its parts.
func (s *Store) Article(ctx context.Context, id blog.ID) (blog.Article, error) {
	return s.article(ctx, `WHERE a.id = ?`, id)
}

// ArticleBySlug finds the article that has or had a slug. When its slug is another today, the page has moved.
func (s *Store) ArticleBySlug(ctx context.Context, slug string) (blog.Article, error) {
	return s.article(ctx, `JOIN slugs ON slugs.article_id = a.id WHERE slugs.slug = ?`, slug)
}

// DraftBySlug finds an author's article by the slug of its text, published or not: the same file again is a revision.
func (s *Store) DraftBySlug(ctx context.Context, voice blog.ID, slug string) (blog.Article, error) {
	return s.article(ctx, `WHERE a.voice_id = ? AND t.slug = ? AND a.status <> 'deleted' ORDER BY a.id LIMIT 1`, voice, slug)
}

// ArticleByObject finds the article that an object on the wire stands or stood for.
func (s *Store) ArticleByObject(ctx context.Context, object blog.ID) (blog.Article, error) {
	return s.article(ctx, `JOIN objects o ON o.article_id = a.id WHERE o.id = ?`, object)
}

// Head finds an article by id without its words, by-line and tags: all that a reply or a reaction must know of it.
func (s *Store) Head(ctx context.Context, id blog.ID) (blog.Article, error) {
	return s.head(ctx, `WHERE a.id = ?`, id)
}

// HeadByObject is ArticleByObject without words, by-line and tags.
func (s *Store) HeadByObject(ctx context.Context, object blog.ID) (blog.Article, error) {
	return s.head(ctx, `JOIN objects o ON o.article_id = a.id WHERE o.id = ?`, object)
}

// HeadBySlug is ArticleBySlug without words, by-line and tags.
func (s *Store) HeadBySlug(ctx context.Context, slug string) (blog.Article, error) {
	return s.head(ctx, `JOIN slugs ON slugs.article_id = a.id WHERE slugs.slug = ?`, slug)
}

func (s *Store) head(ctx context.Context, where string, arg any) (blog.Article, error) {
	var a blog.Article
	return a, s.one(ctx, &a, `SELECT `+articleColumns+fromArticles+where, arg)
}

// LockArticle reads an article and keeps others from changing it until the transaction ends.
func (s *Store) LockArticle(ctx context.Context, id blog.ID) (blog.Article, error) {
	var locked string
	if err := s.one(ctx, &locked, `SELECT id FROM articles WHERE id = ?`+s.sql.lockRow(), id); err != nil {
		return blog.Article{}, err
	}
	return s.Article(ctx, id)
}

func (s *Store) article(ctx context.Context, where string, args ...any) (blog.Article, error) {
	var a blog.Article
	if err := s.one(ctx, &a, `SELECT `+articleColumns+textColumns+fromArticles+where, args...); err != nil {
		return a, err
	}
	list := []blog.Article{a}
	err := s.complete(ctx, list)
	return list[0], err
}

// Filter chooses articles for a list. Zero fields choose everything.
type Filter struct {
	Listed   bool          // only what stands on front pages, archives and feeds
	Federal  bool          // only what other servers may see in an outbox: public and unlisted
	Statuses []blog.Status // only these
	Voice    blog.ID       // owned or co-written by
	Tag      string        // as in addresses
	Series   blog.ID
	Language string
	Text     bool // with Markdown, HTML and plain text, which lists do without
	Recent   bool // by the last save instead of publication
	Parts    bool // by part, ascending
	Limit    int  // at most 1,000, which is also what 0 means
	Offset   int
}

// listed is what stands on front pages, in archives and in feeds. It is the condition of the index articles_newest, so
// that a front page walks no more rows than it shows.
const listed = `a.status = 'published' AND a.visibility IN ('public', 'local')`

func (f Filter) where() (string, []any) {
	conditions, args := []string{"1 = 1"}, []any{}
	add := func(condition string, values ...any) {
		conditions = append(conditions, condition)
		args = append(args, values...)
	}
	if f.Listed {
		add(listed)
	}
	if f.Federal {
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
	if f.Tag != "" {
		add(`a.id IN (SELECT article_id FROM article_tags WHERE tag = ?)`, strings.ToLower(f.Tag))
	}
	if f.Series != "" {
		add(`a.series_id = ?`, f.Series)
	}
	if f.Language != "" {
		add(`a.language = ?`, f.Language)
	}
	return " WHERE " + strings.Join(conditions, " AND "), args
}

func (f Filter) order() string {
	switch {
	case f.Parts:
		return ` ORDER BY a.part, a.published_at, a.id`
	case f.Recent:
		return ` ORDER BY a.saved_at DESC, a.id DESC`
	}
	return ` ORDER BY a.published_at DESC, a.id DESC`
}

// Articles lists articles with their by-lines and tags, newest first unless the filter says otherwise.
func (s *Store) Articles(ctx context.Context, f Filter) ([]blog.Article, error) {
	where, args := f.where()
	columns := articleColumns
	if f.Text {
		columns += textColumns
	}
	limit := f.Limit
	if limit <= 0 || limit > 1000 {
		limit = 1000
	}
	var list []blog.Article
	err := s.all(ctx, &list, `SELECT `+columns+fromArticles+where+f.order()+fmt.Sprintf(` LIMIT %d OFFSET %d`, limit, max(0, f.Offset)), args...)
	if err != nil {
		return nil, fmt.Errorf("list articles: %w", err)
	}
	return list, s.complete(ctx, list)
}

// CountArticles tells how many articles a filter chooses.
func (s *Store) CountArticles(ctx context.Context, f Filter) (int, error) {
	where, args := f.where()
	query, args, _, err := spread(`SELECT count(*) FROM articles a`+where, args)
	if err != nil {
		return 0, err
	}
	var n int
	return n, s.one(ctx, &n, query, args...)
}

// complete adds by-lines and tags to articles.
func (s *Store) complete(ctx context.Context, list []blog.Article) error {
	if len(list) == 0 {
		return nil
	}
	at := map[blog.ID]int{}
	ids := make([]blog.ID, len(list))
	for i, a := range list {
		at[a.ID], ids[i] = i, a.ID
	}
	return errors.Join(s.completeBylines(ctx, list, at, ids), s.completeTags(ctx, list, at, ids))
}

func (s *Store) completeBylines(ctx context.Context, list []blog.Article, at map[blog.ID]int, ids []blog.ID) error {
	var rows []struct {
		ArticleID blog.ID
		Position  int
		blog.Byline
	}
	err := s.all(ctx, &rows, `
		SELECT a.id AS article_id, 0 AS position, v.id AS voice_id, v.handle, v.name, '' AS url, v.picture
		FROM articles a JOIN voices v ON v.id = a.voice_id WHERE a.id IN (?)
		UNION ALL
		SELECT b.article_id, b.position, b.voice_id, COALESCE(v.handle, ''), COALESCE(v.name, b.guest_name), b.guest_url, COALESCE(v.picture, '')
		FROM article_authors b LEFT JOIN voices v ON v.id = b.voice_id WHERE b.article_id IN (?)
		ORDER BY 1, 2`, ids, ids)
	for _, row := range rows {
		a := &list[at[row.ArticleID]]
		a.Authors = append(a.Authors, row.Byline)
	}
	return err
}

func (s *Store) completeTags(ctx context.Context, list []blog.Article, at map[blog.ID]int, ids []blog.ID) error {
	var rows []struct {
		ArticleID blog.ID
		Name      string
	}
	err := s.all(ctx, &rows, `SELECT article_id, name FROM article_tags WHERE article_id IN (?) ORDER BY article_id, position`, ids)
	for _, row := range rows {
		a := &list[at[row.ArticleID]]
		a.Tags = append(a.Tags, row.Name)
	}
	return err
}

// TagCount is a tag with the number of listed articles that have it.
type TagCount struct {
	Tag   string // as in addresses
	Name  string // as its latest author writes it
	Count int
}

// Tags lists the tags of listed articles, the most used first.
func (s *Store) Tags(ctx context.Context) ([]TagCount, error) {
	var list []TagCount
	return list, s.all(ctx, &list, `
		SELECT g.tag, max(g.name) AS name, count(*) AS count FROM article_tags g JOIN articles a ON a.id = g.article_id
		WHERE `+listed+`
		GROUP BY g.tag ORDER BY 3 DESC, 1`)
}

// Languages lists the languages of listed articles, the most used first.
func (s *Store) Languages(ctx context.Context) ([]string, error) {
	var list []string
	return list, s.all(ctx, &list, `SELECT a.language FROM articles a WHERE `+listed+` GROUP BY a.language ORDER BY count(*) DESC, a.language`)
}

// DueArticles lists scheduled articles whose time has come.
func (s *Store) DueArticles(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var ids []blog.ID
	return ids, s.all(ctx, &ids, `SELECT id FROM articles WHERE status = 'scheduled' AND scheduled_at <= ? ORDER BY scheduled_at LIMIT 100`, now)
}

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

// AddRevision keeps a state of an article's text for comparing and restoring; it gets the next number.
func (s *Store) AddRevision(ctx context.Context, r Revision) error {
	return s.InTx(ctx, func(s *Store) error {
		if err := s.one(ctx, &r.Number, `SELECT COALESCE(max(number), 0) + 1 FROM revisions WHERE article_id = ? AND language = ?`, r.ArticleID, r.Language); err != nil {
			return err
		}
		return s.do(ctx, `
			INSERT INTO revisions (article_id, language, number, kind, title, summary, markdown, author, note, at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			r.ArticleID, r.Language, r.Number, r.Kind, r.Title, r.Summary, r.Markdown, r.Author, r.Note, r.At)
	})
}

// Revisions lists an article's kept states, newest first.
func (s *Store) Revisions(ctx context.Context, article blog.ID) ([]Revision, error) {
	var list []Revision
	return list, s.all(ctx, &list, `
		SELECT article_id, language, number, kind, title, summary, markdown, author, note, at
		FROM revisions WHERE article_id = ? ORDER BY number DESC LIMIT 200`, article)
}

// SaveSeries writes a series down, new or known; a slug that another one has is blog.ErrConflict.
func (s *Store) SaveSeries(ctx context.Context, series blog.Series) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.do(ctx, `
			INSERT INTO series (id, slug, title, description, language, planned) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, title = excluded.title, description = excluded.description,
				language = excluded.language, planned = excluded.planned`,
			series.ID, series.Slug, series.Title, series.Description, series.Language, series.Planned)
	})
}

// SeriesBySlug finds a series by its slug.
func (s *Store) SeriesBySlug(ctx context.Context, slug string) (blog.Series, error) {
	var series blog.Series
	return series, s.one(ctx, &series, `SELECT id, slug, title, description, language, planned FROM series WHERE slug = ?`, slug)
}

// AllSeries lists the series by title.
func (s *Store) AllSeries(ctx context.Context) ([]blog.Series, error) {
	var list []blog.Series
	return list, s.all(ctx, &list, `SELECT id, slug, title, description, language, planned FROM series ORDER BY title`)
}

// AddPicture writes an entry of the picture library down with its files.
func (s *Store) AddPicture(ctx context.Context, p blog.Picture) error {
	return s.InTx(ctx, func(s *Store) error {
		err := s.do(ctx, `
			INSERT INTO media (id, voice_id, type, width, height, blurhash, alt, name, digest, created_at)
			VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
			p.ID, p.VoiceID, p.Type, p.Width, p.Height, p.Blurhash, p.Alt, p.Name, p.Digest, p.CreatedAt)
		if err != nil {
			return fmt.Errorf("add picture %q: %w", p.Name, err)
		}
		for _, f := range p.Files {
			if err := s.do(ctx, `INSERT INTO media_files (picture_id, file, width, height, size) VALUES (?, ?, ?, ?, ?)`,
				p.ID, f.File, f.Width, f.Height, f.Size); err != nil {
				return err
			}
		}
		return nil
	})
}

// DescribePicture changes the words of a picture for those who cannot see it.
func (s *Store) DescribePicture(ctx context.Context, id blog.ID, alt string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.touch()
		return s.must(ctx, `UPDATE media SET alt = ? WHERE id = ?`, alt, id)
	})
}

const mediaColumns = `id, voice_id, type, width, height, blurhash, alt, name, digest, created_at`

// Pictures finds pictures by their ids.
func (s *Store) Pictures(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Picture, error) {
	found := map[blog.ID]blog.Picture{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []blog.Picture
	if err := s.all(ctx, &list, `SELECT `+mediaColumns+` FROM media WHERE id IN (?)`, ids); err != nil {
		return nil, err
	}
	if err := s.completePictures(ctx, list); err != nil {
		return nil, err
	}
	for _, p := range list {
		found[p.ID] = p
	}
	return found, nil
}

// PictureByDigest finds a voice's picture with the same bytes, so that an upload twice is one.
func (s *Store) PictureByDigest(ctx context.Context, voice blog.ID, digest string) (blog.Picture, error) {
	list := make([]blog.Picture, 1)
	if err := s.one(ctx, &list[0], `SELECT `+mediaColumns+` FROM media WHERE voice_id = ? AND digest = ?`, voice, digest); err != nil {
		return list[0], err
	}
	err := s.completePictures(ctx, list)
	return list[0], err
}

// PicturesOf lists a voice's pictures, newest first; those of everybody when voice is "".
func (s *Store) PicturesOf(ctx context.Context, voice blog.ID) ([]blog.Picture, error) {
	var list []blog.Picture
	err := s.all(ctx, &list, `SELECT `+mediaColumns+` FROM media WHERE voice_id = ? OR ? = '' ORDER BY id DESC LIMIT 500`, voice, voice)
	if err != nil {
		return nil, err
	}
	return list, s.completePictures(ctx, list)
}

func (s *Store) completePictures(ctx context.Context, list []blog.Picture) error {
	if len(list) == 0 {
		return nil
	}
	at, ids := map[blog.ID]int{}, make([]blog.ID, len(list))
	for i, p := range list {
		at[p.ID], ids[i] = i, p.ID
	}
	var files []blog.PictureFile
	err := s.all(ctx, &files, `SELECT picture_id, file, width, height, size FROM media_files WHERE picture_id IN (?) ORDER BY width`, ids)
	for _, f := range files {
		p := &list[at[f.PictureID]]
		p.Files = append(p.Files, f)
	}
	return err
}
