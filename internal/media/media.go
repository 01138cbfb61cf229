// Package media is the picture library: it accepts pictures, re-encodes and strips them, keeps them in up to three
// widths, and serves them.
//
// Only the pixels of an upload are kept. The type is detected from the bytes, and the number of pixels is checked
// before anything is decoded. The stored files are written by our own encoders: metadata, colour profiles and data
// behind the picture are gone, so a file can never be read as a page, a script or a document of ours. File names are
// made here; the name of the upload is only data.
//
// The library also composes articles: it turns an article's Markdown into the HTML that is stored, since that is where
// the names of pictures become pictures.
package media

import (
	"context"
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
	"time"

	"golang.org/x/sync/semaphore"

	"causerie/internal/blog"
	"causerie/internal/store"
)

const (
	// MaxUpload is the largest upload, in bytes.
	MaxUpload = 10 << 20

	maxPixels  = 40_000_000       // of one picture, and of all that are decoded at once
	maxSide    = 20_000           // pixels; no encoder takes much more
	decodeTime = 20 * time.Second // for decoding one picture, whatever it was made to cost
	maxName    = 120              // bytes of the name that is kept
)

// Library keeps the pictures of one blog in a folder and their descriptions in the store.
type Library struct {
	// Now is the clock; nil is time.Now.
	Now func() time.Time
	// Log receives decoders that panic and files that cannot be read; nil is slog.Default.
	Log *slog.Logger

	store  *store.Store
	folder *os.Root
	pixels *semaphore.Weighted // those being decoded now
}

// Open opens the library in a folder, which is made when it is not there. What a crash left half written is cleared.
func Open(folder string, s *store.Store) (*Library, error) {
	if err := os.MkdirAll(folder, 0o750); err != nil {
		return nil, fmt.Errorf("open the picture library: %w", err)
	}
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, fmt.Errorf("open the picture library: %w", err)
	}
	l := &Library{store: s, folder: root, pixels: semaphore.NewWeighted(maxPixels)}
	return l, l.clear()
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

// Accept takes an upload into a voice's library and returns its entry, with its files on disk and its row committed.
// The same bytes twice by one voice are one picture. The entry's Name is the given one, made fit for Markdown and
// numbered when the voice has another picture of that name: Picture finds it by it. What cannot be taken is a
// blog.Invalid for the field "picture".
func (l *Library) Accept(ctx context.Context, voice blog.ID, name string, r io.Reader) (blog.Picture, error) {
	upload, err := io.ReadAll(io.LimitReader(r, MaxUpload+1))
	switch {
	case err != nil:
		return blog.Picture{}, fmt.Errorf("read the picture %q: %w", name, err)
	case len(upload) > MaxUpload:
		return blog.Picture{}, refused("is larger than 10 MB: make it smaller and try again")
	case len(upload) == 0:
		return blog.Picture{}, refused("is empty: choose a file")
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
	if err := l.draw(ctx, &p, upload); err != nil {
		return blog.Picture{}, err
	}
	return l.enter(ctx, p)
}

// enter writes the entry down. When that fails, the files go again; when somebody else brought the same picture in the
// meantime, theirs is the one.
func (l *Library) enter(ctx context.Context, p blog.Picture) (blog.Picture, error) {
	err := l.store.AddPicture(ctx, p)
	if err == nil {
		return p, nil
	}
	l.remove(p.Files)
	if errors.Is(err, blog.ErrConflict) {
		return l.store.PictureByDigest(ctx, p.VoiceID, p.Digest)
	}
	return blog.Picture{}, err
}

// draw decodes the upload and writes the picture's files.
func (l *Library) draw(ctx context.Context, p *blog.Picture, upload []byte) error {
	kind, size, err := l.examine(upload)
	if err != nil {
		return err
	}
	pixels := int64(size.Width) * int64(size.Height)
	if err := l.pixels.Acquire(ctx, pixels); err != nil {
		return fmt.Errorf("wait for other pictures: %w", err)
	}
	defer l.pixels.Release(pixels)
	source, err := l.decode(ctx, kind, upload)
	if err != nil {
		return err
	}
	p.Type = storedType(kind, source)
	for _, version := range versions(source, orientation(kind, upload)) {
		file, err := l.keep(*p, version)
		if err != nil {
			l.remove(p.Files)
			return err
		}
		p.Files = append([]blog.PictureFile{file}, p.Files...)
		if p.Width == 0 {
			p.Width, p.Height = file.Width, file.Height
		}
		p.Blurhash = blur(version)
	}
	return l.settle()
}

func (l *Library) keep(p blog.Picture, version *image.RGBA) (blog.PictureFile, error) {
	ext := "jpg"
	if p.Type == "image/png" {
		ext = "png"
	}
	size := version.Bounds().Size()
	f := blog.PictureFile{PictureID: p.ID, Width: size.X, Height: size.Y, File: fmt.Sprintf("%s-%d.%s", p.ID, size.X, ext)}
	var err error
	f.Size, err = l.write(f.File, func(w io.Writer) error { return encode(w, p.Type, version) })
	if err != nil {
		return f, fmt.Errorf("keep the picture %q: %w", p.Name, err)
	}
	return f, nil
}

func refused(problem string, args ...any) error {
	return blog.Invalid{Field: "picture", Problem: fmt.Sprintf(problem, args...)}
}

var unfit = regexp.MustCompile(`[^\p{L}\p{N}._-]+`)

// CleanName is the last part of a file name with everything gone that would need escaping in Markdown or an address:
// "Ons huis (2).JPG" is "Ons-huis-2.JPG". It is never empty.
func CleanName(name string) string {
	name = path.Base(strings.ReplaceAll(strings.ToValidUTF8(name, ""), `\`, "/"))
	ext := path.Ext(name)
	stem := strings.Trim(unfit.ReplaceAllString(strings.TrimSuffix(name, ext), "-"), "-.")
	ext = "." + strings.Trim(unfit.ReplaceAllString(ext, ""), "-.")
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

// freeName is the wanted name, or the first of wanted-2, wanted-3 … that no other picture of the voice has: a name in
// an article goes on meaning the picture it meant.
func (l *Library) freeName(ctx context.Context, voice blog.ID, wanted string) (string, error) {
	list, err := l.store.PicturesOf(ctx, voice)
	if err != nil {
		return "", err
	}
	taken := make(map[string]bool, len(list))
	for _, p := range list {
		taken[p.Name] = true
	}
	name, ext := wanted, path.Ext(wanted)
	for n := 2; taken[name]; n++ {
		name = strings.TrimSuffix(wanted, ext) + "-" + strconv.Itoa(n) + ext
	}
	return name, nil
}
