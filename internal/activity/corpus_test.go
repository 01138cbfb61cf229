package activity

import (
	"bytes"
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// corpus is where payloads found in the wild lie, and under hostile those made to hurt.
const corpus = "CAUSERIE_CORPUS"

// payloads calls do with every file of the corpus.
func payloads(tb testing.TB, do func(name string, body []byte)) {
	root := os.Getenv(corpus)
	if root == "" {
		tb.Skipf("%s is not set: no payloads of other servers to read", corpus)
	}
	count := 0
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() || filepath.Ext(path) != ".json" {
			return err
		}
		body, err := os.ReadFile(path)
		body = bytes.ReplaceAll(body, []byte("SCRUBBED_ID"), []byte("https://mbin.example/scrubbed"))
		name, _ := filepath.Rel(root, path)
		count++
		do(name, body)
		return err
	})
	if err != nil || count == 0 {
		tb.Fatalf("%d payloads under %s: %v", count, root, err)
	}
}

// everything is all that can be made of a body.
func everything(body []byte) (Activity, Object, error) {
	d, err := Read(body)
	if err != nil {
		return Activity{}, Object{}, err
	}
	act, err1 := Parse(d)
	object, err2 := ParseObject(d)
	ParseActor(d)
	ParseKey(d)
	if err1 != nil && err2 != nil {
		return act, object, err2
	}
	return act, object, nil
}

func TestPayloadsOfTheWildAreReadWithoutHarm(t *testing.T) {
	var read, refused int
	var slowest time.Duration
	var slow string
	payloads(t, func(name string, body []byte) {
		start := time.Now()
		act, object, err := everything(body)
		if took := time.Since(start); took > slowest {
			slowest, slow = took, name
		}
		if err != nil {
			refused++
			if !strings.Contains(name, "webfinger") && !strings.Contains(name, "nodeinfo") {
				t.Logf("%s: %v", name, err)
			}
			return
		}
		read++
		sameText(t, name, body, act, object)
	})
	t.Logf("%d read, %d refused, slowest %s in %v", read, refused, slow, slowest)
	if slowest > 50*time.Millisecond {
		t.Errorf("%s took %v", slow, slowest)
	}
}

// sameText compares the texts that were read with what a plain JSON reader finds.
func sameText(t *testing.T, name string, body []byte, act Activity, object Object) {
	var raw map[string]any
	decoder := json.NewDecoder(bytes.NewReader(body))
	decoder.UseNumber()
	if err := decoder.Decode(&raw); err != nil {
		t.Errorf("%s was read, but encoding/json refuses it: %v", name, err)
		return
	}
	switch said := act.Act.(type) {
	case Create:
		raw, object = embedded(raw["object"]), said.Object
	case Update:
		raw, object = embedded(raw["object"]), said.Object
	}
	for property, got := range map[string]string{"content": object.Content, "name": object.Name, "summary": object.Summary} {
		if want, ok := raw[property].(string); ok && object.Embedded && got != want {
			t.Errorf("%s: %s is %q, want %q", name, property, got, want)
		}
	}
}
