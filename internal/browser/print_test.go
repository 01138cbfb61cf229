package browser_test

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
)

func TestAnArticleIsPrintedWhole(t *testing.T) {
	s := open(t)
	s.begin()
	s.program.Must(password+"\n", "author", "add", "bo", "--name", "Bo Li", "--password-stdin")
	for _, name := range []string{"everything.md", "arabic.md"} {
		a := s.file(name)
		tab := s.chrome.Stranger(t)
		tab.Open(a.URL)
		tab.Paper()
		for _, gone := range []string{".running", ".foot", ".acts", ".talk"} {
			if tab.Shown(gone) {
				t.Errorf("%s: %s is printed", name, gone)
			}
		}
		for _, there := range []string{"h1", ".prose", ".colophon"} {
			if !tab.Shown(there) {
				t.Errorf("%s: %s is not printed", name, there)
			}
		}
		for _, cut := range tab.Cut() {
			t.Errorf("%s: not all of this is on the paper: %s", name, cut)
		}
		pdf := tab.PDF()
		if !bytes.HasPrefix(pdf, []byte("%PDF-")) || len(pdf) < 10_000 {
			t.Errorf("%s: no PDF is made, but %d bytes", name, len(pdf))
		}
		if folder := os.Getenv("CAUSERIE_TEST_SCREENSHOTS"); folder != "" {
			s.must(os.WriteFile(filepath.Join(folder, name+".pdf"), pdf, 0o600))
		}
	}
}
