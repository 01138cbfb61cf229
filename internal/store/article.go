package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"causerie/internal/blog"
)

const (
	articleColumns = `a.id, a.voice_id, a.status, a.format, a.visibility, a.comments, a.quotes, a.warning,
		a.series_id, a.part, a.series_title, a.series_slug, a.series_planned,
		a.picture_id, a.picture_alt, a.month, a.object_id, a.revision, a.published_at, a.updated_at, a.scheduled_at,
		a.created_at, a.saved_at, t.language <> a.language AS translated, t.language, t.title, t.subtitle, t.summary,
		t.slug, t.words`
	fromArticles = ` FROM articles a JOIN article_texts t ON t.article_id = a.id AND t.language = a.language `

	// textColumn is the long one, which few queries need. withBody joins it.
	textColumn = `, d.body`
	withBody   = ` JOIN article_bodies d ON d.article_id = t.article_id AND d.language = t.language `

	// fromSlugs reads the text to which a slug belongs or belonged; the original if that text is not public any more.
	fromSlugs = ` FROM slugs JOIN articles a ON a.id = slugs.article_id JOIN article_texts t ON t.article_id = a.id
		AND t.language = COALESCE((SELECT x.language FROM article_texts x WHERE x.article_id = a.id AND x.language =
		slugs.language AND NOT x.draft), a.language) `
)

// SaveArticle saves a new or changed article with its text, by-line and tags. It returns blog.ErrConflict when
// somebody else saved the article since it was read (SavedAt differs), or when another article has or had its slug.
// For a published article it also creates or changes the series that the article asks for (see applySeriesRequest).
// After the commit it sets a.SavedAt and the series fields of a.
func (s *Store) SaveArticle(ctx context.Context, a *blog.Article, now time.Time) error {
	// This article carries the text of a translation, which would overwrite the original.
	if a.Translated {
		return fmt.Errorf("save article %q: this is the text of a translation", a.Title)
	}
	saved := now.UTC().Truncate(time.Microsecond)
	// SavedAt is the version that the next save compares, so it must grow even if the clock does not.
	if !saved.After(a.SavedAt) {
		saved = a.SavedAt.Add(time.Microsecond)
	}
	err := s.InTx(ctx, func(s *Store) error {
		if a.Status != blog.Draft {
			s.markChanged()
		}
		// This comes before the row of the article, which still has the former language.
		if err := s.changeLanguage(ctx, *a); err != nil {
			return err
		}
		row := *a
		if a.Status == blog.Published {
			if err := s.applySeriesRequest(ctx, a); err != nil {
				return err
			}
			row.SeriesID, row.SeriesTitle, row.SeriesSlug, row.SeriesPlanned = a.SeriesID, "", "", 0
		}
		if err := s.saveArticleRow(ctx, row, saved); err != nil {
			return err
		}
		// Only after the commit: if the transaction rolls back, the caller can save the same value again.
		s.afterCommit(func() {
			a.SavedAt, a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned = saved, row.SeriesTitle, row.SeriesSlug, row.SeriesPlanned
		})
		for _, save := range []func(context.Context, blog.Article) error{s.saveText, s.saveByline, s.saveArticleTags,
			s.saveSources, s.saveSlugs, s.showPictures} {
			if err := save(ctx, *a); err != nil {
				return err
			}
		}
		return s.relist(ctx, a.ID)
	})
	if err != nil {
		return fmt.Errorf("save article %q: %w", a.Title, err)
	}
	return nil
}

func (s *Store) saveArticleRow(ctx context.Context, a blog.Article, saved time.Time) error {
	n, err := s.exec(ctx, `
		INSERT INTO articles (id, voice_id, status, format, visibility, comments, quotes, warning, language, series_id, part,
			series_title, series_slug, series_planned,
			picture_id, picture_alt, month, object_id, revision, published_at, updated_at, scheduled_at, created_at,
			saved_at)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET status = excluded.status, format = excluded.format, visibility = excluded.visibility,
			comments = excluded.comments, quotes = excluded.quotes, warning = excluded.warning, language = excluded.language,
			series_id = excluded.series_id, part = excluded.part, series_title = excluded.series_title,
			series_slug = excluded.series_slug, series_planned = excluded.series_planned, picture_id = excluded.picture_id,
			picture_alt = excluded.picture_alt, month = excluded.month, object_id = excluded.object_id,
			revision = excluded.revision, published_at = excluded.published_at, updated_at = excluded.updated_at,
			scheduled_at = excluded.scheduled_at, saved_at = excluded.saved_at
		WHERE articles.saved_at = ?`,
		a.ID, a.VoiceID, a.Status, a.Format, a.Visibility, a.Comments, a.Quotes, a.Warning, a.Language, a.SeriesID, a.Part,
		a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned,
		a.PictureID, a.PictureAlt, a.Month, a.ObjectID, a.Revision, a.PublishedAt, a.UpdatedAt, a.ScheduledAt,
		a.CreatedAt, saved,
		a.SavedAt)
	// The row exists with another saved_at, so the update changed nothing.
	if err == nil && n == 0 {
		return fmt.Errorf("%w: somebody saved it since you opened it", blog.ErrConflict)
	}
	return err
}

