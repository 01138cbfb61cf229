package main

import (
	"context"
	"encoding/json"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causerie/internal/page/pagetest"
)

// BenchmarkArticlePage serves an article through the whole program, and the same bytes from a bare handler: of-bare is
// the ratio of the two.
func BenchmarkArticlePage(b *testing.B) {
	dir := b.TempDir()
	settings := []string{"--database", filepath.Join(dir, "causerie.db"), "--data", dir, "--url", "http://127.0.0.1:8099", "--listen", "127.0.0.1:8099"}
	say := func(args ...string) string {
		var out, trouble words
		if status := run(b.Context(), append(args, settings...), nil, console{nil, &out, &trouble}); status != done {
			b.Fatalf("%v: %d %s", args, status, &trouble)
		}
		return out.String()
	}
	say("author", "add", "ilse", "--name", "Ilse Verhaagen")
	file := filepath.Join(dir, "four-minutes-wide.md")
	text := "---\ntitle: Four minutes wide\n---\n" + strings.Repeat("The ferry at Oudewaard comes when you ring the bell, and the bell is on the other side.\n\n", 60)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		b.Fatal(err)
	}
	var said struct{ URL string }
	if err := json.Unmarshal([]byte(say("article", "publish", file, "--author", "ilse", "--json")), &said); err != nil {
		b.Fatal(err)
	}
	var all commands
	parser, err := newParser(&all, nil, console{nil, io.Discard, io.Discard})
	if err != nil {
		b.Fatal(err)
	}
	if _, err := parser.Parse(append([]string{"serve"}, settings...)); err != nil {
		b.Fatal(err)
	}
	if err := all.Config.complete(nil); err != nil {
		b.Fatal(err)
	}
	h, err := build(context.Background(), all.Config, slog.New(slog.NewTextHandler(io.Discard, nil)))
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(h.close)
	pagetest.Compare(b, h.handler, strings.TrimPrefix(said.URL, "http://127.0.0.1:8099"))
}
