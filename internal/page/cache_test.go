package page

import (
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/changes"
)

// story is a page long enough to be worth compressing.
var story = strings.Repeat("The ferry comes when you ring the bell, and the bell is on the other side. ", 40)

// change counts a change of a topic, and returns its number.
func change(counter *changes.Counter, topic changes.Topic) uint64 {
	n := counter.Newest() + 1
	counter.Saw(n, topic)
	return n
}

func fiveHundred(w http.ResponseWriter, r *http.Request, err error) {
	http.Error(w, err.Error(), http.StatusInternalServerError)
}

func html(text string) Document {
	return Document{Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: []byte(text)}
}

func ask(handler http.Handler, method, address string, header ...string) *http.Response {
	r := httptest.NewRequest(method, address, nil)
	for i := 0; i < len(header); i += 2 {
		r.Header.Set(header[i], header[i+1])
	}
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, r)
	return w.Result()
}

func body(t *testing.T, r *http.Response) string {
	t.Helper()
	text, err := io.ReadAll(r.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestT109OneRenderPerChangeHoweverManyReaders(t *testing.T) {
	var counter changes.Counter
	var renders atomic.Uint64
	kept := NewCache(&counter, 0)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
		renders.Add(1)
		time.Sleep(5 * time.Millisecond)
		return html(fmt.Sprint("version ", counter.Newest())), nil
	}, fiveHundred)
	for version := range uint64(3) {
		counter.Saw(version, changes.Everything)
		var readers sync.WaitGroup
		for range 200 {
			readers.Go(func() {
				if got, want := body(t, ask(page, "GET", "/2026/11/four-minutes-wide")),
					fmt.Sprint("version ", version); got != want {
					t.Errorf("read %q, want %q", got, want)
				}
			})
		}
		readers.Wait()
		if got := renders.Load(); got != version+1 {
			t.Fatalf("after %d changes the page was made %d times", version, got)
		}
	}
}

func TestUnderManyChangesAPageIsRenderedFourTimesASecond(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counter changes.Counter
		var renders atomic.Uint64
		kept := NewCache(&counter, 0)
		page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
			return html(fmt.Sprint(renders.Add(1))), nil
		}, fiveHundred)
		for range 5000 { // five seconds of a change and a reader every millisecond
			change(&counter, changes.Everything)
			ask(page, "GET", "/")
			time.Sleep(time.Millisecond)
		}
		if got := renders.Load(); got < 20 || got > 1+renderBurst+5*rendersPerSecond {
			t.Errorf("5 seconds of storm made the page %d times", got)
		}
		time.Sleep(time.Second)
		before := renders.Load()
		if got := body(t, ask(page, "GET", "/")); got != fmt.Sprint(before+1) {
			t.Errorf("after the storm the reader got version %s, want %d", got, before+1)
		}
	})
}

func TestInAStormOfRepliesAPageIsRenderedOnceASecondAndOthersAreKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counter changes.Counter
		renders := map[string]int{}
		kept := NewCache(&counter, 0)
		page := kept.Handler("html", func(ctx context.Context, r *http.Request) (Document, error) {
			changes.Note(ctx, changes.Article(r.URL.Path))
			renders[r.URL.Path]++
			return html(fmt.Sprint(counter.Newest())), nil
		}, fiveHundred)
		var last uint64
		for range 5000 {
			last = change(&counter, changes.Article("/a"))
			ask(page, "GET", "/a")
			ask(page, "GET", "/b")
			time.Sleep(time.Millisecond)
		}
		if got := renders["/a"]; got < 5 || got > 1+renderBurst+5*topicsPerSecond {
			t.Errorf("5 seconds of replies made their page %d times", got)
		}
		if got := renders["/b"]; got != 1 {
			t.Errorf("5 seconds of replies elsewhere made a page %d times", got)
		}
		time.Sleep(time.Second)
		if got := body(t, ask(page, "GET", "/a")); got != fmt.Sprint(last) {
			t.Errorf("after the storm the reader got version %s, want %d", got, last)
		}
		// What every page may show does not wait for the storm.
		for range 2 {
			last = change(&counter, changes.Everything)
			if got := body(t, ask(page, "GET", "/a")); got != fmt.Sprint(last) {
				t.Errorf("after change %d the reader got version %s", last, got)
			}
		}
	})
}

