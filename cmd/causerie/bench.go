package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"causerie/internal/nearest"
)

// benchCommand has the tools that measure a blog. It is hidden: authors and operators need none of them.
type benchCommand struct {
	Run  benchRun  `cmd:"" default:"withargs" help:"Measure the program, and compare it with its bars."`
	Seed benchSeed `cmd:"" help:"Fill an empty blog with articles, comments and followers, to measure it."`
	Bare benchBare `cmd:"" hidden:"" help:"Serve a file by the least that net/http can do, to compare with it."`
}

type benchRun struct {
	Full bool     `help:"Use the full sizes. It takes hours."`
	Only []string `placeholder:"LINE,…" help:"Measure only these lines: ${bench_lines}."`
	Rand uint64   `name:"seed" default:"1" placeholder:"N" help:"The same seed makes the same blogs. Default: ${default}."`
	JSON bool     `name:"json" help:"Print one JSON object for each figure."`
}

// Help is printed below the command's line by --help.
func (benchRun) Help() string {
	return "It makes blogs of its own in temporary databases, runs the server on them as a process of its own, and " +
		"plays readers and other servers. Without --database the databases are SQLite files. With --database " +
		"postgres://… they are made beside the named database and dropped again, so the user must be allowed to " +
		"create databases. Readers and the other servers share the processor with the server; its own time stands " +
		"beside each rate. The exit code is 1 if a bar is missed."
}

// benchLine is a line of the table: a kind of work, with the figures that it yields.
type benchLine struct {
	name string // for --only
	what string
	run  func(ctx context.Context, b *bench) error
}

// benchLines are all lines in the order of the table.
var benchLines = []benchLine{
	{"growth", "a small blog and a large one", measureGrowth},
	{"change", "what a change costs", measureChange},
	{"thread", "a long thread, and a storm of replies", measureThread},
	{"page", "a kept page at 64 connections", measurePage},
	{"fanout", "an article to healthy servers", measureFanOut},
	{"stampede", "followers who fetch a new article at once", measureStampede},
	{"replies", "replies to one article from 500 servers", measureReplies},
	{"memory", "memory at rest and among unreachable servers", measureMemory},
	{"size", "size on disk", measureSize},
	{"processes", "several processes on one PostgreSQL", measureProcesses},
}

func benchLineNames() (names []string) {
	for _, line := range benchLines {
		names = append(names, line.name)
	}
	return names
}

// bench is a run of the measurements.
type bench struct {
	benchRun
	log      io.Writer // progress
	database string    // postgres://…, or "" for SQLite
	folder   string    // for the databases and the files of the blogs
	began    time.Time
	line     string   // that is measured now
	figures  []figure // of all lines
	blogs    int      // that were made
}

// figure is one number with the bar that it must reach.
type figure struct {
	Line  string  `json:"line"`
	What  string  `json:"what"`
	Value float64 `json:"value"`
	Unit  string  `json:"unit"`
	Most  float64 `json:"most,omitempty"`  // the bar, if the value must not be above it
	Least float64 `json:"least,omitempty"` // the bar, if the value must not be below it
	Zero  bool    `json:"zero,omitempty"`  // the value must be zero
	CPU   float64 `json:"cpu,omitempty"`   // seconds of the server's own process
	Note  string  `json:"note,omitempty"`
	Met   bool    `json:"met"`
}

// add notes a figure and prints it.
func (b *bench) add(f figure) {
	f.Line = b.line
	f.Met = !(f.Most > 0 && f.Value > f.Most || f.Least > 0 && f.Value < f.Least || f.Zero && f.Value != 0)
	b.figures = append(b.figures, f)
	b.say("%s: %s %s%s", f.What, f.number(), f.Unit, map[bool]string{false: ", missed " + f.bar()}[f.Met])
}

// say prints progress.
func (b *bench) say(format string, args ...any) {
	fmt.Fprintf(b.log, "%4.0f s  %-9s %s\n", time.Since(b.began).Seconds(), b.line, fmt.Sprintf(format, args...))
}

func (f figure) number() string {
	switch {
	case f.Value == float64(int(f.Value)) || f.Value >= 100:
		return fmt.Sprintf("%.0f", f.Value)
	case f.Value >= 10:
		return fmt.Sprintf("%.1f", f.Value)
	}
	return fmt.Sprintf("%.2f", f.Value)
}

