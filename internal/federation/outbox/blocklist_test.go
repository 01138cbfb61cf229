package outbox_test

import (
	"bytes"
	"encoding/csv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
)

func TestT162AReasonIsNoFormulaOfASpreadsheet(t *testing.T) {
	var blocks []blog.Block
	reasons := []string{"=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "=cmd|' /C calc'!A0", "'=1", "'", "spam, \"and\" worse",
		"a = b", ""}
	for _, reason := range reasons {
		blocks = append(blocks, blog.Block{Kind: blog.BlockServer, Subject: "a" + string(rune('a'+len(blocks))) + ".example",
			Level: blog.Refuse, Reason: reason})
	}
	var list bytes.Buffer
	if err := blocklist.WriteBlocklist(&list, blocks); err != nil {
		t.Fatal(err)
	}
	cells, err := csv.NewReader(bytes.NewReader(list.Bytes())).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	for _, line := range cells[1:] {
		for _, cell := range line {
			if cell != "" && strings.ContainsAny(cell[:1], "=+-@\t\r") {
				t.Errorf("a spreadsheet reckons %q", cell)
			}
		}
	}
	read, err := blocklist.ReadBlocklist(&list)
	if err != nil {
		t.Fatal(err)
	}
	var back []string
	for _, b := range read.Blocks {
		back = append(back, b.Reason)
	}
	if diff := cmp.Diff(reasons, back); diff != "" {
		t.Errorf("read back (-want +got):\n%s", diff)
	}
}
