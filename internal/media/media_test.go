package media

import (
	"bytes"
	"compress/zlib"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"image"
	"image/color"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"log/slog"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/image/draw"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

var noon = time.Date(2026, 11, 16, 12, 0, 0, 0, time.UTC)

const ilse = blog.ID("01JCVQ0000000000000000ILSE")

// library is an empty one that belongs to Ilse.
func library(t *testing.T, s *store.Store) (*Library, string) {
	t.Helper()
	author := blog.Author{Role: blog.Writer, Voice: blog.Voice{ID: ilse, Kind: blog.AuthorVoice, Handle: "ilse",
		Name: "Ilse Verhaagen", PublicKey: "p", CreatedAt: noon, UpdatedAt: noon}}
	if err := s.AddAuthor(t.Context(), author, store.VoiceKeys{RSA: "r", Ed25519: "e"}); err != nil {
		t.Fatal(err)
	}
	folder := filepath.Join(t.TempDir(), "media")
	l, err := Open(folder, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	return l, folder
}

// nobody and anybody say who may see drafts.
func nobody(*http.Request, blog.ID) (bool, error)  { return false, nil }
func anybody(*http.Request, blog.ID) (bool, error) { return true, nil }

// publish publishes an article with a picture at its top.
func publish(t *testing.T, l *Library, p blog.Picture) {
	t.Helper()
	a := blog.Article{ID: blog.NewID(noon), VoiceID: p.VoiceID, Status: blog.Published, Format: blog.FullArticle,
		Visibility: blog.Public, Comments: blog.Open, PictureID: p.ID, Month: "2026/11", PublishedAt: &noon, CreatedAt: noon,
		Text: blog.Text{Language: "en", Title: "Wide", Slug: "wide", Markdown: "x", HTML: "<p>x</p>"}}
	if err := l.store.SaveArticle(t.Context(), &a, noon); err != nil {
		t.Fatal(err)
	}
}

// ferry is a picture whose top left quarter is red, so that its turns can be told apart.
func ferry(width, height int) *image.RGBA {
	p := image.NewRGBA(image.Rect(0, 0, width, height))
	for y := range height {
		for x := range width {
			c := color.RGBA{20, 60, 90, 255}
			if x < width/2 && y < height/2 {
				c = color.RGBA{200, 30, 30, 255}
			}
			p.SetRGBA(x, y, c)
		}
	}
	return p
}

func jpegBytes(p image.Image) []byte {
	var b bytes.Buffer
	jpeg.Encode(&b, p, nil)
	return b.Bytes()
}

func pngBytes(p image.Image) []byte {
	var b bytes.Buffer
	png.Encode(&b, p)
	return b.Bytes()
}

func gifBytes(frames ...color.Color) []byte {
	var g gif.GIF
	for _, c := range frames {
		frame := image.NewPaletted(image.Rect(0, 0, 40, 30), color.Palette{c, color.White})
		g.Image, g.Delay = append(g.Image, frame), append(g.Delay, 5)
	}
	var b bytes.Buffer
	gif.EncodeAll(&b, &g)
	return b.Bytes()
}

// held puts an Exif block with an orientation and a GPS note into a JPEG.
func held(picture []byte, turn uint16) []byte {
	tiff := []byte("MM\x00*\x00\x00\x00\x08\x00\x02")
	tiff = append(tiff, 0x01, 0x12, 0, 3, 0, 0, 0, 1, byte(turn>>8), byte(turn), 0, 0)
	tiff = append(tiff, 0x88, 0x25, 0, 4, 0, 0, 0, 1, 0, 0, 0, 0x26)
	tiff = append(tiff, []byte("\x00\x00\x00\x00GPS 52.0116 N 4.7105 E")...)
	body := append([]byte("Exif\x00\x00"), tiff...)
	segment := binary.BigEndian.AppendUint16([]byte{0xff, 0xe1}, uint16(len(body)+2))
	return bytes.Join([][]byte{picture[:2], segment, body, picture[2:]}, nil)
}

// announced is a PNG of a few bytes whose header speaks of many pixels.
func announced(width, height uint32) []byte {
	header := binary.BigEndian.AppendUint32(nil, width)
	header = append(binary.BigEndian.AppendUint32(header, height), 8, 6, 0, 0, 0)
	var data bytes.Buffer
	z := zlib.NewWriter(&data)
	z.Write(make([]byte, 1000))
	z.Close()
	out := []byte("\x89PNG\r\n\x1a\n")
	for _, chunk := range []struct {
		name string
		body []byte
	}{{"IHDR", header}, {"IDAT", data.Bytes()}, {"IEND", nil}} {
		out = binary.BigEndian.AppendUint32(out, uint32(len(chunk.body)))
		body := append([]byte(chunk.name), chunk.body...)
		out = append(out, body...)
		out = binary.BigEndian.AppendUint32(out, crc32.ChecksumIEEE(body))
	}
	return out
}

func accept(t *testing.T, l *Library, name string, upload []byte) blog.Picture {
	t.Helper()
	p, err := l.Accept(t.Context(), ilse, name, bytes.NewReader(upload))
	if err != nil {
		t.Fatalf("accept %s: %v", name, err)
	}
	return p
}

func names(t *testing.T, folder string) []string {
	t.Helper()
	list, err := os.ReadDir(folder)
	if err != nil {
		t.Fatal(err)
	}
	var found []string
	for _, f := range list {
		found = append(found, f.Name())
	}
	return found
}

func TestAPictureIsStoredInThreeWidthsAndNeverEnlarged(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, folder := library(t, s)
		for _, c := range []struct {
			upload []byte
			kind   string
			want   string
		}{
			{jpegBytes(ferry(2400, 1200)), "image/jpeg", "480x240 720x360 960x480 1600x800"},
			{pngBytes(ferry(1200, 600)), "image/png", "480x240 720x360 960x480 1200x600"},
			{pngBytes(ferry(500, 100)), "image/png", "500x100"},
			{pngBytes(ferry(1, 1)), "image/png", "1x1"},
			{jpegBytes(ferry(3, 2000)), "image/jpeg", "3x2000"},
			{jpegBytes(ferry(2000, 3)), "image/jpeg", "480x1 720x1 960x1 1600x2"},
			{gifBytes(color.Black), "image/png", "40x30"},
		} {
			p := accept(t, l, "ferry", c.upload)
			var sizes []string
			for _, f := range p.Files {
				sizes = append(sizes, fmt.Sprintf("%dx%d", f.Width, f.Height))
				file, err := os.Open(filepath.Join(folder, f.File))
				if err != nil {
					t.Fatal(err)
				}
				config, _, err := image.DecodeConfig(file)
				if info, _ := file.Stat(); err != nil || config.Width != f.Width || config.Height != f.Height ||
					info.Size() != f.Size {
					t.Errorf("%s holds %v (%v), the entry says %v", f.File, config, err, f)
				}
				file.Close()
			}
			if got := strings.Join(sizes, " "); got != c.want || p.Type != c.kind {
				t.Errorf("kept %s as %s, want %s as %s", got, p.Type, c.want, c.kind)
			}
			if last := p.Largest(); p.Width != last.Width || p.Height != last.Height || p.Blurhash == "" {
				t.Errorf("the entry says %dx%d, blurhash %q", p.Width, p.Height, p.Blurhash)
			}
			stored, err := s.Pictures(t.Context(), []blog.ID{p.ID})
			if err != nil || len(stored[p.ID].Files) != len(p.Files) {
				t.Errorf("the store has %v (%v)", stored[p.ID], err)
			}
		}
	})
}

