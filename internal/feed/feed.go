// Package feed writes Atom (RFC 4287, with the threading of RFC 4685), JSON Feed 1.1 and sitemaps. It is given
// finished values and does no I/O.
//
// The package gorilla/feeds has neither the threading of RFC 4685 nor a language for each entry, so the elements are
// written here with encoding/xml and encoding/json.
package feed

import (
	"encoding/json"
	"encoding/xml"
	"fmt"
	"strings"
	"time"
)

// The types under which feeds are served.
const (
	// Content types of the documents.
	AtomType    = "application/atom+xml; charset=utf-8"
	JSONType    = "application/feed+json; charset=utf-8"
	SitemapType = "application/xml; charset=utf-8"
)

// Feed is a list of entries, newest first.
type Feed struct {
	ID       string // an address that never changes
	Title    string
	Subtitle string
	Language string // BCP 47
	Home     string // the page that shows the same, absolute
	Self     string // where this feed is served, absolute
	Icon     string // absolute, or ""
	Updated  time.Time
	Entries  []Entry
}

// Entry is an article or a reply. All addresses are absolute.
type Entry struct {
	ID          string // an address that never changes
	URL         string
	Title       string
	Summary     string // plain text
	HTML        string // safe, with absolute addresses (see Absolute)
	Language    string
	Published   time.Time
	Updated     time.Time
	Authors     []Person
	Tags        []string
	Picture     string
	Replies     int        // how many answers it has
	RepliesPage string     // the page of those answers, or ""
	InReplyTo   *Reference // what a reply answers
}

// Person is an author of an entry.
type Person struct{ Name, URL string }

// Reference is what an entry replies to.
type Reference struct{ ID, URL string }

type atomFeed struct {
	XMLName   xml.Name    `xml:"http://www.w3.org/2005/Atom feed"`
	Language  string      `xml:"xml:lang,attr,omitempty"`
	Thread    string      `xml:"xmlns:thr,attr"`
	ID        string      `xml:"id"`
	Title     string      `xml:"title"`
	Subtitle  string      `xml:"subtitle,omitempty"`
	Updated   string      `xml:"updated"`
	Links     []atomLink  `xml:"link"`
	Icon      string      `xml:"icon,omitempty"`
	Generator string      `xml:"generator"`
	Entries   []atomEntry `xml:"entry"`
}

type atomEntry struct {
	Language  string         `xml:"xml:lang,attr,omitempty"`
	ID        string         `xml:"id"`
	Title     string         `xml:"title"`
	Links     []atomLink     `xml:"link"`
	Published string         `xml:"published"`
	Updated   string         `xml:"updated"`
	Authors   []atomPerson   `xml:"author"`
	Tags      []atomCategory `xml:"category"`
	Answers   *atomAnswers   `xml:"thr:in-reply-to"`
	Total     int            `xml:"thr:total,omitempty"`
	Summary   string         `xml:"summary,omitempty"`
	Content   *atomText      `xml:"content"`
}

type atomLink struct {
	Rel   string `xml:"rel,attr,omitempty"`
	Type  string `xml:"type,attr,omitempty"`
	Href  string `xml:"href,attr"`
	Count int    `xml:"thr:count,attr,omitempty"`
}

type atomPerson struct {
	Name string `xml:"name"`
	URI  string `xml:"uri,omitempty"`
}

type atomCategory struct {
	Term string `xml:"term,attr"`
}

type atomAnswers struct {
	Ref  string `xml:"ref,attr"`
	Href string `xml:"href,attr,omitempty"`
	Type string `xml:"type,attr,omitempty"`
}

type atomText struct {
	Type string `xml:"type,attr"`
	Text string `xml:",chardata"`
}

// Atom returns the feed as an Atom document.
func Atom(f Feed) ([]byte, error) {
	out := atomFeed{Language: f.Language, Thread: "http://purl.org/syndication/thread/1.0", ID: f.ID,
		Title:    cleanXML(f.Title),
		Subtitle: cleanXML(f.Subtitle), Updated: timestamp(f.Updated), Icon: f.Icon, Generator: "Causerie",
		Links: []atomLink{{Rel: "self", Type: "application/atom+xml", Href: f.Self},
			{Rel: "alternate", Type: "text/html", Href: f.Home}}}
	for _, e := range f.Entries {
		out.Entries = append(out.Entries, e.atom())
	}
	text, err := xml.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write feed %q: %w", f.Title, err)
	}
	// Marshal does not write the XML declaration.
	return append([]byte(xml.Header), text...), nil
}

func (e Entry) atom() atomEntry {
	out := atomEntry{Language: e.Language, ID: e.ID, Title: cleanXML(e.Title), Summary: cleanXML(e.Summary),
		Published: timestamp(e.Published),
		Updated:   timestamp(e.Updated), Total: e.Replies,
		Links: []atomLink{{Rel: "alternate", Type: "text/html", Href: e.URL}}}
	// RFC 4685: where the replies are, and how many.
	if e.RepliesPage != "" {
		out.Links = append(out.Links, atomLink{Rel: "replies", Type: "text/html", Href: e.RepliesPage, Count: e.Replies})
	}
	if e.InReplyTo != nil {
		out.Answers = &atomAnswers{Ref: e.InReplyTo.ID, Href: e.InReplyTo.URL, Type: "text/html"}
	}
	// An entry without content, such as one behind a warning, leaves its summary to the reader.
	if e.HTML != "" {
		out.Content = &atomText{Type: "html", Text: cleanXML(e.HTML)}
	}
	for _, p := range e.Authors {
		out.Authors = append(out.Authors, atomPerson{cleanXML(p.Name), p.URL})
	}
	for _, tag := range e.Tags {
		out.Tags = append(out.Tags, atomCategory{cleanXML(tag)})
	}
	return out
}

