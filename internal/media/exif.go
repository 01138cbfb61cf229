package media

import (
	"bytes"
	"encoding/binary"
)

// orientation returns the Exif orientation of a picture: 1 to 8 as in Exif 2.32, and 1 (upright) when it cannot be
// read.
//
// It is written here because only this number is needed. A library reads every tag and maker's note of a file that a
// stranger may have made, and most read the Exif block of JPEG only.
func orientation(kind *format, upload []byte) int {
	switch kind.name {
	case "JPEG":
		return tiffOrientation(jpegExif(upload))
	case "PNG":
		return tiffOrientation(pngChunk(upload, "eXIf"))
	case "WebP":
		// Some programs write JPEG's prefix into the chunk.
		return tiffOrientation(bytes.TrimPrefix(webpChunk(upload, "EXIF"), []byte("Exif\x00\x00")))
	}
	return 1
}

// jpegSegments returns what follows a prefix in a JPEG's segments of one kind, in order.
func jpegSegments(b []byte, kind byte, prefix string) (found [][]byte) {
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker, length := b[at+1], int(binary.BigEndian.Uint16(b[at+2:]))
		if marker == 0xda || length < 2 || at+2+length > len(b) { // the scan begins: no more segments
			break
		}
		if rest, ok := bytes.CutPrefix(b[at+4:at+2+length], []byte(prefix)); ok && marker == kind {
			found = append(found, rest)
		}
		at += 2 + length
	}
	return found
}

// jpegExif returns the TIFF block in a JPEG's APP1 segment, nil when there is none.
func jpegExif(b []byte) []byte {
	for _, block := range jpegSegments(b, 0xe1, "Exif\x00\x00") {
		return block
	}
	return nil
}

// pngChunk returns the first chunk of a kind in a PNG, nil when there is none.
func pngChunk(b []byte, kind string) []byte {
	for at := 8; at+8 <= len(b); {
		// The length is the file's claim. int64, so that the sums below cannot overflow on a small machine either.
		length := int64(binary.BigEndian.Uint32(b[at:]))
		if int64(at)+12+length > int64(len(b)) {
			return nil
		}
		if string(b[at+4:at+8]) == kind {
			return b[at+8 : at+8+int(length)]
		}
		at += 12 + int(length)
	}
	return nil
}

// webpChunk returns the first chunk of a kind in a WebP, nil when there is none.
func webpChunk(b []byte, kind string) []byte {
	for at := 12; at+8 <= len(b); {
		length := int64(binary.LittleEndian.Uint32(b[at+4:]))
		if int64(at)+8+length > int64(len(b)) {
			return nil
		}
		if string(b[at:at+4]) == kind {
			return b[at+8 : at+8+int(length)]
		}
		// RIFF chunks are padded to an even length.
		at += 8 + int(length+length%2)
	}
	return nil
}

// tiffOrientation returns tag 0x0112 of the first directory in a TIFF block (TIFF 6.0, section 2).
func tiffOrientation(b []byte) int {
	const upright = 1
	if len(b) < 8 {
		return upright
	}
	var order binary.ByteOrder
	switch string(b[:4]) {
	case "II*\x00":
		order = binary.LittleEndian
	case "MM\x00*":
		order = binary.BigEndian
	default:
		return upright
	}
	at := int64(order.Uint32(b[4:]))
	if at+2 > int64(len(b)) {
		return upright
	}
	for range order.Uint16(b[at:]) {
		entry := at + 2
		if entry+12 > int64(len(b)) {
			return upright
		}
		if order.Uint16(b[entry:]) == 0x0112 {
			if turn := int(order.Uint16(b[entry+8:])); turn >= 1 && turn <= 8 {
				return turn
			}
			return upright
		}
		at += 12
	}
	return upright
}
