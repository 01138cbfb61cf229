package web

import (
	"context"
	"net/http"
	"slices"
	"strconv"

	"github.com/go-chi/chi/v5"

	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
)

// archivePage is /archive, with the titles of the newest articles, or /archive/2026, with those of a year.
type archivePage struct {
	frame
	Heading string
	Year    int        // 0 for the newest of all
	Total   int        // of the blog, or of the year
	Years   []yearLink // all of them
	Titles  []year
	Tags    []tagLink
	Series  []link
	Pager   pager
}

// yearLink is a link to the archive of a year, with the number of its articles.
type yearLink struct {
	Year  int
	URL   string
	Count int
	Here  bool
}

type year struct {
	Year    int
	Entries []entry
}

const (
	titlesPerPage  = 100 // each is one line
	tagsInArchive  = 100
	seriesInSight  = 500 // the most series that a page lists
	oldArchivePage = 500 // titles on a page of the former addresses /archive/page/2
)

// archive shows the newest titles, and leads to the years.
func (w *Web) archive(ctx context.Context, _ *http.Request) (page.Document, error) {
	f, years, err := w.archiveFrame(ctx)
	if err != nil {
		return page.Document{}, err
	}
	p := archivePage{Heading: w.translate(&f, "archive")}
	for _, y := range years {
		p.Total += y.Length
	}
	shown := min(titlesPerPage, p.Total)
	if err := w.fillTitles(ctx, &f, &p, 0, shown); err != nil {
		return page.Document{}, err
	}
	p.Pager = pager{Shown: shown, Total: p.Total, Older: archiveAt(years, shown)}
	if err := w.fillIndex(ctx, &p); err != nil {
		return page.Document{}, err
	}
	return w.archiveDocument(&f, &p, years, "/archive", 0)
}

// archiveYear shows the titles of a year.
func (w *Web) archiveYear(ctx context.Context, r *http.Request) (page.Document, error) {
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	asked, err := strconv.Atoi(chi.URLParam(r, "year"))
	if err != nil {
		return page.Document{}, blog.ErrNotFound
	}
	f, years, err := w.archiveFrame(ctx)
	if err != nil {
		return page.Document{}, err
	}
	at := slices.IndexFunc(years, func(y store.YearCount) bool { return y.Year == asked })
	skipped := (number - 1) * titlesPerPage
	// Before any article is read: bots try every number.
	if at < 0 || skipped >= years[at].Length {
		return page.Document{}, blog.ErrNotFound
	}
	shown, path := min(titlesPerPage, years[at].Length-skipped), yearPath(asked)
	p := archivePage{Heading: w.translate(&f, "archive-year", "Year", strconv.Itoa(asked)), Total: years[at].Length,
		Pager: pager{Shown: shown, Total: years[at].Length}}
	if err := w.fillTitles(ctx, &f, &p, years[at].Newer+skipped, shown); err != nil {
		return page.Document{}, err
	}
	if number > 1 {
		p.Pager.Newer = pagePath(path, number-1)
	}
	if skipped+shown < years[at].Length {
		p.Pager.Older = pagePath(path, number+1)
	}
	return w.archiveDocument(&f, &p, years, pagePath(path, number), asked)
}

// oldArchive redirects the pages that the archive had before it had years.
func (w *Web) oldArchive(ctx context.Context, r *http.Request) (page.Document, error) {
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	_, years, err := w.archiveFrame(ctx)
	if err != nil {
		return page.Document{}, err
	}
	there := archiveAt(years, (number-1)*oldArchivePage)
	if there == "" {
		return page.Document{}, blog.ErrNotFound
	}
	return movedDocument(there), nil
}

func (w *Web) archiveFrame(ctx context.Context) (frame, []store.YearCount, error) {
	f, err := w.frame(ctx, "")
	if err != nil {
		return f, nil, err
	}
	years, err := w.store.Years(ctx, f.zone)
	return f, years, err
}

func yearPath(year int) string { return "/archive/" + itoa(year) }

// archiveAt returns the page of a year that has the article at a place in the list of all, and "" beyond the last.
func archiveAt(years []store.YearCount, place int) string {
	for _, y := range years {
		if place < y.Newer+y.Length {
			return pagePath(yearPath(y.Year), (place-y.Newer)/titlesPerPage+1)
		}
	}
	return ""
}

func (w *Web) archiveDocument(f *frame, p *archivePage, years []store.YearCount, path string,
	here int) (page.Document, error) {
	for _, y := range years {
		p.Years = append(p.Years, yearLink{Year: y.Year, URL: yearPath(y.Year), Count: y.Length, Here: y.Year == here})
	}
	p.Year, f.Here = here, "archive"
	f.Head.Title, f.Head.Canonical = p.Heading, f.Site.URL+path
	f.Head.Description = w.translate(f, "archive-holds", "N", p.Total)
	p.frame = *f
	return w.document(http.StatusOK, "web/archive", f, *p)
}

// fillTitles adds a number of articles from a place in the list of all, by year.
func (w *Web) fillTitles(ctx context.Context, f *frame, p *archivePage, place, n int) error {
	if n == 0 {
		return nil
	}
	filter := listed("")
	filter.Limit, filter.Offset = n, place
	articles, err := w.store.Articles(ctx, filter)
	if err != nil {
		return err
	}
	counts, err := w.store.Counts(ctx, ids(articles))
	if err != nil {
		return err
	}
	entries, err := w.entries(ctx, f, articles, counts, true)
	// The entries come newest first, so a year is one run of them.
	for _, e := range entries {
		if last := len(p.Titles) - 1; last >= 0 && p.Titles[last].Year == e.At.Year() {
			p.Titles[last].Entries = append(p.Titles[last].Entries, e)
		} else {
			p.Titles = append(p.Titles, year{e.At.Year(), []entry{e}})
		}
	}
	return err
}

// fillIndex adds the tags and the series.
func (w *Web) fillIndex(ctx context.Context, p *archivePage) error {
	tags, err := w.store.Tags(ctx, tagsInArchive)
	if err != nil {
		return err
	}
	for _, t := range tags {
		p.Tags = append(p.Tags, tagLink{t.Name, tagPath(t.Tag), t.Count})
	}
	series, err := w.store.PublicSeries(ctx, seriesInSight)
	for _, s := range series {
		p.Series = append(p.Series, link{URL: "/series/" + s.Slug, Title: s.Title})
	}
	return err
}
