package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	_ "image/jpeg"
	_ "image/png"
	"os"
	"path/filepath"
	"testing"

	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// The light of each channel of Display P3 and Adobe RGB under D50, in units of 1/65536, and their curves.
var (
	displayP3 = [9]int32{0x83df, 0x3dbf, -0x45, 0x4abf, 0xb137, 0xab9, 0x2838, 0x110b, 0xc8b9}
	adobeRGB  = [9]int32{0x9c18, 0x4fa5, 0x4fc, 0x348d, 0xa02c, 0xf95, 0x2631, 0x102f, 0xbe9c}

	curveOfSRGB = []byte("para\x00\x00\x00\x00\x00\x03\x00\x00\x00\x02ff" +
		"\x00\x00\xf2\xa7\x00\x00\rY\x00\x00\x13\xd0\x00\x00\n[")
	power22 = []byte("curv\x00\x00\x00\x00\x00\x00\x00\x01\x02\x33")
	power   = []byte("para\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x33\x33")
)

// profileWith returns an ICC profile.
func profileWith(lights [9]int32, curve []byte) []byte {
	head := make([]byte, 128)
	copy(head[12:], "mntrRGB XYZ ")
	copy(head[36:], "acsp")
	var tags, data []byte
	at := uint32(128 + 4 + 6*12)
	add := func(name string, body []byte) {
		tags = append(tags, name...)
		tags = binary.BigEndian.AppendUint32(tags, at+uint32(len(data)))
		tags = binary.BigEndian.AppendUint32(tags, uint32(len(body)))
		data = append(data, body...)
	}
	for i, channel := range []string{"r", "g", "b"} {
		light := []byte("XYZ \x00\x00\x00\x00")
		for _, n := range lights[3*i : 3*i+3] {
			light = binary.BigEndian.AppendUint32(light, uint32(n))
		}
		add(channel+"XYZ", light)
		add(channel+"TRC", curve)
	}
	return bytes.Join([][]byte{head, {0, 0, 0, 6}, tags, data}, nil)
}

// pngWith puts a profile into a PNG.
func pngWith(picture, profile []byte) []byte {
	var packed bytes.Buffer
	w := zlib.NewWriter(&packed)
	w.Write(profile)
	w.Close()
	body := append([]byte("iCCPp\x00\x00"), packed.Bytes()...)
	chunk := binary.BigEndian.AppendUint32(nil, uint32(len(body)-4))
	chunk = binary.BigEndian.AppendUint32(append(chunk, body...), crc32.ChecksumIEEE(body))
	const head = 8 + 25 // the signature, and the first chunk
	return bytes.Join([][]byte{picture[:head], chunk, picture[head:]}, nil)
}

// jpegWith puts a profile into a JPEG, in two parts.
func jpegWith(picture, profile []byte) []byte {
	parts := [][]byte{picture[:2]}
	for i, part := range [][]byte{profile[:100], profile[100:]} {
		body := append([]byte("ICC_PROFILE\x00"), byte(i+1), 2)
		body = append(body, part...)
		parts = append(parts, binary.BigEndian.AppendUint16([]byte{0xff, 0xe2}, uint16(len(body)+2)), body)
	}
	return bytes.Join(append(parts, picture[2:]), nil)
}

func near(a, b uint8) bool { return max(a, b)-min(a, b) <= 5 }

func TestT257PicturesOfOtherColourSpacesKeepTheirColours(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, folder := library(t, s)
		p3, adobe := profileWith(displayP3, curveOfSRGB), profileWith(adobeRGB, power22)
		for i, test := range []struct {
			profile     []byte
			given, want color.RGBA
		}{
			{p3, color.RGBA{180, 120, 90, 255}, color.RGBA{190, 117, 84, 255}},
			{p3, color.RGBA{90, 160, 120, 255}, color.RGBA{61, 162, 117, 255}},
			{p3, color.RGBA{255, 0, 0, 255}, color.RGBA{255, 0, 0, 255}},
			{p3, color.RGBA{128, 128, 128, 255}, color.RGBA{128, 128, 128, 255}},
			{p3, color.RGBA{90, 60, 45, 127}, color.RGBA{95, 58, 42, 127}},
			{adobe, color.RGBA{180, 120, 90, 255}, color.RGBA{199, 121, 88, 255}},
			{adobe, color.RGBA{255, 255, 255, 255}, color.RGBA{255, 255, 255, 255}},
			{profileWith(adobeRGB, power), color.RGBA{180, 120, 90, 255}, color.RGBA{199, 121, 88, 255}},
			{p3[:200], color.RGBA{180, 120, 90, 255}, color.RGBA{180, 120, 90, 255}},
			{bytes.Replace(p3, []byte("RGB "), []byte("CMYK"), 1), color.RGBA{180, 120, 90, 255}, color.RGBA{180, 120, 90, 255}},
		} {
			plain := image.NewRGBA(image.Rect(0, 0, 20+i, 20))
			for at := 0; at < len(plain.Pix); at += 4 {
				copy(plain.Pix[at:], []uint8{test.given.R, test.given.G, test.given.B, test.given.A})
			}
			uploads := map[string][]byte{"a.png": pngWith(pngBytes(plain), test.profile)}
			if test.given.A == 255 {
				uploads["a.jpg"] = jpegWith(jpegBytes(plain), test.profile)
			}
			for name, upload := range uploads {
				file, err := os.Open(filepath.Join(folder, accept(t, l, name, upload).Largest().File))
				if err != nil {
					t.Fatal(err)
				}
				stored, _, err := image.Decode(file)
				file.Close()
				if err != nil {
					t.Fatal(err)
				}
				got := color.RGBAModel.Convert(stored.At(10, 10)).(color.RGBA)
				if !near(got.R, test.want.R) || !near(got.G, test.want.G) || !near(got.B, test.want.B) || got.A != test.want.A {
					t.Errorf("%d, %s: %v became %v, want %v", i, name, test.given, got, test.want)
				}
			}
		}
	})
}

func TestAColourProfileIsUnpackedUpToFourMebibytes(t *testing.T) {
	for size, want := range map[int]int{maxProfile: maxProfile, maxProfile + 1: maxProfile} {
		upload := pngWith(pngBytes(ferry(8, 8)), make([]byte, size))
		if got := len(profileOf(formats["image/png"], upload)); got != want {
			t.Errorf("of %d bytes %d are read", size, got)
		}
	}
}
