package web

import (
	"context"
	"regexp"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

const perPage = 20

var languagePath = regexp.MustCompile(`^[a-z]{2,3}$`)

// person is somebody as a page names them.
type person struct {
	Name    string
	User    string // the two halves of the handle; "" for a guest without one
	Host    string
	URL     string
	Picture string // "" shows the first letter of the name
	Follow  string // where one follows them, "" when that is not possible
}

// entry is an article in a list.
type entry struct {
	URL      string
	Title    string
	Summary  string
	Foreign  string // its language where it is not the page's
	At       time.Time
	WithYear bool
	Minutes  int
	Replies  int
	Servers  int
	Series   *seriesMark
	Names    []person // where the page does not say who writes
	By       []person // with faces, for the featured one
	Hero     *picture
}

// seriesMark is the number of an article within its series.
type seriesMark struct {
	URL, Title, Language string
	Part, Parts          int // Parts is 0 when nobody knows
}

// picture is an image with its widths.
type picture struct {
	Src, SrcSet, Alt string
	Width, Height    int
}

// group is the articles of one month, or all of a list without months.
type group struct {
	Month   *time.Time
	Entries []entry
}

// pager links to the pages before and after.
type pager struct {
	Newer, Older string
	OlderMonth   time.Time // of the first article on the older page; zero to say just "older"
	Shown, Total int
}

// listed returns the filter of all lists: public articles, in one language or ("") in all.
func listed(language string) store.ArticleFilter {
	return store.ArticleFilter{Listed: true, Language: language}
}

// list is one page of a list of articles.
type list struct {
	Page, Pages int
	Groups      []group
	Pager       pager

	articles []blog.Article
	counts   map[blog.ID]blog.Counts
}

// list reads one page of the articles that a filter matches; its Limit is the size of a page, 0 for perPage. at is the
// address of the first page. A page beyond the last is blog.ErrNotFound.
func (w *Web) list(ctx context.Context, f *frame, filter store.ArticleFilter, at string, number int) (list, error) {
	total, err := w.store.CountArticles(ctx, filter)
	if err != nil {
		return list{}, err
	}
	if filter.Limit == 0 {
		filter.Limit = perPage
	}
	l := list{Page: number, Pages: max(1, (total+filter.Limit-1)/filter.Limit)}
	// Before any article is read: bots try every number.
	if number > l.Pages {
		return l, blog.ErrNotFound
	}
	filter.Offset = (number - 1) * filter.Limit
	if l.articles, err = w.store.Articles(ctx, filter); err != nil {
		return l, err
	}
	if l.counts, err = w.store.Counts(ctx, ids(l.articles)); err != nil {
		return l, err
	}
	l.Pager = pager{Shown: len(l.articles), Total: total}
	if number > 1 {
		l.Pager.Newer = pagePath(at, number-1)
		f.Head.Previous = f.Site.URL + l.Pager.Newer
	}
	if number < l.Pages {
		l.Pager.Older = pagePath(at, number+1)
		f.Head.Next = f.Site.URL + l.Pager.Older
	}
	f.Head.Canonical = f.Site.URL + pagePath(at, number)
	return l, nil
}

// pagePath returns the address of a page of the list that begins at the given address.
func pagePath(at string, number int) string {
	if number == 1 {
		return at
	}
	return strings.TrimSuffix(at, "/") + "/page/" + itoa(number)
}

func ids(articles []blog.Article) []blog.ID {
	list := make([]blog.ID, len(articles))
	for i, a := range articles {
		list[i] = a.ID
	}
	return list
}

// entries returns articles as lists show them. named adds the authors, for pages that do not name them elsewhere.
func (w *Web) entries(ctx context.Context, f *frame, articles []blog.Article, counts map[blog.ID]blog.Counts,
	named bool) ([]entry, error) {
	marks, err := w.marks(ctx, f, articles)
	if err != nil {
		return nil, err
	}
	entries := make([]entry, len(articles))
	for i, a := range articles {
		entries[i] = entry{URL: f.Site.ArticlePath(a), Title: a.Title, Summary: text.Excerpt(a.Summary, summaryLength),
			Foreign: f.foreign(a.Language),
			At:      published(a).In(f.zone), Minutes: a.Minutes(), Replies: counts[a.ID].Replies, Servers: counts[a.ID].Servers,
			Series: marks[a.ID]}
		// An article of several authors names them on an author's page too.
		if named || len(a.Authors) > 1 {
			entries[i].Names = f.people(a.Authors)
		}
	}
	return entries, nil
}

// published returns the date of publication. A draft has none, and gets that of its creation.
func published(a blog.Article) time.Time {
	if a.PublishedAt != nil {
		return *a.PublishedAt
	}
	return a.CreatedAt
}

// summaryLength is the most characters of a summary in a list: two or three lines.
const summaryLength = 200

// people returns the names of a by-line.
func (f *frame) people(byline []blog.Byline) []person {
	list := make([]person, 0, len(byline))
	for _, by := range byline {
		p := person{Name: by.Name, URL: by.URL}
		if by.Handle != "" {
			p.User, p.Host, p.URL, p.Picture = by.Handle, f.Site.HandleDomain, "/@"+by.Handle, media(by.Picture)
		}
		list = append(list, p)
	}
	return list
}

// media returns the path of a file in the picture library, "" for none.
func media(file string) string {
	if file == "" {
		return ""
	}
	return "/media/" + file
}

// marks returns the series of those articles that are in a public one.
func (w *Web) marks(ctx context.Context, f *frame, articles []blog.Article) (map[blog.ID]*seriesMark, error) {
	var wanted []blog.ID
	for _, a := range articles {
		if a.SeriesID != "" && !slices.Contains(wanted, a.SeriesID) {
			wanted = append(wanted, a.SeriesID)
		}
	}
	known, err := w.store.PublicSeriesOf(ctx, wanted)
	if err != nil {
		return nil, err
	}
	marks := map[blog.ID]*seriesMark{}
	for _, a := range articles {
		if s, ok := known[a.SeriesID]; ok {
			marks[a.ID] = &seriesMark{URL: "/series/" + s.Slug, Title: s.Title, Language: f.foreign(s.Language), Part: a.Part,
				Parts: s.Planned}
		}
	}
	return marks, nil
}

// byMonth splits a list into months.
func byMonth(entries []entry) []group {
	var groups []group
	for _, e := range entries {
		if last := len(groups) - 1; last >= 0 && groups[last].Month.Format("2006-01") == e.At.Format("2006-01") {
			groups[last].Entries = append(groups[last].Entries, e)
			continue
		}
		groups = append(groups, group{Month: &e.At, Entries: []entry{e}})
	}
	return groups
}

// oneGroup returns a list as one group. Its dates carry the year, since no heading does.
func oneGroup(entries []entry) []group {
	if len(entries) == 0 {
		return nil
	}
	for i := range entries {
		entries[i].WithYear = true
	}
	return []group{{Entries: entries}}
}

// heroes returns the pictures at the head of articles.
func (w *Web) heroes(ctx context.Context, articles ...blog.Article) (map[blog.ID]*picture, error) {
	var wanted []blog.ID
	for _, a := range articles {
		if a.PictureID != "" {
			wanted = append(wanted, a.PictureID)
		}
	}
	found, err := w.store.Pictures(ctx, wanted)
	if err != nil {
		return nil, err
	}
	heroes := map[blog.ID]*picture{}
	for _, a := range articles {
		if p, ok := found[a.PictureID]; ok && len(p.Files) > 0 {
			heroes[a.ID] = pictureOf(p, a.PictureAlt)
		}
	}
	return heroes, nil
}

// pictureOf returns a picture with its widths. alt, when it is not empty, replaces the picture's own.
func pictureOf(p blog.Picture, alt string) *picture {
	if alt == "" {
		alt = p.Alt
	}
	set := make([]string, len(p.Files))
	for i, file := range p.Files {
		set[i] = media(file.File) + " " + itoa(file.Width) + "w"
	}
	largest := p.Largest()
	return &picture{Src: media(largest.File), SrcSet: strings.Join(set, ", "), Alt: alt, Width: largest.Width,
		Height: largest.Height}
}