func TestADocumentIsMadeAgainWhenItsTimeIsOver(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		renders := 0
		kept := NewCache(&changes.Counter{}, 0)
		document := kept.Handler("nodeinfo", func(context.Context, *http.Request) (Document, error) {
			renders++
			d := html(fmt.Sprint(renders))
			d.Keep = time.Minute
			return d, nil
		}, fiveHundred)
		for second := range 150 {
			if got, want := body(t, ask(document, "GET", "/")), fmt.Sprint(1+second/60); got != want {
				t.Fatalf("after %d seconds the reader got version %s, want %s", second, got, want)
			}
			time.Sleep(time.Second)
		}
	})
}

func TestACurrentDocumentIsNewUnderManyChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counter changes.Counter
		cache := NewCache(&counter, 0)
		document := cache.Handler("activity", func(context.Context, *http.Request) (Document, error) {
			d := html(fmt.Sprint(counter.Newest()))
			d.Current = true
			return d, nil
		}, fiveHundred)
		for range 100 {
			want := fmt.Sprint(change(&counter, changes.Everything))
			if got := body(t, ask(document, "GET", "/")); got != want {
				t.Fatalf("after change %s the reader got %s", want, got)
			}
			time.Sleep(time.Millisecond)
		}
	})
}

func TestAReaderSeesTheChangeMadeWhileThePageWasBeingMade(t *testing.T) {
	var counter changes.Counter
	begun, release := make(chan bool, 8), make(chan bool)
	kept := NewCache(&counter, 0)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
		version := counter.Newest()
		begun <- true
		<-release
		return html(fmt.Sprint(version)), nil
	}, fiveHundred)
	go ask(page, "GET", "/")
	<-begun
	change(&counter, changes.Everything)
	answer := make(chan string)
	go func() { answer <- body(t, ask(page, "GET", "/")) }()
	release <- true
	<-begun
	release <- true
	if got := <-answer; got != "1" {
		t.Errorf("the reader who came after the change saw version %s", got)
	}
}

func TestAFailingMakerGivesTheOldPageOrAnError(t *testing.T) {
	var counter changes.Counter
	var trouble atomic.Value
	kept := NewCache(&counter, 0)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
		switch trouble.Load() {
		case "error":
			return Document{}, errors.New("no database")
		case "panic":
			panic("a template went astray")
		}
		return html("well"), nil
	}, fiveHundred)
	for _, kind := range []string{"error", "panic"} {
		address := "/" + kind
		trouble.Store(kind)
		for range 3 {
			if got := ask(page, "GET", address); got.StatusCode != 500 || got.Header.Get("Etag") != "" {
				t.Errorf("%s: status %d, tag %q, want a bare 500", kind, got.StatusCode, got.Header.Get("Etag"))
			}
		}
		trouble.Store("")
		if got := body(t, ask(page, "GET", address)); got != "well" {
			t.Errorf("%s: once mended the reader got %q", kind, got)
		}
		trouble.Store(kind)
		change(&counter, changes.Everything)
		if got := body(t, ask(page, "GET", address)); got != "well" {
			t.Errorf("%s: with an old page there the reader got %q", kind, got)
		}
	}
}

func TestASlowMakerGivesTheOldPage(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var counter changes.Counter
		var slow atomic.Bool
		kept := NewCache(&counter, 0)
		page := kept.Handler("html", func(ctx context.Context, r *http.Request) (Document, error) {
			if slow.Load() {
				<-ctx.Done() // a database that does not answer
				return Document{}, ctx.Err()
			}
			return html("old"), nil
		}, fiveHundred)
		ask(page, "GET", "/")
		slow.Store(true)
		change(&counter, changes.Everything)
		go ask(page, "GET", "/")
		synctest.Wait()
		began := time.Now()
		for range 10 {
			if got := body(t, ask(page, "GET", "/")); got != "old" {
				t.Errorf("the reader got %q", got)
			}
		}
		if took := time.Since(began); took > staleWait {
			t.Errorf("ten readers in a row waited %v", took)
		}
		time.Sleep(makeTime)
	})
}

func TestOnlyExistingPagesAreCachedOncePerPath(t *testing.T) {
	var renders atomic.Int64
	kept := NewCache(&changes.Counter{}, 1<<20)
	page := kept.Handler("html", func(_ context.Context, r *http.Request) (Document, error) {
		renders.Add(1)
		if r.URL.RawQuery != "" || len(r.Header) > 0 || r.Host != "" {
			t.Errorf("the maker saw query %q, header %v, host %q", r.URL.RawQuery, r.Header, r.Host)
		}
		d := html(story)
		if r.URL.Path != "/here" {
			d.Status = http.StatusNotFound
		}
		return d, nil
	}, fiveHundred)
	for i := range 100 {
		ask(page, "GET", fmt.Sprintf("/here?utm=%d", i), "Cookie", "light=dark")
		ask(page, "GET", fmt.Sprintf("/nowhere-%d", i))
	}
	if len(kept.pages) != 1 || len(kept.calls) != 0 {
		t.Errorf("%d pages are kept and %d are being made", len(kept.pages), len(kept.calls))
	}
	if got := renders.Load(); got != 101 {
		t.Errorf("made %d documents, want 1 page and 100 times nothing", got)
	}
}

