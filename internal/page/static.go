package page

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"regexp"
	"strings"
)

// Static serves the embedded files. Each has an address with a hash of its content, which may be cached for ever. Its
// plain name, and an address with an old hash, serve the current content and must be revalidated.
type Static struct {
	hashed map[string]*prepared // by path: /static/causerie.0a1b2c3d4e.css
	named  map[string]*prepared // by name: causerie.css
	names  map[string]string    // name to address
}

func loadStatic(tree fs.FS) (*Static, error) {
	s := &Static{hashed: map[string]*prepared{}, named: map[string]*prepared{}, names: map[string]string{}}
	files, err := fs.Glob(tree, "static/*")
	if err != nil {
		return nil, err
	}
	for _, file := range files {
		body, err := fs.ReadFile(tree, file)
		if err != nil {
			return nil, fmt.Errorf("read static file: %w", err)
		}
		if path.Ext(file) == ".css" {
			body = shrink(body)
		}
		s.Add(path.Base(file), body)
	}
	return s, nil
}

var (
	cssComment = regexp.MustCompile(`(?s)/\*.*?\*/`)
	cssSpace   = regexp.MustCompile(`\s+`)
	cssAround  = regexp.MustCompile(` ?([{};]) ?`)
)

// shrink returns a style sheet without comments and without most of the spaces that mean nothing. Strings in our sheets
// have no two spaces, and neither braces nor semicolons.
func shrink(sheet []byte) []byte {
	sheet = cssSpace.ReplaceAll(cssComment.ReplaceAll(sheet, nil), []byte(" "))
	return bytes.TrimSpace(cssAround.ReplaceAll(sheet, []byte("$1")))
}

// Add adds a file that the program makes at start, such as the style sheet for code. It must not be called while
// serving.
func (s *Static) Add(name string, body []byte) {
	sum := sha256.Sum256(body)
	ext := path.Ext(name)
	address := "/static/" + strings.TrimSuffix(name, ext) + "." + hex.EncodeToString(sum[:5]) + ext
	s.names[name] = address
	forever := prepare(staticDocument(ext, body, "public, max-age=31536000, immutable"))
	s.hashed[address] = &forever
	asked := prepare(staticDocument(ext, body, "no-cache"))
	s.named[name] = &asked
}

// staticDocument returns a file with its content type.
func staticDocument(ext string, body []byte, cache string) Document {
	kind := mime.TypeByExtension(ext)
	// mime asks the operating system, which may not know these or answer otherwise.
	switch ext { // what the machine's own table may not know, or know otherwise
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".js":
		kind = "text/javascript; charset=utf-8"
	case ".ico":
		kind = "image/x-icon"
	case ".svg":
		kind = "image/svg+xml"
	}
	return Document{Body: body,
		Header: http.Header{"Content-Type": {kind}, "Cache-Control": {cache}, "Vary": {"Accept-Encoding"}}}
}

// Address returns the address with the hash for the file of that name.
func (s *Static) Address(name string) (string, error) {
	address, ok := s.names[name]
	if !ok {
		return "", fmt.Errorf("no static file %q", name)
	}
	return address, nil
}

// File returns a handler for one file under another address, such as /favicon.ico.
func (s *Static) File(name string) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if file := s.named[name]; file != nil {
			file.send(w, r)
			return
		}
		http.NotFound(w, r)
	})
}

func (s *Static) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if file := s.hashed[r.URL.Path]; file != nil {
		file.send(w, r)
		return
	}
	// An old hash: the page that asks was cached before an upgrade.
	if file := s.named[unhashed(path.Base(r.URL.Path))]; file != nil {
		file.send(w, r)
		return
	}
	http.NotFound(w, r)
}

// unhashed removes the hash from a name. So a page that was cached before an upgrade still finds its style sheet.
func unhashed(name string) string {
	ext := path.Ext(name)
	stem := strings.TrimSuffix(name, ext)
	if hash := path.Ext(stem); len(hash) == 11 {
		return strings.TrimSuffix(stem, hash) + ext
	}
	return name
}
