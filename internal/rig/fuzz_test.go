package rig_test

import (
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"causerie/internal/rig"
)

// fuzzTargets are the parsers of what strangers send, each with its package and its targets.
var fuzzTargets = map[string][2]string{
	"JSON decoder":      {"activity", "FuzzRead"},
	"signature header":  {"signature", "FuzzSignatureHeader"},
	"Signature-Input":   {"signature", "FuzzSignatureInput"},
	"Digest header":     {"signature", "FuzzDigest"},
	"HTML sanitizer":    {"markup", "FuzzClean"},
	"Markdown":          {"markup", "FuzzArticle"},
	"front matter":      {"markup", "FuzzParseFrontMatter"},
	"handle":            {"remote", "FuzzHandle"},
	"guard of requests": {"remote", "FuzzGuard"},
	"Accept header":     {"activity", "FuzzAccept"},
	"picture":           {"media", "FuzzPicture"},
}

// TestR14NoInputBreaksAParser lets each target run for a minute in the full form. In the small form the committed
// inputs are what the ordinary tests run, and this test sees that each target has some.
func TestR14NoInputBreaksAParser(t *testing.T) {
	run, _ := rig.NewRun(t, "")
	run.Database = ""
	f := rig.Measure(t, "R-14", run)
	inputs, crashes := 0, 0
	for parser, at := range fuzzTargets {
		dir := filepath.Join("..", at[0])
		files, err := os.ReadDir(filepath.Join(dir, "testdata", "fuzz", at[1]))
		if err != nil || len(files) == 0 {
			crashes++
			t.Errorf("the %s has no committed inputs: %v", parser, err)
			continue
		}
		inputs += len(files)
		if !rig.Full() {
			continue
		}
		fuzz := exec.CommandContext(t.Context(), "go", "test", "-run", "^$", "-fuzz", "^"+at[1]+"$", "-fuzztime", "60s",
			"-parallel", "1", ".")
		fuzz.Dir = dir
		said, err := fuzz.CombinedOutput()
		var failed *exec.ExitError
		if err != nil && !errors.As(err, &failed) {
			t.Fatal(err)
		}
		if err != nil || !strings.Contains(string(said), "\nPASS") {
			crashes++
			t.Errorf("%s: %v\n%s", parser, err, said)
		}
	}
	f.Size("targets", len(fuzzTargets))
	f.Size("seconds of each", rig.Size(0, 60))
	f.Sometimes("committed inputs", inputs)
	f.Judge(func(b *rig.Bars) { b.AtMost("targets that fail", float64(crashes), 0) }, func() { crashes++ })
}
