package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// seriesPage is /series/slug: the parts of a series in their order.
type seriesPage struct {
	frame
	Title, Description string
	Foreign            string
	Out, Planned       int // parts: published, and in all (0 when nobody knows)
	Start              string
	StartPart          int // its number; 0 when it has none
	Feed               string
	Voice              *person // that announces its parts, when one can follow it
	Followers          int
	Groups             []group
}

func (w *Web) series(ctx context.Context, r *http.Request) (page.Document, error) {
	series, err := w.store.PublicSeriesBySlug(ctx, chi.URLParam(r, "slug"))
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, series.Language)
	if err != nil {
		return page.Document{}, err
	}
	filter := listed("")
	filter.Series, filter.ByPart = series.ID, true
	// Without pages: a series has as many parts as one author can write.
	articles, err := w.store.Articles(ctx, filter)
	if err != nil {
		return page.Document{}, err
	}
	counts, err := w.store.Counts(ctx, ids(articles))
	if err != nil {
		return page.Document{}, err
	}
	entries, err := w.entries(ctx, &f, articles, counts, true)
	if err != nil {
		return page.Document{}, err
	}
	for i := range entries {
		entries[i].Series = &seriesMark{Part: articles[i].Part, Parts: series.Planned} // the page has said which series
	}
	p := seriesPage{Title: series.Title, Description: series.Description, Foreign: f.foreign(series.Language),
		Out:     len(articles),
		Planned: series.Planned, Feed: "/series/" + series.Slug + "/feed.xml", Groups: oneGroup(entries)}
	if len(entries) > 0 {
		p.Start, p.StartPart = entries[0].URL, articles[0].Part
	}
	if err := w.followSeries(ctx, &f, &p, series); err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Description, f.Head.Canonical = series.Title, series.Description, f.Site.SeriesPage(series.Slug)
	f.Head.Feeds = append([]link{{atomLink, f.Site.URL + p.Feed, series.Title}}, f.Head.Feeds...)
	p.frame = f
	return w.document(http.StatusOK, "web/series", &f, p)
}

// followSeries adds the link to follow a series that has a voice.
func (w *Web) followSeries(ctx context.Context, f *frame, p *seriesPage, series blog.Series) error {
	voice, err := w.store.SeriesVoice(ctx, series.ID)
	switch {
	// Most series have no voice.
	case errors.Is(err, blog.ErrNotFound):
		return nil
	case err != nil:
		return err
	case !voice.Followable():
		return nil
	}
	followers, err := w.store.CountFollowers(ctx, voice.ID)
	if err != nil {
		return err
	}
	who := f.voice(voice)
	p.Voice, p.Followers = &who, followers.Accepted
	f.Head.Activity = f.Site.ActorID(voice.ID)
	return nil
}
