package page_test

import (
	"context"
	"net/http"
	"strings"
	"testing"

	"causerie/internal/changes"
	"causerie/internal/page"
	"causerie/internal/page/pagetest"
)

func BenchmarkKeptPage(b *testing.B) {
	text := []byte(strings.Repeat("The ferry comes when you ring the bell, and the bell is on the other side. ", 200))
	kept := page.NewCache(&changes.Counter{}, 0)
	handler := kept.Handler("html", func(context.Context, *http.Request) (page.Document, error) {
		return page.Document{Header: http.Header{"Content-Type": {"text/html; charset=utf-8"}}, Body: text}, nil
	}, func(w http.ResponseWriter, r *http.Request, err error) { b.Error(err) })
	pagetest.Compare(b, page.SecurityHeaders(true)(handler), "/2026/11/four-minutes-wide", pagetest.Browser)
}
