package main

import (
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
)

// table prints what a command lists: columns for people, or one JSON object on each line for programs.
type table struct {
	columns *tabwriter.Writer
	objects *json.Encoder // nil for people
	lines   int
	err     error
}

func newTable(out io.Writer, asJSON bool) *table {
	if asJSON {
		objects := json.NewEncoder(out)
		objects.SetEscapeHTML(false) // the output is read by programs, never by a browser
		return &table{objects: objects}
	}
	return &table{columns: tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)}
}

// line prints one row: the object as JSON, or the cells as columns.
func (t *table) line(object any, cells ...string) {
	if t.err != nil {
		return
	}
	t.lines++
	if t.isJSON() {
		t.err = t.objects.Encode(object)
		return
	}
	// Only here: programs need the text as it is.
	for i, cell := range cells {
		cells[i] = oneLine(cell)
	}
	_, t.err = fmt.Fprintln(t.columns, strings.TrimRight(strings.Join(cells, "\t"), "\t "))
}

// isJSON reports whether the table prints JSON for programs.
func (t *table) isJSON() bool { return t.objects != nil }

func (t *table) flush() error {
	if t.err != nil || t.columns == nil {
		return t.err
	}
	return t.columns.Flush()
}

// flushOr is flush. For people it prints the text when there were no rows.
func (t *table) flushOr(nothing string) error {
	if t.err == nil && t.columns != nil && t.lines == 0 {
		t.line(nil, nothing)
	}
	return t.flush()
}

// oneLine replaces control characters and direction marks by spaces. Text of strangers could move the cursor of a
// terminal or hide what is printed.
func oneLine(text string) string {
	return strings.Map(func(r rune) rune {
		if r < ' ' || r == 0x7f || r >= 0x80 && r < 0xa0 || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069 {
			return ' '
		}
		return r
	}, text)
}