func TestAFreshPageNeedsNoRoute(t *testing.T) {
	var counter changes.Counter
	cache := NewCache(&counter, 0)
	routed := 0
	pages := cache.Handler("html", func(_ context.Context, r *http.Request) (Document, error) {
		d := html(story)
		if r.URL.Path == "/feed.xml" {
			d.Header.Set("Content-Type", "application/atom+xml")
		}
		return d, nil
	}, fiveHundred)
	kindOf := func(r *http.Request) string {
		if r.URL.RawQuery != "" {
			return ""
		}
		return HTML
	}
	guard := SecurityHeaders(true)
	page := cache.Kept(kindOf, guard, guard.Wrap(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		routed++
		pages.ServeHTTP(w, r)
	})))
	for i, test := range []struct {
		method, path string
		change       bool
		routed       int
	}{{"GET", "/", false, 1}, {"GET", "/", false, 1}, {"HEAD", "/", false, 1}, {"POST", "/", false, 2},
		{"GET", "/", true, 3}, {"GET", "/", false, 3}, {"GET", "/other", false, 4}, {"GET", "/feed.xml", false, 5},
		{"GET", "/feed.xml", false, 6}, {"GET", "/?light", false, 7}, {"GET", "/", false, 7}} {
		if test.change {
			change(&counter, changes.Everything)
		}
		got := ask(page, test.method, test.path)
		if got.StatusCode >= 400 && test.method != "POST" || routed != test.routed {
			t.Errorf("%d: %s %s: status %d, %d routed, want %d", i, test.method, test.path, got.StatusCode, routed, test.routed)
		}
		if got.Header.Get("Content-Security-Policy") == "" {
			t.Errorf("%d: %s %s has no policy", i, test.method, test.path)
		}
	}
}

func TestAnEncodedPathIsAnotherAddress(t *testing.T) {
	kept := NewCache(&changes.Counter{}, 0)
	page := kept.Handler("html", func(_ context.Context, r *http.Request) (Document, error) {
		return html(r.URL.EscapedPath()), nil
	}, fiveHundred)
	for _, path := range []string{"/tags/a%2Fb", "/tags/a/b", "/tags/a%252Fb"} {
		if got := body(t, ask(page, "GET", path)); got != path {
			t.Errorf("%s answered with the page of %s", path, got)
		}
	}
}

func TestAllPagesTogetherStayWithinTheLimit(t *testing.T) {
	const limit = 100 << 10
	kept := NewCache(&changes.Counter{}, limit)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) { return html(story), nil },
		fiveHundred)
	for i := range 200 {
		ask(page, "GET", "/often")
		ask(page, "GET", fmt.Sprintf("/%d", i))
	}
	if kept.size > limit || kept.size < limit/2 {
		t.Errorf("%d bytes are kept of %d allowed", kept.size, limit)
	}
	if kept.pages[key{"html", "/often", false}] == nil {
		t.Error("the page asked for most often was let go")
	}
	big := kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
		return html(strings.Repeat("x", limit)), nil
	}, fiveHundred)
	if got := len(body(t, ask(big, "GET", "/big"))); got != limit {
		t.Errorf("a page larger than the limit came with %d bytes", got)
	}
	if kept.size > limit {
		t.Errorf("a page too big was kept: %d bytes", kept.size)
	}
}

func TestADeletedPageLeavesTheCache(t *testing.T) {
	var counter changes.Counter
	kept := NewCache(&counter, 0)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) {
		d := html(story)
		if counter.Newest() > 0 {
			d = Document{Status: http.StatusNotFound, Body: []byte("gone")}
		}
		return d, nil
	}, fiveHundred)
	ask(page, "GET", "/")
	change(&counter, changes.Everything)
	if got := ask(page, "GET", "/"); got.StatusCode != 404 || kept.size != 0 {
		t.Errorf("status %d with %d bytes kept", got.StatusCode, kept.size)
	}
}

