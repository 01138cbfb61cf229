package outbox_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation/doctor"
	"causerie/internal/overkant"
)

// staticBlog is a blog elsewhere whose pages are HTML whatever is asked for, with a post and its author beside them.
// asked counts the requests by path.
type staticBlog struct {
	*httptest.Server
	mu    sync.Mutex
	asked map[string]int
}

func (b *staticBlog) requests() map[string]int {
	b.mu.Lock()
	defer b.mu.Unlock()
	asked := b.asked
	b.asked = map[string]int{}
	return asked
}

// startStaticBlog serves pages with the given heads by their paths, and posts whose page is /post or the given one.
func startStaticBlog(o *overkant.Blog, page string, heads map[string]string, bodies map[string]string) *staticBlog {
	b := &staticBlog{asked: map[string]int{}}
	b.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		b.mu.Lock()
		b.asked[r.URL.Path]++
		b.mu.Unlock()
		document := map[string]map[string]any{
			"/note": {"type": "Note", "attributedTo": b.URL + "/actor", "content": "<p>Low tide.</p>",
				"url": []string{b.URL + "/post", page}, "to": "https://www.w3.org/ns/activitystreams#Public"},
			"/actor": {"type": "Person", "preferredUsername": "harm", "inbox": b.URL + "/inbox", "url": b.URL + "/harm",
				"publicKey": map[string]string{"id": b.URL + "/actor#key", "owner": b.URL + "/actor",
					"publicKeyPem": o.Ilse.PublicKey}},
		}[r.URL.Path]
		if document != nil {
			document["@context"], document["id"] = "https://www.w3.org/ns/activitystreams", b.URL+r.URL.Path
			w.Header().Set("Content-Type", "application/activity+json")
			if err := json.NewEncoder(w).Encode(document); err != nil {
				o.T.Error(err)
			}
			return
		}
		head, isPage := heads[r.URL.Path]
		if link, found := strings.CutPrefix(head, "Link: "); found {
			w.Header().Set("Link", link)
			head = ""
		}
		if !isPage {
			w.WriteHeader(http.StatusNotFound)
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		fmt.Fprintf(w, "<!doctype html><html><head><title>Low tide</title>%s</head><body>%s</body></html>", head,
			bodies[r.URL.Path])
	}))
	o.T.Cleanup(b.Close)
	return b
}

func alternateLink(to string) string {
	return `<link rel="alternate" type="application/activity+json" href="` + to + `">`
}

func TestAPageLeadsToTheObjectThatItNames(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		heads := map[string]string{
			"/post": alternateLink("/note"),
			"/harm": alternateLink("/actor"),
			"/linked": `<link title=x rel="me Alternate" href=note type='application/ld+json; ` +
				`profile="https://www.w3.org/ns/activitystreams"' />`,
			"/header": `Link: <https://other.example/>; rel="preconnect", </note>; rel="alternate"; ` +
				`type="application/activity+json"`,
			"/json":       `<link rel="alternate" type="application/json" href="/note">`,
			"/comment":    "",
			"/second":     alternateLink("/post"),
			"/itself":     alternateLink("/itself"),
			"/late":       strings.Repeat("<meta name=x>", 30_000) + alternateLink("/note"),
			"/stolen":     alternateLink(bram.ID),
			"/ours":       alternateLink(o.Site.ActorID(o.Ilse.ID)),
			"/unreadable": alternateLink("http://[::1/"),
		}
		far := startStaticBlog(o, "", nil, nil)
		heads["/claimed"] = alternateLink(far.URL + "/note")
		for path, leads := range map[string]string{"/post": "/note", "/linked": "/note", "/header": "/note",
			"/harm": "/actor", "/note": "/note", "/bridged": "elsewhere", "/json": "", "/comment": "", "/second": "",
			"/itself": "", "/late": "",
			"/stolen": "", "/ours": "", "/unreadable": "", "/claimed": ""} {
			b := startStaticBlog(o, "", heads, map[string]string{"/comment": alternateLink("/note")})
			want := ""
			if leads == "elsewhere" {
				bridge := startStaticBlog(o, b.URL+"/bridged/", nil, nil)
				want = bridge.URL + "/note"
				heads["/bridged"] = alternateLink(want)
			} else if leads != "" {
				want = b.URL + leads
			}
			b.requests()
			found, err := o.Outbox.Find(o.Soon(), " "+b.URL+path)
			got := found.Actor.ID
			if found.Post != nil {
				got = found.Post.Address
			}
			if got != want || (err == nil) != (want != "") {
				t.Errorf("%s leads to %q and not to %q: %v", path, got, want, err)
			}
			for asked, n := range b.requests() {
				if n > 1 {
					t.Errorf("%s: %s is asked for %d times", path, asked, n)
				}
			}
			report, err := doctor.Inspect(o.Soon(), o.Core, b.URL+path)
			if err != nil || want != "" && report.ID != want || (report.Refused == "") != (want != "") {
				t.Errorf("%s is inspected as %q: %q, %v", path, report.ID, report.Refused, err)
			}
			if want == "" || strings.HasSuffix(want, "/actor") {
				continue
			}
			a := o.Publish(func(a *blog.Article) {
				a.Slug, a.Answers.Address = "answers-"+strings.Trim(path, "/"), b.URL+path
			})
			if a.Answers.Address != want {
				t.Errorf("an answer to %s is one to %q", path, a.Answers.Address)
			}
			a = o.Publish(func(a *blog.Article) {
				a.Slug, a.Quoted.Address = "quotes-"+strings.Trim(path, "/"), b.URL+path
			})
			if a.Quoted.Address != want {
				t.Errorf("a quote of %s is one of %q", path, a.Quoted.Address)
			}
		}
	})
}

func TestALookUpAsksForAPostOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		b := startStaticBlog(o, "", nil, nil)
		for _, path := range []string{"/note", "/actor"} {
			if _, err := o.Outbox.Find(o.Soon(), b.URL+path); err != nil {
				t.Error(err)
			}
			asked := b.requests()
			if asked[path] != 1 || len(asked) > 2 {
				t.Errorf("%s: it was asked for %v", path, asked)
			}
		}
	})
}
