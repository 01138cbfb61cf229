package rig

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// Change replaces a text of a source file by another, in a build that breaks a promise. The file is named from the root
// of the repository.
type Change struct{ File, Old, New string }

// BuildBroken returns the path of the program with changes in its source. They are an overlay of the build: nothing of
// them is in the repository's own files. A change whose text is no longer there fails the test.
func BuildBroken(t testing.TB, root string, changes ...Change) string {
	t.Helper()
	root, err := filepath.Abs(root)
	if err != nil {
		t.Fatal(err)
	}
	overlay := struct{ Replace map[string]string }{map[string]string{}}
	dir := t.TempDir()
	for i, c := range changes {
		path := filepath.Join(root, c.File)
		from := path
		if again, changed := overlay.Replace[path]; changed {
			from = again
		}
		text, err := os.ReadFile(from)
		if err != nil {
			t.Fatal(err)
		}
		if strings.Count(string(text), c.Old) != 1 {
			t.Fatalf("%s does not have this text once, so this build would break nothing: %s", c.File, c.Old)
		}
		to := filepath.Join(dir, string(rune('a'+i))+".go")
		if err := os.WriteFile(to, []byte(strings.Replace(string(text), c.Old, c.New, 1)), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay.Replace[path] = to
	}
	list, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(file, list, 0o600); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(dir, "causerie")
	build(t, path, "-overlay", file)
	return path
}
