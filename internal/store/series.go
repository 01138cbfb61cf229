package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"causerie/internal/blog"
)

const seriesColumns = `id, slug, title, description, language, planned, voice_id`

// SaveSeries saves a new or changed series, without its voice. It returns blog.ErrConflict when another series has
// the slug.
func (s *Store) SaveSeries(ctx context.Context, series blog.Series) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		return s.run(ctx, `
			INSERT INTO series (id, slug, title, description, language, planned) VALUES (?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET slug = excluded.slug, title = excluded.title, description = excluded.description,
				language = excluded.language, planned = excluded.planned`,
			series.ID, series.Slug, series.Title, series.Description, series.Language, series.Planned)
	})
}

// RequestSeries sets in an article the series that it asks for, and the planned number of parts. title "" asks for
// none; planned 0 keeps the number. The series is found by title or slug; slug is also the slug of a new series.
// Nothing is saved here: several authors share a series, so SaveArticle creates or changes it only when the article
// is published.
func (s *Store) RequestSeries(ctx context.Context, a *blog.Article, title, slug string, planned int) error {
	before := *a
	a.SeriesID, a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned = "", "", "", 0
	if title == "" {
		return nil
	}
	series, err := s.seriesByName(ctx, title, slug)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	if err != nil {
		a.SeriesTitle, a.SeriesSlug = title, slug
	}
	a.SeriesID = series.ID
	// The number of parts is part of the former request. It stays while the series stays the same.
	if planned == 0 && a.SeriesID == before.SeriesID && strings.EqualFold(a.SeriesTitle, before.SeriesTitle) {
		planned = before.SeriesPlanned
	}
	if planned != series.Planned {
		a.SeriesPlanned = planned
	}
	return nil
}

// SeriesOf returns the series of an article as its author sees it, with the title and number of parts that the
// article asks for. Without a series it returns the zero Series.
func (s *Store) SeriesOf(ctx context.Context, a blog.Article) (blog.Series, error) {
	series, err := s.RequestedSeries(ctx, a)
	if errors.Is(err, blog.ErrNotFound) {
		series, err = blog.Series{Slug: a.SeriesSlug, Title: a.SeriesTitle}, nil
	}
	if a.SeriesPlanned > 0 {
		series.Planned = a.SeriesPlanned
	}
	return series, err
}

// RequestedSeries returns the saved series that an article is in or asks for. It returns blog.ErrNotFound when that
// series does not exist yet.
func (s *Store) RequestedSeries(ctx context.Context, a blog.Article) (blog.Series, error) {
	if a.SeriesTitle != "" {
		return s.seriesByName(ctx, a.SeriesTitle, a.SeriesSlug)
	}
	return s.Series(ctx, a.SeriesID)
}

