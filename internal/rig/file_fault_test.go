//go:build linux

package rig_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"image"
	"image/color"
	"image/jpeg"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/rig"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// faultyFiles is a build in which the n-th operation on the files of pictures fails. n is read from the file that
// RIG_FAULTS names; a file with .met at the end then says what failed.
func faultyFiles(t *testing.T) string {
	const file = "internal/media/files.go"
	const faults = `
var faults struct {
	sync.Mutex
	left int
}

func faulty(what string, do func() error) error {
	faults.Lock()
	defer faults.Unlock()
	at := os.Getenv("RIG_FAULTS")
	if text, err := os.ReadFile(at); err == nil {
		faults.left, _ = strconv.Atoi(string(text))
		os.Remove(at)
	}
	if faults.left--; faults.left == 0 {
		os.WriteFile(at+".met", []byte(what), 0o600)
		return errors.New("input/output error (injected)")
	}
	return do()
}

type torn struct{ io.Writer }

func (w torn) Write(p []byte) (int, error) {
	n := len(p)
	err := faulty("write", func() (err error) { n, err = w.Writer.Write(p); return err })
	if err != nil && n == len(p) {
		n, _ = w.Writer.Write(p[:n/2])
	}
	return n, err
}
`
	return broken(t,
		rig.Change{File: file, Old: "\t\"io/fs\"\n", New: "\t\"io/fs\"\n\t\"strconv\"\n\t\"sync\"\n"},
		rig.Change{File: file, Old: "// write writes a file and", New: faults + "\n// write writes a file and"},
		rig.Change{File: file, Old: "file, err := l.folder.OpenFile(part",
			New: "if err := faulty(\"create\", func() error { return nil }); err != nil {\n\t\treturn 0, err\n\t}\n\t" +
				"file, err := l.folder.OpenFile(part"},
		rig.Change{File: file, Old: "NewWriterSize(file,", New: "NewWriterSize(torn{file},"},
		rig.Change{File: file, Old: "err := file.Sync()", New: "err := faulty(\"sync\", file.Sync)"},
		rig.Change{File: file, Old: "err := file.Close()", New: "err := faulty(\"close\", file.Close)"},
		rig.Change{File: file, Old: "err := l.folder.Rename(part, name)",
			New: "err := faulty(\"rename\", func() error { return l.folder.Rename(part, name) })"},
		rig.Change{File: file, Old: "err := folder.Sync()", New: "err := faulty(\"sync of the folder\", folder.Sync)"})
}

// TestR07AFileFaultLeavesNothingTorn uploads a picture while the first operation on a file fails, then another one
// while the second fails, and so on until none fails. Then the program is killed while it writes.
func TestR07AFileFaultLeavesNothingTorn(t *testing.T) {
	path := faultyFiles(t)
	storetest.EachURL(t, func(t *testing.T, database string) {
		control := filepath.Join(t.TempDir(), "faults")
		t.Setenv("RIG_FAULTS", control)
		s := open(t, path, database, 0)
		met, sent := map[string]int{}, 0
		acknowledged := map[string]bool{} // by the digest of the upload
		upload := func() int {
			sent++
			picture := photograph(sent)
			sum := sha256.Sum256(picture)
			code, err := s.author.Upload(t.Context(), "ferry.jpg", picture)
			acknowledged[hex.EncodeToString(sum[:])] = err == nil && code == http.StatusSeeOther
			return code
		}
		refused := 0
		for n := 1; n < 200; n++ {
			s.must(os.WriteFile(control, []byte(strconv.Itoa(n)), 0o600))
			code := upload()
			what, err := os.ReadFile(control + ".met")
			if err != nil {
				break // fewer than n operations
			}
			met[string(what)]++
			s.must(os.Remove(control + ".met"))
			if code >= 500 {
				refused++
			}
		}
		orphans := s.orphans(database) // before the kills, which may leave files that no page names
		for range rig.Size(3, 50) {
			done := make(chan struct{})
			go func() { defer close(done); upload() }()
			time.Sleep(time.Duration(s.random.IntN(60)) * time.Millisecond)
			s.program.Kill()
			<-done
			s.program.Serve()
		}
		torn, lost := s.pictures(database, acknowledged)
		f := s.measure("R-07")
		f.Size("uploads", sent)
		for _, what := range []string{"create", "write", "sync", "close", "rename", "sync of the folder"} {
			f.Sometimes(what+" failed", met[what])
		}
		f.Sometimes("uploads refused", refused)
		f.Judge(func(b *rig.Bars) {
			b.AtMost("acknowledged pictures lost", float64(lost), 0)
			b.AtMost("torn pictures served", float64(torn), 0)
			b.AtMost("files that no picture names", float64(orphans), 0)
		}, func() { torn++ })
	})
}

// photograph is a picture that is stored in three widths. Each number makes another one.
func photograph(n int) []byte {
	picture := image.NewGray(image.Rect(0, 0, 2400, 60))
	for i := range picture.Pix {
		picture.Pix[i] = byte(i * n)
	}
	picture.SetGray(0, 0, color.Gray{Y: byte(n)})
	var b bytes.Buffer
	if err := jpeg.Encode(&b, picture, nil); err != nil {
		panic(err)
	}
	return b.Bytes()
}

// library lists the pictures of Ilse's, as the database has them.
func (s *stage) library(database string) []blog.Picture {
	s.t.Helper()
	db, err := store.Open(s.t.Context(), database)
	s.must(err)
	defer db.Close()
	ilse, err := db.VoiceByHandle(s.t.Context(), "ilse")
	s.must(err)
	list, err := db.PicturesOf(s.t.Context(), ilse.ID, 1000, 0)
	s.must(err)
	return list
}

// orphans counts the files that would be served and that no picture names.
func (s *stage) orphans(database string) (n int) {
	s.t.Helper()
	named := map[string]bool{}
	for _, p := range s.library(database) {
		for _, f := range p.Files {
			named[f.File] = true
		}
	}
	files, err := os.ReadDir(filepath.Join(s.program.Data, "media"))
	s.must(err)
	for _, f := range files {
		if !named[f.Name()] && !strings.HasSuffix(f.Name(), ".part") {
			n++
		}
	}
	return n
}

// pictures reads all pictures that the folder has, over HTTP, and counts those that are torn, and those that were
// acknowledged and are not there.
func (s *stage) pictures(database string, acknowledged map[string]bool) (torn, lost int) {
	s.t.Helper()
	there := map[string]bool{}
	for _, p := range s.library(database) {
		there[p.Digest] = len(p.Files) > 0
		for _, f := range p.Files {
			code, body, err := s.author.Picture(s.t.Context(), f.File)
			if err != nil || code != http.StatusOK || int64(len(body)) != f.Size {
				torn++
			}
		}
	}
	for digest, said := range acknowledged {
		if said && !there[digest] {
			lost++
		}
	}
	files, err := os.ReadDir(filepath.Join(s.program.Data, "media"))
	s.must(err)
	for _, f := range files { // those without a picture as well
		code, body, err := s.author.Picture(s.t.Context(), f.Name())
		s.must(err)
		if code == http.StatusNotFound {
			continue
		}
		if _, _, err := image.Decode(strings.NewReader(body)); err != nil {
			torn++
			s.t.Log(f.Name(), err)
		}
	}
	return torn, lost
}
