package internal_test

import (
	"fmt"
	"go/ast"
	"go/constant"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// limit is a line of limits.md: what is limited, the constant, its value, what happens beyond it, and the tests that
// try it.
type limit struct{ what, name, value, beyond, tests string }

var limitLine = regexp.MustCompile("^\\| ([^|]+) \\| `([a-z/]+\\.\\w+)` \\| ([^|]+) \\| ([^|]+) \\| ([^|]*)\\|$")

func readLimits(t *testing.T) []limit {
	t.Helper()
	text, err := os.ReadFile("limits.md")
	if err != nil {
		t.Fatal(err)
	}
	var list []limit
	for i, line := range strings.Split(string(text), "\n") {
		if !strings.HasPrefix(line, "|") || strings.HasPrefix(line, "| Limit |") || strings.HasPrefix(line, "| --- |") {
			continue
		}
		found := limitLine.FindStringSubmatch(line)
		if found == nil {
			t.Fatalf("limits.md:%d is no row: %s", i+1, line)
		}
		list = append(list, limit{found[1], found[2], found[3], found[4], strings.TrimSpace(found[5])})
	}
	return list
}

// constants are all constants of the program, as "federation/inbox.maxBody", with their expressions.
type constants map[string]ast.Expr

func readConstants(t *testing.T) constants {
	t.Helper()
	all := constants{}
	walkGo(t, "", func(path string, file *ast.File) {
		if strings.HasSuffix(path, "_test.go") {
			return
		}
		room := strings.TrimPrefix(filepath.ToSlash(filepath.Dir(path)), "../")
		for _, declared := range file.Decls {
			group, ok := declared.(*ast.GenDecl)
			if !ok || group.Tok != token.CONST {
				continue
			}
			for _, spec := range group.Specs {
				spec := spec.(*ast.ValueSpec)
				for i, name := range spec.Names {
					if i < len(spec.Values) {
						all[room+"."+name.Name] = spec.Values[i]
					}
				}
			}
		}
	})
	return all
}

var units = map[string]time.Duration{"time.Millisecond": time.Millisecond, "time.Second": time.Second,
	"time.Minute": time.Minute, "time.Hour": time.Hour}

// number returns the value of an expression in a package. It is unknown for what limits are not made of.
func (all constants) number(room string, e ast.Expr) constant.Value {
	switch e := e.(type) {
	case *ast.BasicLit:
		return constant.ToInt(constant.MakeFromLiteral(e.Value, e.Kind, 0))
	case *ast.ParenExpr:
		return all.number(room, e.X)
	case *ast.Ident:
		if named, ok := all[room+"."+e.Name]; ok {
			return all.number(room, named)
		}
	case *ast.SelectorExpr:
		name := fmt.Sprint(e.X, ".", e.Sel.Name)
		if unit, ok := units[name]; ok {
			return constant.MakeInt64(int64(unit))
		}
		for known, named := range all {
			if strings.HasSuffix("/"+known, "/"+name) {
				return all.number(strings.TrimSuffix(known, "."+e.Sel.Name), named)
			}
		}
	case *ast.BinaryExpr:
		x, y := all.number(room, e.X), all.number(room, e.Y)
		if x.Kind() != constant.Int || y.Kind() != constant.Int {
			return constant.MakeUnknown()
		}
		if e.Op == token.SHL {
			n, _ := constant.Uint64Val(y)
			return constant.Shift(x, e.Op, uint(n))
		}
		return constant.BinaryOp(x, e.Op, y)
	}
	return constant.MakeUnknown()
}

// written returns the number that a table says, such as "1 MiB", "12 h" or "40,000".
func written(value string) (int64, error) {
	number, unit, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(strings.ReplaceAll(number, ",", ""), 10, 64)
	factor, known := map[string]int64{"": 1, "KiB": 1 << 10, "MiB": 1 << 20, "ms": int64(time.Millisecond),
		"s": int64(time.Second), "min": int64(time.Minute), "h": int64(time.Hour), "days": 24 * int64(time.Hour)}[unit]
	if err == nil && !known {
		err = fmt.Errorf("the unit %q is not known", unit)
	}
	return n * factor, err
}

// limited are the packages that read what strangers send: each constant there that is named as a limit is in the table.
var limited = []string{"activity", "remote", "signature", "federation/inbox", "media", "ratelimit"}

var namedAsLimit = regexp.MustCompile(`^([a-z/]+)\.(?:[mM]ax|most)[A-Z]\w*$`)

func TestTheTableOfLimitsIsTrue(t *testing.T) {
	all, names := readConstants(t), allTests(t)
	known := map[string]bool{}
	var untried int
	for _, l := range readLimits(t) {
		if known[l.name] {
			t.Errorf("%s has two rows", l.name)
		}
		known[l.name] = true
		room, _, _ := strings.Cut(l.name, ".")
		value, exists := all[l.name]
		if !exists {
			t.Errorf("there is no constant %s", l.name)
			continue
		}
		want, err := written(l.value)
		if got, exact := constant.Int64Val(all.number(room, value)); err != nil || !exact || got != want {
			t.Errorf("%s is %d, the table says %s: %v", l.name, got, l.value, err)
		}
		if reason, yes := strings.CutPrefix(l.tests, "not yet: "); yes && reason != "" {
			untried++
			continue
		}
		for _, test := range strings.Split(l.tests, ", ") {
			if !slices.Contains(names, test) {
				t.Errorf("%s is tried by %q, which does not exist", l.name, test)
			}
		}
	}
	for name := range all {
		found := namedAsLimit.FindStringSubmatch(name)
		if found != nil && slices.Contains(limited, found[1]) && !known[name] {
			t.Errorf("limits.md has no row for %s", name)
		}
	}
	t.Logf("%d limits, %d of them tried by no test", len(known), untried)
}
