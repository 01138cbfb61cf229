package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/gif"
	"image/jpeg"
	"image/png"
	"io"
	"math/bits"
	"net/http"
	"strings"

	"github.com/bbrks/go-blurhash"
	"golang.org/x/image/draw"
	"golang.org/x/image/webp"
)

// widths are those in which a picture is kept; none is larger than the picture itself.
var widths = []int{1600, 960, 480}

const quality = 85 // of JPEG: no loss that a reader sees, a third of the size of 95

// format is one kind of picture that we read.
type format struct {
	name   string
	size   func(io.Reader) (image.Config, error)
	decode func(io.Reader) (image.Image, error)
}

var formats = map[string]*format{
	"image/jpeg": {"JPEG", jpeg.DecodeConfig, jpeg.Decode},
	"image/png":  {"PNG", png.DecodeConfig, png.Decode},
	"image/gif":  {"GIF", gif.DecodeConfig, gif.Decode}, // its first frame
	"image/webp": {"WebP", webp.DecodeConfig, webp.Decode},
}

// examine tells the format and the size of an upload from its bytes, without decoding the picture.
func (l *Library) examine(upload []byte) (*format, image.Config, error) {
	sniffed, _, _ := strings.Cut(http.DetectContentType(upload), ";")
	kind := formats[sniffed]
	if kind == nil {
		return nil, image.Config{}, unreadable(sniffed, upload)
	}
	size, err := l.measure(kind, upload)
	switch {
	case err != nil:
		return nil, size, refused("is a broken %s file: %v", kind.name, err)
	case size.Width <= 0 || size.Height <= 0:
		return nil, size, refused("has no pixels")
	case over(size):
		return nil, size, refused("has %d by %d pixels, which is more than 40 million in all or 20,000 on a side: make it "+
			"smaller and try again",
			size.Width, size.Height)
	}
	return kind, size, nil
}

// over reports whether a picture is too large, also where the product of its sides overflows.
func over(size image.Config) bool {
	high, low := bits.Mul64(uint64(size.Width), uint64(size.Height))
	return high > 0 || low > maxPixels || size.Width > maxSide || size.Height > maxSide
}

// unreadable says in words what was brought instead of a picture.
func unreadable(sniffed string, upload []byte) error {
	start := bytes.ToLower(bytes.TrimSpace(upload[:min(len(upload), 1024)]))
	switch {
	case bytes.Contains(start, []byte("<svg")):
		return refused("is an SVG drawing, which can carry a program: save it as PNG and try again")
	case sniffed == "text/html" || bytes.HasPrefix(start, []byte("<")):
		return refused("is a web page, not a picture")
	case bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[")):
		return refused("is a JSON file, not a picture")
	case bytes.Contains(start[:min(len(start), 32)], []byte("ftyp")):
		return refused("is of a kind that cannot be read here (HEIC, AVIF or a film): save it as JPEG and try again")
	}
	return refused("cannot be read here: bring JPEG, PNG, GIF or WebP")
}

func (l *Library) measure(kind *format, upload []byte) (size image.Config, err error) {
	defer l.rescue(&err)
	return kind.size(bytes.NewReader(upload))
}

// decode reads the pixels. A file made to wear a decoder out (a JPEG of a hundred thousand scans) runs into the
// deadline, since the decoder must go on reading.
func (l *Library) decode(ctx context.Context, kind *format, upload []byte) (picture image.Image, err error) {
	ctx, cancel := context.WithTimeout(ctx, decodeTime)
	defer cancel()
	picture, err = l.decodeUntil(ctx, kind, upload)
	if err != nil && ctx.Err() == nil {
		return nil, refused("is a broken %s file: %v", kind.name, err)
	}
	if err != nil {
		return nil, refused("takes too long to read: save it anew and try again")
	}
	return picture, nil
}

func (l *Library) decodeUntil(ctx context.Context, kind *format, upload []byte) (picture image.Image, err error) {
	defer l.rescue(&err)
	return kind.decode(&timed{ctx, bytes.NewReader(upload)})
}

// timed is a reader that stops at its context's end.
type timed struct {
	ctx context.Context
	r   io.Reader
}

func (t *timed) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.r.Read(p)
}

// rescue turns a decoder's panic into an error and logs it: an upload must not end the program. It is deferred.
func (l *Library) rescue(err *error) {
	if fault := recover(); fault != nil {
		l.log().Error("a picture made its decoder panic", "panic", fault)
		*err = fmt.Errorf("it cannot be read")
	}
}

