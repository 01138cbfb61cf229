package main

import (
	"image"
	"image/color"
	"image/jpeg"
	"image/png"
	"io"
	"math"
	"math/rand/v2"

	"golang.org/x/image/vector"
)

// The pictures of the demo are drawn here, so that the program carries no files for them.

const demoWidth, demoHeight = 1280, 720

// canvas is a picture that is being drawn. Coordinates are fractions of its width and height.
type canvas struct{ *image.RGBA }

func newCanvas() canvas { return canvas{image.NewRGBA(image.Rect(0, 0, demoWidth, demoHeight))} }

// point is a place on the canvas, from 0, 0 at the top left to 1, 1.
type point struct{ x, y float32 }

// fill fills a polygon.
func (c canvas) fill(ink color.Color, corners ...point) {
	left, top, right, bottom := corners[0].x, corners[0].y, corners[0].x, corners[0].y
	for _, p := range corners {
		left, top, right, bottom = min(left, p.x), min(top, p.y), max(right, p.x), max(bottom, p.y)
	}
	// The rasterizer visits every pixel of its size, so it is only as large as the polygon.
	reach := image.Rect(int(left*demoWidth)-1, int(top*demoHeight)-1, int(right*demoWidth)+2,
		int(bottom*demoHeight)+2).Intersect(c.Bounds())
	if reach.Empty() {
		return
	}
	pen := vector.NewRasterizer(reach.Dx(), reach.Dy())
	for i, p := range corners {
		x, y := p.x*demoWidth-float32(reach.Min.X), p.y*demoHeight-float32(reach.Min.Y)
		if i == 0 {
			pen.MoveTo(x, y)
		} else {
			pen.LineTo(x, y)
		}
	}
	pen.ClosePath()
	pen.Draw(c.RGBA, reach, image.NewUniform(ink), image.Point{})
}

// disc fills a circle. r is a fraction of the height.
func (c canvas) disc(ink color.Color, at point, r float32) {
	corners := make([]point, 40)
	for i := range corners {
		sin, cos := math.Sincos(float64(i) * 2 * math.Pi / float64(len(corners)))
		corners[i] = point{at.x + r*float32(cos)*demoHeight/demoWidth, at.y + r*float32(sin)}
	}
	c.fill(ink, corners...)
}

// fade fills a band from one height to another with a colour gradient.
func (c canvas) fade(from, to float32, above, below color.RGBA) {
	first, last := int(from*demoHeight), int(to*demoHeight)
	for y := first; y < last; y++ {
		t := float64(y-first) / float64(last-first)
		mix := func(a, b uint8) uint8 { return uint8(float64(a) + t*(float64(b)-float64(a))) }
		ink := color.RGBA{mix(above.R, below.R), mix(above.G, below.G), mix(above.B, below.B), 255}
		for x := range demoWidth {
			c.SetRGBA(x, y, ink)
		}
	}
}

// ripples draws light strokes on water, longer in the foreground.
func (c canvas) ripples(from float32, seed uint64) {
	// A fixed seed: the same picture each time.
	dice := rand.New(rand.NewPCG(seed, 16))
	for range 260 {
		depth := dice.Float32()
		at := point{dice.Float32() * 1.1, from + (1-from)*depth*depth}
		length, thick := 0.01+0.06*depth*depth, 0.001+0.003*depth
		c.fill(color.NRGBA{235, 240, 236, uint8(40 + 70*dice.Float32())}, point{at.x - length, at.y},
			point{at.x, at.y - thick},
			point{at.x + length, at.y}, point{at.x, at.y + thick})
	}
}

var (
	skyHigh  = color.RGBA{158, 178, 186, 255}
	skyLow   = color.RGBA{228, 222, 205, 255}
	farWater = color.RGBA{150, 166, 164, 255}
	water    = color.RGBA{74, 98, 104, 255}
	bank     = color.RGBA{96, 112, 84, 255}
	dark     = color.RGBA{46, 42, 38, 255}
	red      = color.RGBA{176, 52, 40, 255}
	yellow   = color.RGBA{222, 178, 60, 255}
)

