package web

import (
	"context"
	"net/http"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// frame is what stands around every page.
type frame struct {
	Site   blog.Site
	Lang   string // of the interface, and so of the page
	Here   string // the menu's word for this page
	Front  bool   // the front page, which carries the site's name itself
	Card   bool   // the page is a person's or the site's card (h-card)
	Fronts []front
	Menu   []item
	Head   head

	zone *time.Location
}

// Locale makes a frame, and every page in one, speak its language.
func (f frame) Locale() string { return f.Lang }

// front is one of the front pages: of everything, or of one language.
type front struct {
	Language string // "" for everything
	URL      string
	Here     bool
}

// item is a line of the menu, by the id of its word.
type item struct{ Word, URL string }

// head is what a page says about itself to machines.
type head struct {
	Title        string
	Description  string
	Type         string // of OpenGraph: website, article or profile
	Canonical    string
	Locale       string
	Activity     string // the same thing on the wire
	Code         bool   // there is coloured code on the page
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

// frame begins a page in a language; "" is the site's.
func (w *Web) frame(ctx context.Context, language string) (frame, error) {
	site, err := w.store.Site(ctx)
	if err != nil {
		return frame{}, err
	}
	w.site.Store(&site)
	return w.frameOf(site, language), nil
}

func (w *Web) frameOf(site blog.Site, language string) frame {
	if language == "" {
		language = site.Language
	}
	f := frame{Site: site, Lang: w.pages.Language(language), zone: site.Location()}
	f.Menu = []item{{"authors", "/about#authors"}, {"archive", "/archive"}, {"feed", "/feed.xml"}}
	f.Head = head{Type: "website", Locale: locale(language), Feeds: []link{
		{atomLink, site.URL + "/feed.xml", site.Name}, {jsonLink, site.URL + "/feed.json", site.Name + " (JSON)"}}}
	return f
}

// locale is a language as OpenGraph writes it; a language without a country gets its usual one.
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

// document renders a page and adds what belongs in the headers.
func (w *Web) document(status int, name string, f *frame, data any) (page.Document, error) {
	document, err := w.pages.Document(status, name, data)
	if err != nil {
		return document, err
	}
	header := http.Header{"Content-Type": document.Header["Content-Type"]}
	if f.Head.Activity != "" {
		header.Add("Link", "<"+f.Head.Activity+`>; rel="alternate"; type="application/activity+json"`)
	}
	document.Header = header
	return document, nil
}

// say is a text of the interface in the page's language. The words are checked by a test, so an error here is ours.
func (w *Web) say(f *frame, id string, args ...any) string {
	text, err := w.pages.Say(f.Lang, id, args...)
	if err != nil {
		panic(err)
	}
	return text
}

// foreign is the language of a text where it is not the page's, else "".
func (f *frame) foreign(language string) string {
	base, _, _ := strings.Cut(strings.ToLower(language), "-")
	if language == "" || base == f.Lang {
		return ""
	}
	return language
}

// fronts are the front pages there are: one for each language in which something stands on the blog, and one of all.
func (w *Web) fronts(ctx context.Context, here string) ([]front, error) {
	languages, err := w.store.Languages(ctx)
	if err != nil {
		return nil, err
	}
	slices.Sort(languages)
	var fronts []front
	for _, language := range languages {
		if languagePath.MatchString(language) {
			fronts = append(fronts, front{Language: language, URL: "/" + language + "/", Here: language == here})
		}
	}
	if len(fronts) < 2 && here == "" {
		return nil, nil // one language needs no choice
	}
	return append(fronts, front{URL: "/", Here: here == ""}), nil
}
