package main

import (
	"compress/gzip"
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/store/storetest"
)

// What a cache may do with an answer. A browser asks again each time, and what lies between may keep it for a minute.
const (
	askedAgain = "public, max-age=0, must-revalidate, s-maxage=60"
	forever    = "public, max-age=31536000, immutable"
	oneDay     = "public, max-age=86400"
	halfAnHour = "public, max-age=1800"
)

// What Cache-Control allows. A browser revalidates each time; a cache in between may keep an answer for a minute.
func TestEveryAnswerSaysHowLongItMayBeCached(t *testing.T) {
	if testing.Short() {
		t.Skip("it crawls the whole site many times, which the race detector makes ten times slower")
	}
	s := open(t, storetest.SQLite(t))
	ilse := s.ilse()
	publish := func(slug, more string) articleLine {
		file := write(t, slug+".md", "---\ntitle: The ferry\ntags: [rivers]\nslug: "+slug+"\n"+more+
			"---\n\nThe ferry comes when you ring the bell.\n")
		return read[articleLine](t, s.cli("article", "publish", file, "--author", "ilse", "--json"))[0]
	}
	here := publish("ferry", "series: The Low Road\n")
	gone := publish("gone", "")
	s.cli("article", "withdraw", "gone")
	followers := publish("friends", "visibility: followers\n")
	_, front := s.get(s.url+"/", "text/html")
	sheet := regexp.MustCompile(`/static/[^"]+\.svg`).FindString(front)
	if sheet == "" {
		t.Fatal("the front page has no sheet")
	}
	const html = "text/html"
	for _, test := range []struct {
		address, accept string
		status          int
		cache           string
	}{
		{"/", html, 200, askedAgain},
		{here.URL, html, 200, askedAgain},
		{"/@ilse", html, 200, askedAgain},
		{"/tags/rivers", html, 200, askedAgain},
		{"/series/the-low-road", html, 200, askedAgain},
		{"/archive", html, 200, askedAgain},
		{"/about", html, 200, askedAgain},
		{"/about/federation", html, 200, askedAgain},
		{"/privacy", html, 200, askedAgain},
		{"/feed.xml", html, 200, askedAgain},
		{"/feed.json", "*/*", 200, askedAgain},
		{"/@ilse/feed.xml", "*/*", 200, askedAgain},
		{"/tags/rivers/feed.xml", "*/*", 200, askedAgain},
		{"/series/the-low-road/feed.xml", "*/*", 200, askedAgain},
		{"/comments/feed.xml", "*/*", 200, askedAgain},
		{"/sitemap.xml", "*/*", 200, askedAgain},
		{"/robots.txt", "*/*", 200, askedAgain},
		{gone.URL, html, 410, askedAgain},
		{"/archive/", html, 301, askedAgain},
		{"/rss.xml", "*/*", 301, oneDay},
		{"/nothing", html, 404, "no-cache"},
		{"/tags/nothing", html, 404, "no-cache"},
		{"/interact", html, 404, "no-cache"},
		{"/interact?do=follow&uri=" + ilse.Object, html, 200, "no-store"},

		{"/", mastodon, 200, askedAgain},
		{here.URL, mastodon, 200, askedAgain},
		{here.Object, mastodon, 200, askedAgain},
		{here.Object + "/replies", mastodon, 200, askedAgain},
		{here.Object + "/likes", mastodon, 200, askedAgain},
		{ilse.Object, mastodon, 200, askedAgain},
		{ilse.Object + "/outbox", mastodon, 200, askedAgain},
		{ilse.Object + "/followers", mastodon, 200, askedAgain},
		{"/ap/instance", mastodon, 200, askedAgain},
		{gone.URL, mastodon, 410, askedAgain},
		{gone.Object, mastodon, 410, askedAgain},
		{followers.Object, mastodon, 404, "no-store"},
		{"/ap/articles/01JD0000000000000000000000", mastodon, 404, "no-store"},
		{"/ap/nothing", mastodon, 404, "no-store"},
		{"/ap/inbox", mastodon, 200, askedAgain},
		{here.Object, html, 303, "no-store"},

		{"/.well-known/webfinger?resource=acct:" + strings.TrimPrefix(ilse.Handle, "@"), "*/*", 200, askedAgain},
		{"/.well-known/webfinger?resource=acct:nobody@" + strings.TrimPrefix(s.url, "http://"), "*/*", 404, "no-store"},
		{"/.well-known/webfinger", "*/*", 400, "no-store"},
		{"/.well-known/host-meta", "*/*", 200, oneDay},
		{"/.well-known/host-meta.json", "*/*", 200, oneDay},
		{"/.well-known/nodeinfo", "*/*", 200, oneDay},
		{"/nodeinfo/2.1", "*/*", 200, halfAnHour},

		{sheet, "*/*", 200, forever},
		{"/static/causerie.css", "*/*", 200, "no-cache"},
		{"/static/causerie.0123456789.css", "*/*", 200, "no-cache"},
		{"/static/nothing.css", "*/*", 404, "no-store"},
		{"/favicon.ico", "*/*", 200, "no-cache"},
		{"/style.css", "*/*", 200, "private, no-cache"},
		{"/theme", html, 405, "no-store"},
		{"/media/nothing.png", "*/*", 404, "no-store"},
		{"/media/" + strings.Repeat("0", 26) + ".png", "*/*", 404, "no-store"},

		{"/login", html, 200, "private, no-store"},
		{"/login/link?token=nothing", html, 404, "private, no-store"},
		{"/admin", html, 303, "private, no-store"},
		{"/admin/articles", html, 303, "private, no-store"},
		{"/admin/nothing", html, 404, "private, no-store"},
		{"/authorize_interaction", html, 303, "private, no-store"},
		{"/healthz", "*/*", 200, "no-store"},
		{"/readyz", "*/*", 200, "no-store"},
	} {
		address := test.address
		if strings.HasPrefix(address, "/") {
			address = s.url + address
		}
		answer, _ := s.rawAnswer(http.MethodGet, address, test.accept)
		if got := answer.Header.Get("Cache-Control"); answer.StatusCode != test.status || got != test.cache {
			t.Errorf("%s as %s: %d, %q, want %d, %q", test.address, test.accept, answer.StatusCode, got, test.status, test.cache)
		}
	}
}

