package media

import (
	"bytes"
	"context"
	"fmt"
	"image"
	"image/color"
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

// widths are the widths in which a picture is stored. None is larger than the picture itself. Most phones show one 650
// to 700 pixels wide, for which 960 would be half as much again to load.
var widths = []int{1600, 960, 720, 480}

const quality = 85 // of JPEG: no loss that a reader sees, a third of the size of 95

// format is one kind of image that we read.
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

// examine returns the format and the size of an upload, without decoding the pixels.
func (l *Library) examine(upload []byte) (*format, image.Config, error) {
	// The bytes decide. The name and the content type of an upload are its sender's claim.
	sniffed, _, _ := strings.Cut(http.DetectContentType(upload), ";")
	kind := formats[sniffed]
	if kind == nil {
		return nil, image.Config{}, unsupported(sniffed, upload)
	}
	if isAnimated(kind, upload) {
		return nil, image.Config{}, invalid("moves, and only still pictures are shown here: save one of its frames, or " +
			"link to a film")
	}
	size, err := l.measure(kind, upload)
	switch {
	case err != nil:
		return nil, size, invalid("is a broken %s file: %v", kind.name, err)
	case size.Width <= 0 || size.Height <= 0:
		return nil, size, invalid("has no pixels")
	case tooLarge(size):
		return nil, size, invalid("has %d by %d pixels, which is more than 40 million in all or 20,000 on a side: make it "+
			"smaller and try again",
			size.Width, size.Height)
	case decodedBytes(kind, size, upload) > maxDecoded:
		return nil, size, invalid("takes too much memory to read: save it with 8 bits for each colour, or smaller, and " +
			"try again")
	}
	return kind, size, nil
}

// tooLarge reports whether a picture has too many pixels.
func tooLarge(size image.Config) bool {
	// In 128 bits: the product of two sides that a file claims may overflow 64.
	high, low := bits.Mul64(uint64(size.Width), uint64(size.Height))
	return high > 0 || low > maxPixels || size.Width > maxSide || size.Height > maxSide
}

// decodedBytes is the memory that the pixels of an upload take while it is decoded. tooLarge was asked before.
func decodedBytes(kind *format, size image.Config, upload []byte) int64 {
	pixels := int64(size.Width) * int64(size.Height)
	switch size.ColorModel {
	case color.NRGBA64Model, color.RGBA64Model:
		return 8 * pixels
	case color.GrayModel:
		return pixels * jpegPasses(kind, upload)
	case color.Gray16Model:
		return 2 * pixels
	case color.YCbCrModel:
		// Most store colours at a quarter of the pixels. Few do not, and the limit has room for them.
		return pixels * 2 * jpegPasses(kind, upload)
	}
	if _, paletted := size.ColorModel.(color.Palette); paletted {
		return pixels
	}
	return 4 * pixels * jpegPasses(kind, upload)
}

// jpegPasses is 5 for a progressive JPEG, and 1 for all else. The decoder keeps four bytes for each byte of a
// progressive one, until the last pass.
func jpegPasses(kind *format, upload []byte) int64 {
	if kind.name == "JPEG" && len(jpegSegments(upload, 0xc2, "")) > 0 {
		return 5
	}
	return 1
}

// unsupported returns the error for an upload that is no picture we read, and names what it seems to be.
func unsupported(sniffed string, upload []byte) error {
	start := bytes.ToLower(bytes.TrimSpace(upload[:min(len(upload), 1024)]))
	switch {
	case bytes.Contains(start, []byte("<svg")):
		return invalid("is an SVG drawing, which can carry a program: save it as PNG and try again")
	case sniffed == "text/html" || bytes.HasPrefix(start, []byte("<")):
		return invalid("is a web page, not a picture")
	case bytes.HasPrefix(start, []byte("{")) || bytes.HasPrefix(start, []byte("[")):
		return invalid("is a JSON file, not a picture")
	case bytes.Contains(start[:min(len(start), 32)], []byte("ftyp")):
		return invalid("is of a kind that cannot be read here (HEIC, AVIF or a film): save it as JPEG and try again")
	}
	return invalid("cannot be read here: bring JPEG, PNG, GIF or WebP")
}

func (l *Library) measure(kind *format, upload []byte) (size image.Config, err error) {
	defer l.recoverPanic(&err)
	return kind.size(bytes.NewReader(upload))
}

// decode reads the pixels, within decodeTime. A file that is made to keep a decoder busy (a JPEG of a hundred
// thousand scans) fails at the deadline.
func (l *Library) decode(ctx context.Context, kind *format, upload []byte) (picture image.Image, err error) {
	ctx, cancel := context.WithTimeout(ctx, decodeTime)
	defer cancel()
	picture, err = l.decodeUntil(ctx, kind, upload)
	if err != nil && ctx.Err() == nil {
		return nil, invalid("is a broken %s file: %v", kind.name, err)
	}
	if err != nil {
		return nil, invalid("takes too long to read: save it again and try once more")
	}
	return picture, nil
}

func (l *Library) decodeUntil(ctx context.Context, kind *format, upload []byte) (picture image.Image, err error) {
	defer l.recoverPanic(&err)
	return kind.decode(&deadlineReader{ctx, bytes.NewReader(upload)})
}

// deadlineReader fails once its context has ended. A decoder cannot be stopped otherwise, but it must go on reading.
type deadlineReader struct {
	ctx context.Context
	r   io.Reader
}

func (t *deadlineReader) Read(p []byte) (int, error) {
	if err := t.ctx.Err(); err != nil {
		return 0, err
	}
	return t.r.Read(p)
}

// recoverPanic turns a decoder's panic into an error and logs it: an upload must not end the program. It is deferred.
func (l *Library) recoverPanic(err *error) {
	if fault := recover(); fault != nil {
		l.log().Error("a decoder panicked on a picture", "panic", fault)
		*err = fmt.Errorf("it cannot be read")
	}
}

// storedType returns the type in which a picture is stored: photographs as JPEG, drawings and transparent pictures as
// PNG.
func storedType(kind *format, picture image.Image) string {
	// Without Opaque we cannot know. PNG keeps transparency in any case.
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

// versions returns the upright picture in its widths and in sRGB, the largest first. Each is scaled from the one
// before.
func versions(source image.Image, turn int, profile *colours) []*image.RGBA {
	size := source.Bounds().Size()
	// Orientations 5 to 8 lie on their side: width and height change places.
	if turn >= 5 {
		size.X, size.Y = size.Y, size.X
	}
	first := min(size.X, widths[0])
	height := scaled(size, first)
	if turn >= 5 {
		first, height = height, first
	}
	list := []*image.RGBA{upright(shrink(source, first, height), turn)}
	if profile != nil {
		profile.convert(list[0])
	}
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

// maxKernel limits the values of 32 bytes that Catmull-Rom keeps between its two passes. Very tall pictures are
// scaled without it.
const maxKernel = 8 << 20

// shrink scales a picture down. It first halves a picture that is more than twice too large, which is exact and needs
// little memory.
func shrink(source image.Image, width, height int) *image.RGBA {
	for size := source.Bounds().Size(); size.X >= 2*width && size.Y >= 2*height &&
		size.X > 2; size = source.Bounds().Size() {
		half := image.NewRGBA(image.Rect(0, 0, max(1, size.X/2), max(1, size.Y/2)))
		draw.ApproxBiLinear.Scale(half, half.Bounds(), source, source.Bounds(), draw.Src, nil)
		source = half
	}
	result := image.NewRGBA(image.Rect(0, 0, width, height))
	var scaler draw.Scaler = draw.CatmullRom
	if width*source.Bounds().Dy() > maxKernel {
		scaler = draw.ApproxBiLinear
	}
	scaler.Scale(result, result.Bounds(), source, source.Bounds(), draw.Src, nil)
	return result
}

// upright turns and mirrors a picture by its Exif orientation (1 to 8).
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
			// Four bytes a pixel, past Set and its conversion of colours.
			copy(out.Pix[to:to+4], p.Pix[from:from+4])
		}
	}
	return out
}

// turned returns the new position of the pixel at x, y. The eight cases are Exif 2.32, tag 0x0112.
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

// blur returns the picture's blurhash, from a thumbnail of 32 pixels.
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