// saveText saves the text of an article in its own language.
func (s *Store) saveText(ctx context.Context, a blog.Article) error {
	// of_revision is the revision at which the text last changed. Translations compare it, so other edits keep it.
	same, err := s.hasMarkdown(ctx, a)
	if err != nil {
		return err
	}
	err = s.run(ctx, `
		INSERT INTO article_texts (article_id, language, title, subtitle, summary, slug, words, of_revision)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (article_id, language) DO UPDATE SET title = excluded.title, subtitle = excluded.subtitle,
			summary = excluded.summary, slug = excluded.slug, words = excluded.words, of_revision = CASE
				WHEN article_texts.title = excluded.title AND article_texts.subtitle = excluded.subtitle
					AND article_texts.summary = excluded.summary AND ?
				THEN article_texts.of_revision ELSE excluded.of_revision END`,
		a.ID, a.Language, a.Title, a.Subtitle, a.Summary, a.Slug, a.WordCount, a.Revision, same)
	if err != nil {
		return err
	}
	return s.saveBody(ctx, a.ID, a.Language, a.Text)
}

// hasMarkdown reports whether the Markdown of an article is the one that is saved.
func (s *Store) hasMarkdown(ctx context.Context, a blog.Article) (bool, error) {
	var saved packedBody
	err := s.one(ctx, &saved, `SELECT body FROM article_bodies WHERE article_id = ? AND language = ?`, a.ID, a.Language)
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	return saved.markdown == a.Markdown, err
}

// UpdateBody saves the long part of a text anew. The save of its article stays the same, so whoever edits it goes on.
func (s *Store) UpdateBody(ctx context.Context, article blog.ID, t blog.Text) error {
	s.markChanged()
	return s.saveBody(ctx, article, t.Language, t)
}

// saveBody saves the long part of a text.
func (s *Store) saveBody(ctx context.Context, article blog.ID, language string, t blog.Text) error {
	return s.run(ctx, `
		INSERT INTO article_bodies (article_id, language, body) VALUES (?, ?, ?)
		ON CONFLICT (article_id, language) DO UPDATE SET body = excluded.body`, article, language, bodyOf(t))
}

// saveByline saves the co-authors. The owner is a column of the article. Whoever said yes since the article was read is
// not asked again.
func (s *Store) saveByline(ctx context.Context, a blog.Article) error {
	var agreed []blog.ID
	if err := s.all(ctx, &agreed, `SELECT voice_id FROM article_authors WHERE article_id = ? AND voice_id <> ''
		AND NOT asked`, a.ID); err != nil {
		return err
	}
	if err := s.run(ctx, `DELETE FROM article_authors WHERE article_id = ?`, a.ID); err != nil {
		return err
	}
	for i, by := range a.Authors {
		if by.VoiceID == a.VoiceID {
			continue
		}
		guest, url := by.Name, by.URL
		// Names of our own authors are read from their voices, so that they follow a changed profile.
		if by.VoiceID != "" {
			guest, url = "", ""
		}
		asked := by.Asked && !slices.Contains(agreed, by.VoiceID)
		if err := s.run(ctx, `INSERT INTO article_authors (article_id, position, voice_id, guest_name, guest_url, asked)
			VALUES (?, ?, ?, ?, ?, ?)`,
			a.ID, i+1, by.VoiceID, guest, url, asked); err != nil {
			return err
		}
	}
	return nil
}

// AgreeToByline records that a co-author said yes to being named. It returns blog.ErrNotFound when nobody asked.
func (s *Store) AgreeToByline(ctx context.Context, article, voice blog.ID) error {
	return s.InTx(ctx, func(s *Store) error {
		n, err := s.exec(ctx, `UPDATE article_authors SET asked = FALSE WHERE article_id = ? AND voice_id = ? AND asked`,
			article, voice)
		if err != nil {
			return err
		}
		if n == 0 {
			return blog.ErrNotFound
		}
		s.markChanged()
		return s.relist(ctx, article)
	})
}