// revalidate requests an address with the ETag that is known of it; "" for none.
func (s *stage) revalidate(address, accept, encoding, known string) (answer *http.Response, body string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	r.Header.Set("Accept-Encoding", encoding)
	if known != "" {
		r.Header.Set("If-None-Match", known)
	}
	answer, err = http.DefaultClient.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var reader io.Reader = answer.Body
	if answer.Header.Get("Content-Encoding") == "gzip" {
		if reader, err = gzip.NewReader(reader); err != nil {
			s.t.Fatal(err)
		}
	}
	text, err := io.ReadAll(reader)
	if err != nil {
		s.t.Fatal(err)
	}
	return answer, string(text)
}

func TestARevalidationSeesEachChange(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		ilse := s.ilse()
		file := func(words string) string {
			return write(t, "ferry.md", "---\ntitle: Four minutes wide\nslug: ferry\n---\n\n"+words+
				strings.Repeat("\n\nThe bell is on the other side.", 40)+"\n")
		}
		lists := []string{s.url + "/", s.url + "/feed.xml", s.url + "/@ilse", s.url + "/archive", s.url + "/sitemap.xml"}
		type asked struct{ address, accept, encoding string }
		tags := map[asked]string{}
		// expect asks for what was asked before; it has to be new, and say or not say the words.
		expect := func(a asked, status int, words string, says bool) {
			t.Helper()
			known := tags[a]
			s.wait(a.address+" is new", func() bool {
				answer, body := s.revalidate(a.address, a.accept, a.encoding, known)
				if answer.StatusCode != status {
					return false
				}
				if strings.Contains(body, words) != says {
					t.Errorf("%v says %q: %v", a, words, !says)
				}
				tags[a] = answer.Header.Get("Etag")
				if tags[a] == "" || tags[a] == known || answer.Header.Get("Cache-Control") != askedAgain ||
					!strings.Contains(answer.Header.Get("Vary"), "Accept") ||
					!strings.Contains(answer.Header.Get("Vary"), "Accept-Encoding") {
					t.Errorf("%v: after %q came %v", a, known, answer.Header)
				}
				return true
			})
			if status != http.StatusOK {
				return
			}
			answer, body := s.revalidate(a.address, a.accept, a.encoding, tags[a])
			if answer.StatusCode != http.StatusNotModified || body != "" || answer.Header.Get("Etag") != tags[a] ||
				answer.Header.Get("Cache-Control") != askedAgain ||
				!strings.Contains(answer.Header.Get("Vary"), "Accept-Encoding") {
				t.Errorf("%v unchanged: %d with %v", a, answer.StatusCode, answer.Header)
			}
		}
		for _, list := range lists {
			expect(asked{list, "text/html", "gzip"}, 200, "/ferry", false)
		}
		expect(asked{ilse.Object + "/outbox", mastodon, "gzip"}, 200, "nothing of the kind", false)
		a := read[articleLine](t, s.cli("article", "publish", file("The ferry comes."), "--author", "ilse", "--json"))[0]
		for _, list := range lists {
			expect(asked{list, "text/html", "gzip"}, 200, "/ferry", true)
		}
		forms := []asked{{a.URL, "text/html", "gzip"}, {a.URL, "text/html", "identity"}, {a.URL, mastodon, "gzip"},
			{a.Object, mastodon, "gzip"}, {a.Object, mastodon, "identity"}}
		seen := map[string]bool{}
		for _, form := range forms {
			expect(form, 200, "The ferry comes.", true)
			seen[tags[form]] = true
		}
		if len(seen) != len(forms)-1 { // the object at its own address and at its page's is the same
			t.Errorf("%d forms of an article have the tags %v", len(forms), seen)
		}
		s.cli("article", "publish", file("The ferry is late."), "--author", "ilse")
		for _, form := range forms {
			expect(form, 200, "The ferry is late.", true)
		}
		s.cli("article", "withdraw", "ferry")
		for _, form := range forms {
			expect(form, 410, "The ferry", false)
		}
		for _, list := range lists {
			expect(asked{list, "text/html", "gzip"}, 200, "/ferry", false)
		}
	})
}

