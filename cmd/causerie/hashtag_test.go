package main

import (
	"net/http"
	"strings"
	"testing"

	"causerie/internal/store/storetest"
)

// TestHashtagsInTheTextAreTagsOfTheArticle follows a hashtag from a file to its page, the feeds and other servers.
func TestHashtagsInTheTextAreTagsOfTheArticle(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		const html, activity = "text/html", "application/activity+json"
		file := func(name, front, text string) string {
			return write(t, name, "---\ntitle: Quay\nslug: quay\nlanguage: en\nformat: note-full\n"+front+"---\n\n"+text+"\n")
		}
		publish := func(file string) articleLine {
			t.Helper()
			return read[articleLine](t, s.cli("article", "publish", file, "--author", "ilse", "--json"))[0]
		}
		answers := func(tag string, status int) {
			t.Helper()
			s.wait("/tags/"+tag+" answers as expected", func() bool {
				got, _ := s.get(s.url+"/tags/"+tag, html)
				feed, _ := s.get(s.url+"/tags/"+tag+"/feed.xml", "*/*")
				return got == status && feed == status
			})
		}
		const text = "Along the #Quay and the #rivers, under a #FFaa00 sky, #12 of them: `#code` [a #link](/about)."
		quay := publish(file("quay.md", "tags: [Rivers, Ferries]\n", text))
		for tag, status := range map[string]int{"quay": 200, "rivers": 200, "ferries": 200, "ffaa00": 404, "12": 404,
			"code": 404, "link": 404} {
			answers(tag, status)
		}
		_, page := s.get(quay.URL, html)
		if n := strings.Count(page, `href="/tags/quay"`); n != 2 {
			t.Errorf("the page links %d times to the tag, and not in the text and among the tags: %s", n, page)
		}
		if _, feed := s.get(s.url+"/feed.xml", "*/*"); !strings.Contains(feed, `term="Quay"`) {
			t.Errorf("the feed has no such category: %s", feed)
		}
		_, object := s.get(quay.Object, activity)
		for part, n := range map[string]int{`"name":"#Quay"`: 1, `"name":"#Rivers"`: 1, `"name":"#Ferries"`: 1,
			`"name":"#FFaa00"`: 0, `/tags/quay\"`: 1, `/tags/rivers\"`: 1, `/tags/Ferries\"`: 1} {
			// The text stands in content and in contentMap.
			if strings.HasSuffix(part, `\"`) {
				n *= 2
			}
			if got := strings.Count(strings.ReplaceAll(object, `": "`, `":"`), part); got != n {
				t.Errorf("%s is %d times in the object: %s", part, got, object)
			}
		}

		translation := "---\ntitle: Kade\nlanguage: nl\ntranslation-of: quay\n---\n\nLangs de #Kade.\n"
		s.cli("article", "draft", write(t, "kade.md", translation), "--author", "ilse")
		answers("kade", http.StatusNotFound)
		publish(write(t, "kade.md", translation))
		answers("kade", http.StatusOK)
		s.wait("the object has the tag of its translation", func() bool {
			_, object := s.get(quay.Object, activity)
			return strings.Contains(object, "#Kade")
		})

		publish(file("quay.md", "tags: [Rivers, Ferries]\n", "Along the water."))
		answers("quay", http.StatusNotFound)
		answers("rivers", http.StatusOK)
		answers("kade", http.StatusOK)
		if _, object := s.get(quay.Object, activity); strings.Contains(object, "#Quay") {
			t.Errorf("the tag stays after its word is gone: %s", object)
		}

		publish(write(t, "secret.md",
			"---\ntitle: Secret\nlanguage: en\nvisibility: followers\n---\n\nA #secret, a #Ferries.\n"))
		answers("secret", http.StatusNotFound)
		s.shows(s.url+"/archive", "secret", false)
		if _, page := s.get(s.url+"/tags/ferries", html); strings.Contains(page, "/secret") {
			t.Errorf("the page of a tag lists what is for followers: %s", page)
		}
	})
}
