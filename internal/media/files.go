package media

import (
	"bufio"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path"
	"regexp"
	"strings"
	"time"

	"causerie/internal/blog"
)

const unfinished = ".part" // what a file ends in while it is written

// write writes a file and returns its size. After an error or a power cut the file is there whole or not at all.
func (l *Library) write(name string, content func(io.Writer) error) (size int64, err error) {
	part := rand.Text() + unfinished
	file, err := l.folder.OpenFile(part, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o640)
	if err != nil {
		return 0, err
	}
	defer func() {
		if err != nil {
			file.Close()
			l.folder.Remove(part)
		}
	}()
	buffered := bufio.NewWriterSize(file, 64<<10)
	if err := content(buffered); err != nil {
		return 0, err
	}
	if err := buffered.Flush(); err != nil {
		return 0, err
	}
	// The bytes must be on the disk before the name is: after a power cut, a name must not lead to an empty file.
	if err := file.Sync(); err != nil {
		return 0, err
	}
	info, err := file.Stat()
	if err != nil {
		return 0, err
	}
	if err := file.Close(); err != nil { // some file systems report a failed write only here
		return 0, err
	}
	if err := l.folder.Rename(part, name); err != nil {
		return 0, err
	}
	return info.Size(), nil
}

// syncFolder makes sure that the names written so far survive a power cut.
func (l *Library) syncFolder() error {
	folder, err := l.folder.Open(".")
	if err != nil {
		return fmt.Errorf("sync the picture folder: %w", err)
	}
	defer folder.Close() // it was opened to read: closing it loses nothing
	if err := folder.Sync(); err != nil {
		return fmt.Errorf("sync the picture folder: %w", err)
	}
	return nil
}

func (l *Library) remove(files []blog.PictureFile) {
	for _, f := range files {
		l.folder.Remove(f.File) // one that stays costs a little room and is shown to nobody
	}
}

// removeUnfinished removes files that a crash left half written.
func (l *Library) removeUnfinished() error {
	parts, err := fs.Glob(l.folder.FS(), "*"+unfinished)
	if err != nil {
		return fmt.Errorf("remove unfinished pictures: %w", err)
	}
	for _, part := range parts {
		// Another process may be writing now. No upload takes an hour.
		if info, err := l.folder.Stat(part); err == nil && l.now().Sub(info.ModTime()) > time.Hour {
			l.folder.Remove(part)
		}
	}
	return nil
}

// fileName matches the names that this package makes, now and in earlier versions. No others are served.
var fileName = regexp.MustCompile(`^[0-9A-HJKMNP-TV-Z]{26}-[1-9][0-9]{0,4}(-[A-Z2-7]{26})?\.(jpg|png)$`)

var servedTypes = map[string]string{".jpg": "image/jpeg", ".png": "image/png"}

// Handler serves the files of the library at /media/{file}. There is no listing. A file never changes, so caches may
// keep it for ever. A picture that was never public is served to nobody but those who may see the drafts of its voice,
// and no cache keeps it. mayPreview reports whether the client of a request may.
func (l *Library) Handler(mayPreview func(r *http.Request, owner blog.ID) (bool, error)) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodGet && r.Method != http.MethodHead {
			w.Header().Set("Allow", "GET, HEAD")
			http.Error(w, "method not allowed", http.StatusMethodNotAllowed)
			return
		}
		name, found := strings.CutPrefix(r.URL.Path, "/media/")
		// RawPath is set when the path has escapes, which our names never need.
		if !found || r.URL.RawPath != "" || !fileName.MatchString(name) {
			http.NotFound(w, r)
			return
		}
		public, owner, err := l.access(r, name)
		if err == nil && !public {
			// Nor may a cache keep the answer for those who may not: the article can be published at any time.
			w.Header().Set("Cache-Control", "private, no-store")
			var may bool
			if may, err = mayPreview(r, owner); err == nil && !may {
				err = blog.ErrNotFound
			}
		}
		switch {
		case errors.Is(err, blog.ErrNotFound):
			http.NotFound(w, r)
		case err != nil:
			l.failRead(w, name, err)
		default:
			l.serve(w, r, name, public)
		}
	})
}

// access returns whether everybody may see a file, and the voice to which it belongs if not.
func (l *Library) access(r *http.Request, file string) (public bool, owner blog.ID, err error) {
	l.mu.Lock()
	_, known := l.public.Get(file)
	l.mu.Unlock()
	if known {
		return true, "", nil
	}
	owner, public, err = l.store.PictureAccess(r.Context(), file)
	if public {
		l.mu.Lock()
		l.public.Add(file, struct{}{})
		l.mu.Unlock()
	}
	return public, owner, err
}

func (l *Library) serve(w http.ResponseWriter, r *http.Request, name string, public bool) {
	file, err := l.folder.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		http.NotFound(w, r)
		return
	}
	if err != nil {
		l.failRead(w, name, err)
		return
	}
	defer file.Close()
	info, err := file.Stat()
	if err != nil {
		l.failRead(w, name, err)
		return
	}
	// A folder or a pipe could be there under such a name: reading it would fail or hang.
	if !info.Mode().IsRegular() {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", servedTypes[path.Ext(name)])
	h.Set("X-Content-Type-Options", "nosniff")
	h.Set("Content-Disposition", "inline")
	// The files are our own encoders' work. Should one be read as a page all the same, it can do nothing.
	h.Set("Content-Security-Policy", "default-src 'none'; sandbox")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if public {
		h.Set("Cross-Origin-Resource-Policy", "cross-origin") // other servers show it beside the article
		h.Set("Cache-Control", "public, max-age=31536000, immutable")
		h.Set("Etag", `"`+strings.TrimSuffix(name, path.Ext(name))+`"`)
	}
	http.ServeContent(w, r, "", info.ModTime(), file)
}

// failRead answers 503 for a picture that cannot be read now, for example because too many files are open.
func (l *Library) failRead(w http.ResponseWriter, name string, err error) {
	l.log().Error("a picture could not be read", "file", name, "error", err)
	// No 404: caches and other servers would take the picture for deleted.
	w.Header().Set("Retry-After", "5")
	http.Error(w, "this picture cannot be read now", http.StatusServiceUnavailable)
}
