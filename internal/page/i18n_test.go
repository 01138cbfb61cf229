package page

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"causerie/templates"
)

func TestANameBreaksBetweenTheLabelsOfAHostAndIsEscaped(t *testing.T) {
	for name, want := range map[string]string{
		"De Overkant":      "De Overkant",
		"localhost:8080":   "localhost<wbr>:8080",
		"blog.example":     "blog<wbr>.example",
		"127.0.0.1:8080":   "127.0.0.1<wbr>:8080",
		"a <b>&\" .x: 'y.": "a &lt;b&gt;&amp;&#34; <wbr>.x: &#39;y.",
		"\xff<.script":     "\ufffd&lt;<wbr>.script",
	} {
		if got := string(withBreaks(name)); got != want {
			t.Errorf("%q becomes %q, want %q", name, got, want)
		}
	}
}

func TestABlogBringsItsOwnWords(t *testing.T) {
	t.Parallel()
	own := fstest.MapFS{
		"de.yaml": {Data: []byte("months: Januar Februar März April Mai Juni Juli August September Oktober " +
			"November Dezember\ndate: \"{{.Day}}. {{.Month}} {{.Year}}\"\nskip: Zum Inhalt\n")},
		"ja.yaml": {Data: []byte("months: 1月 2月 3月 4月 5月 6月 7月 8月 9月 10月 11月 12月\n" +
			"date: \"{{.Year}}年{{.Month}}{{.Day}}日\"\n")},
		"ar.yaml": {Data: []byte("replies:\n  two: ردان\n  few: \"{{.N}} ردود\"\n  other: \"{{.N}} رد\"\n")},
		"nl.yaml": {Data: []byte("archive: Alles\n")},
	}
	set, err := Load(templates.FS, own)
	if err != nil {
		t.Fatal(err)
	}
	set.Fallback = "nl"
	march := time.Date(2026, 3, 17, 12, 0, 0, 0, time.UTC)
	if got, err := set.Translate("ar", "replies", "N", 14); got != "١٤ رد" {
		t.Errorf("without a form of its own fourteen replies are %q: %v", got, err)
	}
	for code, want := range map[string]struct{ language, day, skip, archive, two string }{
		"de-AT": {"de", "17. März 2026", "Zum Inhalt", "Alles", "2 reacties"},
		"ja":    {"ja", "2026年3月17日", "Naar de inhoud", "Alles", "2 reacties"},
		"ar":    {"ar", "17 maart 2026", "Naar de inhoud", "Alles", "ردان"},
		"nl":    {"nl", "17 maart 2026", "Naar de inhoud", "Alles", "2 reacties"},
		"en":    {"en", "17 March 2026", "Skip to the content", "Archive", "2 replies"},
		"pt":    {"nl", "17 maart 2026", "Naar de inhoud", "Alles", "2 reacties"},
	} {
		if got := set.Language(code); got != want.language {
			t.Errorf("a page in %s has its words in %s, want %s", code, got, want.language)
		}
		if got, err := set.localizer(code).day(march); got != want.day {
			t.Errorf("in %s the day is %q, want %q: %v", code, got, want.day, err)
		}
		for id, want := range map[string]string{"skip": want.skip, "archive": want.archive} {
			if got, err := set.Translate(code, id); got != want {
				t.Errorf("in %s %q is %q, want %q: %v", code, id, got, want, err)
			}
		}
		if got, err := set.Translate(code, "replies", "N", 2); got != want.two {
			t.Errorf("in %s two replies are %q, want %q: %v", code, got, want.two, err)
		}
	}
}

// A text that fails only on a page would take that page down, long after the start.
func TestWordsThatCannotBeUsedAreRefusedAtTheStart(t *testing.T) {
	t.Parallel()
	for name, file := range map[string]struct{ name, text string }{
		"no YAML":                 {"de.yaml", "skip: [b"},
		"a name of no language":   {"german.yaml", "skip: Zum Inhalt"},
		"a kind of a language":    {"de-at.yaml", "skip: Zum Inhalt"},
		"eleven months":           {"de.yaml", "months: a b c d e f g h i j k"},
		"a placeholder left open": {"de.yaml", `part: "Teil {{.Part"`},
		"a call in a text":        {"de.yaml", `part: "Teil {{index .Part 99}}"`},
		"a plural with a call":    {"de.yaml", "replies:\n  one: \"{{call .N}}\"\n  other: x"},
	} {
		if _, err := Load(templates.FS, fstest.MapFS{file.name: {Data: []byte(file.text)}}); err == nil ||
			!strings.Contains(err.Error(), file.name) {
			t.Errorf("%s: the error is %v", name, err)
		}
	}
	// The folder of a blog without words of its own does not exist.
	if _, err := Load(templates.FS, os.DirFS(filepath.Join(t.TempDir(), "words"))); err != nil {
		t.Error(err)
	}
}
