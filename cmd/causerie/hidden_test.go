package main

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/store/storetest"
)

// addressIn finds what a page, a feed or a document leads to.
var addressIn = regexp.MustCompile(`(?:href|src)="([^"]+)"|(https?://[^"'<>\s\\]+)`)

// public requests every address that can be reached from outside, as a browser and as another server, and returns
// what each answers: status, ETag and body. It begins at the given addresses and follows every link on this site.
func (s *stage) public(begin ...string) map[string]string {
	s.t.Helper()
	answers := map[string]string{}
	for queue := begin; len(queue) > 0; queue = queue[1:] {
		for _, accept := range []string{"text/html", mastodon} {
			key := accept[:5] + " " + queue[0]
			if _, known := answers[key]; known {
				continue
			}
			if len(answers) > 1000 {
				s.t.Fatal("there is no end of addresses")
			}
			r, err := http.NewRequestWithContext(s.ctx, http.MethodGet, s.url+queue[0], nil)
			if err != nil {
				s.t.Fatal(err)
			}
			r.Header.Set("Accept", accept)
			answer, err := http.DefaultTransport.RoundTrip(r)
			if err != nil {
				s.t.Fatal(err)
			}
			bytes, err := io.ReadAll(answer.Body)
			answer.Body.Close()
			if err != nil {
				s.t.Fatal(err)
			}
			body := string(bytes)
			answers[key] = fmt.Sprintln(answer.StatusCode, answer.Header.Get("ETag"), answer.Header.Get("Location"), body)
			for _, found := range addressIn.FindAllStringSubmatch(body+` href="`+answer.Header.Get("Location")+`"`, -1) {
				path, ours := strings.CutPrefix(found[1]+found[2], s.url)
				path, _, _ = strings.Cut(strings.ReplaceAll(path, "&amp;", "&"), "#")
				if (ours || strings.HasPrefix(path, "/")) && strings.HasPrefix(path, "/") && !strings.HasPrefix(path, "/static/") &&
					!strings.Contains(path, "{") {
					queue = append(queue, path)
				}
			}
		}
	}
	return answers
}

// secret writes an article file whose texts all contain its name.
func secret(t *testing.T, name, more string) string {
	return write(t, name+".md", fmt.Sprintf("---\ntitle: Kanarie %[1]s\nslug: kanarie-%[1]s\nsubtitle: Kanarie "+
		"%[1]s\nsummary: Kanarie %[1]s\ntags: [kanarie-%[1]s, rivers]\n"+
		"guest: Kanarie %[1]s <https://kanarie.example>\n%[2]s---\n\nKanarie %[1]s.\n", name, more))
}

