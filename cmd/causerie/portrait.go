package main

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"io"

	"golang.org/x/image/vector"
)

// portraitSize is the width and height of the faces of the demo, in pixels: twice the size at which pages show them.
const portraitSize = 192

// shape is an area of one colour. A row of two numbers is a corner, one of six the control points and the end of a
// curve. The picture is 100 wide and high.
type shape struct {
	ink  color.Color
	rows [][]float32
}

// face is a portrait, drawn from the back to the front.
type face []shape

// draw returns the portrait as PNG.
func (f face) draw() (io.Reader, error) {
	picture := image.NewNRGBA(image.Rect(0, 0, portraitSize, portraitSize))
	const unit = portraitSize / 100.
	for _, s := range f {
		pen := vector.NewRasterizer(portraitSize, portraitSize)
		for i, r := range s.rows {
			switch {
			case i == 0:
				pen.MoveTo(r[0]*unit, r[1]*unit)
			case len(r) == 2:
				pen.LineTo(r[0]*unit, r[1]*unit)
			default:
				pen.CubeTo(r[0]*unit, r[1]*unit, r[2]*unit, r[3]*unit, r[4]*unit, r[5]*unit)
			}
		}
		pen.ClosePath()
		pen.Draw(picture, picture.Bounds(), image.NewUniform(s.ink), image.Point{})
	}
	var file bytes.Buffer
	return &file, png.Encode(&file, picture)
}

// The outlines that faces share.
var (
	wholePicture = [][]float32{{0, 0}, {100, 0}, {100, 100}, {0, 100}}
	shoulders    = [][]float32{{10, 104}, {10, 80, 26, 73, 50, 73}, {74, 73, 90, 80, 90, 104}}
	neck         = [][]float32{{41, 60}, {59, 60}, {59, 74}, {59, 82, 41, 82, 41, 74}}
	underChin    = [][]float32{{41, 63}, {47, 68, 53, 68, 59, 63}, {59, 70}, {53, 74, 47, 74, 41, 70}}
	head         = [][]float32{{29, 42}, {29, 27, 38, 19, 50, 19}, {62, 19, 71, 27, 71, 42}, {71, 57, 62, 69, 50, 69},
		{38, 69, 29, 57, 29, 42}}
)

var (
	shadow    = color.NRGBA{A: 31}
	brownHair = color.NRGBA{106, 61, 36, 255}
	paleSkin  = color.NRGBA{227, 183, 149, 255}
	fairHair  = color.NRGBA{139, 107, 69, 255}
	fairSkin  = color.NRGBA{240, 207, 178, 255}
	blackInk  = color.NRGBA{34, 32, 28, 255}
)

var ilseFace = face{
	{color.NRGBA{201, 185, 143, 255}, wholePicture},
	{brownHair, [][]float32{{24, 66}, {19, 32, 30, 12, 50, 12}, {70, 12, 81, 32, 76, 66}, {66, 66}, {66, 40},
		{58, 39, 52, 36, 48, 31}, {45, 36, 40, 40, 34, 41}, {34, 66}}},
	{color.NRGBA{36, 64, 74, 255}, shoulders},
	{paleSkin, neck},
	{shadow, underChin},
	{paleSkin, head},
	{brownHair, [][]float32{{28, 42}, {28, 22, 40, 14, 51, 15}, {65, 15, 73, 25, 72, 42}, {69, 34, 62, 30, 54, 28},
		{48, 34, 36, 38, 28, 42}}},
}

var tobiasFace = face{
	{color.NRGBA{143, 163, 154, 255}, wholePicture},
	{color.NRGBA{60, 50, 38, 255}, shoulders},
	{fairSkin, neck},
	{shadow, underChin},
	{fairSkin, head},
	{fairHair, [][]float32{{27, 43}, {24, 21, 37, 13, 50, 13}, {63, 13, 77, 21, 73, 44}, {70, 34, 65, 29, 57, 28},
		{47, 33, 35, 31, 31, 29}, {28, 33, 27, 38, 27, 43}}},
	{fairHair, [][]float32{{29, 46}, {31, 54, 37, 55, 50, 55}, {63, 55, 69, 54, 71, 46}, {72, 64, 63, 73, 50, 73},
		{37, 73, 28, 64, 29, 46}}},
	{blackInk, circle(41, 45, 7.5)}, {fairSkin, circle(41, 45, 5.5)}, // glasses
	{blackInk, circle(59, 45, 7.5)}, {fairSkin, circle(59, 45, 5.5)},
	{blackInk, [][]float32{{47.5, 43}, {52.5, 43}, {52.5, 45}, {47.5, 45}}},
}

// circle returns the outline of a circle, of four curves.
func circle(x, y, r float32) [][]float32 {
	k := r * 0.5523 // of the control points, for the best likeness
	return [][]float32{{x, y - r}, {x + k, y - r, x + r, y - k, x + r, y}, {x + r, y + k, x + k, y + r, x, y + r},
		{x - k, y + r, x - r, y + k, x - r, y}, {x - r, y - k, x - k, y - r, x, y - r}}
}