func TestAPictureIsTurnedUprightAndLosesItsMetadata(t *testing.T) {
	t.Parallel()
	l, folder := library(t, storetest.Open(t))
	// Where the red quarter of the upright picture lies after each turn: right?, bottom?
	corner := map[uint16][2]bool{1: {false, false}, 2: {true, false}, 3: {true, true}, 4: {false, true},
		5: {false, false}, 6: {true, false}, 7: {true, true}, 8: {false, true}}
	for turn := uint16(1); turn <= 8; turn++ {
		p := accept(t, l, "IMG_0001.JPG", held(jpegBytes(ferry(80, 40)), turn))
		wantW, wantH := 80, 40
		if turn >= 5 {
			wantW, wantH = 40, 80
		}
		if p.Width != wantW || p.Height != wantH {
			t.Fatalf("turn %d: %dx%d", turn, p.Width, p.Height)
		}
		raw, err := os.ReadFile(filepath.Join(folder, p.Largest().File))
		if err != nil {
			t.Fatal(err)
		}
		for _, secret := range []string{"Exif", "GPS", "52.0116"} {
			if bytes.Contains(raw, []byte(secret)) {
				t.Errorf("turn %d: the kept file still says %q", turn, secret)
			}
		}
		picture, _, err := image.Decode(bytes.NewReader(raw))
		if err != nil {
			t.Fatal(err)
		}
		at := func(right, bottom bool) bool {
			x, y := wantW/4, wantH/4
			if right {
				x = wantW * 3 / 4
			}
			if bottom {
				y = wantH * 3 / 4
			}
			r, _, b, _ := picture.At(x, y).RGBA()
			return r > b
		}
		for _, right := range []bool{false, true} {
			for _, bottom := range []bool{false, true} {
				if want := corner[turn] == [2]bool{right, bottom}; at(right, bottom) != want {
					t.Errorf("turn %d: red at right=%v bottom=%v is %v", turn, right, bottom, !want)
				}
			}
		}
	}
}

