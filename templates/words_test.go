package templates_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"

	"causerie/templates"
)

// A text is used when its id stands in a template, or as a string in package web, which chooses texts by id.
func TestEveryTextIsUsedAndEveryUsedTextExists(t *testing.T) {
	asked, mentioned := map[string]string{}, map[string]bool{}
	collect := func(path, source string, uses *regexp.Regexp) {
		for _, match := range uses.FindAllStringSubmatch(source, -1) {
			asked[match[1]] = path
		}
	}
	err := fs.WalkDir(templates.FS, ".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || !strings.HasSuffix(path, ".html") {
			return err
		}
		source, err := fs.ReadFile(templates.FS, path)
		collect(path, string(source), regexp.MustCompile(`\bt "([^"]+)"`))
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob("../internal/web/*.go")
	if err != nil || len(files) == 0 {
		t.Fatalf("no files of package web: %v", err)
	}
	literal := regexp.MustCompile(`"([a-z0-9-]+)"`)
	inPage, err := filepath.Glob("../internal/page/*.go")
	if err != nil || len(inPage) == 0 {
		t.Fatalf("no files of package page: %v", err)
	}
	for _, file := range append(files, inPage...) {
		if strings.HasSuffix(file, "_test.go") {
			continue
		}
		source, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		collect(file, string(source), regexp.MustCompile(`\.translate\(&?f, "([^"]+)"`))
		for _, match := range literal.FindAllStringSubmatch(string(source), -1) {
			mentioned[match[1]] = true
		}
	}
	for _, file := range []string{"words/en.yaml", "words/nl.yaml"} {
		source, err := templates.FS.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		texts := map[string]any{}
		if err := yaml.Unmarshal(source, &texts); err != nil {
			t.Fatal(err)
		}
		for id, path := range asked {
			if texts[id] == nil {
				t.Errorf("%s: no text %q, which %s uses", file, id, path)
			}
		}
		for id := range texts {
			if asked[id] == "" && !mentioned[id] {
				t.Errorf("%s: the text %q is used nowhere", file, id)
			}
		}
	}
}
