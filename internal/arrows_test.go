// Package internal_test checks the structure of the project: which package may import which.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// layers are the packages from the bottom up. A package may import those of lower layers, and none of its own layer.
var layers = [][]string{
	{"migrations", "templates", "internal/blog", "internal/fedtest",
		"internal/calmlog", "internal/changes", "internal/lru", "internal/nearest", "internal/text"},
	{"internal/blocklist", "internal/deliverytext", "internal/markup", "internal/ratelimit", "internal/rig",
		"internal/signature"},
	{"internal/activity", "internal/feed", "internal/page", "internal/store"},
	{"internal/media", "internal/remote", "internal/store/storetest"},
	{"internal/browser", "internal/federation"},
	{"internal/federation/delivery", "internal/federation/documents", "internal/federation/outbox"},
	{"internal/account", "internal/authoring", "internal/federation/doctor", "internal/federation/inbox",
		"internal/federation/jobs"},
	{"internal/overkant"},
	{"internal/admin", "internal/visitor", "internal/web"},
	{"cmd/causerie"},
}

const federation = "internal/federation"

// never are imports that the layers allow and that are forbidden all the same: a page view cannot write or send. A name
// stands for all packages below it.
var never = map[string][]string{
	"internal/web": {federation, "internal/account", "internal/activity", "internal/authoring", "internal/blocklist",
		"internal/media", "internal/remote", "internal/signature"},
	"internal/visitor":        {federation},
	"internal/markup":         {"internal/store", "internal/page"},
	"internal/activity":       {"internal/store", "internal/remote"},
	"internal/authoring":      {"internal/remote", federation + "/delivery", federation + "/documents"},
	"internal/admin":          {federation + "/delivery", federation + "/documents", federation + "/inbox"},
	federation + "/documents": {federation + "/outbox"},
}

// sole are the only packages that may import a library.
var sole = map[string]string{
	"github.com/chromedp/":        "internal/browser",
	"github.com/go-fed/activity/": "internal/activity",
	"github.com/go-fed/httpsig":   "internal/fedtest",
	"github.com/lib/pq":           "internal/store internal/store/storetest",
	"modernc.org/sqlite":          "internal/store internal/store/storetest",
}

type goPackage struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func packages(t *testing.T) []goPackage {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []goPackage
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var r goPackage
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
}

func layerOf(path string) int {
	return slices.IndexFunc(layers, func(layer []string) bool { return slices.Contains(layer, path) })
}

func TestPackagesImportOnlyLowerLayers(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, "causerie/")
		if from == "internal" {
			continue
		}
		here := layerOf(from)
		if here < 0 {
			t.Errorf("%s has no layer: give it one here and in the README", from)
		}
		for _, imported := range p.Imports {
			to, ours := strings.CutPrefix(imported, "causerie/")
			if !ours {
				continue
			}
			if layerOf(to) >= here {
				t.Errorf("%s imports %s, which is not of a lower layer", from, to)
			}
			forbidden := func(name string) bool { return to == name || strings.HasPrefix(to, name+"/") }
			if slices.ContainsFunc(never[from], forbidden) {
				t.Errorf("%s must never import %s", from, to)
			}
		}
	}
}

// forTests are packages that only tests import. The README's picture leaves them out.
var forTests = []string{"internal/browser", "internal/overkant", "internal/rig", "internal/store/storetest"}

// readmeLayers returns the lines of the README's picture from the bottom up, each with its packages in order.
func readmeLayers(t *testing.T) (lines [][]string, text string) {
	t.Helper()
	readme, err := os.ReadFile("../README.md")
	if err != nil {
		t.Fatal(err)
	}
	text = string(readme)
	_, picture, found := strings.Cut(text, "```\ncmd/causerie\n")
	picture, _, end := strings.Cut(picture, "```")
	if !found || !end {
		t.Fatal("the README has no picture that begins with cmd/causerie")
	}
	lines = [][]string{{"cmd/causerie"}}
	for line := range strings.Lines(picture) {
		var names []string
		for _, name := range strings.Fields(line) {
			if name != "migrations" && name != "templates" {
				name = "internal/" + name
			}
			names = append(names, name)
		}
		lines = append(lines, names)
	}
	slices.Reverse(lines)
	return lines, text
}

func TestTheReadmeDrawsTheLayers(t *testing.T) {
	lines, text := readmeLayers(t)
	lineOf := map[string]int{}
	for i, line := range lines {
		for _, name := range line {
			lineOf[name] = i
		}
	}
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, "causerie/")
		if from == "internal" {
			continue
		}
		short := "`" + strings.TrimPrefix(from, "internal/") + "`"
		if !strings.Contains(text, short) {
			t.Errorf("the README's table has no %s", short)
		}
		if slices.Contains(forTests, from) {
			continue
		}
		here, drawn := lineOf[from]
		if !drawn {
			t.Errorf("the README's picture has no %s", from)
		}
		for _, imported := range p.Imports {
			if to, ours := strings.CutPrefix(imported, "causerie/"); ours && lineOf[to] >= here {
				t.Errorf("%s imports %s, and the README does not draw it on a lower line", from, to)
			}
		}
	}
}

func TestLibrariesStayInTheirPackages(t *testing.T) {
	for _, p := range packages(t) {
		from := strings.TrimPrefix(p.ImportPath, "causerie/")
		for _, imported := range slices.Concat(p.Imports, p.TestImports, p.XTestImports) {
			for library, owners := range sole {
				if strings.HasPrefix(imported, library) && !slices.Contains(strings.Fields(owners), from) {
					t.Errorf("%s imports %s, which only %s may", from, imported, owners)
				}
			}
		}
	}
}
