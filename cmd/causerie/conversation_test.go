package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"regexp"
	"strings"
	"testing"
	"time"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// conversation is a blog with one article, and Bram, who comments on it.
type conversation struct {
	*stage
	bram    *fedtest.Person
	author  authorLine
	article articleLine
	n       int
}

func (s *stage) conversation(policy string) *conversation {
	s.t.Helper()
	_, bram := s.veerhuis()
	w := &conversation{stage: s, bram: bram, author: s.ilse(bram)}
	text := strings.Replace(ferry, "language: en\n", "language: en\ncomments: "+policy+"\n", 1)
	w.article = read[articleLine](s.t, s.cli("article", "publish", write(s.t, "ferry.md", text), "--author", "ilse",
		"--json"))[0]
	return w
}

// post sends a note of Bram and waits until it is processed.
func (w *conversation) post(words string, note map[string]any) (address string) {
	w.t.Helper()
	w.n++
	address = fmt.Sprintf("%s/notes/%d", w.bram.ID, w.n)
	full := map[string]any{"type": "Note", "id": address, "attributedTo": w.bram.ID, "content": "<p>" + words + "</p>",
		"to":        "as:Public",
		"published": time.Now().UTC().Format(time.RFC3339)}
	for k, v := range note {
		full[k] = v
	}
	act := map[string]any{"id": address + "/activity", "type": "Create", "actor": w.bram.ID, "object": full}
	if _, err := w.bram.Send(w.ctx, w.url+"/ap/inbox", act); err != nil {
		w.t.Fatalf("%s: %v", words, err)
	}
	return address
}

// comment returns the comment with a text, as “causerie comment list” prints it.
func (w *conversation) comment(words string) (found commentLine) {
	w.t.Helper()
	w.wait("the comment “"+words+"” is there", func() bool {
		for _, line := range read[commentLine](w.t, w.cli("comment", "list", "--json")) {
			if line.Text == words {
				found = line
				return true
			}
		}
		return false
	})
	return found
}

// places returns the public addresses of the blog, for browsers and for other servers.
func (w *conversation) places() map[string][]string {
	article, series := strings.TrimPrefix(w.article.URL, w.url), strings.TrimPrefix(w.author.Object, w.url)
	object := strings.TrimPrefix(w.article.Object, w.url)
	return map[string][]string{
		"text/html": {"/", "/en/", "/archive", "/about", "/@ilse", "/tags/rivers", article, article + "/replies/newest",
			article + "/replies/author-first",
			"/feed.xml", "/feed.json", "/@ilse/feed.xml", "/tags/rivers/feed.xml", "/en/feed.xml", "/comments/feed.xml",
			"/sitemap.xml", "/search?q=canary"},
		"application/activity+json": {"/", "/@ilse", article, object, object + "/replies", object + "/replies?cursor=",
			object + "/context", object + "/context?cursor=",
			object + "/likes", object + "/shares", series, series + "/outbox", series + "/outbox?cursor=", series + "/featured",
			series + "/followers"},
	}
}

// shownAt lists the public places that contain a word.
func (w *conversation) shownAt(word string) (places []string) {
	w.t.Helper()
	for accept, paths := range w.places() {
		for _, path := range paths {
			if status, body := w.get(w.url+path, accept); strings.Contains(body, word) {
				places = append(places, fmt.Sprint(path, " as ", accept, " (", status, ")"))
			}
		}
	}
	return places
}

func TestT120PrivateReplyIsNotOnThePage(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		w := open(t, database).conversation("open")
		for i, to := range []any{w.bram.Followers(), w.author.Object, []string{w.author.Object, w.bram.Followers()}, nil} {
			w.post(fmt.Sprintf("canary %d", i), map[string]any{"inReplyTo": w.article.Object, "to": to})
			w.post(fmt.Sprintf("canary quote %d", i), map[string]any{"quote": w.article.Object, "to": to})
		}
		w.post("Heard by all.", map[string]any{"inReplyTo": w.article.Object})
		w.shows(w.article.URL, "Heard by all.", true)
		status, page := w.get(w.article.URL, "text/html")
		if status != http.StatusOK || strings.Contains(page, "canary") || !strings.Contains(page, "1 reply from 1 server") {
			t.Errorf("the page (%d) tells what was not for it: %s", status, page)
		}
	})
}

func TestT122RestrictedPostsAreInNoFeedListOrSitemap(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		w := open(t, database).conversation("open")
		w.post("canary of friends", map[string]any{"inReplyTo": w.article.Object, "to": w.bram.Followers()})
		w.post("canary to Ilse", map[string]any{"inReplyTo": w.article.Object, "to": w.author.Object})
		w.post("canary, quoting", map[string]any{"quote": w.article.Object, "to": w.author.Object})
		hidden := strings.Replace(ferry, "Four minutes wide", "canary for followers", 1)
		w.stage.cli("article", "publish", write(t, "followers.md",
			strings.Replace(hidden, "language: en\n", "language: en\nvisibility: followers\n", 1)), "--author", "ilse")
		w.stage.cli("article", "draft", write(t, "draft.md",
			strings.Replace(ferry, "Four minutes wide", "canary in a drawer", 1)), "--author", "ilse")
		w.post("Heard by all.", map[string]any{"inReplyTo": w.article.Object})
		w.shows(w.url+"/comments/feed.xml", "Heard by all.", true)
		for _, place := range w.shownAt("canary") {
			if !strings.HasPrefix(place, "/search") { // which repeats what is asked
				t.Errorf("%s tells restricted words", place)
			}
		}
		if _, body := w.get(w.url+"/search?q=canary", "text/html"); strings.Contains(body, "canary in") ||
			strings.Contains(body, "canary for") {
			t.Error("the search finds them")
		}
	})
}

