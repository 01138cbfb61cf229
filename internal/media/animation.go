package media

import "encoding/binary"

// isAnimated reports whether an upload has several frames. Only one would be stored, and the author would not know.
func isAnimated(kind *format, upload []byte) bool {
	switch kind.name {
	case "GIF":
		return gifFrames(upload) > 1
	case "PNG":
		frames := pngChunk(upload, "acTL")
		return len(frames) >= 4 && binary.BigEndian.Uint32(frames) > 1
	case "WebP":
		return webpChunk(upload, "ANIM") != nil
	}
	return false
}

// gifFrames counts the frames of a GIF (GIF89a, section 17 and on), at most two. It decodes none of them.
func gifFrames(b []byte) int {
	const head = 13
	if len(b) < head {
		return 0
	}
	frames := 0
	for at := head + gifPalette(b[10]); at+1 < len(b) && frames < 2; {
		switch b[at] {
		case 0x21: // an extension, with its kind
			at += 2
		case 0x2c: // a frame: its place, its palette, and how many bits a pixel has
			if at+9 >= len(b) {
				return frames
			}
			frames++
			at += 11 + gifPalette(b[at+9])
		default:
			return frames
		}
		for at < len(b) && b[at] != 0 { // blocks of data, each with its length
			at += 1 + int(b[at])
		}
		at++
	}
	return frames
}

// gifPalette returns the size of the palette that a byte of flags tells of.
func gifPalette(flags byte) int {
	if flags&0x80 == 0 {
		return 0
	}
	return 3 << (flags&7 + 1)
}