// AskedBylines lists published articles in whose by-line others named a voice that has not said yes yet, at most fifty.
func (s *Store) AskedBylines(ctx context.Context, voice blog.ID) ([]blog.Article, error) {
	var list []blog.Article
	err := s.all(ctx, &list, `SELECT `+articleColumns+fromArticles+`JOIN article_authors b ON b.article_id = a.id
		WHERE b.voice_id = ? AND b.asked AND a.status = 'published' ORDER BY a.id DESC LIMIT 50`, voice)
	if err != nil {
		return nil, err
	}
	return list, s.loadBylinesAndTags(ctx, list)
}

// saveSlugs saves the addresses of a published article and of its translations. They stay for ever. A draft has no
// month yet, so it reserves no slug.
func (s *Store) saveSlugs(ctx context.Context, a blog.Article) error {
	if a.Month == "" {
		return nil
	}
	if err := s.saveSlug(ctx, a, a.Language, a.Slug); err != nil {
		return err
	}
	return s.saveTranslatedSlugs(ctx, a)
}

// saveSlug saves the address of an article's text in one language. The current slug serves the page, older ones
// redirect to it.
func (s *Store) saveSlug(ctx context.Context, a blog.Article, language, slug string) error {
	if slug == "" || a.Month == "" {
		return nil
	}
	if err := s.run(ctx, `UPDATE slugs SET is_current = FALSE WHERE article_id = ? AND language = ? AND slug <> ?`, a.ID,
		language, slug); err != nil {
		return err
	}
	// The condition allows a former slug of another text of the same article, but not a current one.
	n, err := s.exec(ctx, `
		INSERT INTO slugs (slug, article_id, language, is_current) VALUES (?, ?, ?, TRUE)
		ON CONFLICT (slug) DO UPDATE SET is_current = TRUE, language = excluded.language
		WHERE slugs.article_id = excluded.article_id AND (slugs.language = excluded.language OR NOT slugs.is_current)`,
		slug, a.ID, language)
	if err == nil && n == 0 {
		return blog.Invalid{Field: "slug", Problem: fmt.Sprintf("“%s” belongs to another text", slug)}
	}
	return err
}

// FreeSlug returns wanted, or the first of wanted-2, wanted-3 … that no other text of the site has or had. Former
// slugs of the same article are free for it.
func (s *Store) FreeSlug(ctx context.Context, wanted string, article blog.ID, language string) (string, error) {
	// The more of them are taken, the more are asked for at once: there may be thousands of articles with one title.
	for first, some := 1, 1; ; first, some = first+some, min(2*some, 512) {
		candidates := make([]string, some)
		for i := range candidates {
			if candidates[i] = fmt.Sprintf("%s-%d", wanted, first+i); first+i == 1 {
				candidates[i] = wanted
			}
		}
		var taken []string
		err := s.all(ctx, &taken, `
			SELECT slug FROM slugs WHERE slug IN (?) AND NOT (article_id = ? AND (language = ? OR NOT is_current))
			UNION SELECT slug FROM article_texts WHERE article_id = ? AND language <> ? AND slug IN (?)`,
			candidates, article, language, article, language, candidates)
		if err != nil {
			return "", err
		}
		for _, slug := range candidates {
			if !slices.Contains(taken, slug) {
				return slug, nil
			}
		}
	}
}

// Article returns an article by id in any status, with its text, by-line, tags and sources.
func (s *Store) Article(ctx context.Context, id blog.ID) (blog.Article, error) {
	return s.article(ctx, fromArticles, `WHERE a.id = ?`, id)
}

// ArticleBySlug returns the article that has or had a slug, with the text in the language of that slug. If the result
// has another slug, the page has moved.
func (s *Store) ArticleBySlug(ctx context.Context, slug string) (blog.Article, error) {
	return s.article(ctx, fromSlugs, `WHERE slugs.slug = ?`, slug)
}

// ArticleByTextSlug returns an author's article by the present slug of its text, in any status but deleted. Unlike
// ArticleBySlug it finds drafts, so a file that is imported again becomes a revision.
func (s *Store) ArticleByTextSlug(ctx context.Context, voice blog.ID, slug string) (blog.Article, error) {
	return s.article(ctx, fromArticles, `WHERE a.voice_id = ? AND t.slug = ? AND a.status <> 'deleted'
		ORDER BY a.id LIMIT 1`, voice, slug)
}

// ArticleByObject returns the article of an ActivityPub object. An article has a new object after it was withdrawn
// and published again; the former ones lead to it too.
func (s *Store) ArticleByObject(ctx context.Context, object blog.ID) (blog.Article, error) {
	return s.article(ctx, fromArticles, `JOIN objects o ON o.article_id = a.id WHERE o.id = ?`, object)
}