func TestT045OtherFilesAreRefusedWithAReason(t *testing.T) {
	t.Parallel()
	l, folder := library(t, storetest.Open(t))
	photo := jpegBytes(ferry(64, 64))
	for name, c := range map[string]struct {
		upload []byte
		want   string
	}{
		"drawing.svg":   {[]byte(`<svg xmlns="http://www.w3.org/2000/svg"><script>alert(1)</script></svg>`), "SVG"},
		"xml.png":       {[]byte(`<?xml version="1.0"?><svg onload="x"/>`), "SVG"},
		"page.png":      {[]byte(`<!doctype html><script>alert(1)</script>`), "web page"},
		"actor.png":     {[]byte(`{"@context": "https://www.w3.org/ns/activitystreams", "type": "Person"}`), "JSON"},
		"empty.jpg":     {nil, "is empty"},
		"heic.jpg":      {[]byte("\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"), "HEIC"},
		"words.gif":     {gifBytes(color.Black)[:30], "broken GIF"},
		"half.jpg":      {photo[:len(photo)/2], "broken JPEG"},
		"document.jpg":  {[]byte("%PDF-1.7 ..."), "cannot be read here"},
		"bomb-50MP.png": {announced(10_000, 5_000), "10000 by 5000"},
		"bomb-4GP.png":  {announced(60_000, 60_000), "60000 by 60000"},
		"bomb-2^62.png": {announced(1<<31-1, 1<<31-1), "PNG"},
		"strip.png":     {announced(40_000, 1), "40000 by 1"},
		"heavy.png":     {append(pngBytes(ferry(4, 4)), make([]byte, MaxUpload)...), "10 MB"},
	} {
		t.Run(name, func(t *testing.T) {
			fastest := time.Hour // of a few: the machine has other things to do
			for range 3 {
				began := time.Now()
				_, err := l.Accept(t.Context(), ilse, name, bytes.NewReader(c.upload))
				fastest = min(fastest, time.Since(began))
				var refusal blog.Invalid
				if !errors.As(err, &refusal) || refusal.Field != "picture" || !strings.Contains(refusal.Problem, c.want) {
					t.Fatalf("got %v, want words about %q", err, c.want)
				}
			}
			if strings.HasPrefix(name, "bomb") && fastest > 50*time.Millisecond {
				t.Errorf("took %v", fastest)
			}
		})
	}
	if left := names(t, folder); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

func TestOnlyThePixelsOfAnUploadAreStored(t *testing.T) {
	t.Parallel()
	l, folder := library(t, storetest.Open(t))
	for _, c := range [][]byte{
		append(jpegBytes(ferry(64, 64)), "<script>alert('hidden behind')</script>"...),
		append(pngBytes(ferry(64, 64)), "PK\x03\x04<script>alert('hidden behind')</script>"...),
		append(gifBytes(color.White), "/*<script>hidden behind*/"...),
	} {
		p := accept(t, l, "polyglot.png", c)
		raw, err := os.ReadFile(filepath.Join(folder, p.Largest().File))
		if err != nil || bytes.Contains(raw, []byte("hidden behind")) {
			t.Errorf("%s: %v, %d bytes with what was hidden", p.Type, err, len(raw))
		}
	}
}

func TestT258APictureThatMovesIsRefusedWithAWord(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, folder := library(t, s)
		still := pngBytes(ferry(20, 20))
		// After the signature and the first chunk; the checksum of a chunk that no decoder needs may be wrong.
		control := "\x00\x00\x00\x08acTL\x00\x00\x00\x02\x00\x00\x00\x00\x00\x00\x00\x00"
		for name, upload := range map[string][]byte{
			"flash.gif": gifBytes(color.White, color.Black),
			"many.gif":  gifBytes(color.White, color.Black, color.White),
			"flash.png": bytes.Join([][]byte{still[:33], []byte(control), still[33:]}, nil),
			"flash.webp": []byte("RIFF\x32\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\x00\x00\x00\x13\x00\x00\x13\x00\x00" +
				"ANIM\x06\x00\x00\x00\x00\x00\x00\x00\x00\x00ANMF\x00\x00\x00\x00"),
		} {
			_, err := l.Accept(t.Context(), ilse, name, bytes.NewReader(upload))
			var invalid blog.Invalid
			if !errors.As(err, &invalid) || !strings.Contains(invalid.Problem, "moves, and only still pictures") {
				t.Errorf("%s: %v", name, err)
			}
		}
		accept(t, l, "still.gif", gifBytes(color.White))
		if got := names(t, folder); len(got) != 1 {
			t.Errorf("the folder has %v", got)
		}
	})
}

