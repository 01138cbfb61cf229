package store_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causerie/internal/store"
)

func TestNoPasswordIsEverPrinted(t *testing.T) {
	for _, address := range []string{"postgres://ilse:geheim@127.0.0.1:1/causerie",
		"postgres://ilse:gehe%im@127.0.0.1:1/causerie geheim",
		"postgres://127.0.0.1:1/causerie?user=ilse&password=geheim", "postgres://ilse:geheim#@127.0.0.1:1/causerie",
		"postgresql://ilse:geheim@[::1/causerie"} {
		if got := store.Redact(address); strings.Contains(got, "geheim") || strings.Contains(got, "gehe%im") ||
			!strings.HasPrefix(got, "postgres") {
			t.Errorf("%q becomes %q", address, got)
		}
		if _, err := store.Open(t.Context(), address+"&connect_timeout=1"); err == nil ||
			strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "gehe%im") {
			t.Errorf("opening %q: %v", address, err)
		}
	}
	if got := store.Redact("data/causerie.db"); got != "data/causerie.db" {
		t.Errorf("a path becomes %q", got)
	}
}

func TestTheKeysInADatabaseAreForItsOwnerAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causerie.db")
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files = %v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file, info.Mode(), err)
		}
	}
}
