package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// tables are the files with the promises of this program, by the letter of their rows.
var tables = map[string]string{"F": "contract.md", "T": "threats.md"}

var (
	rowLine  = regexp.MustCompile(`^\| ([A-Z])-(\d{3}) \| ([^|]+) \| ([^|]*)\|$`)
	numbered = regexp.MustCompile(`^Test([A-Z])(\d{3})`)
)

// row is a line of a table. Its state is empty when a test bears its number.
type row struct{ id, promise, state string }

// readTable reads the rows of a table. No number may be there twice, and none left out.
func readTable(t *testing.T, letter string) []row {
	t.Helper()
	text, err := os.ReadFile(tables[letter])
	if err != nil {
		t.Fatal(err)
	}
	var rows []row
	known := map[string]bool{}
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| Row |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		found := rowLine.FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("%s:%d is no row: %s", tables[letter], i+1, line)
		}
		r := row{found[1] + "-" + found[2], found[3], strings.TrimSpace(found[4])}
		if known[r.id] {
			t.Errorf("%s:%d has the row %s a second time", tables[letter], i+1, r.id)
		}
		known[r.id], rows = true, append(rows, r)
	}
	for n := range rows {
		if id := fmt.Sprintf("%s-%03d", letter, n+1); !known[id] {
			t.Errorf("%s has %d rows, and none of them is %s", tables[letter], len(rows), id)
		}
	}
	return rows
}

// walkGo reads each Go file of the repository whose name ends so, without ".go".
func walkGo(t *testing.T, ending string, see func(path string, file *ast.File)) {
	t.Helper()
	for _, root := range []string{".", filepath.Join("..", "cmd"), filepath.Join("..", "templates"),
		filepath.Join("..", "migrations")} {
		err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, ending+".go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ParseComments|parser.SkipObjectResolution)
			if err == nil {
				see(path, file)
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// allTests returns the names of all tests of the repository.
func allTests(t *testing.T) []string {
	t.Helper()
	var names []string
	walkGo(t, "_test", func(_ string, file *ast.File) {
		for _, declared := range file.Decls {
			f, ok := declared.(*ast.FuncDecl)
			if ok && f.Recv == nil && (strings.HasPrefix(f.Name.Name, "Test") || strings.HasPrefix(f.Name.Name, "Fuzz")) {
				names = append(names, f.Name.Name)
			}
		}
	})
	slices.Sort(names)
	return names
}

func TestEveryRowOfTheContractIsKeptByATest(t *testing.T) {
	names, keepers := allTests(t), map[string][]string{}
	for _, name := range names {
		if found := numbered.FindStringSubmatch(name); found != nil {
			id := found[1] + "-" + found[2]
			keepers[id] = append(keepers[id], name)
		}
	}
	for _, letter := range []string{"F", "T"} {
		var tested, otherwise, missing, later, away int
		for _, r := range readTable(t, letter) {
			kept := keepers[r.id]
			delete(keepers, r.id)
			kind, reason, _ := strings.Cut(r.state, ":")
			named, byName := strings.CutPrefix(r.state, "kept by ")
			switch {
			case r.state == "" && len(kept) > 0:
				tested++
			case r.state == "":
				missing++
				t.Errorf("no test keeps %s: %s", r.id, r.promise)
			case len(kept) > 0:
				t.Errorf("%s is kept by %v: take %q out of its row", r.id, kept, r.state)
			case byName:
				otherwise++
				for _, name := range strings.Split(named, ", ") {
					if !slices.Contains(names, name) {
						t.Errorf("%s is kept by %s, which is no test", r.id, name)
					}
				}
				kept = append(kept, named)
			case kind == "not yet" && strings.TrimSpace(reason) != "":
				later++
			case kind == "does not apply" && strings.TrimSpace(reason) != "":
				away++
			default:
				t.Errorf("the state of %s says neither which test keeps it nor why none does: %q", r.id, r.state)
			}
			if len(kept) > 0 {
				t.Logf("%s %s", r.id, strings.Join(kept, ", "))
			}
		}
		t.Logf("%s rows: %d have a test with their number, %d another one, %d none yet, %d do not apply, %d lack one",
			letter, tested, otherwise, later, away, missing)
	}
	for id, tests := range keepers {
		t.Errorf("no table has a row %s, which %v should keep", id, tests)
	}
}

var (
	rowNamed   = regexp.MustCompile(`\b(?:contract|threat|and|to|,) ([FT]-\d+)`)
	paperNamed = regexp.MustCompile(`\b[\w/-]+\.md(?:,? section)? \d|\.\./shared`)
)

// A reader has only this repository, so that a comment may point to a row of a table here or to a public standard, and
// not to a chapter of something else.
func TestCommentsPointToWhatAReaderHas(t *testing.T) {
	known := map[string]bool{}
	for letter := range tables {
		for _, r := range readTable(t, letter) {
			known[r.id] = true
		}
	}
	pointing := 0
	walkGo(t, "", func(path string, file *ast.File) {
		for _, group := range file.Comments {
			text := strings.Join(strings.Fields(group.Text()), " ")
			if paper := paperNamed.FindString(text); paper != "" {
				t.Errorf("%s points to %q, which is not here", path, paper)
			}
			for _, found := range rowNamed.FindAllStringSubmatch(text, -1) {
				if pointing++; !known[found[1]] {
					t.Errorf("%s points to the row %s, which no table has", path, found[1])
				}
			}
		}
	})
	if pointing == 0 {
		t.Error("no comment points to a row")
	}
}
