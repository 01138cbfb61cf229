package media

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image/color"
	"log/slog"
	"strings"
	"testing"
)

// claiming is the beginning of a PNG file that claims a size. It has no pixels.
func claiming(width, height int) []byte {
	head := append([]byte("IHDR"), 0, 0, 0, 0, 0, 0, 0, 0, 8, 2, 0, 0, 0)
	binary.BigEndian.PutUint32(head[4:], uint32(width))
	binary.BigEndian.PutUint32(head[8:], uint32(height))
	file := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\x0d"), head...)
	return binary.BigEndian.AppendUint32(file, crc32.ChecksumIEEE(head))
}

func TestAPictureHasAtMostFortyMillionPixelsAndTwentyThousandOnASide(t *testing.T) {
	l := &Library{}
	over := func() (width, height int) { // the smallest picture with more pixels that has no side too long
		for n := maxPixels + 1; ; n++ {
			for width := maxSide; width*width >= n; width-- {
				if n%width == 0 {
					return width, n / width
				}
			}
		}
	}
	width, height := over()
	for _, c := range []struct {
		width, height int
		fits          bool
	}{
		{maxPixels / 5000, 5000, true}, {width, height, false}, {height, width, false},
		{maxSide, maxPixels / maxSide, true}, {maxSide, 1, true}, {maxSide + 1, 1, false}, {1, maxSide, true},
		{1, maxSide + 1, false},
		{1<<31 - 1, 1<<31 - 1, false}, {0, 5, false},
	} {
		if _, _, err := l.examine(claiming(c.width, c.height)); (err == nil) != c.fits {
			t.Errorf("%d by %d: %v", c.width, c.height, err)
		}
	}
}

func TestT261APictureTakesALimitedNumberOfBytes(t *testing.T) {
	l := &Library{}
	claim := func(width, height int, bits, colours byte) []byte {
		file := claiming(width, height)
		file[24], file[25] = bits, colours
		binary.BigEndian.PutUint32(file[29:], crc32.ChecksumIEEE(file[12:29]))
		return file
	}
	for name, c := range map[string]struct {
		upload []byte
		fits   bool
	}{
		"40 million pixels of 8 bits, transparent":           {claim(8000, 5000, 8, 6), true},
		"20 million pixels of 16 bits":                       {claim(5000, 4000, 16, 6), true},
		"20 million and some of 16 bits":                     {claim(5001, 4000, 16, 6), false},
		"the same without transparency":                      {claim(5001, 4000, 16, 2), false},
		"40 million pixels of 16 bits":                       {claim(6300, 6300, 16, 6), false},
		"40 million pixels of 16 bits, grey":                 {claim(8000, 5000, 16, 0), true},
		"40 million pixels of 16 bits, grey and transparent": {claim(8000, 5000, 16, 4), false},
		"20 million pixels that a JPEG keeps in passes":      {sofOf(0xc2, 5000, 4000), false},
		"12 million pixels that a JPEG keeps in passes":      {sofOf(0xc2, 4000, 3000), true},
		"40 million pixels of a JPEG":                        {sofOf(0xc0, 8000, 5000), true},
	} {
		if _, _, err := l.examine(c.upload); (err == nil) != c.fits {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// sofOf is the beginning of a JPEG with three components, colours at a quarter of the pixels.
func sofOf(marker byte, width, height uint16) []byte {
	file := []byte{0xff, 0xd8, 0xff, marker, 0, 17, 8}
	file = binary.BigEndian.AppendUint16(file, height)
	file = binary.BigEndian.AppendUint16(file, width)
	return append(file, 3, 1, 0x22, 0, 2, 0x11, 0, 3, 0x11, 0, 0xff, 0xda, 0, 2)
}

// FuzzPicture reads uploads: their header, and their pixels when they are few. No decoder may panic, since not
// everything that calls one can recover.
func FuzzPicture(f *testing.F) {
	for _, seed := range [][]byte{jpegBytes(ferry(9, 7)), pngBytes(ferry(7, 9)), gifBytes(color.Black),
		held(jpegBytes(ferry(8, 8)), 6), claiming(1, 1), claiming(20_000, 20_000), claiming(1<<31-1, 1<<31-1),
		[]byte("RIFF\x24\x00\x00\x00WEBPVP8 \x18\x00\x00\x00\x30\x01\x00\x9d\x01\x2a\x01\x00\x01\x00\x02\x00\x34" +
			"\x25\xa4\x00\x03\x70\x00\xfe\xfb\x94\x00\x00"),
		[]byte("RIFF\x1a\x00\x00\x00WEBPVP8L\x0d\x00\x00\x00\x2f\x00\x00\x00\x10\x07\x10\x11\x11\x88\x88\xfe\x07\x00"),
		[]byte("RIFF\xff\xff\xff\xffWEBPVP8X\x0a\x00\x00\x00\x10\x00\x00\x00\xff\xff\xff\xff\xff\xff"),
		[]byte("<svg xmlns='http://www.w3.org/2000/svg'/>"), []byte("GIF89a\xff\xff\xff\xff\xf7\x00\x00"),
		[]byte("\xff\xd8\xff\xe1\xff\xffExif\x00\x00MM\x00*\xff\xff\xff\xff")} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, upload []byte) {
		var log bytes.Buffer
		l := &Library{Log: slog.New(slog.NewTextHandler(&log, nil))}
		kind, size, err := l.examine(upload)
		if err == nil && size.Width*size.Height <= 100_000 {
			picture, err := l.decode(t.Context(), kind, upload)
			// The first frame of a GIF may be smaller than its screen.
			if err == nil && (picture.Bounds().Dx() > size.Width || picture.Bounds().Dy() > size.Height) {
				t.Errorf("the header says %d by %d, the picture is %v", size.Width, size.Height, picture.Bounds())
			}
		}
		if err == nil && tooLarge(size) {
			t.Errorf("%d by %d passes", size.Width, size.Height)
		}
		if strings.Contains(log.String(), "panic") {
			t.Error(&log)
		}
	})
}
