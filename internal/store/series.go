package store

import (
	"context"

	"causerie/internal/blog"
)

const seriesColumns = `id, slug, title, description, language, planned, voice_id`

// SaveSeries writes a series down, new or known; its voice stays. A slug that another one has is blog.ErrConflict.
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

// Series finds a series by its id.
func (s *Store) Series(ctx context.Context, id blog.ID) (blog.Series, error) {
	var series blog.Series
	return series, s.one(ctx, &series, `SELECT `+seriesColumns+` FROM series WHERE id = ?`, id)
}

// SeriesBySlug finds a series by its slug.
func (s *Store) SeriesBySlug(ctx context.Context, slug string) (blog.Series, error) {
	var series blog.Series
	return series, s.one(ctx, &series, `SELECT `+seriesColumns+` FROM series WHERE slug = ?`, slug)
}

// forReaders is the condition of a series that readers may know of: one of its articles is listed, or somebody who may has
// let it be followed under a name of its own, which is public from then on. What hangs on an article alone is no more public
// than that article.
const forReaders = `(series.voice_id <> '' OR EXISTS (SELECT 1 FROM articles a WHERE a.series_id = series.id AND ` + listed + `))`

// PublicSeries lists the series that readers may know of, by title.
func (s *Store) PublicSeries(ctx context.Context) ([]blog.Series, error) {
	var list []blog.Series
	return list, s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series WHERE `+forReaders+` ORDER BY title`)
}

// PublicSeriesBySlug finds a series that readers may know of. Any other is blog.ErrNotFound, as one that never was.
func (s *Store) PublicSeriesBySlug(ctx context.Context, slug string) (blog.Series, error) {
	var series blog.Series
	return series, s.one(ctx, &series, `SELECT `+seriesColumns+` FROM series WHERE slug = ? AND `+forReaders, slug)
}

// PublicSeriesOf finds those of the series that readers may know of.
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

// AllSeries lists the series by title, also those of which no part is public.
func (s *Store) AllSeries(ctx context.Context) ([]blog.Series, error) {
	var list []blog.Series
	return list, s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series ORDER BY title`)
}
