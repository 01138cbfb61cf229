package media

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"image"
	"io"
	"math"
)

// colours is what a picture's ICC profile says of its numbers: the curve of each channel, and what its light is in
// CIE XYZ. Cameras and phones write such profiles (Display P3, Adobe RGB). Without one, browsers take a picture for
// sRGB, in which these would be dull. So their pixels are converted, and no bytes of a profile are kept.
//
// It is written here because only these profiles matter. A colour management library reads all kinds, from a file that
// a stranger may have made, and those for Go are bound to C.
type colours struct {
	curves [3][256]float64
	xyz    [3][3]float64 // of each channel at full light, under D50
}

const maxProfile = 4 << 20 // bytes; those of cameras have a few hundred

// coloursOf returns the colours of an upload; nil for a picture without a profile, or with one of another kind.
func coloursOf(kind *format, upload []byte) *colours {
	profile := profileOf(kind, upload)
	// ICC.1:2022, section 7.2: the colour space, the space of the matrix, and the signature of the file.
	if len(profile) < 132 || string(profile[16:24]) != "RGB XYZ " || string(profile[36:40]) != "acsp" {
		return nil
	}
	c := &colours{}
	for i, channel := range []string{"r", "g", "b"} {
		light, curve := profileTag(profile, channel+"XYZ"), profileTag(profile, channel+"TRC")
		if len(light) < 20 || !readCurve(&c.curves[i], curve) {
			return nil
		}
		for j := range c.xyz[i] {
			c.xyz[i][j] = fixed(light[8+4*j:])
		}
	}
	return c
}

// profileOf returns the ICC profile in an upload, nil when there is none.
func profileOf(kind *format, upload []byte) []byte {
	switch kind.name {
	case "JPEG":
		var all []byte
		for _, part := range jpegSegments(upload, 0xe2, "ICC_PROFILE\x00") {
			if len(part) > 2 { // the number of the part, and how many there are
				all = append(all, part[2:]...)
			}
		}
		return all
	case "PNG":
		_, rest, found := bytes.Cut(pngChunk(upload, "iCCP"), []byte{0})
		if !found || len(rest) < 1 {
			return nil
		}
		packed, err := zlib.NewReader(bytes.NewReader(rest[1:]))
		if err != nil {
			return nil
		}
		profile, _ := io.ReadAll(io.LimitReader(packed, maxProfile))
		return profile
	case "WebP":
		return webpChunk(upload, "ICCP")
	}
	return nil
}

// profileTag returns the data of a tag of a profile, nil when there is none.
func profileTag(profile []byte, tag string) []byte {
	count := int64(binary.BigEndian.Uint32(profile[128:]))
	for i := int64(0); i < min(count, 100) && 132+12*(i+1) <= int64(len(profile)); i++ {
		entry := profile[132+12*i:]
		at, size := int64(binary.BigEndian.Uint32(entry[4:])), int64(binary.BigEndian.Uint32(entry[8:]))
		if string(entry[:4]) == tag && at+size <= int64(len(profile)) {
			return profile[at : at+size]
		}
	}
	return nil
}

// fixed reads a number of 16 bits before and 16 after the point.
func fixed(b []byte) float64 { return float64(int32(binary.BigEndian.Uint32(b))) / 65536 }

// readCurve fills in the light of each value of a channel, and reports whether the curve is of a known kind.
func readCurve(light *[256]float64, curve []byte) bool {
	if len(curve) < 12 {
		return false
	}
	var at func(x float64) float64
	switch string(curve[:4]) {
	case "curv":
		at = sampled(curve)
	case "para":
		at = parametric(curve)
	}
	if at == nil {
		return false
	}
	for i := range light {
		light[i] = at(float64(i) / 255)
	}
	return true
}

// sampled reads a curve of points (ICC.1:2022, section 10.6): none is a straight line, and one is a power.
func sampled(curve []byte) func(x float64) float64 {
	count := int64(binary.BigEndian.Uint32(curve[8:]))
	switch {
	case count == 0:
		return func(x float64) float64 { return x }
	case 12+2*count > int64(len(curve)):
		return nil
	case count == 1:
		power := float64(binary.BigEndian.Uint16(curve[12:])) / 256
		return func(x float64) float64 { return math.Pow(x, power) }
	}
	point := func(i int) float64 { return float64(binary.BigEndian.Uint16(curve[12+2*i:])) / 65535 }
	return func(x float64) float64 {
		place := x * float64(count-1)
		left := min(int(place), int(count)-2)
		part := place - float64(left)
		return point(left)*(1-part) + point(left+1)*part
	}
}

// parametric reads a curve of a formula (ICC.1:2022, section 10.18): a power above d, and a line below it.
func parametric(curve []byte) func(x float64) float64 {
	kind := binary.BigEndian.Uint16(curve[8:])
	counts := []int{1, 3, 4, 5, 7}
	if int(kind) >= len(counts) || len(curve) < 12+4*counts[kind] {
		return nil
	}
	v := [7]float64{0, 1} // g a b c d e f
	for i := range counts[kind] {
		v[i] = fixed(curve[12+4*i:])
	}
	g, a, b, c, d, e, f := v[0], v[1], v[2], v[3], v[4], v[5], v[6]
	if (kind == 1 || kind == 2) && a != 0 {
		// These two kinds have no d: the line is flat, and begins where the power does.
		c, d, e, f = 0, -b/a, v[3], v[3]
	}
	return func(x float64) float64 {
		if x < d {
			return c*x + f
		}
		return math.Pow(max(0, a*x+b), g) + e
	}
}

// fromXYZ leads from CIE XYZ under D50 to the light of sRGB.
var fromXYZ = [3][3]float64{{3.1338561, -1.6168667, -0.4906146}, {-0.9787684, 1.9161415, 0.0334540},
	{0.0719453, -0.2289914, 1.4052427}}

// steps is how finely the light is divided before it becomes one of 256 values.
const steps = 4095

// sRGB has the value of each step of light.
var sRGB = func() (values [steps + 1]uint8) {
	for i := range values {
		light := float64(i) / steps
		value := 12.92 * light
		if light > 0.0031308 {
			value = 1.055*math.Pow(light, 1/2.4) - 0.055
		}
		values[i] = uint8(math.Round(255 * value))
	}
	return values
}()

// convert changes the pixels of a picture to sRGB. What is beyond sRGB becomes the nearest colour of it.
func (c *colours) convert(p *image.RGBA) {
	var matrix [3][3]float64 // from the channels of the picture to those of sRGB
	for to := range 3 {
		for from := range 3 {
			for k := range 3 {
				matrix[to][from] += fromXYZ[to][k] * c.xyz[from][k]
			}
		}
	}
	for at := 0; at+4 <= len(p.Pix); at += 4 {
		pixel := p.Pix[at : at+4]
		alpha := uint32(pixel[3])
		if alpha == 0 {
			continue
		}
		var light [3]float64
		for i := range light {
			// The pixels are multiplied with their opacity, which the curves know nothing of.
			light[i] = c.curves[i][min(255, (uint32(pixel[i])*255+alpha/2)/alpha)]
		}
		for i, row := range matrix {
			mixed := row[0]*light[0] + row[1]*light[1] + row[2]*light[2]
			value := uint32(sRGB[int(math.Round(steps*max(0, min(1, mixed))))])
			pixel[i] = uint8((value*alpha + 127) / 255)
		}
	}
}
