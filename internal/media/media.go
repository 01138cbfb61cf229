// Package media is the picture library: it accepts pictures, re-encodes and strips them, keeps them in up to three
// widths, and serves them.
//
// Only the pixels of an upload are kept. The type is detected from the bytes, and the number of pixels is checked
// before anything is decoded. The stored files are written by our own encoders: metadata, colour profiles and data
// behind the picture are gone, so a file can never be read as a page, a script or a document of ours. File names are
// made here; the name of the upload is only data.
//
// [Compose] turns an article's Markdown into the HTML that is stored, since that is where the names of pictures become
// pictures.
package media

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"image"
	"io"
	"log/slog"
	"os"
	"path"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
	"golang.org/x/text/unicode/norm"

	"causerie/internal/blog"
	"causerie/internal/lru"
	"causerie/internal/store"
)

const (
	// MaxUpload is the largest upload, in bytes.
	MaxUpload = 10 << 20

	maxPixels  = 40_000_000       // of one picture
	maxDecoded = 4 * maxPixels    // bytes of one picture while it is decoded, and of all at once
	maxSide    = 20_000           // pixels; no encoder takes much more
	decodeTime = 20 * time.Second // for decoding one picture, whatever it was made to cost
	maxName    = 120              // bytes of the name that is kept
	maxPublic  = 4096             // files of which it is remembered that everybody may see them
)

// Library stores the pictures of one blog: files in a folder, descriptions in the store.
type Library struct {
	// Now is the clock. nil is time.Now.
	Now func() time.Time
	// Log receives errors of decoders that panic and of files that cannot be read. nil is slog.Default.
	Log *slog.Logger

	store  *store.Store
	folder *os.Root
	memory *semaphore.Weighted // bytes of the pictures that are decoded now

	mu     sync.Mutex
	public *lru.Cache[string, struct{}] // files that everybody may see: they stay so
}

// Open opens the library in a folder, which it creates when it is missing, and removes what a crash left half
// written.
func Open(folder string, s *store.Store) (*Library, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("open the picture library: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open the picture library: %w", err)
	}
	l := &Library{store: s, folder: root, memory: semaphore.NewWeighted(maxDecoded),
		public: lru.New[string, struct{}](maxPublic)}
	return l, l.removeUnfinished()
}

// Close closes the folder.
func (l *Library) Close() error { return l.folder.Close() }

func (l *Library) log() *slog.Logger {
	if l.Log != nil {
		return l.Log
	}
	return slog.Default()
}

func (l *Library) now() time.Time {
	if l.Now != nil {
		return l.Now().UTC().Truncate(time.Microsecond)
	}
	return time.Now().UTC().Truncate(time.Microsecond)
}

// Accept adds an upload to a voice's library and returns its entry, with its files on disk and its row committed. The
// same bytes twice by one voice are one picture. The entry's Name is the given one, cleaned for Markdown and numbered
// when the voice has another picture of that name. What cannot be accepted is a blog.Invalid for the field "picture".
func (l *Library) Accept(ctx context.Context, voice blog.ID, name string, r io.Reader) (blog.Picture, error) {
	// One byte more than allowed, to distinguish a full upload from one that is too large.
	upload, err := io.ReadAll(io.LimitReader(r, MaxUpload+1))
	switch {
	case err != nil:
		return blog.Picture{}, fmt.Errorf("read the picture %q: %w", name, err)
	case len(upload) > MaxUpload:
		return blog.Picture{}, invalid("is larger than 10 MB: make it smaller and try again")
	case len(upload) == 0:
		return blog.Picture{}, invalid("is empty: choose a file")
	}
	sum := sha256.Sum256(upload)
	digest := hex.EncodeToString(sum[:])
	known, err := l.store.PictureByDigest(ctx, voice, digest)
	if !errors.Is(err, blog.ErrNotFound) {
		return known, err
	}
	p := blog.Picture{ID: blog.NewID(l.now()), VoiceID: voice, Digest: digest, CreatedAt: l.now()}
	if p.Name, err = l.freeName(ctx, voice, CleanName(name)); err != nil {
		return p, err
	}
	if err := l.writeFiles(ctx, &p, upload); err != nil {
		return blog.Picture{}, err
	}
	return l.addEntry(ctx, p)
}

