package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"regexp"
	"runtime"
	"strings"
	"testing"

	"golang.org/x/net/html"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// rawAnswer returns an answer as it is on the wire, with its headers.
func (s *stage) rawAnswer(method, address, accept string) (*http.Response, string) {
	s.t.Helper()
	r, err := http.NewRequestWithContext(s.ctx, method, address, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	r.Header.Set("Accept", accept)
	client := &http.Client{CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	answer, err := client.Do(r)
	if err != nil {
		s.t.Fatal(err)
	}
	defer answer.Body.Close()
	var body strings.Builder
	fmt.Fprintln(&body, answer.Header)
	if _, err := io.Copy(&body, answer.Body); err != nil {
		s.t.Fatal(err)
	}
	return answer, body.String()
}

func TestT140NoAnswerRevealsEmailAddressesVersionsOrPaths(t *testing.T) {
	database := storetest.SQLite(t)
	s := open(t, database)
	s.cli("author", "add", "ilse", "--name", "Ilse Verhaagen", "--email", "canary@overkant.example")
	a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
	folder, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	author := read[authorLine](t, s.cli("author", "list", "--json"))[0].Object
	pages := readable(a, a.Object, author)
	for path, accept := range map[string]string{"/login": "text/html", "/admin": "text/html", "/nothing": "text/html",
		"/ap/nothing": "*/*", "/ap/inbox": "*/*",
		"/.well-known/nodeinfo": "*/*", "/.well-known/webfinger": "*/*",
		"/.well-known/webfinger?resource=acct:x@y.example": "*/*", "/.well-known/host-meta": "*/*",
		"/%00": "*/*", "/media/../../etc/passwd": "*/*", "/static/nothing": "*/*", "/ap/instance": "*/*", "/healthz": "*/*",
		"/readyz": "*/*", "/tags/%ff": "*/*"} {
		pages[s.url+path] = accept
	}
	for address, accept := range pages {
		for _, method := range []string{http.MethodGet, http.MethodPost, "BREW"} {
			answer, said := s.rawAnswer(method, address, accept)
			for _, secret := range []string{"canary@", runtime.Version(), database, folder, "goroutine ", ".go:", "sqlite",
				"127.0.0.1:5"} {
				if strings.Contains(strings.ReplaceAll(said, s.url, ""), secret) {
					t.Errorf("%s %s tells of %q:\n%s", method, address, secret, said)
				}
			}
			if answer.Header.Get("Server") != "" || answer.Header.Get("X-Powered-By") != "" {
				t.Errorf("%s %s has a banner: %v", method, address, answer.Header)
			}
			if strings.Contains(said, version) && !strings.Contains(address, "/nodeinfo/") {
				t.Errorf("%s %s tells the version", method, address)
			}
		}
	}
	var node map[string]json.RawMessage
	if _, body := s.get(s.url+"/nodeinfo/2.1", "application/json"); json.Unmarshal([]byte(body), &node) != nil ||
		strings.Contains(body, "ilse") {
		t.Errorf("NodeInfo names somebody: %s", body)
	}
}

// loads are the places in a page that make a browser fetch something by itself.
var loads = map[string][]string{"img": {"src", "srcset"}, "source": {"src", "srcset"}, "video": {"src", "poster"},
	"audio": {"src"}, "iframe": {"src"}, "script": {"src"},
	"link": {"href"}, "object": {"data"}, "embed": {"src"}, "input": {"src"}, "track": {"src"}, "image": {"href"},
	"use": {"href"}, "body": {"background"}}

var cssAddress = regexp.MustCompile(`url\(\s*['"]?(?:https?:)?//`)

// elsewhereIn lists what a page makes a browser fetch from other origins.
func elsewhereIn(t *testing.T, own, page string) (list []string) {
	t.Helper()
	root, err := html.Parse(strings.NewReader(page))
	if err != nil {
		t.Fatal(err)
	}
	for n := range root.Descendants() {
		for _, a := range n.Attr {
			foreign := strings.Contains(a.Val, "//") && !strings.HasPrefix(a.Val, own+"/")
			rel := n.Data != "link" || regexp.MustCompile(
				`\b(stylesheet|icon|preload|prefetch|preconnect|dns-prefetch|modulepreload|manifest)\b`).MatchString(attributeOf(n,
				"rel"))
			for _, name := range loads[n.Data] {
				if a.Key == name && foreign && rel {
					list = append(list, n.Data+" "+a.Val)
				}
			}
			if a.Key == "style" && cssAddress.MatchString(a.Val) || a.Key == "ping" {
				list = append(list, a.Key+" "+a.Val)
			}
		}
	}
	return list
}

func attributeOf(n *html.Node, name string) string {
	for _, a := range n.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func TestT141PicturesInCommentsLoadNothingFromElsewhere(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		s.ilse(bram)
		a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
		pixel := veerhuis.URL + "/pixel.png"
		words := `<p>Seen? <img src="` + pixel + `" srcset="` + pixel + ` 2x" alt="A dot"> <span style="background:url(` +
			pixel + `)">x</span></p>
			<video src="` + pixel + `" poster="` + pixel + `"></video><audio src="` + pixel + `"></audio><iframe src="` + pixel +
			`"></iframe><object data="` + pixel + `"></object>
			<svg><image href="` + pixel + `"></image></svg><link rel="stylesheet" href="` + pixel +
			`"><picture><source srcset="` + pixel + `"></picture><table background="` + pixel + `"></table>`
		reply, err := bram.Reply(s.ctx, a.Object, words, fedtest.ContentWarning("Dots"))
		if err != nil {
			t.Fatal(err)
		}
		s.shows(a.URL, "Seen?", true)
		before := len(veerhuis.Requests())
		for address, accept := range readable(a, reply.Object, "") {
			if !strings.Contains(address, "http") || accept != "text/html" {
				continue
			}
			answer, page := s.rawAnswer(http.MethodGet, address, accept)
			if strings.Contains(answer.Header.Get("Content-Type"), "html") {
				for _, load := range elsewhereIn(t, s.url, page) {
					t.Errorf("%s makes a reader's browser fetch %s", address, load)
				}
				if policy := answer.Header.Get("Content-Security-Policy"); !strings.Contains(policy, "default-src 'none'") ||
					!strings.Contains(policy, "img-src 'self'") {
					t.Errorf("%s lets pictures come from anywhere: %q", address, policy)
				}
			}
		}
		if got := len(veerhuis.Requests()) - before; got != 0 {
			t.Errorf("reading the pages made the server itself ask %d times", got)
		}
	})
}

func TestT142NoPageSendsAReferrer(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	ilse := s.ilse()
	a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
	pages := readable(a, a.Object, ilse.Object)
	for _, path := range []string{"/login", "/login/link", "/admin", "/nothing", "/privacy", "/tags/nothing",
		"/admin/first-run"} {
		pages[s.url+path] = "text/html"
	}
	for address, accept := range pages {
		answer, _ := s.rawAnswer(http.MethodGet, address, accept)
		if policy := answer.Header.Get("Referrer-Policy"); accept == "text/html" && policy != "same-origin" {
			t.Errorf("%s: Referrer-Policy %q", address, policy)
		}
	}
}

func TestAMentionOfAnAuthorIsOnNoPage(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	_, bram := s.veerhuis()
	ilse := s.ilse(bram)
	a := read[articleLine](t, s.cli("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]
	for _, option := range []fedtest.NoteOption{fedtest.Language("en"), fedtest.Unlisted(), fedtest.Direct()} {
		if _, err := bram.Post(s.ctx, "<p>Ask ilse about the canary.</p>", option, fedtest.Mention(ilse.Object)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := bram.Reply(s.ctx, a.Object, "<p>If the wind lets you.</p>"); err != nil {
		t.Fatal(err)
	}
	s.shows(a.URL, "If the wind lets you.", true)
	if where := s.foundAt(a.URL, a.Object, "canary"); len(where) > 0 {
		t.Errorf("what names her is read at %v", where)
	}
	for address, accept := range readable(a, a.Object, ilse.Object) {
		if _, body := s.get(address, accept); strings.Contains(body, "canary") {
			t.Errorf("what names her is read at %s", address)
		}
	}
}
