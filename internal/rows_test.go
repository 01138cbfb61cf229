package internal_test

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The contract with other servers has rows F001 to F116, the threat model T001 to T163 (what comes over the network; the rows
// after it are of uploads, signing in and running). A row is a promise, and a test whose name carries its number keeps it.
var lastRows = map[string]int{"F": 116, "T": 163}

// elsewhere are the rows that do not apply here, each with the reason.
var elsewhere = map[string]string{
	"F043": "nothing is imported yet: an article comes to be at the desk or the terminal alone, and goes out when it is published",
	"T159": "pages embed nothing of others, ask for no oEmbed and offer none: there is no third party's HTML to be had",
}

var numbered = regexp.MustCompile(`^Test([FT]\d{3})`)

// keepers are the tests of the repository by the row that their names begin with.
func keepers(t *testing.T) map[string][]string {
	t.Helper()
	found := map[string][]string{}
	for _, room := range []string{".", filepath.Join("..", "cmd")} {
		err := filepath.WalkDir(room, func(path string, entry fs.DirEntry, err error) error {
			if err != nil || entry.IsDir() || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			file, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.SkipObjectResolution)
			if err != nil {
				return err
			}
			for _, declared := range file.Decls {
				f, ok := declared.(*ast.FuncDecl)
				if !ok || f.Recv != nil {
					continue
				}
				if row := numbered.FindStringSubmatch(f.Name.Name); row != nil {
					found[row[1]] = append(found[row[1]], f.Name.Name)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return found
}

func TestEveryRowOfTheContractIsKeptByATest(t *testing.T) {
	found, known := keepers(t), map[string]bool{}
	for _, letter := range []string{"F", "T"} {
		var tested, missing []string
		away := 0
		for n := 1; n <= lastRows[letter]; n++ {
			row := fmt.Sprintf("%s%03d", letter, n)
			known[row] = true
			reason, not := elsewhere[row]
			switch {
			case not && (reason == "" || len(found[row]) > 0):
				t.Errorf("%s does not apply because %q, and is kept by %v", row, reason, found[row])
			case not:
				away++
			case len(found[row]) == 0:
				missing = append(missing, row)
			default:
				tested = append(tested, row)
			}
		}
		t.Logf("%s: %d rows are tested, %d do not apply", letter, len(tested), away)
		if len(missing) > 0 {
			t.Errorf("no test keeps %s", strings.Join(missing, " "))
		}
	}
	for row, tests := range found {
		if !known[row] && row < "T164" {
			t.Errorf("there is no row %s for %v", row, tests)
		}
	}
	for row := range elsewhere {
		if !known[row] {
			t.Errorf("there is no row %s that would not apply", row)
		}
	}
}
