package web

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

var (
	articleAddress = regexp.MustCompile(`^/\d{4}/\d\d/[a-z0-9-]+$`)
	mapAddress     = regexp.MustCompile(`<loc>https://overkant\.example(/[^<]*)</loc>`)
)

// addresses returns the addresses of articles to which a page's main part leads, each once, in their order.
func (s sheet) addresses() []string {
	s.t.Helper()
	var list []string
	for _, a := range attrs("href", s.one("main").find("a")) {
		if articleAddress.MatchString(a) && !slices.Contains(list, a) {
			list = append(list, a)
		}
	}
	return list
}

// places returns the paths in a sitemap or in an index of them.
func (s sheet) places() []string {
	var list []string
	for _, m := range mapAddress.FindAllStringSubmatch(s.raw, -1) {
		list = append(list, m[1])
	}
	return list
}

func TestALargeBlogIsReachedInPiecesOfABoundedSize(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.must(s.Seed(t.Context(), 1, store.SeedSize{Articles: 1100, Hosts: 1}, []blog.ID{o.wide.ID, o.bell.ID},
			func(int, int) {}))
		const total = 1103

		front := o.open("/archive")
		if got := front.addresses(); len(got) != titlesPerPage {
			t.Errorf("the archive begins with %d titles", len(got))
		}
		all := map[string]int{}
		for _, year := range front.find("ul", ".tags")[0].find("a") {
			path, count := year.attr("href"), 0
			for at := path; at != ""; {
				p := o.open(at)
				titles := p.addresses()
				if p.status != 200 || len(titles) == 0 || len(titles) > titlesPerPage {
					t.Fatalf("%s: status %d with %d titles", at, p.status, len(titles))
				}
				for _, title := range titles {
					all[title]++
				}
				count, at = count+len(titles), ""
				for _, next := range p.find("a", "rel=next") {
					at = next.attr("href")
				}
			}
			if want := year.find("span")[0].words(); strconv.Itoa(count) != want {
				t.Errorf("%s has %d titles, and says %s", path, count, want)
			}
		}
		if len(all) != total {
			t.Errorf("the years have %d articles", len(all))
		}
		for title, n := range all {
			if n != 1 {
				t.Errorf("%s is listed %d times", title, n)
			}
		}

		// The sitemaps have the same articles.
		index, inMaps := o.open("/sitemap.xml"), map[string]int{}
		if len(index.places()) != 3 || !strings.Contains(index.raw, "<sitemapindex") {
			t.Fatalf("the index of sitemaps has %q", index.places())
		}
		for _, path := range index.places() {
			p := o.open(path)
			if p.status != 200 || p.header.Get("Content-Type") != "application/xml; charset=utf-8" {
				t.Errorf("%s answers %d as %q", path, p.status, p.header.Get("Content-Type"))
			}
			for _, place := range p.places() {
				if articleAddress.MatchString(place) {
					inMaps[place]++
				}
			}
		}
		if !maps.Equal(all, inMaps) {
			t.Errorf("the sitemaps have %d articles, the archive %d", len(inMaps), len(all))
		}
		if p := o.open("/sitemap/pages.xml"); !strings.Contains(p.raw, "https://overkant.example/@ilse<") {
			t.Error("the sitemap of pages has no author")
		}
		if first, last := o.open("/sitemap/1.xml").places(), o.open("/sitemap/2.xml").places(); len(first) != 1000 ||
			len(last) != total-1000 || !slices.Contains(last, o.Site.ArticlePath(o.wide)) {
			t.Errorf("the pieces have %d and %d articles", len(first), len(last))
		}

		// A former address of the archive leads to the year with the article that was first there.
		moved := o.open("/archive/page/3")
		if there := moved.header.Get("Location"); moved.status != 301 ||
			!slices.Contains(o.open(there).addresses(), o.open("/page/51").addresses()[0]) {
			t.Errorf("the old third page answers %d and leads to %q", moved.status, there)
		}
		for _, path := range []string{"/archive/page/4", "/archive/1999", "/archive/0000", "/archive/2026/page/99",
			"/archive/2026/page/1", "/sitemap/0.xml", "/sitemap/3.xml", "/sitemap/01.xml", "/page/57"} {
			if got := o.open(path).status; got != 404 {
				t.Errorf("%s answers %d", path, got)
			}
		}
		if got := len(o.open("/page/56").addresses()); got != 3 {
			t.Errorf("the last page has %d articles", got)
		}
	})
}

func TestALongSeriesHasPages(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	for i := range partsPerPage {
		n := strconv.Itoa(i + 3)
		o.publish(noon.AddDate(0, 0, -i), blog.Article{VoiceID: o.ilse.ID, SeriesID: o.road.ID, Part: i + 3,
			Text: articleText("en", "Bend "+n, "bend-"+n, "")})
	}
	first, second := o.open("/series/the-low-road"), o.open("/series/the-low-road/page/2")
	if got := len(first.find("h3")); got != partsPerPage || first.one("a", "rel=next").attr("href") !=
		"/series/the-low-road/page/2" || len(first.find("a", ".btn", ".first")) != 1 {
		t.Errorf("the first page has %d parts", got)
	}
	if got := texts(second.find("h3")); len(got) != 2 || got[1] != "Bend 102" ||
		len(second.find("a", ".btn", ".first")) != 0 ||
		second.one("link", "rel=canonical").attr("href") != "https://overkant.example/series/the-low-road/page/2" {
		t.Errorf("the second page has %q", got)
	}
	if !strings.Contains(second.one("ul", ".facts").words(), "102") {
		t.Errorf("the second page says %q", second.one("ul", ".facts").words())
	}
	if got := o.open("/series/the-low-road/page/3").status; got != 404 {
		t.Errorf("a third page answers %d", got)
	}
	// Under an article stand the parts beside it.
	box := o.open("/2026/11/four-minutes-wide")
	if !strings.Contains(box.raw, "/bend-3\"") || strings.Contains(box.raw, "/bend-4\"") {
		t.Error("part 2 does not lead on to part 3 alone")
	}
}