func TestT143WhatIsHiddenIsHiddenEverywhere(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		w := open(t, database).conversation("approve")
		for _, how := range []string{"waiting", "hidden", "deleted"} {
			for kind, note := range map[string]map[string]any{"reply": {"inReplyTo": w.article.Object},
				"quote": {"quote": w.article.Object}} {
				words := "canary " + kind + " " + how
				w.post(words, note)
				c := w.comment(words)
				if c.Kind != kind {
					t.Errorf("%s is listed as a %s", words, c.Kind)
				}
				if how == "waiting" {
					continue
				}
				w.stage.cli("comment", "approve", string(c.ID))
				w.shows(w.article.URL, words, true)
				if how == "hidden" {
					w.stage.cli("comment", "hide", string(c.ID))
				} else {
					w.stage.cli("comment", "delete", string(c.ID))
				}
				w.shows(w.article.URL, words, false)
			}
		}
		for _, place := range w.shownAt("canary") {
			if !strings.HasPrefix(place, "/search") {
				t.Errorf("%s tells what is hidden", place)
			}
		}
		for _, place := range w.shownAt(w.bram.Server.Host) {
			if !strings.Contains(place, "/followers") && !strings.HasPrefix(place, "/@ilse") {
				t.Errorf("%s names who wrote what is hidden", place)
			}
		}
	})
}

var replyCount = regexp.MustCompile(`class="replies" href="#talk">(\d+) repl`)

func TestT144OneConversationHasOneCount(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		w := open(t, database).conversation("approve")
		approve := func(words string, note map[string]any) string {
			address := w.post(words, note)
			w.stage.cli("comment", "approve", string(w.comment(words).ID))
			return address
		}
		first := approve("First.", map[string]any{"inReplyTo": w.article.Object})
		approve("Under it.", map[string]any{"inReplyTo": first})
		approve("Quoted.", map[string]any{"quote": w.article.Object})
		hidden := approve("Hidden.", map[string]any{"inReplyTo": w.article.Object})
		w.stage.cli("comment", "hide", string(w.comment("Hidden.").ID))
		approve("Under the hidden.", map[string]any{"inReplyTo": hidden})
		w.post("Waits.", map[string]any{"inReplyTo": w.article.Object})
		w.post("Quotes and waits.", map[string]any{"quote": w.article.Object})
		w.post("Restricted.", map[string]any{"inReplyTo": w.article.Object, "to": w.author.Object})
		w.comment("Quotes and waits.")
		w.shows(w.article.URL, "Under the hidden.", true)

		_, page := w.get(w.article.URL, "text/html")
		shown := strings.Count(page, `<li class="voice`) - strings.Count(page, `<span class="is">quotes this article`)
		if shown != 3 || !strings.Contains(page, "3 replies from 1 server") {
			t.Errorf("a visitor sees %d replies under the title %q", shown, page[strings.Index(page, `id="talk-title"`):][:60])
		}
		if byline := replyCount.FindStringSubmatch(page); byline != nil {
			t.Errorf("the by-line says the only count once more: %q", byline)
		}
		if _, front := w.get(w.url+"/", "text/html"); !strings.Contains(front, "<b>3</b> replies") {
			t.Error("the front page counts otherwise")
		}
		if _, feed := w.get(w.url+"/feed.xml", "*/*"); !strings.Contains(feed, `<thr:total>3</thr:total>`) &&
			!strings.Contains(feed, `thr:count="3"`) {
			t.Error("the feed counts otherwise")
		}
		if _, feed := w.get(w.url+"/comments/feed.xml", "*/*"); strings.Count(feed, "<entry") != 3 {
			t.Errorf("the feed of replies has %d", strings.Count(feed, "<entry"))
		}
		document := func(address string) (doc struct {
			TotalItems   int
			OrderedItems []string
			First        struct{ OrderedItems []string }
			Replies      struct{ TotalItems int }
		}) {
			_, body := w.get(address, "application/activity+json")
			if err := json.Unmarshal([]byte(body), &doc); err != nil {
				t.Fatalf("%s: %v: %s", address, err, body)
			}
			return doc
		}
		if got := document(w.article.Object).Replies.TotalItems; got != 3 {
			t.Errorf("the object tells of %d replies", got)
		}
		context := document(w.article.Object + "/context")
		if context.TotalItems != 4 { // the article is the first of them
			t.Errorf("the conversation has %d items: %+v", context.TotalItems, context)
		}
	})
}
