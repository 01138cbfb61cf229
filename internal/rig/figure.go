// Package rig measures how reliable the program is, from outside. It builds the real program and runs it in processes
// of its own ([Program]), with the pretend servers of fedtest as its peers, an author who publishes over HTTP
// ([Author]), and faults that a seed repeats. What was acknowledged and what arrived is kept out here, in ledgers: the
// program's own counts prove nothing.
//
// The result is a [Figure]. It prints one line of JSON with its seed, its sizes and its bars:
//
//	f := rig.Measure(t, "R-01", rig.Run{Seed: seed, Database: "sqlite"})
//	f.Sometimes("kills in a fan-out", cut)
//	f.Judge(func(b *rig.Bars) { b.AtMost("deliveries lost", ledger.lost(), 0) }, ledger.tamper)
//
// A test of a figure has its number in its name. CAUSERIE_TEST_RIG=full measures in the full size.
package rig

import (
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// Full reports whether figures are measured in their full size, which takes hours. The small size takes minutes.
func Full() bool { return os.Getenv("CAUSERIE_TEST_RIG") == "full" }

// Size is the small number, or the full one where [Full] asks for it.
func Size[N int | float64](small, full N) N {
	if Full() {
		return full
	}
	return small
}

// Run is what repeats a figure.
type Run struct {
	Seed     uint64
	Database string // "sqlite" or "postgres"; empty where no database takes part
}

// NewRun returns a run with a new seed. CAUSERIE_TEST_SEED repeats an old one.
func NewRun(t testing.TB, database string) (Run, *rand.Rand) {
	t.Helper()
	seed := uint64(time.Now().UnixNano()) % 1_000_000
	if text := os.Getenv("CAUSERIE_TEST_SEED"); text != "" {
		if _, err := fmt.Sscan(text, &seed); err != nil {
			t.Fatalf("CAUSERIE_TEST_SEED: %v", err)
		}
	}
	return Run{Seed: seed, Database: Database(database)}, rand.New(rand.NewPCG(seed, 1))
}

// Database returns the kind of a database by its address.
func Database(address string) string {
	if strings.HasPrefix(address, "postgres") {
		return "postgres"
	}
	return "sqlite"
}

// Figure is one measured promise.
type Figure struct {
	t     testing.TB
	line  line
	began time.Time
}

// line is what a figure prints.
type line struct {
	Figure    string           `json:"figure"`
	Database  string           `json:"database,omitempty"`
	Form      string           `json:"form"`
	Seed      uint64           `json:"seed"`
	Commit    string           `json:"commit"`
	Wall      float64          `json:"wall_seconds"`
	Sizes     map[string]int   `json:"sizes"`
	Values    map[string]value `json:"values"`
	Sometimes map[string]int   `json:"sometimes"`
	Control   string           `json:"control"`
	OK        bool             `json:"ok"`
}

type value struct {
	Is  float64 `json:"is"`
	Bar string  `json:"bar,omitempty"`
	OK  bool    `json:"ok"`
}

// Measure begins a figure.
func Measure(t testing.TB, id string, run Run) *Figure {
	form := "small"
	if Full() {
		form = "full"
	}
	return &Figure{t: t, began: time.Now(), line: line{Figure: id, Database: run.Database, Form: form, Seed: run.Seed,
		Commit: commit(), Sizes: map[string]int{}, Sometimes: map[string]int{}}}
}

// commit is the commit that is measured; with a plus where files were changed since.
var commit = sync.OnceValue(func() string {
	hash, err := exec.Command("git", "rev-parse", "--short", "HEAD").Output()
	if err != nil {
		return "unknown" // a copy without its history
	}
	text := strings.TrimSpace(string(hash))
	if changed, err := exec.Command("git", "status", "--porcelain", "-uno").Output(); err == nil && len(changed) > 0 {
		text += "+"
	}
	return text
})

// Began sets the time from which the wall time counts, for figures that share one run.
func (f *Figure) Began(at time.Time) { f.began = at }

// Size notes how much of something took part.
func (f *Figure) Size(what string, n int) { f.line.Sizes[what] = n }

// Sometimes counts how often a rare path was taken. A figure whose rare path was never taken proves nothing: it is
// void, and fails.
func (f *Figure) Sometimes(what string, n int) { f.line.Sometimes[what] = n }

// Bars are the values of a figure, each with the bar that it must keep.
type Bars struct{ values map[string]value }

func (b *Bars) set(name string, is float64, bar string, ok bool) { b.values[name] = value{is, bar, ok} }

// AtMost sets a value that must not be above its bar.
func (b *Bars) AtMost(name string, is, bar float64) {
	b.set(name, is, fmt.Sprintf("<= %g", bar), is <= bar)
}

// AtLeast sets a value that must not be below its bar.
func (b *Bars) AtLeast(name string, is, bar float64) {
	b.set(name, is, fmt.Sprintf(">= %g", bar), is >= bar)
}

// Exactly sets a value that must be its bar.
func (b *Bars) Exactly(name string, is, bar float64) {
	b.set(name, is, fmt.Sprintf("= %g", bar), is == bar)
}

// Note sets a value without a bar.
func (b *Bars) Note(name string, is float64) { b.set(name, is, "", true) }

// evaluate fills in the values and reports whether the figure is good.
func (f *Figure) evaluate(bars func(*Bars)) bool {
	b := Bars{map[string]value{}}
	bars(&b)
	f.line.Values, f.line.OK = b.values, true
	for _, v := range b.values {
		f.line.OK = f.line.OK && v.OK
	}
	for _, n := range f.line.Sometimes {
		f.line.OK = f.line.OK && n > 0
	}
	return f.line.OK
}

func (f *Figure) print() string {
	var text strings.Builder
	encoder := json.NewEncoder(&text)
	encoder.SetEscapeHTML(false) // bars have a < in them
	if err := encoder.Encode(f.line); err != nil {
		f.t.Fatal(err) // a value is no number
	}
	fmt.Print(text.String())
	return text.String()
}

// Judge prints the figure, and fails the test where a bar is missed or a rare path was never taken. Then it lets tamper
// spoil the ledger that the bars are computed from: a figure that stays good cannot fail, and fails the test as well.
func (f *Figure) Judge(bars func(*Bars), tamper func()) {
	f.t.Helper()
	f.line.Wall = time.Since(f.began).Round(time.Millisecond).Seconds()
	good := f.evaluate(bars)
	kept := f.line
	tamper()
	f.line.Sometimes = nil // of the same run
	red := !f.evaluate(bars)
	f.line = kept
	f.line.Control = "red"
	if !red {
		f.line.Control = "green"
	}
	text := f.print()
	if !good {
		f.t.Errorf("%s is missed or void: %s", f.line.Figure, text)
	}
	if !red {
		f.t.Errorf("%s cannot fail: it stays good with a ledger that was tampered with", f.line.Figure)
	}
}

// MustBeRed prints the figure of a build that breaks the promise, and fails the test where its bars are kept.
func (f *Figure) MustBeRed(bars func(*Bars)) {
	f.t.Helper()
	f.line.Wall = time.Since(f.began).Round(time.Millisecond).Seconds()
	sometimes := f.line.Sometimes
	f.line.Sometimes = nil // a void figure must not pass for a red one
	red := !f.evaluate(bars)
	f.line.Sometimes, f.line.OK, f.line.Control = sometimes, red, "broken build"
	if text := f.print(); !red {
		f.t.Errorf("%s stays good in a build that breaks its promise: %s", f.line.Figure, text)
	}
}
