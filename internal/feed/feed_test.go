package feed

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"io"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var out = time.Date(2026, 11, 16, 16, 0, 0, 0, time.FixedZone("", 3600))

// overkant is the feed of the fixtures: one article, with everything a feed can say about it.
var overkant = Feed{ID: "https://overkant.example/", Title: "De Overkant", Subtitle: "Two banks & one river",
	Language: "nl",
	Home:     "https://overkant.example/", Self: "https://overkant.example/feed.xml", Updated: out.Add(time.Hour),
	Entries: []Entry{{ID: "https://overkant.example/ap/articles/01J",
		URL:   "https://overkant.example/2026/11/four-minutes-wide",
		Title: "Four minutes <wide>", Summary: "On the last rowed ferry.", HTML: `<p>The ferry &amp; the bell.</p>`,
		Language:  "en",
		Published: out, Updated: out.Add(time.Hour),
		Authors: []Person{{"Ilse Verhaagen", "https://overkant.example/@ilse"}, {Name: "Harm"}},
		Tags:    []string{"Rivers"}, Picture: "https://overkant.example/media/ferry.jpg", Replies: 17,
		RepliesPage: "https://overkant.example/2026/11/four-minutes-wide#talk"}}}

func TestAtomHasAllThatIsKnownOfAnArticle(t *testing.T) {
	text, err := Atom(overkant)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{
		`<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="nl" xmlns:thr="http://purl.org/syndication/thread/1.0">`,
		`<title>De Overkant</title><subtitle>Two banks &amp; one river</subtitle><updated>2026-11-16T16:00:00Z</updated>`,
		`<link rel="self" type="application/atom+xml" href="https://overkant.example/feed.xml"></link>`,
		`<entry xml:lang="en"><id>https://overkant.example/ap/articles/01J</id><title>Four minutes &lt;wide&gt;</title>`,
		`<link rel="replies" type="text/html" href="https://overkant.example/2026/11/four-minutes-wide#talk" ` +
			`thr:count="17"></link>`,
		`<published>2026-11-16T15:00:00Z</published>`,
		`<author><name>Ilse Verhaagen</name><uri>https://overkant.example/@ilse</uri></author>` +
			`<author><name>Harm</name></author>`,
		`<category term="Rivers"></category><thr:total>17</thr:total>`,
		`<content type="html">&lt;p&gt;The ferry &amp;amp; the bell.&lt;/p&gt;</content>`,
	} {
		if !strings.Contains(string(text), want) {
			t.Errorf("%s\nis not in\n%s", want, text)
		}
	}
}

func TestAReplyInAFeedNamesItsParent(t *testing.T) {
	text, err := Atom(Feed{Entries: []Entry{{InReplyTo: &Reference{"https://overkant.example/ap/articles/01J",
		"https://overkant.example/x"}}}})
	want := `<thr:in-reply-to ref="https://overkant.example/ap/articles/01J" href="https://overkant.example/x" ` +
		`type="text/html"></thr:in-reply-to>`
	if err != nil || !strings.Contains(string(text), want) {
		t.Errorf("%v, %s", err, text)
	}
}

func TestJSONFeedHasTheSame(t *testing.T) {
	text, err := JSON(overkant)
	if err != nil {
		t.Fatal(err)
	}
	var got map[string]any
	if err := json.Unmarshal(text, &got); err != nil {
		t.Fatal(err)
	}
	item := got["items"].([]any)[0]
	want := map[string]any{"id": "https://overkant.example/ap/articles/01J",
		"url":   "https://overkant.example/2026/11/four-minutes-wide",
		"title": "Four minutes <wide>", "summary": "On the last rowed ferry.",
		"content_html": "<p>The ferry &amp; the bell.</p>",
		"image":        "https://overkant.example/media/ferry.jpg", "date_published": "2026-11-16T15:00:00Z",
		"date_modified": "2026-11-16T16:00:00Z",
		"authors": []any{map[string]any{"name": "Ilse Verhaagen", "url": "https://overkant.example/@ilse"},
			map[string]any{"name": "Harm"}},
		"tags": []any{"Rivers"}, "language": "en"}
	if diff := cmp.Diff(want, item); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	empty, err := JSON(Feed{})
	if err != nil || !strings.Contains(string(empty), `"items":[]`) {
		t.Errorf("an empty feed is %s, %v", empty, err)
	}
}

func TestT157TextOfOtherServersStaysWellFormed(t *testing.T) {
	for _, text := range []string{"a\x00b\x0cc", "\x1b[31m", "]]>", "<![CDATA[", "\xff\xfe", "\ufffe", "&#0;", "مرحبا"} {
		feed := Feed{Title: text, Entries: []Entry{{Title: text, Summary: text, HTML: text, Authors: []Person{{Name: text}},
			Tags: []string{text}}}}
		doc, err := Atom(feed)
		if err != nil {
			t.Errorf("%q: %v", text, err)
		}
		read := xml.NewDecoder(strings.NewReader(string(doc)))
		for err = nil; err == nil; _, err = read.Token() {
		}
		if !errors.Is(err, io.EOF) {
			t.Errorf("%q makes a feed that does not parse: %v", text, err)
		}
	}
}

func TestAddressesInAFeedAreAbsolute(t *testing.T) {
	const base = "https://overkant.example/2026/11/four-minutes-wide"
	for name, test := range map[string]struct{ text, want string }{
		"a picture with its widths": {`<img src="/media/a.jpg" srcset="/media/a-480.jpg 480w, /media/a.jpg 960w" alt="x">`,
			`<img src="https://overkant.example/media/a.jpg" srcset="https://overkant.example/media/a-480.jpg 480w, ` +
				`https://overkant.example/media/a.jpg 960w" alt="x">`},
		"a place on the page": {`<a href="#n1">1</a>`,
			`<a href="https://overkant.example/2026/11/four-minutes-wide#n1">1</a>`},
		"a sibling": {`<a href="the-bell">x</a>`,
			`<a href="https://overkant.example/2026/11/the-bell">x</a>`},
		"an address elsewhere": {`<a href="https://veerhuis.example/?a=1&amp;b=2">x</a>`,
			`<a href="https://veerhuis.example/?a=1&amp;b=2">x</a>`},
		"text that looks like a tag": {`<p>a &lt;a href="/x"&gt; b</p>`, `<p>a &lt;a href="/x"&gt; b</p>`},
		"words without any":          {`<p>The ferry &amp; the bell.</p>`, `<p>The ferry &amp; the bell.</p>`},
	} {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(test.want, Absolute(test.text, base)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestASitemapIsLimited(t *testing.T) {
	text, err := Sitemap([]SitemapEntry{{"https://overkant.example/", time.Time{}},
		{"https://overkant.example/a?b&c", out}})
	want := `<urlset xmlns="http://www.sitemaps.org/schemas/sitemap/0.9"><url><loc>https://overkant.example/</loc></url>` +
		`<url><loc>https://overkant.example/a?b&amp;c</loc><lastmod>2026-11-16T15:00:00Z</lastmod></url></urlset>`
	if err != nil || !strings.HasSuffix(string(text), want) {
		t.Errorf("%v, %s", err, text)
	}
	many, err := Sitemap(make([]SitemapEntry, MaxSitemapEntries+5))
	if got := strings.Count(string(many), "<url>"); err != nil || got != MaxSitemapEntries {
		t.Errorf("%d places, %v", got, err)
	}
}