func TestARevalidatedPageNeedsNoDatabase(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		settings := []string{"--database", database, "--data", t.TempDir(), "--url", "http://127.0.0.1:8098", "--listen",
			"127.0.0.1:8098"}
		tell := func(args ...string) string {
			out, trouble, status := cli(t.Context(), append(args, settings...), nil, "")
			if status != done {
				t.Fatalf("%v: %d %s", args, status, trouble)
			}
			return out
		}
		tell("author", "add", "ilse", "--name", "Ilse Verhaagen")
		var a articleLine
		if err := json.Unmarshal([]byte(tell("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse",
			"--json")), &a); err != nil {
			t.Fatal(err)
		}
		s, err := newServer(context.Background(), configOf(t, settings), slog.New(slog.DiscardHandler))
		if err != nil {
			t.Fatal(err)
		}
		closed := false
		defer func() {
			if !closed {
				s.close()
			}
		}()
		ask := func(path, accept, known string) *http.Response {
			r := httptest.NewRequest(http.MethodGet, path, nil)
			r.Header.Set("Accept", accept)
			r.Header.Set("Accept-Encoding", "gzip")
			r.Header.Set("If-None-Match", known)
			w := httptest.NewRecorder()
			s.handler.ServeHTTP(w, r)
			return w.Result()
		}
		path := func(address string) string { return strings.TrimPrefix(address, "http://127.0.0.1:8098") }
		tags := map[[2]string]string{}
		for _, form := range [][2]string{{"/", "text/html"}, {path(a.URL), "text/html"}, {"/feed.xml", "*/*"},
			{path(a.URL), mastodon}, {path(a.Object), mastodon}} {
			if tags[form] = ask(form[0], form[1], "").Header.Get("Etag"); tags[form] == "" {
				t.Fatalf("%v has no tag", form)
			}
		}
		s.close() // from here on nothing can be read
		closed = true
		for form, tag := range tags {
			if answer := ask(form[0], form[1], tag); answer.StatusCode != http.StatusNotModified {
				t.Errorf("%v without a database: %d", form, answer.StatusCode)
			}
		}
		if answer := ask("/archive", "text/html", ""); answer.StatusCode < 500 {
			t.Errorf("a page that was never made comes without a database: %d", answer.StatusCode)
		}
	})
}