func TestPartsOfAnArticleAreNoMorePublicThanTheArticle(t *testing.T) {
	if testing.Short() {
		t.Skip("it crawls the whole site many times, which the race detector makes ten times slower")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		ilse := s.ilse()
		tomorrow := "date: " + time.Now().Add(24*time.Hour).UTC().Format(time.RFC3339) + "\n"
		s.cli("article", "publish", write(t, "wide.md",
			"---\ntitle: Four minutes wide\nseries: The Low Road\npart: 1\ntags: [rivers]\n---\n\nThe ferry.\n"), "--author",
			"ilse")
		s.cli("article", "pin", "four-minutes-wide")
		s.cli("series", "voice", "the-low-road", "on")
		s.cli("site", "voice", "on")

		begin := []string{"/", "/archive", "/sitemap.xml", "/feed.xml", "/feed.json", "/comments/feed.xml", "/robots.txt",
			"/about", "/about/federation", "/privacy", "/fr/", "/fr/feed.xml",
			"/nodeinfo/2.1", "/nodeinfo/2.0", "/.well-known/nodeinfo", "/.well-known/host-meta", "/ap/instance",
			"/ap/instance/outbox", "/kanarie-withdrawm", "/kanarie-delete"}
		voices := regexp.MustCompile(`/ap/actors/[0-9A-Z]+`)
		for _, page := range []string{"/@ilse", "/series/the-low-road", "/"} {
			_, document := s.get(s.url+page, mastodon)
			actor := voices.FindString(document)
			if actor == "" {
				t.Fatalf("%s names no actor: %s", page, document)
			}
			for _, of := range []string{"", "/outbox", "/outbox?cursor=", "/featured", "/tags", "/followers", "/following"} {
				begin = append(begin, actor+of)
			}
			begin = append(begin, "/.well-known/webfinger?resource="+url.QueryEscape(s.url+page))
		}
		if !strings.Contains(strings.Join(begin, " "), strings.TrimPrefix(ilse.Object, s.url)) {
			t.Fatalf("%s is not among %v", ilse.Object, begin)
		}
		before := s.public(begin...)
		if len(before) < 60 {
			t.Fatalf("only %d addresses are public", len(before))
		}

		part, own := "series: The Low Road\npart: 2\n",
			func(name string) string { return "language: fr\npart: 1\nseries: Kanarie " + name + "\n" }
		for _, name := range []string{"draft", "scheduled", "followers", "withdrawn", "deleted", "undone"} {
			for _, in := range []string{own(name), part} {
				slug := name
				if in == part {
					slug += "-part"
				}
				switch name {
				case "draft":
					s.cli("article", "draft", secret(t, slug, in), "--author", "ilse")
				case "scheduled":
					s.cli("article", "publish", secret(t, slug, in+tomorrow), "--author", "ilse")
				case "followers":
					s.cli("article", "publish", secret(t, slug, in+"visibility: followers\n"), "--author", "ilse")
				case "undone":
					s.cli("article", "publish", secret(t, slug, in), "--author", "ilse", "--hold", "1h")
					s.cli("article", "undo", "kanarie-"+slug)
				case "withdrawn":
					s.cli("article", "publish", secret(t, slug, in), "--author", "ilse")
					s.public("/", "/archive", "/series/the-low-road", "/kanarie-withdraw", "/kanarie-delete") // for the page cache
					s.cli("article", "withdraw", "kanarie-"+slug)
				case "deleted":
					s.cli("article", "publish", secret(t, slug, in), "--author", "ilse")
					s.public("/", "/archive", "/series/the-low-road")
					s.cli("article", "delete", "kanarie-"+slug)
				}
			}
		}
		s.cli("article", "draft", write(t, "breed.md",
			"---\ntitle: Kanarie breed\nlanguage: nl\ntranslation-of: four-minutes-wide\n---\n\nKanarie.\n"), "--author", "ilse")
		time.Sleep(1500 * time.Millisecond) // the server looks every second whether a command changed something

		after := s.public(begin...)
		for address, was := range before {
			if now := after[address]; now != was {
				t.Errorf("%s answered\n%s\nand now\n%s", address, was, now)
			}
		}
		for address := range after {
			if _, known := before[address]; !known {
				t.Errorf("%s is linked", address)
			}
		}
		for _, name := range []string{"draft", "scheduled", "followers", "withdrawn", "deleted", "undone"} {
			for _, path := range []string{"/series/kanarie-" + name, "/series/kanarie-" + name + "/feed.xml",
				"/tags/kanarie-" + name, "/tags/kanarie-" + name + "/feed.xml",
				"/.well-known/webfinger?resource=" + url.QueryEscape(s.url+"/series/kanarie-"+name)} {
				for _, accept := range []string{"text/html", mastodon} {
					status, body := s.get(s.url+path, accept)
					unused, nothing := s.get(s.url+strings.ReplaceAll(path, "kanarie", "spreeuw"), accept)
					if status != unused || body != strings.ReplaceAll(nothing, "spreeuw", "kanarie") {
						t.Errorf("%s answers %d, a name never used %d:\n%s\n%s", path, status, unused, body, nothing)
					}
				}
			}
		}
	})
}