// river draws what both pictures have: the sky, a far bank with trees, and the water.
func river(horizon float32, seed uint64) canvas {
	c := newCanvas()
	c.fade(0, horizon, skyHigh, skyLow)
	c.fade(horizon, 1, farWater, water)
	dice := rand.New(rand.NewPCG(seed, 9))
	for range 26 {
		c.disc(color.RGBA{82, 98, 76, 255}, point{dice.Float32(), horizon - 0.015}, 0.015+0.03*dice.Float32())
	}
	c.fill(bank, point{0, horizon - 0.025}, point{0.4, horizon - 0.035}, point{1, horizon - 0.02},
		point{1, horizon + 0.012}, point{0, horizon + 0.012})
	c.ripples(horizon+0.02, seed)
	return c
}

// drawFerry draws a rowing boat with two people in it, just past a red buoy.
func drawFerry(w io.Writer) error {
	c := river(0.42, 41)
	c.fill(red, point{0.245, 0.60}, point{0.285, 0.60}, point{0.275, 0.50}, point{0.255, 0.50})
	c.fill(dark, point{0.262, 0.50}, point{0.268, 0.50}, point{0.268, 0.46}, point{0.262, 0.46})
	c.fill(color.NRGBA{30, 44, 48, 120}, point{0.46, 0.735}, point{0.86, 0.735}, point{0.80, 0.77}, point{0.50, 0.77})
	c.fill(dark, point{0.55, 0.66}, point{0.44, 0.76}, point{0.434, 0.755}, point{0.545, 0.65}) // the left oar
	c.fill(color.RGBA{92, 70, 52, 255}, point{0.45, 0.66}, point{0.87, 0.65}, point{0.82, 0.74}, point{0.50, 0.745})
	c.fill(color.RGBA{124, 98, 72, 255}, point{0.45, 0.66}, point{0.87, 0.65}, point{0.865, 0.665}, point{0.455, 0.675})
	// the rower
	c.fill(color.RGBA{58, 76, 96, 255}, point{0.565, 0.665}, point{0.635, 0.665}, point{0.62, 0.55}, point{0.575, 0.545})
	c.disc(color.RGBA{196, 160, 130, 255}, point{0.597, 0.515}, 0.034)
	// the passenger
	c.fill(color.RGBA{136, 66, 52, 255}, point{0.745, 0.66}, point{0.805, 0.655}, point{0.795, 0.555}, point{0.755, 0.555})
	c.disc(color.RGBA{206, 172, 142, 255}, point{0.775, 0.525}, 0.031)
	return jpeg.Encode(w, c, &jpeg.Options{Quality: 88})
}

// drawLanding draws an empty landing stage with a post, and a house with a bell on the far bank.
func drawLanding(w io.Writer) error {
	c := river(0.36, 7)
	c.fill(color.RGBA{214, 204, 184, 255}, point{0.66, 0.345}, point{0.74, 0.345}, point{0.74, 0.285}, point{0.66, 0.285})
	c.fill(color.RGBA{150, 82, 62, 255}, point{0.65, 0.285}, point{0.75, 0.285}, point{0.70, 0.235})
	c.disc(yellow, point{0.752, 0.318}, 0.009)
	c.fill(color.RGBA{110, 88, 66, 255}, point{0.08, 1}, point{0.56, 1}, point{0.43, 0.70}, point{0.27, 0.70})
	for i := range 7 {
		y := 0.72 + 0.04*float32(i)
		inset := (1 - y) / 0.30 * 0.19
		c.fill(color.RGBA{78, 62, 48, 255}, point{0.08 + inset, y}, point{0.56 - inset*0.68, y},
			point{0.56 - inset*0.68, y + 0.006}, point{0.08 + inset, y + 0.006})
	}
	c.fill(dark, point{0.39, 0.86}, point{0.41, 0.86}, point{0.408, 0.46}, point{0.392, 0.46})
	c.fill(color.RGBA{226, 218, 200, 255}, point{0.365, 0.545}, point{0.435, 0.545}, point{0.435, 0.485},
		point{0.365, 0.485})
	return png.Encode(w, c)
}
