package authoring_test

import (
	"strings"
	"testing"

	"causerie/internal/authoring"
)

func TestSlugsAreMadeFromTitles(t *testing.T) {
	for title, want := range map[string]string{
		"Four minutes wide":             "four-minutes-wide",
		"Wie er zwijgt bij laagwater":   "wie-er-zwijgt-bij-laagwater",
		"  What? -- Again_and again!  ": "what-again-and-again",
		"Über Öl":                       "uber-ol",
		"…":                             "untitled",
		"":                              "untitled",
		strings.Repeat("een lange titel ",
			20): "een-lange-titel-een-lange-titel-een-lange-titel-een-lange-titel-een-lange-titel",
	} {
		if got := authoring.Slug(title, "nl"); got != want {
			t.Errorf("Slug(%q) = %q, want %q", title, got, want)
		}
	}
}
