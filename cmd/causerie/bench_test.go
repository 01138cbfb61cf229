package main

import (
	"context"
	"strings"
	"testing"
	"time"
)

func TestBenchMeasuresALineWithServersOfItsOwn(t *testing.T) {
	t.Setenv(asProgram, "1") // the test binary is also the server that is measured
	ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
	defer cancel()
	out, trouble, _ := cli(ctx, []string{"bench", "--only", "change", "--json"}, nil, "")
	figures := read[figure](t, out)
	if len(figures) != 2 {
		t.Fatalf("it prints %q and says %s", out, trouble)
	}
	for _, f := range figures {
		if f.Line != "change" || f.Value < 1 || f.Value > 50 || f.Most != 3 || f.Met != (f.Value <= 3) {
			t.Errorf("a figure is %+v", f)
		}
	}
}

func TestBenchNamesTheLineThatIsMeant(t *testing.T) {
	_, trouble, status := cli(t.Context(), []string{"bench", "--only", "fanuot"}, nil, "")
	if status != misusing || !strings.Contains(trouble, `did you mean "fanout"?`) {
		t.Errorf("it ends with %d: %s", status, trouble)
	}
}

func TestAFigureMeetsItsBar(t *testing.T) {
	for _, c := range []struct {
		figure
		met bool
	}{
		{figure{Value: 2, Most: 2}, true}, {figure{Value: 2.1, Most: 2}, false},
		{figure{Value: 0.9, Least: 0.9}, true}, {figure{Value: 0.89, Least: 0.9}, false},
		{figure{Value: 0, Zero: true}, true}, {figure{Value: 1, Zero: true}, false},
		{figure{Value: 7}, true},
	} {
		b := &bench{log: &output{}}
		b.add(c.figure)
		if b.figures[0].Met != c.met {
			t.Errorf("%+v: met is %t", c.figure, b.figures[0].Met)
		}
	}
}
