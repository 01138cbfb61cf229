package main

import (
	"encoding/base64"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
	"causerie/internal/store/storetest"
)

func TestT235ACommandSaysWhatToDoAboutAFullDisk(t *testing.T) {
	s, disk := storetest.OnDisk(t)
	o := overkant.Found(t, s, "https://overkant.example")
	o.Ilse = o.AddAuthor("ilse", "Ilse Verhaagen")
	disk.Fill()
	long := blog.Article{ID: blog.NewID(time.Now()), VoiceID: o.Ilse.ID, Status: blog.Draft, Format: blog.FullArticle,
		Visibility: blog.Public, Comments: blog.Open, Quotes: "everyone", CreatedAt: time.Now(),
		Text: blog.Text{Language: "en", Title: "High water", Slug: "high-water",
			Markdown: incompressible(1_000_000)}}
	err := s.SaveArticle(t.Context(), &long, time.Now())
	if err == nil {
		t.Fatal("it was saved on a full disk")
	}
	var out output
	if status := fail(console{nil, io.Discard, &out}, statusOf(err), err); status != failed {
		t.Errorf("the status is %d", status)
	}
	if text := out.String(); !strings.Contains(text, "full") || !strings.Contains(text, "\nFree some space on the disk") ||
		!strings.HasSuffix(text, ".\n") {
		t.Errorf("it says %q", text)
	}
	disk.Free()
	if err := s.SaveArticle(t.Context(), &long, time.Now()); err != nil {
		t.Errorf("with room again: %v", err)
	}
}

// incompressible returns a text of which the database cannot make less.
func incompressible(n int) string {
	raw := make([]byte, n*3/4)
	rand.NewChaCha8([32]byte{}).Read(raw)
	return base64.StdEncoding.EncodeToString(raw)
}
