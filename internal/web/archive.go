package web

import (
	"context"
	"net/http"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// archivePage is /archive: the titles of all articles, by year.
type archivePage struct {
	frame
	Page, Pages int
	Total       int
	Years       []year
	Tags        []tagLink
	Series      []link
	Pager       pager
}

type year struct {
	Year    int
	Entries []entry
}

// titlesPerPage is the most titles on a page. Each is one line.
const titlesPerPage = 500

func (w *Web) archive(ctx context.Context, r *http.Request) (page.Document, error) {
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	p := archivePage{Page: number}
	if p.Total, err = w.store.CountArticles(ctx, listed("")); err != nil {
		return page.Document{}, err
	}
	p.Pages = max(1, (p.Total+titlesPerPage-1)/titlesPerPage)
	// Before any article is read: bots try every number.
	if number > p.Pages {
		return page.Document{}, blog.ErrNotFound
	}
	if err := w.fillArchive(ctx, &f, &p); err != nil {
		return page.Document{}, err
	}
	f.Here = "archive"
	f.Head.Title, f.Head.Canonical = w.translate(&f, "archive"), f.Site.URL+pagePath("/archive", number)
	f.Head.Description = w.translate(&f, "archive-holds", "N", p.Total)
	p.frame = f
	return w.document(http.StatusOK, "web/archive", &f, p)
}

func (w *Web) fillArchive(ctx context.Context, f *frame, p *archivePage) error {
	filter := listed("")
	filter.Limit, filter.Offset = titlesPerPage, (p.Page-1)*titlesPerPage
	articles, err := w.store.Articles(ctx, filter)
	if err != nil {
		return err
	}
	counts, err := w.store.Counts(ctx, ids(articles))
	if err != nil {
		return err
	}
	entries, err := w.entries(ctx, f, articles, counts, true)
	if err != nil {
		return err
	}
	// The entries come newest first, so a year is one run of them.
	for _, e := range entries {
		if last := len(p.Years) - 1; last >= 0 && p.Years[last].Year == e.At.Year() {
			p.Years[last].Entries = append(p.Years[last].Entries, e)
		} else {
			p.Years = append(p.Years, year{e.At.Year(), []entry{e}})
		}
	}
	p.Pager = pager{Shown: len(articles), Total: p.Total}
	if p.Page > 1 {
		p.Pager.Newer = pagePath("/archive", p.Page-1)
	}
	if p.Page < p.Pages {
		p.Pager.Older = pagePath("/archive", p.Page+1)
	}
	return w.fillIndex(ctx, p)
}

// fillIndex adds the tags and the series.
func (w *Web) fillIndex(ctx context.Context, p *archivePage) error {
	tags, err := w.store.Tags(ctx)
	if err != nil {
		return err
	}
	for _, t := range tags[:min(len(tags), 100)] {
		p.Tags = append(p.Tags, tagLink{t.Name, tagPath(t.Tag), t.Count})
	}
	series, err := w.store.PublicSeries(ctx)
	for _, s := range series {
		p.Series = append(p.Series, link{URL: "/series/" + s.Slug, Title: s.Title})
	}
	return err
}