// timestamp returns a time as both formats write it (RFC 3339).
func timestamp(t time.Time) string { return t.UTC().Format(time.RFC3339) }

// cleanXML removes the characters that XML 1.0 cannot contain, such as a form feed from another server. One of them
// would make the whole feed unreadable.
func cleanXML(text string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 && r != '\t' && r != '\n' && r != '\r' || r == 0xFFFE || r == 0xFFFF {
			return -1
		}
		return r
	}, text)
}

type jsonFeed struct {
	Version  string      `json:"version"`
	Title    string      `json:"title"`
	HomePage string      `json:"home_page_url"`
	FeedURL  string      `json:"feed_url"`
	About    string      `json:"description,omitempty"`
	Icon     string      `json:"icon,omitempty"`
	Language string      `json:"language,omitempty"`
	Items    []jsonEntry `json:"items"`
}

type jsonEntry struct {
	ID        string       `json:"id"`
	URL       string       `json:"url"`
	Title     string       `json:"title,omitempty"`
	HTML      string       `json:"content_html"`
	Summary   string       `json:"summary,omitempty"`
	Picture   string       `json:"image,omitempty"`
	Published string       `json:"date_published"`
	Modified  string       `json:"date_modified,omitempty"`
	Authors   []jsonPerson `json:"authors,omitempty"`
	Tags      []string     `json:"tags,omitempty"`
	Language  string       `json:"language,omitempty"`
}

type jsonPerson struct {
	Name string `json:"name"`
	URL  string `json:"url,omitempty"`
}

// JSON returns the feed as JSON Feed 1.1 (https://www.jsonfeed.org/version/1.1/).
func JSON(f Feed) ([]byte, error) {
	// Items is an empty list and not nil: the format requires an array.
	out := jsonFeed{Version: "https://jsonfeed.org/version/1.1", Title: f.Title, HomePage: f.Home, FeedURL: f.Self,
		About: f.Subtitle,
		Icon:  f.Icon, Language: f.Language, Items: []jsonEntry{}}
	for _, e := range f.Entries {
		item := jsonEntry{ID: e.ID, URL: e.URL, Title: e.Title, HTML: e.HTML, Summary: e.Summary, Picture: e.Picture,
			Published: timestamp(e.Published), Tags: e.Tags, Language: e.Language}
		if e.Updated.After(e.Published) {
			item.Modified = timestamp(e.Updated)
		}
		for _, p := range e.Authors {
			item.Authors = append(item.Authors, jsonPerson(p))
		}
		out.Items = append(out.Items, item)
	}
	text, err := json.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write feed %q: %w", f.Title, err)
	}
	return text, nil
}

// SitemapEntry is a page in a sitemap.
type SitemapEntry struct {
	URL     string
	Changed time.Time // zero when nobody knows
}

// MaxSitemapEntries is the most pages of one sitemap (https://www.sitemaps.org/protocol.html).
const MaxSitemapEntries = 50_000

type sitemapIndex struct {
	XMLName xml.Name      `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 sitemapindex"`
	Maps    []sitemapPage `xml:"sitemap"`
}

// SitemapIndex returns a list of sitemaps. Those beyond MaxSitemapEntries are left out.
func SitemapIndex(addresses []string) ([]byte, error) {
	var out sitemapIndex
	for _, address := range addresses[:min(len(addresses), MaxSitemapEntries)] {
		out.Maps = append(out.Maps, sitemapPage{Loc: address})
	}
	text, err := xml.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write sitemap: %w", err)
	}
	return append([]byte(xml.Header), text...), nil
}

type sitemap struct {
	XMLName xml.Name      `xml:"http://www.sitemaps.org/schemas/sitemap/0.9 urlset"`
	URLs    []sitemapPage `xml:"url"`
}

type sitemapPage struct {
	Loc     string `xml:"loc"`
	LastMod string `xml:"lastmod,omitempty"`
}

// Sitemap returns a sitemap of the pages. Those beyond MaxSitemapEntries are left out.
func Sitemap(places []SitemapEntry) ([]byte, error) {
	out := sitemap{URLs: []sitemapPage{}}
	// The protocol allows no more: search engines may refuse a longer sitemap as a whole.
	for _, place := range places[:min(len(places), MaxSitemapEntries)] {
		page := sitemapPage{Loc: place.URL}
		// A made-up date would teach search engines not to trust the others.
		if !place.Changed.IsZero() {
			page.LastMod = timestamp(place.Changed)
		}
		out.URLs = append(out.URLs, page)
	}
	text, err := xml.Marshal(out)
	if err != nil {
		return nil, fmt.Errorf("write sitemap: %w", err)
	}
	return append([]byte(xml.Header), text...), nil
}
