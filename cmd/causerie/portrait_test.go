package main

import (
	"bytes"
	"image/png"
	"os"
	"path/filepath"
	"testing"

	"causerie/internal/store"
)

func TestTheAuthorsOfTheDemoHaveFaces(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "demo")
	if err := os.Mkdir(folder, 0o700); err != nil {
		t.Fatal(err)
	}
	if out, trouble, status := cli(t.Context(), []string{"demo", "--once", "--keep", folder, "--listen", freePort(t)},
		nil, ""); status != done {
		t.Fatalf("status %d: %s%s", status, out, trouble)
	}
	s, err := store.Open(t.Context(), filepath.Join(folder, "causerie.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	seen := map[string]bool{}
	for _, handle := range []string{"ilse", "tobias"} {
		who, err := s.VoiceByHandle(t.Context(), handle)
		if err != nil {
			t.Fatal(err)
		}
		file, err := os.ReadFile(filepath.Join(folder, "media", who.Picture))
		if err != nil {
			t.Fatalf("the face of %s: %v", handle, err)
		}
		picture, err := png.DecodeConfig(bytes.NewReader(file))
		if err != nil || picture.Width != portraitSize || picture.Height != portraitSize || len(file) > 10<<10 {
			t.Errorf("the face of %s is %d by %d and has %d bytes: %v", handle, picture.Width, picture.Height, len(file), err)
		}
		seen[string(file)] = true
	}
	if len(seen) != 2 {
		t.Error("both authors have one face")
	}
}