// Head returns an article without its text, by-line and tags. That is all that a reply or a reaction needs.
func (s *Store) Head(ctx context.Context, id blog.ID) (blog.Article, error) {
	return s.head(ctx, fromArticles+`WHERE a.id = ?`, id)
}

// Heads is Head for several articles, by id.
func (s *Store) Heads(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Article, error) {
	return heads(ctx, s, `a.id`, fromArticles+`WHERE a.id IN (?)`, ids)
}

// HeadByObject is ArticleByObject without texts, by-line and tags. The members of a group read it once.
func (s *Store) HeadByObject(ctx context.Context, object blog.ID) (blog.Article, error) {
	shared := s.txState != nil && s.txState.group != nil
	if shared {
		if a, known := s.txState.group.heads[object]; known {
			return a, nil
		}
	}
	a, err := s.head(ctx, fromArticles+`JOIN objects o ON o.article_id = a.id WHERE o.id = ?`, object)
	if err == nil && shared {
		s.txState.group.heads[object] = a
	}
	return a, err
}

// HeadBySlug is ArticleBySlug without texts, by-line and tags.
func (s *Store) HeadBySlug(ctx context.Context, slug string) (blog.Article, error) {
	return s.head(ctx, fromSlugs+`WHERE slugs.slug = ?`, slug)
}

// HeadsByObject is HeadByObject for several objects.
func (s *Store) HeadsByObject(ctx context.Context, objects []blog.ID) (map[blog.ID]blog.Article, error) {
	return heads(ctx, s, `o.id`, fromArticles+`JOIN objects o ON o.article_id = a.id WHERE o.id IN (?)`, objects)
}

// HeadsBySlug is HeadBySlug for several slugs. The titles are in the languages of the slugs.
func (s *Store) HeadsBySlug(ctx context.Context, slugs []string) (map[string]blog.Article, error) {
	return heads(ctx, s, `slugs.slug`, fromSlugs+`WHERE slugs.slug IN (?)`, slugs)
}

// heads returns articles without their texts by a key, which is an SQL expression.
func heads[K ~string](ctx context.Context, s *Store, key, from string, keys []K) (map[K]blog.Article, error) {
	found := map[K]blog.Article{}
	if len(keys) == 0 {
		return found, nil
	}
	var list []struct {
		Key K
		blog.Article
	}
	err := s.all(ctx, &list, `SELECT `+key+` AS key, `+articleColumns+from, keys)
	for _, row := range list {
		found[row.Key] = row.Article
	}
	return found, err
}

func (s *Store) head(ctx context.Context, from string, arg any) (blog.Article, error) {
	var a blog.Article
	err := s.one(ctx, &a, `SELECT `+articleColumns+from, arg)
	return a, err
}

// LockArticle locks an article until the transaction ends, and returns it.
func (s *Store) LockArticle(ctx context.Context, id blog.ID) (blog.Article, error) {
	// The lock comes before the read: a value that was read before the lock may be old when the lock is granted.
	var locked string
	if err := s.one(ctx, &locked, `SELECT id FROM articles WHERE id = ?`+s.sql.lockRow(), id); err != nil {
		return blog.Article{}, err
	}
	return s.Article(ctx, id)
}

// wholeArticle is an article as articleColumns and textColumn return it.
type wholeArticle struct {
	blog.Article
	Body packedBody
}

// article returns one whole article. from joins it with a text, rest is the query behind that.
func (s *Store) article(ctx context.Context, from, rest string, args ...any) (blog.Article, error) {
	var whole wholeArticle
	if err := s.one(ctx, &whole, `SELECT `+articleColumns+textColumn+from+withBody+rest, args...); err != nil {
		return whole.Article, err
	}
	whole.Body.fill(&whole.Text)
	list := []blog.Article{whole.Article}
	err := s.loadBylinesAndTags(ctx, list)
	if err == nil {
		err = s.loadSources(ctx, &list[0])
	}
	return list[0], err
}

// DueArticles lists the scheduled articles that are due, at most 100.
func (s *Store) DueArticles(ctx context.Context, now time.Time) ([]blog.ID, error) {
	var ids []blog.ID
	err := s.all(ctx, &ids, `SELECT id FROM articles WHERE status = 'scheduled' AND scheduled_at <= ? ORDER BY
		scheduled_at LIMIT 100`, now)
	return ids, err
}

// DeleteSlugs deletes the slugs of an article whose publication was undone before it was sent. Another article may
// take them.
func (s *Store) DeleteSlugs(ctx context.Context, article blog.ID) error {
	return s.run(ctx, `DELETE FROM slugs WHERE article_id = ?`, article)
}
