package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// hostileTitles are titles that want to be more than words.
var hostileTitles = []string{`</script><script>alert(1)</script>`, `<!--<script>`, "\u2028\u2029 lines",
	`"},{"@type":"Evil`, `]]></title><script>alert(2)</script>`, `{{.}} ${x}`}

func TestT158ATitleStaysATitleInThePageAndInItsData(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		scripts := len(o.open("/2026/11/four-minutes-wide").find("script"))
		for i, title := range hostileTitles {
			slug := "hostile-" + string(rune('a'+i))
			a := o.publish(noon, blog.Article{VoiceID: o.ilse.ID, Tags: blog.Strings{"a</script>b"},
				Text: articleText("en", title, slug, title)})
			p := o.open(site(a))
			if got := p.one("h1").words(); got != strings.Join(strings.Fields(title), " ") {
				t.Errorf("%q is the title %q", title, got)
			}
			if got := len(p.find("script")); got != scripts {
				t.Errorf("%q makes %d scripts of %d", title, got, scripts)
			}
			var things []map[string]any
			if err := json.Unmarshal([]byte(p.one("script", "type=application/ld+json").FirstChild.Data), &things); err != nil ||
				things[0]["headline"] != title {
				t.Errorf("%q is told as %v, %v", title, things, err)
			}
		}
	})
}

func TestT108PagesBeyondAllArticlesCostNothing(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		for _, path := range []string{"/page/1000000000", "/page/99999999999999999999999", "/page/-1", "/page/0", "/page/1e9",
			"/page/%00", "/@ilse/page/1000000000", "/tags/rivers/page/1000000000",
			"/archive/1000000000", "/2026/11/four-minutes-wide?page=1000000000",
			"/2026/11/four-minutes-wide?page=-5&order=%27%3B", "/interact?do=%25_%25_%25&uri=%25_%25"} {
			fastest, status := time.Hour, 0
			for range 5 {
				began := time.Now()
				status = o.open(path).status
				fastest = min(fastest, time.Since(began))
			}
			if status != http.StatusNotFound && status != http.StatusOK && status != http.StatusMovedPermanently &&
				status != http.StatusBadRequest || fastest > 50*time.Millisecond {
				t.Errorf("%s answers %d after %v", path, status, fastest)
			}
		}
	})
}

func TestF114AStampedeForOneArticleAsksTheDatabaseNothing(t *testing.T) {
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	first := o.open("/2026/11/four-minutes-wide")
	if first.status != 200 || len(first.header.Values("Set-Cookie")) != 0 ||
		!strings.Contains(first.header.Get("Cache-Control"), "public") || first.header.Get("ETag") == "" {
		t.Fatalf("%d with %v", first.status, first.header)
	}
	again, err := http.NewRequest("GET", o.server.URL+"/2026/11/four-minutes-wide", nil)
	o.must(err)
	again.Header.Set("If-None-Match", first.header.Get("ETag"))
	unchanged, err := http.DefaultTransport.RoundTrip(again)
	o.must(err)
	unchanged.Body.Close()
	if unchanged.StatusCode != http.StatusNotModified {
		t.Errorf("asked again with its tag: %d", unchanged.StatusCode)
	}
	o.must(s.Close()) // whoever asked it now would get nothing
	var all sync.WaitGroup
	for range 500 {
		all.Go(func() {
			if p := o.openAs("text/html", "/2026/11/four-minutes-wide"); p.status != 200 || p.raw != first.raw {
				t.Errorf("a crawler gets %d with %d bytes", p.status, len(p.raw))
			}
		})
	}
	all.Wait()
}