func TestAKeptAnswerNeedsNoRouteAndIsTheSame(t *testing.T) {
	for name, secure := range map[string][]string{"open": nil, "authorized fetch": {"--authorized-fetch"}} {
		t.Run(name, func(t *testing.T) { testKeptAnswers(t, secure) })
	}
}

// testKeptAnswers compares the answers that the cache gives before any route with those of the routes.
func testKeptAnswers(t *testing.T, secure []string) {
	settings := append([]string{"--database", storetest.SQLite(t), "--data", t.TempDir(), "--url",
		"http://127.0.0.1:8098", "--listen", "127.0.0.1:8098"}, secure...)
	var published []articleLine
	for _, args := range [][]string{{"author", "add", "ilse", "--name", "Ilse Verhaagen"},
		{"article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"}} {
		out, trouble, status := cli(t.Context(), append(args, settings...), nil, "")
		if status != done {
			t.Fatalf("%v: %d %s", args, status, trouble)
		}
		if args[0] == "article" {
			published = read[articleLine](t, out)
		}
	}
	s, err := newServer(context.Background(), configOf(t, settings), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	defer s.close()
	request := func(path, accept string) *http.Request {
		r := httptest.NewRequest(http.MethodGet, path, nil)
		r.Header.Set("Accept", accept)
		r.Header.Set("Accept-Encoding", "gzip")
		return r
	}
	ask := func(r *http.Request) (int, http.Header, string) {
		w := httptest.NewRecorder()
		s.handler.ServeHTTP(w, r)
		return w.Code, w.Header(), w.Body.String()
	}
	page := strings.TrimPrefix(published[0].URL, "http://127.0.0.1:8098")
	object := strings.TrimPrefix(published[0].Object, "http://127.0.0.1:8098")
	const linked = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
	for _, form := range []struct {
		path, accept string
		routed       bool // a route must decide
	}{{"/", "text/html", false}, {page, "text/html", false}, {page + "?from=mail", "text/html", false},
		{page, mastodon, false}, {page, linked, false}, {object, mastodon, false}, {object, linked, false},
		{object, "*/*", false}, {object, "text/html", true}, {object + "/replies", mastodon, false},
		{object + "/replies?cursor=", mastodon, true}, {"/feed.xml", "*/*", true}} {
		code, header, body := ask(request(form.path, form.accept)) // it is made
		again, kept, text := ask(request(form.path, form.accept))
		if again != code || text != body || cmp.Diff(header, kept) != "" {
			t.Errorf("%+v: %d, then %d; %s", form, code, again, cmp.Diff(header, kept))
		}
		r, w := request(form.path, form.accept), &discard{header: http.Header{}}
		allocations := testing.AllocsPerRun(100, func() { s.handler.ServeHTTP(w, r) })
		if routed := allocations > 0; routed != (form.routed || s.config.AuthorizedFetch) {
			t.Errorf("%+v: %v allocations", form, allocations)
		}
	}
	// Both of these close the connection.
	chunked := request(page, "text/html")
	chunked.TransferEncoding = []string{"chunked"}
	if _, header, _ := ask(chunked); header.Get("Connection") != "close" {
		t.Errorf("after a chunked request: %v", header)
	}
	s.draining.Store(true)
	if _, header, _ := ask(request(page, "text/html")); header.Get("Connection") != "close" {
		t.Errorf("while the server stops: %v", header)
	}
}

// discard is an answer that nobody reads.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header { return d.header }

func (d *discard) Write(b []byte) (int, error) { return len(b), nil }

func (d *discard) WriteHeader(int) {}
