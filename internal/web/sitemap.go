package web

import (
	"context"
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/feed"
	"causerie/internal/page"
)

// sitemap lists every page that search engines should know.
func (w *Web) sitemap(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	places := []feed.SitemapEntry{{URL: f.Site.Home()}, {URL: f.Site.URL + "/archive"}, {URL: f.Site.URL + "/about"}}
	authors, err := w.authors(ctx)
	if err != nil {
		return page.Document{}, err
	}
	hidden := map[blog.ID]bool{}
	for _, a := range authors {
		if hidden[a.ID] = !a.Indexable; a.Indexable {
			places = append(places, feed.SitemapEntry{URL: f.Site.VoicePage(a.Voice)})
		}
	}
	more, err := w.index(ctx, &f)
	if err != nil {
		return page.Document{}, err
	}
	places = append(places, more...)
	// In pieces: the articles of a large blog need not be in memory all at once.
	for offset := 0; len(places) < feed.MaxSitemapEntries; offset += 1000 {
		filter := listed("")
		filter.Limit, filter.Offset = 1000, offset
		articles, err := w.store.Articles(ctx, filter)
		if err != nil {
			return page.Document{}, err
		}
		versions, err := w.store.Versions(ctx, ids(articles))
		if err != nil {
			return page.Document{}, err
		}
		ages, err := w.store.TextAges(ctx, ids(articles))
		if err != nil {
			return page.Document{}, err
		}
		for _, a := range articles {
			// Authors who do not want to be found do not want their articles found either.
			if hidden[a.VoiceID] {
				continue
			}
			for _, v := range versions[a.ID] {
				a.Text = v.Text
				changed := textSince(a, ages[a.ID][v.Language])
				places = append(places, feed.SitemapEntry{URL: f.Site.ArticlePage(a), Changed: changed})
			}
		}
		if len(articles) < 1000 {
			break
		}
	}
	body, err := feed.Sitemap(places)
	return page.Document{Header: http.Header{"Content-Type": {feed.SitemapType}}, Body: body}, err
}

// index returns the pages of tags and series.
func (w *Web) index(ctx context.Context, f *frame) ([]feed.SitemapEntry, error) {
	var places []feed.SitemapEntry
	tags, err := w.store.Tags(ctx)
	if err != nil {
		return nil, err
	}
	// Tags must not push the articles out of the sitemap, which has room for 50,000 pages.
	for _, t := range tags[:min(len(tags), 10_000)] {
		places = append(places, feed.SitemapEntry{URL: f.Site.TagPage(t.Tag)})
	}
	series, err := w.store.PublicSeries(ctx)
	for _, s := range series {
		places = append(places, feed.SitemapEntry{URL: f.Site.SeriesPage(s.Slug)})
	}
	return places, err
}

// robots lists the paths that search engines should not crawl.
func (w *Web) robots(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	body := "User-agent: *\n"
	for _, path := range []string{"/admin", "/login", "/search", "/interact", "/authorize_interaction", "/preview/"} {
		body += "Disallow: " + path + "\n"
	}
	body += "\nSitemap: " + f.Site.URL + "/sitemap.xml\n"
	return page.Document{Header: http.Header{"Content-Type": {"text/plain; charset=utf-8"}}, Body: []byte(body)}, nil
}
