package store_test

import (
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestASeriesIsFoundByItsTitleInAnyCaseOrElseByItsSlug(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ids := map[string]blog.ID{}
		for title, slug := range map[string]string{"Été au port": "ete-au-port", "The Low Road": "the-low-road",
			"…": blog.Untitled} {
			series := blog.Series{ID: blog.NewID(now), Slug: slug, Title: title, Language: "en"}
			if err := s.SaveSeries(t.Context(), series); err != nil {
				t.Fatal(err)
			}
			ids[title] = series.ID
		}
		for _, c := range []struct{ title, slug, finds string }{
			{"the low road", "elsewhere", "The Low Road"},
			{"ÉTÉ AU PORT", "ete", "Été au port"},
			{"the-low-road", "the-low-road", "The Low Road"},
			{"The Low Road", "ete-au-port", "The Low Road"}, // the title decides
			{"The High Road", "the-high-road", ""},          // as long as another title
			{"…", blog.Untitled, "…"},
			{"?!", blog.Untitled, ""},
		} {
			var a blog.Article
			if err := s.RequestSeries(t.Context(), &a, c.title, c.slug, 0); err != nil || a.SeriesID != ids[c.finds] {
				t.Errorf("%q at %q finds %q, want %q (%v)", c.title, c.slug, a.SeriesID, c.finds, err)
			}
			if c.finds == "" && (a.SeriesTitle != c.title || a.SeriesSlug != c.slug) {
				t.Errorf("%q at %q wishes for %q at %q", c.title, c.slug, a.SeriesTitle, a.SeriesSlug)
			}
		}
	})
}
