package web

import (
	"context"
	"net/http"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/feed"
	"causerie/internal/page"
)

const (
	// articlesPerSitemap is how many articles one sitemap lists. The protocol allows 50,000 pages
	// (https://www.sitemaps.org/protocol.html); this many are made quickly, in all their languages.
	articlesPerSitemap = 1000
	// tagsInSitemap is how many tags and how many series the sitemap has at most.
	tagsInSitemap = 1000
)

// sitemap lists every page that search engines should know. In a large blog it lists sitemaps: one of the pages that
// are no articles, and the articles in pieces. The first piece has the oldest articles, so that new ones change only
// the last.
func (w *Web) sitemap(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	total, err := w.store.CountArticles(ctx, listed(""))
	if err != nil {
		return page.Document{}, err
	}
	if total <= articlesPerSitemap {
		places, err := w.places(ctx, &f)
		if err != nil {
			return page.Document{}, err
		}
		articles, err := w.articlePlaces(ctx, &f, 0, articlesPerSitemap)
		if err != nil {
			return page.Document{}, err
		}
		return sitemapDocument(feed.Sitemap(append(places, articles...)))
	}
	maps := []string{f.Site.URL + "/sitemap/pages.xml"}
	for n := 1; (n-1)*articlesPerSitemap < total; n++ {
		maps = append(maps, f.Site.URL+"/sitemap/"+itoa(n)+".xml")
	}
	return sitemapDocument(feed.SitemapIndex(maps))
}

// sitemapOfPages lists the pages that are no articles.
func (w *Web) sitemapOfPages(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	places, err := w.places(ctx, &f)
	if err != nil {
		return page.Document{}, err
	}
	return sitemapDocument(feed.Sitemap(places))
}

// sitemapOfArticles lists a piece of the articles.
func (w *Web) sitemapOfArticles(ctx context.Context, r *http.Request) (page.Document, error) {
	piece, err := number(chi.URLParam(r, "piece"), 1)
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	total, err := w.store.CountArticles(ctx, listed(""))
	if err != nil {
		return page.Document{}, err
	}
	first := (piece - 1) * articlesPerSitemap
	if first >= total {
		return page.Document{}, blog.ErrNotFound
	}
	// The list begins with the newest article, the pieces with the oldest.
	n := min(articlesPerSitemap, total-first)
	places, err := w.articlePlaces(ctx, &f, total-first-n, n)
	if err != nil {
		return page.Document{}, err
	}
	return sitemapDocument(feed.Sitemap(places))
}

func sitemapDocument(body []byte, err error) (page.Document, error) {
	return page.Document{Header: http.Header{"Content-Type": {feed.SitemapType}}, Body: body}, err
}

// places returns the pages that are no articles.
func (w *Web) places(ctx context.Context, f *frame) ([]feed.SitemapEntry, error) {
	places := []feed.SitemapEntry{{URL: f.Site.Home()}, {URL: f.Site.URL + "/archive"}, {URL: f.Site.URL + "/about"}}
	authors, err := w.authors(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range authors {
		if a.Indexable {
			places = append(places, feed.SitemapEntry{URL: f.Site.VoicePage(a.Voice)})
		}
	}
	tags, err := w.store.Tags(ctx, tagsInSitemap)
	if err != nil {
		return nil, err
	}
	for _, t := range tags {
		places = append(places, feed.SitemapEntry{URL: f.Site.TagPage(t.Tag)})
	}
	series, err := w.store.PublicSeries(ctx, tagsInSitemap)
	for _, s := range series {
		places = append(places, feed.SitemapEntry{URL: f.Site.SeriesPage(s.Slug)})
	}
	return places, err
}

// articlePlaces returns the addresses of n articles from a place in the list of all, in each of their languages.
func (w *Web) articlePlaces(ctx context.Context, f *frame, place, n int) ([]feed.SitemapEntry, error) {
	authors, err := w.authors(ctx)
	if err != nil {
		return nil, err
	}
	hidden := map[blog.ID]bool{}
	for _, a := range authors {
		hidden[a.ID] = !a.Indexable
	}
	texts, err := w.store.ListedTexts(ctx, n, place)
	if err != nil {
		return nil, err
	}
	var places []feed.SitemapEntry
	for _, t := range texts {
		// Authors who do not want to be found do not want their articles found either.
		if hidden[t.VoiceID] {
			continue
		}
		there := blog.Article{Month: t.Month, Text: blog.Text{Slug: t.Slug}}
		places = append(places, feed.SitemapEntry{URL: f.Site.ArticlePage(there), Changed: t.Changed()})
	}
	return places, nil
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