// seriesByName returns the series with a title, in any case, or else the one with a slug.
func (s *Store) seriesByName(ctx context.Context, title, slug string) (blog.Series, error) {
	var list []blog.Series
	// lower() of SQLite knows only ASCII, so Go compares the titles. Case folding maps one character to one character.
	// So only titles of the same length can match.
	if err := s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series WHERE length(title) = ? OR slug = ? ORDER BY title`,
		utf8.RuneCountInString(title), slug); err != nil {
		return blog.Series{}, err
	}
	at := slices.IndexFunc(list, func(series blog.Series) bool { return strings.EqualFold(series.Title, title) })
	// All titles without a letter or digit get the slug “untitled”, so that slug does not identify a series.
	if at < 0 && slug != blog.Untitled {
		at = slices.IndexFunc(list, func(series blog.Series) bool { return series.Slug == slug })
	}
	if at < 0 {
		return blog.Series{}, blog.ErrNotFound
	}
	return list[at], nil
}

// applySeriesRequest does what a published article asks for: it creates or finds the series, sets a.SeriesID, and
// saves the number of parts.
func (s *Store) applySeriesRequest(ctx context.Context, a *blog.Article) error {
	if a.SeriesTitle == "" && a.SeriesPlanned == 0 {
		return nil
	}
	// The request itself stays in the article until the commit, because the transaction may run again.
	series, err := s.RequestedSeries(ctx, *a)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		if a.SeriesTitle != "" {
			a.SeriesID, err = s.createSeries(ctx, blog.Series{ID: blog.NewID(*a.PublishedAt), Slug: a.SeriesSlug,
				Title:    a.SeriesTitle,
				Language: a.Language, Planned: a.SeriesPlanned})
		}
		return ignoreMissing(err)
	case err != nil:
		return err
	}
	if a.SeriesID = series.ID; a.SeriesPlanned == 0 || a.SeriesPlanned == series.Planned {
		return nil
	}
	return s.run(ctx, `UPDATE series SET planned = ? WHERE id = ?`, a.SeriesPlanned, series.ID)
}

// createSeries saves a new series under the first free slug of slug, slug-2, slug-3 … and returns its id.
func (s *Store) createSeries(ctx context.Context, series blog.Series) (blog.ID, error) {
	wanted := series.Slug
	for n := 2; ; n++ {
		made, err := s.exec(ctx, `INSERT INTO series (id, slug, title, language, planned) VALUES (?, ?, ?, ?, ?) ON
			CONFLICT (slug) DO NOTHING`,
			series.ID, series.Slug, series.Title, series.Language, series.Planned)
		if err != nil || made > 0 {
			return series.ID, err
		}
		// The slug is taken. Another transaction may have just created the same series. Then the article joins it.
		other, err := s.seriesByName(ctx, series.Title, series.Slug)
		if !errors.Is(err, blog.ErrNotFound) {
			return other.ID, err
		}
		series.Slug = fmt.Sprintf("%s-%d", wanted, n)
	}
}

// Series returns a series by id.
func (s *Store) Series(ctx context.Context, id blog.ID) (blog.Series, error) {
	var series blog.Series
	err := s.one(ctx, &series, `SELECT `+seriesColumns+` FROM series WHERE id = ?`, id)
	return series, err
}

// SeriesBySlug returns a series by slug.
func (s *Store) SeriesBySlug(ctx context.Context, slug string) (blog.Series, error) {
	var series blog.Series
	err := s.one(ctx, &series, `SELECT `+seriesColumns+` FROM series WHERE slug = ?`, slug)
	return series, err
}

// forReaders is the condition of a series that readers may see: it has a listed article, or a voice that can be
// followed. Otherwise its title would reveal a draft.
const forReaders = `(series.voice_id <> '' OR EXISTS (SELECT 1 FROM articles a WHERE a.series_id = series.id AND ` +
	listed + `))`

// PublicSeries lists at most limit series that readers may see, by title.
func (s *Store) PublicSeries(ctx context.Context, limit int) ([]blog.Series, error) {
	var list []blog.Series
	err := s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series WHERE `+forReaders+` ORDER BY title LIMIT ?`, limit)
	return list, err
}

// PublicSeriesBySlug returns a series that readers may see. For any other series it returns blog.ErrNotFound.
func (s *Store) PublicSeriesBySlug(ctx context.Context, slug string) (blog.Series, error) {
	var series blog.Series
	err := s.one(ctx, &series, `SELECT `+seriesColumns+` FROM series WHERE slug = ? AND `+forReaders, slug)
	return series, err
}

// PublicSeriesOf returns those of the given series that readers may see, by id.
func (s *Store) PublicSeriesOf(ctx context.Context, ids []blog.ID) (map[blog.ID]blog.Series, error) {
	found := map[blog.ID]blog.Series{}
	if len(ids) == 0 {
		return found, nil
	}
	var list []blog.Series
	err := s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series WHERE id IN (?) AND `+forReaders, ids)
	for _, series := range list {
		found[series.ID] = series
	}
	return found, err
}

// SeriesByTitle lists at most limit series in the order of their titles, including those that readers may not see.
func (s *Store) SeriesByTitle(ctx context.Context, limit, offset int) ([]blog.Series, error) {
	var list []blog.Series
	err := s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series ORDER BY title, id LIMIT ? OFFSET ?`, limit, offset)
	return list, err
}

