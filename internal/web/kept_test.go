package web

import (
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/changes"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// A change makes the pages new that show it, in this process and in another one, and no other page.
func TestAChangeMakesOnlyThePagesNewThatShowIt(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, url string) {
		s, _ := storetest.OpenFailing(t, url)
		o := newPublicBlog(t, s)
		cache, pages := page.NewCache(s.Changes(), 0), &madePages{times: map[string]int{}}
		cache.Log = slog.New(pages)
		here := New(s, o.pages, cache).Routes()
		// Its counter never changes, and a limit of one byte keeps nothing.
		fresh := New(s, o.pages, page.NewCache(&changes.Counter{}, 1)).Routes()
		second, err := store.Open(t.Context(), url)
		o.must(err)
		defer second.Close()
		o.must(second.Watch(t.Context(), func() {}))
		elsewhere := New(second, o.pages, page.NewCache(second.Changes(), 0)).Routes()

		const wide, glue = "/2026/11/four-minutes-wide", "/2026/11/lijm-die-weer-los-wil"
		said := o.says(o.nadia, "A bell is a letter.", time.Hour)
		o.reacts(o.deniz, blog.Boost)
		o.says(o.maud, "So is a door.", 2*time.Hour, answering(said))
		lists := []string{"/", "/@ilse", "/series/the-low-road", "/feed.xml", "/tags/rivers"}
		// The feed of comments has no counts.
		counting := append([]string{wide}, lists...)
		showing := append([]string{"/comments/feed.xml"}, counting...)
		all := append([]string{glue, "/@tobias", "/@samir", "/about", "/sitemap.xml"}, showing...)
		follower := blog.Follower{VoiceID: o.samir.ID, ActorID: o.deniz.ID, FollowID: "f", State: blog.Accepted, Since: noon}
		renamed := o.deniz
		renamed.Name = "Deniz A."
		for _, change := range []struct {
			name string
			do   func() error
			old  []string // the pages that it makes old
		}{
			{"a like", func() error { o.reacts(o.bram, blog.Like); return nil }, counting},
			{"a like of a comment", func() error { o.reacts(o.kade, blog.Like, said); return nil }, counting},
			{"a reply", func() error { o.says(o.kade, "Ding.", 3*time.Hour); return nil }, showing},
			{"a reply that waits", func() error {
				o.says(o.kade, "Buy.", time.Hour, func(c *blog.Comment) { c.State = blog.CommentWaiting })
				return nil
			}, nil},
			{"a moderator", func() error { return s.ModerateComment(t.Context(), said.ID, blog.CommentHidden) }, showing},
			{"a follower", func() error { _, err := s.Follow(t.Context(), follower); return err }, []string{"/@samir"}},
			{"a new actor", func() error { o.actor("new", "New", "new.example"); return nil }, nil},
			{"an actor as before", func() error { return s.SaveActor(t.Context(), o.deniz) }, nil},
			{"another name", func() error { return s.SaveActor(t.Context(), renamed) }, []string{wide}},
			{"a removed actor", func() error { return s.RemoveActor(t.Context(), o.kade.ID, noon) }, showing},
			{"a profile", func() error {
				ilse, err := s.Voice(t.Context(), o.ilse.ID)
				o.must(err)
				ilse.Name = "Ilse V."
				return s.SaveVoice(t.Context(), ilse)
			}, all},
		} {
			for _, path := range all {
				bodyOf(t, here, path)
				bodyOf(t, elsewhere, path)
			}
			o.must(change.do())
			for _, path := range all {
				made := func() bool {
					before := pages.of(path)
					bodyOf(t, here, path)
					return pages.of(path) > before
				}
				if slices.Contains(change.old, path) {
					// Too many changes within a second: it is made a little later.
					o.Until(change.name+" makes "+path+" new", made)
				} else if made() {
					t.Errorf("%s makes %s new", change.name, path)
				}
				want := bodyOf(t, fresh, path)
				if got := bodyOf(t, here, path); got != want {
					t.Errorf("after %s, the kept %s is\n%s\nmade anew it is\n%s", change.name, path, got, want)
				}
				o.Until("another process shows "+change.name+" at "+path, func() bool {
					return bodyOf(t, elsewhere, path) == want
				})
			}
		}
	})
}

// madePages counts how often each page was made, by what the cache logs.
type madePages struct {
	slog.Handler // only for its other methods, which nobody calls

	mu    sync.Mutex
	times map[string]int
}

func (m *madePages) Enabled(context.Context, slog.Level) bool { return true }

func (m *madePages) Handle(_ context.Context, line slog.Record) error {
	m.mu.Lock()
	defer m.mu.Unlock()
	line.Attrs(func(a slog.Attr) bool {
		if line.Message == page.MadeMessage && a.Key == "path" {
			m.times[a.Value.String()]++
		}
		return true
	})
	return nil
}

func (m *madePages) of(path string) int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.times[path]
}

func bodyOf(t *testing.T, handler http.Handler, path string) string {
	t.Helper()
	w := httptest.NewRecorder()
	handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	text, err := io.ReadAll(w.Result().Body)
	if err != nil || w.Code != http.StatusOK {
		t.Fatalf("%s: %d %v", path, w.Code, err)
	}
	return string(text)
}

// a kept page needs no database. For others the reader is told soon to come back.
func TestKeptPagesAreServedWhilePostgreSQLIsPaused(t *testing.T) {
	url, stall := storetest.Stalling(t)
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	o := newPublicBlog(t, s)
	o.must(s.Watch(t.Context(), func() {}))
	ask := func(path string) (*http.Response, time.Duration) {
		began, w := time.Now(), httptest.NewRecorder()
		o.server.Config.Handler.ServeHTTP(w, httptest.NewRequest("GET", path, nil).WithContext(store.Prompt(t.Context())))
		return w.Result(), time.Since(began)
	}
	for _, path := range []string{"/", "/@ilse"} {
		if answer, _ := ask(path); answer.StatusCode != http.StatusOK {
			t.Fatalf("%s: %s", path, answer.Status)
		}
	}
	o.reacts(o.bram, blog.Like) // the front page is old now
	stall.Begin()
	for _, limit := range []time.Duration{5 * time.Second, time.Second} {
		if answer, took := ask("/tags/rivers"); answer.StatusCode != http.StatusServiceUnavailable ||
			answer.Header.Get("Retry-After") == "" || took > limit {
			t.Errorf("a page that is not kept: %s, %v after %v", answer.Status, answer.Header, took)
		}
		for _, path := range []string{"/", "/@ilse"} {
			if answer, took := ask(path); answer.StatusCode != http.StatusOK || took > limit {
				t.Errorf("the kept %s: %s after %v", path, answer.Status, took)
			}
		}
	}
	stall.End()
	o.Until("pages are made again", func() bool {
		answer, _ := ask("/tags/rivers")
		return answer.StatusCode == http.StatusOK
	})
}