// addEntry adds the row of a picture. When that fails it removes the files.
func (l *Library) addEntry(ctx context.Context, p blog.Picture) (blog.Picture, error) {
	err := l.store.AddPicture(ctx, p)
	if err == nil {
		return p, nil
	}
	l.remove(p.Files)
	// Another request has added the same bytes meanwhile: its picture is the one.
	if errors.Is(err, blog.ErrConflict) {
		return l.store.PictureByDigest(ctx, p.VoiceID, p.Digest)
	}
	return blog.Picture{}, err
}

// writeFiles decodes the upload and writes the picture's files.
func (l *Library) writeFiles(ctx context.Context, p *blog.Picture, upload []byte) error {
	kind, size, err := l.examine(upload)
	if err != nil {
		return err
	}
	// This bounds all pictures that are decoded at once, not only this one.
	memory := decodedBytes(kind, size, upload)
	if err := l.memory.Acquire(ctx, memory); err != nil {
		return fmt.Errorf("wait for other pictures: %w", err)
	}
	defer l.memory.Release(memory)
	source, err := l.decode(ctx, kind, upload)
	if err != nil {
		return err
	}
	p.Type = storedType(kind, source)
	for _, version := range versions(source, orientation(kind, upload), coloursOf(kind, upload)) {
		file, err := l.writeVersion(*p, version)
		if err != nil {
			l.remove(p.Files)
			return err
		}
		// The versions come largest first, and the row lists the smallest first.
		p.Files = append([]blog.PictureFile{file}, p.Files...)
		if p.Width == 0 {
			p.Width, p.Height = file.Width, file.Height
		}
		p.Blurhash = blur(version)
	}
	err = l.syncFolder()
	if err != nil {
		l.remove(p.Files) // no row will name them
	}
	return err
}

// writeVersion encodes one version and writes its file.
func (l *Library) writeVersion(p blog.Picture, version *image.RGBA) (blog.PictureFile, error) {
	ext := "jpg"
	if p.Type == "image/png" {
		ext = "png"
	}
	size := version.Bounds().Size()
	// An id has 80 random bits, and its time can be guessed. The picture of a draft must not be found by its name.
	name := fmt.Sprintf("%s-%d-%s.%s", p.ID, size.X, rand.Text(), ext)
	f := blog.PictureFile{PictureID: p.ID, Width: size.X, Height: size.Y, File: name}
	var err error
	f.Size, err = l.write(f.File, func(w io.Writer) error { return encode(w, p.Type, version) })
	if err != nil {
		return f, fmt.Errorf("store the picture %q: %w", p.Name, err)
	}
	return f, nil
}

// invalid returns the error for an upload that is not accepted.
func invalid(problem string, args ...any) error {
	return blog.Invalid{Field: "picture", Problem: fmt.Sprintf(problem, args...)}
}

var unsafeChars = regexp.MustCompile(`[^\p{L}\p{N}._-]+`)

// CleanName returns the last part of a file name without anything that would need escaping in Markdown or an address:
// "Ons huis (2).JPG" is "Ons-huis-2.JPG". It is never empty.
func CleanName(name string) string {
	// Windows browsers may send a whole path with backslashes.
	name = path.Base(strings.ReplaceAll(norm.NFC.String(strings.ToValidUTF8(name, "")), `\`, "/"))
	ext := path.Ext(name)
	stem := strings.Trim(unsafeChars.ReplaceAllString(strings.TrimSuffix(name, ext), "-"), "-.")
	ext = "." + strings.Trim(unsafeChars.ReplaceAllString(ext, ""), "-.")
	for len(stem)+len(ext) > maxName && stem != "" {
		runes := []rune(stem)
		stem = string(runes[:len(runes)-1])
	}
	if stem == "" {
		stem = "picture"
	}
	if len(ext) < 2 || len(ext) > 8 {
		ext = ""
	}
	return stem + ext
}

// freeName returns the wanted name, or the first of wanted-2, wanted-3 … that no other picture of the voice has. A
// name in an article must go on meaning the same picture.
func (l *Library) freeName(ctx context.Context, voice blog.ID, wanted string) (string, error) {
	name, ext := wanted, path.Ext(wanted)
	for n := 2; ; n++ {
		_, err := l.store.PictureByName(ctx, voice, name, name)
		if errors.Is(err, blog.ErrNotFound) {
			return name, nil
		}
		if err != nil {
			return "", err
		}
		name = strings.TrimSuffix(wanted, ext) + "-" + strconv.Itoa(n) + ext
	}
}
