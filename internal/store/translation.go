package store

import (
	"context"
	"errors"

	"causerie/internal/blog"
)

// x is the translation, o the original.
const translationColumns = `x.language, x.title, x.subtitle, x.summary, d.body, x.slug, x.words, x.translator, x.draft,
	x.of_revision < o.of_revision AS behind`

const fromTranslations = ` FROM articles a
	JOIN article_texts o ON o.article_id = a.id AND o.language = a.language
	JOIN article_texts x ON x.article_id = a.id AND x.language <> a.language
	JOIN article_bodies d ON d.article_id = x.article_id AND d.language = x.language `

// translation is a translation as translationColumns returns it.
type translation struct {
	blog.Translation
	Body packedBody
}

// Translations lists the translations of an article by language, including drafts.
func (s *Store) Translations(ctx context.Context, article blog.ID) ([]blog.Translation, error) {
	var rows []translation
	err := s.all(ctx, &rows, `SELECT `+translationColumns+fromTranslations+`WHERE a.id = ? ORDER BY x.language`,
		article)
	var list []blog.Translation
	for _, row := range rows {
		row.Body.fill(&row.Text)
		list = append(list, row.Translation)
	}
	return list, err
}

// Translation returns the translation of an article into one language. It returns blog.ErrNotFound for the language
// of the original.
func (s *Store) Translation(ctx context.Context, article blog.ID, language string) (blog.Translation, error) {
	var t translation
	err := s.one(ctx, &t, `SELECT `+translationColumns+fromTranslations+`WHERE a.id = ? AND x.language = ?`, article,
		language)
	t.Body.fill(&t.Text)
	return t.Translation, err
}

// SaveTranslation saves a new or changed translation. It returns blog.Invalid for the language of the original, and
// for a slug that another text has.
func (s *Store) SaveTranslation(ctx context.Context, a blog.Article, t blog.Translation) error {
	if t.Language == a.Language {
		return blog.Invalid{Field: "language", Problem: "is that of the original: a translation is in another"}
	}
	return s.InTx(ctx, func(s *Store) error {
		if a.Status != blog.Draft {
			s.markChanged()
		}
		// of_revision comes from the original: it records which revision was translated.
		err := s.run(ctx, `
			INSERT INTO article_texts (article_id, language, title, subtitle, summary, slug, words, translator, draft,
			of_revision)
			SELECT o.article_id, ?, ?, ?, ?, ?, ?, ?, ?, o.of_revision FROM article_texts o WHERE o.article_id = ?
			AND o.language = ?
			ON CONFLICT (article_id, language) DO UPDATE SET title = excluded.title, subtitle = excluded.subtitle,
				summary = excluded.summary, slug = excluded.slug, words = excluded.words, translator = excluded.translator,
				draft = excluded.draft, of_revision = excluded.of_revision`,
			t.Language, t.Title, t.Subtitle, t.Summary, t.Slug, t.WordCount, t.Translator, t.Draft, a.ID, a.Language)
		if err != nil {
			return err
		}
		if err := s.saveBody(ctx, a.ID, t.Language, t.Text); err != nil {
			return err
		}
		public := t.Hashtags
		if t.Draft {
			public = nil
		}
		if err := s.saveTags(ctx, a.ID, t.Language, public); err != nil {
			return err
		}
		if err := s.relist(ctx, a.ID); err != nil {
			return err
		}
		// A draft has no address yet, so it reserves no slug.
		if t.Draft {
			return nil
		}
		if err := s.showPictures(ctx, a); err != nil {
			return err
		}
		return s.saveSlug(ctx, a, t.Language, t.Slug)
	})
}

// RemoveTranslation deletes a translation. After that, its address redirects to the original.
func (s *Store) RemoveTranslation(ctx context.Context, article blog.ID, language string) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		err := s.execOne(ctx, `DELETE FROM article_texts WHERE article_id = ? AND language = ?
			AND language <> (SELECT language FROM articles WHERE id = ?)`, article, language, article)
		if err != nil {
			return err
		}
		if err := s.runAll(ctx, []any{article, language},
			`DELETE FROM article_bodies WHERE article_id = ? AND language = ?`,
			`DELETE FROM article_tags WHERE article_id = ? AND language = ?`,
			`DELETE FROM article_files WHERE article_id = ? AND language = ?`); err != nil {
			return err
		}
		if err := s.relist(ctx, article); err != nil {
			return err
		}
		// The slug stays: old links must not end in a 404.
		return s.run(ctx, `UPDATE slugs SET is_current = FALSE WHERE article_id = ? AND language = ?`, article, language)
	})
}

// Versions lists the public texts of articles, without Markdown and HTML. The original comes first.
func (s *Store) Versions(ctx context.Context, articles []blog.ID) (map[blog.ID][]blog.Translation, error) {
	versions := map[blog.ID][]blog.Translation{}
	if len(articles) == 0 {
		return versions, nil
	}
	var rows []struct {
		ArticleID blog.ID
		blog.Translation
	}
	// FALSE sorts before TRUE, so the original comes first.
	err := s.all(ctx, &rows, `
		SELECT t.article_id, t.language, t.title, t.slug, t.translator FROM articles a JOIN article_texts t ON
		t.article_id = a.id AND NOT t.draft
		WHERE a.id IN (?) ORDER BY t.article_id, t.language <> a.language, t.language`, articles)
	for _, row := range rows {
		versions[row.ArticleID] = append(versions[row.ArticleID], row.Translation)
	}
	return versions, err
}

// saveTranslatedSlugs saves the slugs of an article's translations.
func (s *Store) saveTranslatedSlugs(ctx context.Context, a blog.Article) error {
	versions, err := s.Versions(ctx, []blog.ID{a.ID})
	if err != nil {
		return err
	}
	for _, t := range versions[a.ID] {
		if t.Language != a.Language {
			if err := s.saveSlug(ctx, a, t.Language, t.Slug); err != nil {
				return err
			}
		}
	}
	return nil
}

// changeLanguage moves the original text and its slugs to another language, when the article's language has changed.
func (s *Store) changeLanguage(ctx context.Context, a blog.Article) error {
	var before string
	err := s.one(ctx, &before, `SELECT language FROM articles WHERE id = ?`, a.ID)
	// A new article has no text yet.
	if errors.Is(err, blog.ErrNotFound) || err == nil && before == a.Language {
		return nil
	}
	if err != nil {
		return err
	}
	// The key of the table would refuse this too, but with an error that an author does not understand.
	var taken int
	if err := s.one(ctx, &taken, `SELECT count(*) FROM article_texts WHERE article_id = ? AND language = ?`, a.ID,
		a.Language); err != nil {
		return err
	}
	if taken > 0 {
		return blog.Invalid{Field: "language", Problem: "is that of a translation of this article: remove that one first"}
	}
	return s.runAll(ctx, []any{a.Language, a.ID, before},
		`UPDATE article_texts SET language = ? WHERE article_id = ? AND language = ?`,
		`UPDATE article_bodies SET language = ? WHERE article_id = ? AND language = ?`,
		`UPDATE article_tags SET language = ? WHERE article_id = ? AND language = ?`,
		`UPDATE slugs SET language = ? WHERE article_id = ? AND language = ?`)
}