func TestASeriesIsPublicWhileItsArticlesAre(t *testing.T) {
	if testing.Short() {
		t.Skip("it crawls the whole site many times, which the race detector makes ten times slower")
	}
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		is := func(where string, status int, onArchive bool) {
			t.Helper()
			s.wait(where, func() bool {
				page, _ := s.get(s.url+"/series/kanarie-one", "text/html")
				feed, _ := s.get(s.url+"/series/kanarie-one/feed.xml", "text/html")
				_, archive := s.get(s.url+"/archive", "text/html")
				_, places := s.get(s.url+"/sitemap.xml", "text/html")
				return page == status && feed == status && strings.Contains(archive, "/series/kanarie-one") == onArchive &&
					strings.Contains(places, "/series/kanarie-one") == onArchive
			})
		}
		file := secret(t, "one", "series: Kanarie one\npart: 1\n")
		s.cli("article", "draft", file, "--author", "ilse")
		is("a draft has no series", 404, false)
		s.cli("article", "publish", file, "--author", "ilse")
		is("its series goes out with it", 200, true)
		s.cli("article", "withdraw", "kanarie-one")
		is("its series comes back with it", 404, false)
		s.cli("article", "publish", secret(t, "one", "series: Kanarie one\npart: 1\nvisibility: unlisted\n"), "--author",
			"ilse")
		is("a series is not listed for an article that is not", 404, false)
		page := regexp.MustCompile(`/\d{4}/\d{2}/kanarie-one`).FindString(s.cli("article", "show", "kanarie-one", "--json"))
		if status, body := s.get(s.url+page, "text/html"); status != 200 || strings.Contains(body, "/series/") {
			t.Errorf("the unlisted article answers %d and leads to a series that is not there: %s", status, body)
		}
		s.cli("article", "withdraw", "kanarie-one")
		s.cli("article", "publish", secret(t, "one", "series: Kanarie one\npart: 1\nvisibility: local\n"), "--author", "ilse")
		is("what stands here alone stands here with its series", 200, true)
		for address, answer := range s.public("/", "/nodeinfo/2.1", "/ap/instance") {
			if strings.HasPrefix(address, "appli") && strings.Contains(answer, "Kanarie") && strings.Contains(address, "/ap/") {
				t.Errorf("%s tells other servers of it: %s", address, answer)
			}
		}
		s.cli("series", "voice", "kanarie-one", "on")
		s.cli("article", "withdraw", "kanarie-one")
		is("a voice is public by decision, and so is the page that it leads to", 200, true)
	})
}

func TestASeriesIsCreatedWhenItsArticleIsPublished(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		list := func(want ...string) {
			t.Helper()
			var have []string
			for _, series := range read[seriesLine](t, s.cli("series", "list", "--json")) {
				have = append(have, fmt.Sprintf("%s at %s, %d out", series.Title, series.Slug, series.Parts))
			}
			if !slices.Equal(have, want) {
				t.Errorf("the series are %q, want %q", have, want)
			}
		}
		file := func(name, more string) string {
			return write(t, name+".md", "---\ntitle: "+name+"\nslug: "+name+"\npart: 1\n"+more+"---\n\nWords.\n")
		}
		s.cli("author", "add", "samir", "--name", "Samir Benhaddou", "--role", "contributor")
		s.cli("article", "draft", file("one", "series: High Water\n"), "--author", "samir")
		s.cli("article", "publish", file("later",
			"series: Later\ndate: "+time.Now().Add(time.Hour).UTC().Format(time.RFC3339)+"\n"), "--author", "ilse")
		if _, trouble, status := cli(s.ctx, s.args("article", "publish",
			write(t, "hole.md", "---\ntitle: hole\nseries: Holes\npart: 1\n---\n\n![](gone.png)\n"), "--author", "ilse"), nil,
			""); status != failed || !strings.Contains(trouble, "Saved as draft “hole”") {
			t.Errorf("an article with a hole ended with %d: %s", status, trouble)
		}
		list()
		if _, trouble, status := cli(s.ctx, s.args("article", "draft",
			file("long", "series: "+strings.Repeat("long ", 41)+"\n"), "--author", "ilse"), nil, ""); status != failed ||
			!strings.Contains(trouble, "series has a title longer than 200 characters") {
			t.Errorf("a long title ended with %d: %s", status, trouble)
		}
		s.cli("article", "publish", file("one", "series: High Water\n"), "--author", "samir")
		list("High Water at high-water, 1 out")
		s.cli("article", "publish", file("two", "series: high water\n"), "--author", "ilse")
		s.cli("article", "publish", file("three", "series: high-water\n"), "--author", "ilse")
		list("High Water at high-water, 3 out")
		s.cli("article", "publish", file("three", "series: Low Water\n"), "--author", "ilse")
		list("High Water at high-water, 2 out", "Low Water at low-water, 1 out")
		s.cli("article", "publish", file("boat", "series: 🚢\n"), "--author", "ilse")
		s.cli("article", "publish", file("anchor", "series: ⚓\n"), "--author", "ilse")
		if all := read[seriesLine](t, s.cli("series", "list", "--json")); len(all) != 4 {
			t.Errorf("two titles without letters are one series: %+v", all)
		}
	})
}
