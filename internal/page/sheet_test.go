package page

import (
	"io/fs"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"causerie/templates"
)

// rules are the declarations of a style sheet by selector, with what is inside @media and @supports under its own name:
// "@media print|pre".
func rules(sheet string) map[string]string {
	sheet = regexp.MustCompile(`(?s)/\*.*?\*/`).ReplaceAllString(sheet, "")
	found := map[string]string{}
	var outer []string
	for sheet = strings.TrimSpace(sheet); sheet != ""; sheet = strings.TrimSpace(sheet) {
		if rest, closed := strings.CutPrefix(sheet, "}"); closed {
			sheet, outer = rest, outer[:len(outer)-1]
			continue
		}
		end := strings.IndexAny(sheet, "{;")
		if end < 0 {
			break
		}
		head := strings.Join(strings.Fields(sheet[:end]), " ")
		if sheet[end] == ';' { // an @namespace
			sheet = sheet[end+1:]
			continue
		}
		sheet = sheet[end+1:]
		if strings.HasPrefix(head, "@media") || strings.HasPrefix(head, "@supports") {
			outer = append(outer, head)
			continue
		}
		body, rest, _ := strings.Cut(sheet, "}")
		body = strings.ReplaceAll(strings.Join(strings.Fields(body), " "), ";", "; ")
		body = strings.TrimSuffix(strings.ReplaceAll(body, ";  ", "; "), "; ")
		found[strings.Join(append(outer, head), "|")] += body + "; "
		sheet = rest
	}
	return found
}

// What the sheet promises in words; browser tests measure what it makes of a page.
func TestTheSheetOfReadersKeepsItsPromises(t *testing.T) {
	t.Parallel()
	const (
		wide   = "@media (min-width: 75em)"
		narrow = "@media not (min-width: 40em)"
		notes  = wide + "|@supports (top: max(anchor(--a top), 1px))|"
		east   = ":is(em, i):is(:lang(zh), :lang(ja), :lang(ko))"
	)
	sheet, err := fs.ReadFile(templates.FS, "static/causerie.css")
	if err != nil {
		t.Fatal(err)
	}
	found := rules(string(sheet))
	for selector, want := range map[string]string{
		// The frame stays as it is when an article is written from right to left, and so does its free column.
		notes + ".notes li":                 "left: calc(100% + var(--gut))",
		notes + `html[dir="rtl"] .notes li`: "right: calc(100% + var(--gut))",
		"code, kbd, samp, pre":              "direction: ltr; unicode-bidi: isolate; text-align: left",
		".box, .words pre":                  "no-repeat local",
		east:                                "text-emphasis: filled dot",
		":is(h1, h2, h3, .title, .lead h1):is(:lang(ar), :lang(fa), :lang(ur))": "line-height: 1.35",
		":is(.hero, .prose figure, .featured .pic) img":                         "max-block-size: 85vh; object-fit: contain",
		"@media print|pre":                                  "white-space: pre-wrap; overflow-wrap: anywhere",
		"@media print|:is(.hero, .prose figure) img":        "max-block-size: 16cm",
		narrow + "|.proof div":                              "grid-template-columns: minmax(0, 1fr)",
		narrow + "|.by:has(+ .by) > .who, .by + .by > .who": "flex: 1 1 100%",
		".prose :is(h4, h5, h6)":                            "font-weight: 600",
		"blockquote > blockquote":                           "font-size: 1em",
		".words blockquote":                                 "font-size: 1em",
		"body:has(> .foot)":                                 "min-block-size: 100svh",
		".prose > p:first-child :is(a, code)":               "font-variant-caps: normal",
		"main a, .name, bdi, b[dir], span[dir]":             "overflow-wrap: anywhere",
		"*":                                                 "min-inline-size: 0",
		wide + "|.page > .years":                            "grid-template-columns: subgrid",
		".words > * + *, .words details > * + *, .words blockquote > * + *": "margin-block-start: .6rem",
	} {
		if !strings.Contains(found[selector], want) {
			t.Errorf("%s is %q, want %q", selector, found[selector], want)
		}
	}
	face := regexp.MustCompile(`--face-ground: light-dark\((#\w+), (#\w+)\)`).FindStringSubmatch(found[":root"])
	dark := regexp.MustCompile(`--paper: light-dark\(#\w+, (#\w+)\)`).FindStringSubmatch(found[":root"])
	if face == nil || dark == nil || face[2] <= dark[1] {
		t.Errorf("in the dark a letter stands in %q on paper of %q: that is a hole", face, dark)
	}
	feed, err := fs.ReadFile(templates.FS, "static/feed.css")
	if err != nil {
		t.Fatal(err)
	}
	if got := rules(string(feed))["@media (max-device-width: 40em)|feed"]; !strings.Contains(got, "font-size: 2.6rem") {
		t.Errorf("on a phone a feed is %q", got)
	}
}

func TestASheetOnTheWireHasTheSameRules(t *testing.T) {
	t.Parallel()
	files, err := fs.Glob(templates.FS, "static/*.css")
	if err != nil || len(files) != 3 {
		t.Fatalf("the sheets are %v: %v", files, err)
	}
	for _, file := range files {
		sheet, err := fs.ReadFile(templates.FS, file)
		if err != nil {
			t.Fatal(err)
		}
		less := shrink(sheet)
		if diff := cmp.Diff(rules(string(sheet)), rules(string(less))); diff != "" || len(less) > len(sheet)*95/100 {
			t.Errorf("%s: %d of %d bytes (-want +got):\n%s", file, len(less), len(sheet), diff)
		}
	}
}
