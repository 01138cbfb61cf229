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
	list
	Title, Description string
	Foreign            string
	Planned            int // parts in all, 0 when nobody knows; Pager.Total are published
	Start              string
	StartPart          int // its number; 0 when it has none
	Feed               string
	Voice              *person // that announces its parts, when one can follow it
	Followers          int
}

// partsPerPage is how many parts of a series one page shows: all, of nearly every series.
const partsPerPage = 100

func (w *Web) series(ctx context.Context, r *http.Request) (page.Document, error) {
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	series, err := w.store.PublicSeriesBySlug(ctx, chi.URLParam(r, "slug"))
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, series.Language)
	if err != nil {
		return page.Document{}, err
	}
	p := seriesPage{Title: series.Title, Description: series.Description, Foreign: f.foreign(series.Language),
		Planned: series.Planned, Feed: "/series/" + series.Slug + "/feed.xml"}
	filter := listed("")
	filter.Series, filter.ByPart, filter.Limit = series.ID, true, partsPerPage
	if p.list, err = w.list(ctx, &f, filter, "/series/"+series.Slug, number); err != nil {
		return page.Document{}, err
	}
	entries, err := w.entries(ctx, &f, p.articles, p.counts, true)
	if err != nil {
		return page.Document{}, err
	}
	for i := range entries {
		// The page has said which series.
		entries[i].Series = &seriesMark{Part: p.articles[i].Part, Parts: series.Planned}
	}
	p.Groups = oneGroup(entries)
	if len(entries) > 0 && number == 1 {
		p.Start, p.StartPart = entries[0].URL, p.articles[0].Part
	}
	if err := w.followSeries(ctx, &f, &p, series); err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Description = series.Title, series.Description
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
