package activity

import (
	"encoding/json"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// examples are the JSON blocks under a heading of the README.
func examples(t *testing.T, heading string) []string {
	t.Helper()
	readme, err := os.ReadFile(filepath.Join("..", "..", "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	_, part, found := strings.Cut(string(readme), "\n### "+heading+"\n")
	part, _, _ = strings.Cut(part, "\n## ")
	part, _, _ = strings.Cut(part, "\n### ")
	var list []string
	for _, block := range strings.Split(part, "```json\n")[min(1, strings.Count(part, "```json\n")):] {
		example, _, _ := strings.Cut(block, "```")
		list = append(list, example)
	}
	if !found || len(list) < 8 {
		t.Fatalf("the README has %d examples under %q", len(list), heading)
	}
	return list
}

// TestWhatTheReadmeSaysWeSendIsWhatWeSend looks for each example in the golden files. An example may leave members out,
// and "…" stands for any text.
func TestWhatTheReadmeSaysWeSendIsWhatWeSend(t *testing.T) {
	said := documents(t)
	for _, example := range examples(t, "What we send, by example") {
		var short any
		if err := json.Unmarshal([]byte(example), &short); err != nil {
			t.Errorf("%v in %s", err, example)
			continue
		}
		found := false
		for _, document := range said {
			found = found || within(short, any(loose(t, document)))
		}
		if !found {
			t.Errorf("we never say\n%s", example)
		}
	}
}

// within reports whether an example is a document with something left out.
func within(example, document any) bool {
	switch example := example.(type) {
	case map[string]any:
		object, is := document.(map[string]any)
		for name, value := range example {
			member, there := object[name]
			is = is && there && within(value, member)
		}
		return is
	case []any:
		list, is := document.([]any)
		return is && slices.EqualFunc(example, list, within)
	case string:
		text, is := document.(string)
		pattern := strings.ReplaceAll(regexp.QuoteMeta(example), "…", ".*")
		return is && regexp.MustCompile("(?s)^"+pattern+"$").MatchString(text)
	}
	return example == document
}

// TestWhatTheReadmeSaysWeAcceptIsUnderstood reads each example as the inbox does.
func TestWhatTheReadmeSaysWeAcceptIsUnderstood(t *testing.T) {
	for _, example := range examples(t, "What we accept, by example") {
		d, err := Read([]byte(example))
		if err != nil {
			t.Errorf("%v in %s", err, example)
			continue
		}
		if a, err := Parse(d); err != nil || a.Act == nil {
			t.Errorf("%v, %+v from %s", err, a, example)
		}
	}
}
