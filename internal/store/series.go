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

// AllSeries lists the series by title.
func (s *Store) AllSeries(ctx context.Context) ([]blog.Series, error) {
	var list []blog.Series
	return list, s.all(ctx, &list, `SELECT `+seriesColumns+` FROM series ORDER BY title`)
}
