package web

import (
	"context"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// frame is what every page has: the site, the language, the menu and the head.
type frame struct {
	Site   blog.Site
	Lang   string // of the interface, and so of the page
	Here   string // the menu's word for this page
	Front  bool   // the front page, which carries the site's name itself
	Card   bool   // the page is a person's or the site's card (h-card)
	Fronts []front
	Menu   []item
	Head   head

	zone    *time.Location
	authors []blog.Author // who can write here today
}

// Locale returns the language of the page's interface (see page.Localized).
func (f frame) Locale() string { return f.Lang }

// front is a link to a front page: of everything, or of one language.
type front struct {
	Language string // "" for everything
	URL      string
	Here     bool
}

// item is a line of the menu. Word is the id of its text.
type item struct{ Word, URL string }

// head is the metadata of a page.
type head struct {
	Title        string
	Description  string
	Type         string // of OpenGraph: website, article or profile
	Canonical    string
	Locale       string
	Activity     string // the same thing on the wire
	Hidden       bool   // not for search engines
	Previous     string
	Next         string
	Feeds        []link
	Translations []front
	Me           []string // the same person elsewhere
	Creators     []string // handles, for the author line of link previews
	Image        *image
	Article      *articleHead
	Things       []any // JSON-LD
}

type link struct{ Type, URL, Title string }

type image struct {
	URL, Alt      string
	Width, Height int
}

type articleHead struct {
	Published time.Time
	Modified  *time.Time
	Authors   []string
	Tags      []string
}

const (
	atomLink = "application/atom+xml"
	jsonLink = "application/feed+json"
)

// frame starts a page in a language; "" is the site's.
func (w *Web) frame(ctx context.Context, language string) (frame, error) {
	site, err := w.store.Site(ctx)
	if err != nil {
		return frame{}, err
	}
	// For fail, which may have no database.
	w.site.Store(&site)
	f := w.frameOf(site, language)
	if f.authors, err = w.authors(ctx); err != nil {
		return f, err
	}
	// A blog of one author shows them on its front page.
	if len(f.authors) > 1 {
		f.Menu = append([]item{{"authors", "/about#authors"}}, f.Menu...)
	}
	return f, nil
}

// frameOf starts a page of a site that was read already.
func (w *Web) frameOf(site blog.Site, language string) frame {
	if language == "" {
		language = site.Language
	}
	f := frame{Site: site, Lang: w.pages.Language(language), zone: site.Location()}
	// A phone shows a feed 980 pixels wide, since XML has no viewport. So the menu leads to the list of feeds.
	f.Menu = []item{{"archive", "/archive"}, {"feed", "/about#feeds"}}
	f.Head = head{Type: "website", Locale: locale(language), Feeds: []link{
		{atomLink, site.URL + "/feed.xml", site.Name}, {jsonLink, site.URL + "/feed.json", site.Name + " (JSON)"}}}
	return f
}

// locale returns a language as OpenGraph writes it, such as nl_NL. A language without a country gets a usual one.
func locale(language string) string {
	base, country, found := strings.Cut(language, "-")
	if found {
		return base + "_" + strings.ToUpper(country)
	}
	if base == "en" {
		return "en_GB"
	}
	return base + "_" + strings.ToUpper(base)
}

// document renders a page and adds its headers.
func (w *Web) document(status int, name string, f *frame, data any) (page.Document, error) {
	document, err := w.pages.Document(status, name, data)
	if err != nil {
		return document, err
	}
	if f.Head.Activity != "" {
		document.Header.Add("Link", "<"+f.Head.Activity+`>; rel="alternate"; type="application/activity+json"`)
	}
	return document, nil
}

// translate returns a text of the interface in the page's language.
func (w *Web) translate(f *frame, id string, args ...any) string {
	text, err := w.pages.Translate(f.Lang, id, args...)
	if err != nil {
		// Tests check every id and its arguments, so this is a mistake in the code.
		panic(err)
	}
	return text
}

// foreign returns the language of a text when it differs from the page's, and otherwise "".
func (f *frame) foreign(language string) string {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if language == "" || base == f.Lang {
		return ""
	}
	return language
}

// fronts returns links to the front pages: one for each language with an article, and one for all together.
func (w *Web) fronts(ctx context.Context, here string) ([]front, error) {
	languages, err := w.store.Languages(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(languages)
	var fronts []front
	for _, language := range languages {
		// Other tags, such as pt-br, have no route.
		if languagePath.MatchString(language) {
			fronts = append(fronts, front{Language: language, URL: "/" + language + "/", Here: language == here})
		}
	}
	if len(fronts) < 2 && here == "" {
		return nil, nil // one language needs no choice
	}
	return append(fronts, front{URL: "/", Here: here == ""}), nil
}
