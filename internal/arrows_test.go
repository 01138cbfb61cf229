// Package internal_test holds the house to its plan: arrows between rooms only fall.
package internal_test

import (
	"encoding/json"
	"errors"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// floors are the rooms from the bottom up. A room may use what lies below it, never its neighbours on the same floor.
var floors = [][]string{
	{"migrations", "templates", "internal/blog", "internal/fedtest", "internal/page/pagetest", "internal/lru",
		"internal/nearest", "internal/text"},
	{"internal/blocklist", "internal/deliverytext", "internal/markup", "internal/signature"},
	{"internal/activity", "internal/feed", "internal/page", "internal/store"},
	{"internal/media", "internal/remote", "internal/store/storetest"},
	{"internal/federation"},
	{"internal/federation/delivery", "internal/federation/documents", "internal/federation/outbox"},
	{"internal/account", "internal/authoring", "internal/federation/doctor", "internal/federation/inbox",
		"internal/federation/jobs"},
	{"internal/overkant"},
	{"internal/admin", "internal/visitor", "internal/web"},
	{"cmd/causerie"},
}

const federation = "internal/federation"

// never are arrows that would fall and are forbidden all the same: a page view cannot write or send. A name stands for
// all rooms below it.
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

// sole are the only rooms that may use a library.
var sole = map[string]string{
	"github.com/go-fed/activity/": "internal/activity",
	"github.com/go-fed/httpsig":   "internal/fedtest",
	"github.com/lib/pq":           "internal/store internal/store/storetest",
	"modernc.org/sqlite":          "internal/store",
}

type room struct {
	ImportPath                         string
	Imports, TestImports, XTestImports []string
}

func rooms(t *testing.T) []room {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "./...")
	cmd.Dir = ".."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []room
	for decoder := json.NewDecoder(strings.NewReader(string(out))); ; {
		var r room
		if err := decoder.Decode(&r); errors.Is(err, io.EOF) {
			return list
		} else if err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
}

func floorOf(path string) int {
	return slices.IndexFunc(floors, func(floor []string) bool { return slices.Contains(floor, path) })
}

func TestArrowsOnlyFall(t *testing.T) {
	for _, r := range rooms(t) {
		from := strings.TrimPrefix(r.ImportPath, "causerie/")
		if from == "internal" {
			continue
		}
		here := floorOf(from)
		if here < 0 {
			t.Errorf("room %s stands on no floor: give it one here and in the README", from)
		}
		for _, imported := range r.Imports {
			to, ours := strings.CutPrefix(imported, "causerie/")
			if !ours {
				continue
			}
			if floorOf(to) >= here {
				t.Errorf("the arrow %s → %s does not fall", from, to)
			}
			if slices.ContainsFunc(never[from], func(room string) bool {
				return to == room ||
					strings.HasPrefix(to, room+"/")
			}) {
				t.Errorf("%s must never use %s", from, to)
			}
		}
	}
}

func TestLibrariesStayInTheirRooms(t *testing.T) {
	for _, r := range rooms(t) {
		from := strings.TrimPrefix(r.ImportPath, "causerie/")
		for _, imported := range slices.Concat(r.Imports, r.TestImports, r.XTestImports) {
			for library, owners := range sole {
				if strings.HasPrefix(imported, library) && !slices.Contains(strings.Fields(owners), from) {
					t.Errorf("%s uses %s, which belongs to %s alone", from, imported, owners)
				}
			}
		}
	}
}