// NewestSeries lists the series that were made last, the newest first.
func (s *Store) NewestSeries(ctx context.Context, limit int) ([]blog.Series, error) {
	var list []blog.Series
	err := s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series ORDER BY id DESC LIMIT ?`, limit)
	return list, err
}

// PartsBeside returns the listed parts before and after an article in its series, as far as there are any, without
// their long texts. They are in the article's language where they have a text in it.
func (s *Store) PartsBeside(ctx context.Context, a blog.Article) ([]blog.Article, error) {
	language, args := ArticleFilter{Prefer: a.Language}.textOf()
	const part = `SELECT * FROM (SELECT a.id AS article_id FROM articles a WHERE a.series_id = ? AND ` + listed
	var list []blog.Article
	err := s.all(ctx, &list, `SELECT `+articleColumns+` FROM (`+
		part+` AND a.part < ? ORDER BY a.part DESC, a.published_at DESC, a.id DESC LIMIT 1) AS before UNION ALL `+
		part+` AND a.part > ? ORDER BY a.part, a.published_at, a.id LIMIT 1) AS following) p
		JOIN articles a ON a.id = p.article_id
		JOIN article_texts t ON t.article_id = a.id AND t.language = `+language+` ORDER BY a.part`,
		append([]any{a.SeriesID, a.Part, a.SeriesID, a.Part}, args...)...)
	return list, err
}

// PartsOut returns the numbers of the listed parts of a series, as far as they are from 1 to most.
func (s *Store) PartsOut(ctx context.Context, series blog.ID, most int) ([]int, error) {
	var list []int
	err := s.all(ctx, &list, `SELECT DISTINCT a.part FROM articles a WHERE a.series_id = ? AND a.part >= 1 AND a.part <= ?
		AND `+listed+` ORDER BY a.part`, series, most)
	return list, err
}

// CountParts counts the listed articles of each series.
func (s *Store) CountParts(ctx context.Context, series []blog.ID) (map[blog.ID]int, error) {
	found := map[blog.ID]int{}
	if len(series) == 0 {
		return found, nil
	}
	var list []struct {
		SeriesID blog.ID
		Parts    int
	}
	err := s.all(ctx, &list, `SELECT name AS series_id, n AS parts FROM article_counts WHERE kind = 'series'
		AND voice_id = '' AND name IN (?) AND month = ''`, series)
	for _, row := range list {
		found[row.SeriesID] = row.Parts
	}
	return found, err
}

// unused is the condition of a series that readers never saw: none of its articles was published, and it has no
// voice.
const unused = `series.voice_id = '' AND NOT EXISTS (SELECT 1 FROM articles a WHERE a.series_id = series.id AND
	a.status IN ('published', 'withdrawn'))`

// SeriesUnused reports whether DeleteSeries can delete a series.
func (s *Store) SeriesUnused(ctx context.Context, id blog.ID) (bool, error) {
	var n int
	err := s.one(ctx, &n, `SELECT count(*) FROM series WHERE id = ? AND `+unused, id)
	return n > 0, err
}

// DeleteSeries deletes an unused series. Its drafts keep the title, so the first one that is published creates the
// series again. For a used series it returns blog.ErrConflict.
func (s *Store) DeleteSeries(ctx context.Context, series blog.Series) error {
	return s.InTx(ctx, func(s *Store) error {
		s.markChanged()
		deleted, err := s.exec(ctx, `DELETE FROM series WHERE id = ? AND `+unused, series.ID)
		if err != nil {
			return err
		}
		if deleted == 0 {
			return blog.ErrConflict
		}
		return s.run(ctx, `UPDATE articles SET series_id = '', series_title = ?, series_slug = ?,
			series_planned = CASE WHEN series_planned = 0 THEN ? ELSE series_planned END WHERE series_id = ?`,
			series.Title, series.Slug, series.Planned, series.ID)
	})
}