// storedType is the type in which a picture is kept: photographs as JPEG, drawings and what can be seen through as PNG.
func storedType(kind *format, picture image.Image) string {
	transparent := true
	if p, ok := picture.(interface{ Opaque() bool }); ok {
		transparent = !p.Opaque()
	}
	if kind.name == "JPEG" || kind.name == "WebP" && !transparent {
		return "image/jpeg"
	}
	return "image/png"
}

func encode(w io.Writer, kind string, picture image.Image) error {
	if kind == "image/png" {
		return png.Encode(w, picture)
	}
	return jpeg.Encode(w, picture, &jpeg.Options{Quality: quality})
}

// versions are the upright picture in its widths, the largest first. Each is drawn from the one before.
func versions(source image.Image, turn int) []*image.RGBA {
	size := source.Bounds().Size()
	if turn >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	first := min(size.X, widths[0])
	height := scaled(size, first)
	if turn >= 5 {
		first, height = height, first
	}
	list := []*image.RGBA{upright(shrink(source, first, height), turn)}
	for _, width := range widths[1:] {
		last := list[len(list)-1]
		now := last.Bounds().Size()
		if width < now.X*9/10 { // two files of nearly the same width help nobody
			list = append(list, shrink(last, width, scaled(now, width)))
		}
	}
	return list
}

func scaled(size image.Point, width int) int { return max(1, (size.Y*width+size.X/2)/size.X) }

// kernelRoom is how many values Catmull-Rom may keep between its two passes, of 32 bytes each. Very tall pictures go
// without.
const kernelRoom = 8 << 20

// shrink draws a picture at a size that is not larger. It first halves what is more than twice too large, which is
// exact and needs no memory to speak of.
func shrink(source image.Image, width, height int) *image.RGBA {
	for size := source.Bounds().Size(); size.X >= 2*width && size.Y >= 2*height &&
		size.X > 2; size = source.Bounds().Size() {
		half := image.NewRGBA(image.Rect(0, 0, max(1, size.X/2), max(1, size.Y/2)))
		draw.ApproxBiLinear.Scale(half, half.Bounds(), source, source.Bounds(), draw.Src, nil)
		source = half
	}
	result := image.NewRGBA(image.Rect(0, 0, width, height))
	var scaler draw.Scaler = draw.CatmullRom
	if width*source.Bounds().Dy() > kernelRoom {
		scaler = draw.ApproxBiLinear
	}
	scaler.Scale(result, result.Bounds(), source, source.Bounds(), draw.Src, nil)
	return result
}

// upright turns and mirrors a picture by its Exif orientation (1 to 8), so that it needs none any more.
func upright(p *image.RGBA, turn int) *image.RGBA {
	if turn <= 1 {
		return p
	}
	w, h := p.Bounds().Dx(), p.Bounds().Dy()
	outW, outH := w, h
	if turn >= 5 {
		outW, outH = h, w
	}
	out := image.NewRGBA(image.Rect(0, 0, outW, outH))
	for y := range h {
		for x := range w {
			to := out.PixOffset(turned(turn, x, y, w, h))
			from := p.PixOffset(x, y)
			copy(out.Pix[to:to+4], p.Pix[from:from+4])
		}
	}
	return out
}

// turned is where the pixel at x, y goes. The eight cases are Exif 2.32, tag 0x0112.
func turned(turn, x, y, w, h int) (int, int) {
	switch turn {
	case 2:
		return w - 1 - x, y
	case 3:
		return w - 1 - x, h - 1 - y
	case 4:
		return x, h - 1 - y
	case 5:
		return y, x
	case 6:
		return h - 1 - y, x
	case 7:
		return h - 1 - y, w - 1 - x
	case 8:
		return y, w - 1 - x
	}
	return x, y
}

// blur is the picture's blurhash, from a thumbnail of 32 pixels.
func blur(p *image.RGBA) string {
	size := p.Bounds().Size()
	width, height := 32, max(1, size.Y*32/size.X)
	if size.Y > size.X {
		width, height = max(1, size.X*32/size.Y), 32
	}
	thumbnail := image.NewRGBA(image.Rect(0, 0, width, height))
	draw.ApproxBiLinear.Scale(thumbnail, thumbnail.Bounds(), p, p.Bounds(), draw.Src, nil)
	hash, err := blurhash.Encode(4, 3, thumbnail)
	if err != nil {
		return "" // a picture without one is shown without a blur before it
	}
	return hash
}