// bar is what the value must reach; "" if nothing.
func (f figure) bar() string {
	switch {
	case f.Zero:
		return "0"
	case f.Most > 0:
		return fmt.Sprintf("at most %g", f.Most)
	case f.Least > 0:
		return fmt.Sprintf("at least %g", f.Least)
	}
	return ""
}

// size returns the full size with --full, and the small one otherwise.
func (b *bench) size(small, full int) int {
	if b.Full {
		return full
	}
	return small
}

func (r benchRun) Run(ctx context.Context, c *console, config Config, _ *slog.Logger) error {
	lines, err := r.lines()
	if err != nil {
		return err
	}
	b := &bench{benchRun: r, log: c.err, began: time.Now()}
	if strings.Contains(config.Database, "://") {
		b.database = config.Database
	}
	if b.folder, err = os.MkdirTemp("", "causerie-bench-"); err != nil {
		return err
	}
	defer os.RemoveAll(b.folder)
	for _, line := range lines {
		b.line = line.name
		b.say("%s", line.what)
		if err := line.run(ctx, b); err != nil {
			return fmt.Errorf("measure %s: %w", line.name, err)
		}
	}
	if err := b.print(c.out); err != nil {
		return err
	}
	if slices.ContainsFunc(b.figures, func(f figure) bool { return !f.Met }) {
		return errors.New("some bars are missed")
	}
	return nil
}

// lines returns the lines that are measured.
func (r benchRun) lines() ([]benchLine, error) {
	if len(r.Only) == 0 {
		return benchLines, nil
	}
	wanted := map[string]bool{}
	for _, name := range r.Only {
		if !slices.Contains(benchLineNames(), name) {
			return nil, usageError{fmt.Errorf("there is no line %q; did you mean %q? The lines are %s", name,
				cmp.Or(nearest.Word(name, benchLineNames()), "growth"), strings.Join(benchLineNames(), ", "))}
		}
		wanted[name] = true
	}
	return slices.DeleteFunc(slices.Clone(benchLines), func(l benchLine) bool { return !wanted[l.name] }), nil
}

// databaseName is what the table calls the database.
func (b *bench) databaseName() string {
	if b.database == "" {
		return "SQLite"
	}
	return "PostgreSQL"
}

// print prints the table, or with --json an object for each figure.
func (b *bench) print(out io.Writer) error {
	if b.JSON {
		for _, f := range b.figures {
			if err := json.NewEncoder(out).Encode(struct {
				figure
				Database string `json:"database"`
				Seed     uint64 `json:"seed"`
				Full     bool   `json:"full"`
			}{f, b.databaseName(), b.Rand, b.Full}); err != nil {
				return err
			}
		}
		return nil
	}
	sizes := map[bool]string{false: "default sizes", true: "full sizes"}[b.Full]
	fmt.Fprintf(out, "Causerie %s on %s, seed %d, %s, %d cores, %.0f s\n\n", version, b.databaseName(), b.Rand, sizes,
		runtime.NumCPU(), time.Since(b.began).Seconds())
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "line\tfigure\tvalue\tbar\t\tserver's CPU\t")
	for _, f := range b.figures {
		met, cpu := "", ""
		if f.bar() != "" {
			met = map[bool]string{false: "MISSED", true: "met"}[f.Met]
		}
		if f.CPU > 0 {
			cpu = fmt.Sprintf("%.2f s", f.CPU)
		}
		fmt.Fprintf(t, "%s\t%s\t%s %s\t%s\t%s\t%s\t%s\n", f.Line, f.What, f.number(), f.Unit, f.bar(), met, cpu, f.Note)
	}
	return t.Flush()
}

// worst returns the entry of a map with the largest value.
func worst(of map[string]float64) (name string, value float64) {
	for _, key := range slices.Sorted(maps.Keys(of)) {
		if name == "" || of[key] > value {
			name, value = key, of[key]
		}
	}
	return name, value
}

// quantile returns the value below which a share of the values lies; 0 without values.
func quantile[T cmp.Ordered](values []T, share float64) (value T) {
	if len(values) == 0 {
		return value
	}
	sorted := slices.Sorted(slices.Values(values))
	return sorted[min(len(sorted)-1, int(share*float64(len(sorted))))]
}