func TestResponsesFollowHTTP(t *testing.T) {
	kept := NewCache(&changes.Counter{}, 0)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) { return html(story), nil },
		fiveHundred)
	plain := ask(page, "GET", "/")
	tag := plain.Header.Get("Etag")
	packed := ask(page, "GET", "/", "Accept-Encoding", "br, gzip;q=0.8")
	zip, err := gzip.NewReader(packed.Body)
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(zip)
	if err != nil || string(text) != story || body(t, plain) != story {
		t.Errorf("the packed page is not the plain one: %v", err)
	}
	want := http.Header{"Content-Type": {"text/html; charset=utf-8"}, "Etag": {tag}, "Vary": {"Accept, Accept-Encoding"},
		"Content-Length": {fmt.Sprint(len(story))}, "Cache-Control": {"public, max-age=0, must-revalidate, s-maxage=60"}}
	if diff := cmp.Diff(want, plain.Header); diff != "" {
		t.Errorf("headers (-want +got):\n%s", diff)
	}
	for cookie, want := range map[string]string{"__Host-causerie=abc": "private, no-cache",
		"a=b; causerie=abc": "private, no-cache", "causerie-theme=dark": plain.Header.Get("Cache-Control")} {
		for _, known := range []string{"", tag} {
			if got := ask(page, "GET", "/", "Cookie", cookie, "If-None-Match", known).Header.Get("Cache-Control"); got != want {
				t.Errorf("with the cookie %q and the tag %q it may be kept by %q, want %q", cookie, known, got, want)
			}
		}
	}
	if packed.Header.Get("Etag") == tag || strings.HasPrefix(tag, "W/") {
		t.Errorf("tags %s and %s must be strong and differ", tag, packed.Header.Get("Etag"))
	}
	for name, test := range map[string]struct {
		method string
		header []string
		status int
		length string
		empty  bool
	}{
		"HEAD has the length and no body":  {"HEAD", nil, 200, fmt.Sprint(len(story)), true},
		"a known tag is not sent again":    {"GET", []string{"If-None-Match", `"x", ` + tag}, 304, "", true},
		"nor is a tag weakened by a proxy": {"GET", []string{"If-None-Match", "W/" + tag}, 304, "", true},
		"any tag is known to a star":       {"GET", []string{"If-None-Match", "*"}, 304, "", true},
		"the tag of the packed page is another": {"GET", []string{"If-None-Match", packed.Header.Get("Etag")}, 200,
			fmt.Sprint(len(story)), false},
		"gzip with weight zero is not wanted": {"GET", []string{"Accept-Encoding", "gzip;q=0, *"}, 200,
			fmt.Sprint(len(story)), false},
		"a star takes gzip": {"GET", []string{"Accept-Encoding", "*"}, 200,
			packed.Header.Get("Content-Length"), false},
		"writing is not for pages": {"POST", nil, 405, "", false},
		"a thousand tags are read to their end": {"GET", []string{"If-None-Match", strings.Repeat(`"a", `, 1000) + tag}, 304,
			"", true},
		"an encoding nobody knows is sent plain": {"GET", []string{"Accept-Encoding", "zstd;q=1.0, gzippy"}, 200,
			fmt.Sprint(len(story)), false},
	} {
		t.Run(name, func(t *testing.T) {
			got := ask(page, test.method, "/", test.header...)
			if got.StatusCode != test.status || got.Header.Get("Content-Length") != test.length {
				t.Errorf("status %d, length %q, want %d, %q", got.StatusCode, got.Header.Get("Content-Length"), test.status,
					test.length)
			}
			if text := body(t, got); (text == "") != test.empty {
				t.Errorf("body of %d bytes", len(text))
			}
		})
	}
}

func TestACacheHitAllocatesNothing(t *testing.T) {
	kept := NewCache(&changes.Counter{}, 0)
	page := kept.Handler("html", func(context.Context, *http.Request) (Document, error) { return html(story), nil },
		fiveHundred)
	r := httptest.NewRequest("GET", "/2026/11/four-minutes-wide", nil)
	r.Header.Set("Accept-Encoding", "gzip, deflate, br")
	w := &nowhere{header: http.Header{}}
	page.ServeHTTP(w, r)
	if got := testing.AllocsPerRun(100, func() { page.ServeHTTP(w, r) }); got > 0 {
		t.Errorf("a kept page costs %v allocations", got)
	}
}

type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header { return n.header }

func (n *nowhere) Write(b []byte) (int, error) { return len(b), nil }

func (n *nowhere) WriteHeader(int) {}
