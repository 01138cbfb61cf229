package web

import (
	"testing"
	"time"

	"causerie/internal/changes"
	"causerie/internal/page"
	"causerie/internal/page/pagetest"
	"causerie/internal/store/storetest"
)

// BenchmarkArticlePage serves an article with twenty replies against a bare handler that writes the same bytes.
func BenchmarkArticlePage(b *testing.B) {
	o := newPublicBlog(b, storetest.Open(b))
	for i := range 20 {
		o.says(o.bram, "A bell is a letter you do not have to write.", time.Duration(i)*time.Minute)
	}
	pagetest.Compare(b, page.SecurityHeaders(true)(o.server.Config.Handler), "/2026/11/four-minutes-wide",
		pagetest.Browser)
}

// BenchmarkArticleRender makes that page anew each time.
func BenchmarkArticleRender(b *testing.B) {
	o := newPublicBlog(b, storetest.Open(b))
	for i := range 20 {
		o.says(o.bram, "A bell is a letter you do not have to write.", time.Duration(i)*time.Minute)
	}
	handler := New(o.Store, o.pages, page.NewCache(&changes.Counter{}, 1)).Routes()
	for b.Loop() {
		if got := ask(handler, "/2026/11/four-minutes-wide"); got != 200 {
			b.Fatal(got)
		}
	}
}