func TestTheSameBytesTwiceAreOnePicture(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, folder := library(t, s)
		upload := jpegBytes(ferry(64, 64))
		first := accept(t, l, "ferry.jpg", upload)
		if again := accept(t, l, "other.jpg", upload); again.ID != first.ID || again.Name != "ferry.jpg" {
			t.Errorf("the second time made %v", again)
		}
		many := jpegBytes(ferry(90, 90))
		ids := make([]blog.ID, 6)
		var all sync.WaitGroup
		for i := range ids {
			all.Go(func() {
				p, err := l.Accept(t.Context(), ilse, "rush.jpg", bytes.NewReader(many))
				if err != nil {
					t.Error(err)
				}
				ids[i] = p.ID
			})
		}
		all.Wait()
		for _, id := range ids {
			if id != ids[0] {
				t.Errorf("six at once made several: %v", ids)
			}
		}
		if left := names(t, folder); len(left) != 2 {
			t.Errorf("files on disk: %v", left)
		}
	})
}

func TestAnErrorLeavesNoFileAndNoRow(t *testing.T) {
	t.Parallel()
	t.Run("while a file is written", func(t *testing.T) {
		l, folder := library(t, storetest.Open(t))
		full := errors.New("no space left on device")
		_, err := l.write("01JCVQ0000000000000000FERR-64.jpg", func(w io.Writer) error {
			io.WriteString(w, strings.Repeat("half a picture ", 10_000))
			return full
		})
		if !errors.Is(err, full) {
			t.Errorf("got %v", err)
		}
		if left := names(t, folder); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("when the row cannot be written", func(t *testing.T) {
		l, folder := library(t, storetest.Open(t))
		_, err := l.Accept(t.Context(), "01JCVQ0000000000000000NOBO", "ferry.jpg", bytes.NewReader(jpegBytes(ferry(64, 64))))
		if err == nil {
			t.Error("a voice that does not exist has a picture")
		}
		if left := names(t, folder); len(left) > 0 {
			t.Errorf("left behind: %v", left)
		}
	})
	t.Run("when the folder is gone", func(t *testing.T) {
		s := storetest.Open(t)
		l, folder := library(t, s)
		os.RemoveAll(folder)
		if _, err := l.Accept(t.Context(), ilse, "ferry.jpg", bytes.NewReader(jpegBytes(ferry(64, 64)))); err == nil {
			t.Error("accepted without a place to put it")
		}
		if list, err := s.PicturesOf(t.Context(), ilse, 10, 0); err != nil || len(list) > 0 {
			t.Errorf("the store has %v (%v)", list, err)
		}
	})
}

func TestUnfinishedFilesAreRemovedWhenTheyAreOld(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	_, folder := library(t, s)
	old, young := filepath.Join(folder, "old.part"), filepath.Join(folder, "young.part")
	for _, file := range []string{old, young} {
		if err := os.WriteFile(file, []byte("half"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	os.Chtimes(old, time.Time{}, time.Now().Add(-2*time.Hour))
	l, err := Open(folder, s)
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	if left := names(t, folder); len(left) != 1 || left[0] != "young.part" {
		t.Errorf("left: %v", left)
	}
}

func TestBrokenFilesAreRefused(t *testing.T) {
	t.Parallel()
	l := new(Library)
	random := rand.New(rand.NewPCG(1, 2))
	for _, whole := range [][]byte{jpegBytes(ferry(48, 48)), pngBytes(ferry(48, 48)), gifBytes(color.Black, color.White),
		held(jpegBytes(ferry(24, 24)), 6)} {
		for range 1000 {
			b := bytes.Clone(whole[:1+random.IntN(len(whole))])
			for range 1 + random.IntN(4) {
				b[random.IntN(len(b))] = byte(random.Uint32())
			}
			kind, _, err := l.examine(b)
			if err != nil {
				continue
			}
			if picture, err := l.decode(t.Context(), kind, b); err == nil {
				versions(picture, orientation(kind, b), coloursOf(kind, b))
			}
		}
	}
}

func TestADecoderStopsWhenItsTimeIsOver(t *testing.T) {
	var b bytes.Buffer
	jpeg.Encode(&b, image.NewGray(image.Rect(0, 0, 64, 64)), nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err := new(Library).decode(ctx, formats["image/jpeg"], b.Bytes())
	var refusal blog.Invalid
	if !errors.As(err, &refusal) || !strings.Contains(refusal.Problem, "too long") {
		t.Errorf("got %v", err)
	}
}

func TestReadingAPictureMayTakeTwentySeconds(t *testing.T) {
	whole := jpegBytes(ferry(64, 64))
	for takes, fits := range map[time.Duration]bool{decodeTime - time.Millisecond: true,
		decodeTime + time.Millisecond: false} {
		synctest.Test(t, func(t *testing.T) {
			// The decoder is busy before it reads on, as with a file that was made for that.
			busy := &format{name: "JPEG", decode: func(r io.Reader) (image.Image, error) {
				time.Sleep(takes)
				return jpeg.Decode(r)
			}}
			picture, err := new(Library).decode(t.Context(), busy, whole)
			if fits && (err != nil || picture.Bounds().Dx() != 64) {
				t.Errorf("after %v: %v, %v", takes, picture, err)
			}
			var refusal blog.Invalid
			if !fits && (!errors.As(err, &refusal) || !strings.Contains(refusal.Problem, "too long")) {
				t.Errorf("after %v: %v", takes, err)
			}
		})
	}
}

func TestATallPictureIsScaledWithoutTheMemoryOfCatmullRom(t *testing.T) {
	const width, height = 512, 4
	for tall, exact := range map[int]bool{maxKernel / width: true, maxKernel/width + 1: false} {
		source := image.NewGray(image.Rect(0, 0, width+100, tall))
		for i := range source.Pix {
			source.Pix[i] = uint8(i * i / 7)
		}
		got := shrink(source, width, height)
		for scaler, want := range map[draw.Scaler]bool{draw.CatmullRom: exact, draw.ApproxBiLinear: !exact} {
			expected := image.NewRGBA(image.Rect(0, 0, width, height))
			scaler.Scale(expected, expected.Bounds(), source, source.Bounds(), draw.Src, nil)
			if same := bytes.Equal(got.Pix, expected.Pix); same != want {
				t.Errorf("%d values: as scaled by %T is %v", width*tall, scaler, same)
			}
		}
	}
}

func TestNamesOfUploadsAreOnlyData(t *testing.T) {
	t.Parallel()
	for given, want := range map[string]string{
		"the-house.jpg":       "the-house.jpg",
		"Ons huis (2).JPG":    "Ons-huis-2.JPG",
		"../../etc/passwd":    "passwd",
		`..\..\boot.ini`:      "boot.ini",
		"a\x00b.png":          "a-b.png",
		"evil](x).png":        "evil-x.png",
		"":                    "picture",
		"...":                 "picture",
		"бот и чайка.jpeg":    "бот-и-чайка.jpeg",
		"name.<script>":       "name.script",
		"\u202egpj.exe":       "gpj.exe",
		"no-ext":              "no-ext",
		"archive.tar.gzipped": "archive.tar.gzipped",
	} {
		if got := CleanName(given); got != want {
			t.Errorf("CleanName(%q) = %q, want %q", given, got, want)
		}
	}
	if long := CleanName(strings.Repeat("lang", 100) + ".jpg"); len(long) > maxName || !strings.HasSuffix(long, ".jpg") {
		t.Errorf("a long name became %q", long)
	}
}

func TestAPictureIsFoundByNameFileAndDigest(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, _ := library(t, s)
		first := accept(t, l, "The house.jpg", jpegBytes(ferry(64, 64)))
		second := accept(t, l, "The house.jpg", jpegBytes(ferry(32, 32)))
		if first.Name != "The-house.jpg" || second.Name != "The-house-2.jpg" {
			t.Errorf("named %q and %q", first.Name, second.Name)
		}
		for reference, want := range map[string]blog.ID{"The-house.jpg": first.ID, "pictures/The house.jpg": first.ID,
			"The-house-2.jpg": second.ID, "/media/" + second.Largest().File: second.ID, first.Digest: first.ID} {
			if p, err := FindPicture(t.Context(), s, ilse, reference); err != nil || p.ID != want {
				t.Errorf("%q finds %v (%v)", reference, p.Name, err)
			}
		}
		for _, reference := range []string{"other.jpg", "/media/../causerie.db", "/media/01JCVQ0000000000000000ZZZZ-64.jpg",
			strings.Repeat("0", 64)} {
			if _, err := FindPicture(t.Context(), s, ilse, reference); !errors.Is(err, blog.ErrNotFound) {
				t.Errorf("%q: %v", reference, err)
			}
		}
	})
}

func TestF101OnlyPicturesAreServed(t *testing.T) {
	t.Parallel()
	l, folder := library(t, storetest.Open(t))
	p := accept(t, l, "ferry.jpg", jpegBytes(ferry(600, 300)))
	publish(t, l, p)
	if err := os.WriteFile(filepath.Join(folder, "secret.txt"), []byte("secret"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(l.Handler(nobody))
	defer server.Close()
	get := func(path string, header ...string) *http.Response {
		t.Helper()
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, server.URL+path, nil)
		if err != nil {
			t.Fatal(err)
		}
		if len(header) == 2 {
			request.Header.Set(header[0], header[1])
		}
		answer, err := server.Client().Do(request)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { answer.Body.Close() })
		return answer
	}
	answer := get("/media/" + p.Largest().File)
	for name, want := range map[string]string{"Content-Type": "image/jpeg", "X-Content-Type-Options": "nosniff",
		"Content-Disposition":     "inline",
		"Content-Security-Policy": "default-src 'none'; sandbox", "Cache-Control": "public, max-age=31536000, immutable"} {
		if got := answer.Header.Get(name); got != want {
			t.Errorf("%s: %q, want %q", name, got, want)
		}
	}
	if config, kind, err := image.DecodeConfig(answer.Body); err != nil || kind != "jpeg" || config.Width != 600 {
		t.Errorf("served %v as %s (%v)", config, kind, err)
	}
	if again := get("/media/"+p.Largest().File, "If-None-Match",
		answer.Header.Get("Etag")); again.StatusCode != http.StatusNotModified {
		t.Errorf("asked again: %d", again.StatusCode)
	}
	for _, path := range []string{"/media/", "/media", "/media/secret.txt", "/media/../secret.txt",
		"/media/%2e%2e/secret.txt", "/media/..%2fsecret.txt",
		"/media/" + p.Largest().File + "/", "/media/" + p.Largest().File + "%00", "/media/./" + p.Largest().File,
		"/media//" + p.Largest().File,
		"/media/" + strings.ToLower(p.Largest().File), "/media/01JCVQ0000000000000000ZZZZ-600.jpg", "/secret.txt"} {
		if answer := get(path); answer.StatusCode != http.StatusNotFound {
			t.Errorf("GET %s answers %d", path, answer.StatusCode)
		}
	}
}

func TestAPictureThatCannotBeReadIsNo404(t *testing.T) {
	t.Parallel()
	l, _ := library(t, storetest.Open(t))
	var log bytes.Buffer
	l.Log = slog.New(slog.NewTextHandler(&log, nil))
	p, err := l.Accept(t.Context(), ilse, "ferry.jpg", bytes.NewReader(jpegBytes(ferry(600, 400))))
	if err != nil {
		t.Fatal(err)
	}
	l.Close() // the folder can no longer be read
	answer := httptest.NewRecorder()
	l.Handler(anybody).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/media/"+p.Largest().File, nil))
	if answer.Code != http.StatusServiceUnavailable || answer.Header().Get("Retry-After") == "" {
		t.Errorf("a picture whose folder cannot be read answers %d with %v", answer.Code, answer.Header())
	}
	if !strings.Contains(log.String(), p.Largest().File) {
		t.Errorf("the log does not name the file: %s", log.String())
	}
}

func TestAPictureThatBreaksItsDecoderIsLogged(t *testing.T) {
	t.Parallel()
	l, _ := library(t, storetest.Open(t))
	var log bytes.Buffer
	l.Log = slog.New(slog.NewTextHandler(&log, nil))
	broken := &format{name: "JPEG", decode: func(io.Reader) (image.Image, error) { panic("broken table") }}
	_, err := l.decode(t.Context(), broken, jpegBytes(ferry(600, 400)))
	if !errors.As(err, new(blog.Invalid)) || !strings.Contains(log.String(), "broken table") {
		t.Errorf("a decoder that panics answers %v and logs %q", err, log.String())
	}
}

func TestALimitedNumberOfPublicFilesIsRemembered(t *testing.T) {
	t.Parallel()
	l, _ := library(t, storetest.Open(t))
	for i := range maxPublic + 9 {
		l.public.Add(strconv.Itoa(i), struct{}{})
	}
	p := accept(t, l, "ferry.jpg", jpegBytes(ferry(60, 30)))
	publish(t, l, p)
	answer := httptest.NewRecorder()
	l.Handler(nobody).ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/media/"+p.Largest().File, nil))
	if answer.Code != http.StatusOK || l.public.Len() != maxPublic || !l.public.Contains(p.Largest().File) {
		t.Errorf("it answers %d, and %d files are remembered", answer.Code, l.public.Len())
	}
}
