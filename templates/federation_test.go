package templates_test

import (
	"flag"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/templates"
)

var update = flag.Bool("update", false, "take federation.md from the README")

func TestTheFederationPageIsTheChapterOfTheReadme(t *testing.T) {
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, chapter, found := strings.Cut(string(readme), "\n## What it sends and accepts\n\n")
	chapter, _, ended := strings.Cut(chapter, "\n## ")
	if !found || !ended {
		t.Fatal("the README has no chapter “What it sends and accepts”")
	}
	want := strings.ReplaceAll("\n"+chapter, "\n### ", "\n## ")[1:] // it stands one level higher on its own page
	if *update {
		if err := os.WriteFile("federation.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(want, templates.Federation); diff != "" {
		t.Errorf("federation.md is not what the README says: go test ./templates -update (-README +page):\n%s", diff)
	}
}
