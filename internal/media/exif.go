package media

import (
	"bytes"
	"encoding/binary"
)

// orientation reads how a camera was held from a picture's Exif block: 1 is upright, 1 to 8 are those of Exif 2.32.
// Whatever cannot be read is upright.
//
// It is our own, since only this one number is needed of all that Exif holds: the rest is thrown away unread. A
// library reads every tag and maker's note of a file that a stranger may have made, and most read the Exif block of
// JPEG alone.
func orientation(kind *format, upload []byte) int {
	switch kind.name {
	case "JPEG":
		return tiffOrientation(jpegExif(upload))
	case "PNG":
		return tiffOrientation(pngExif(upload))
	case "WebP":
		return tiffOrientation(webpExif(upload))
	}
	return 1
}

// jpegExif is the TIFF block in a JPEG's APP1 segment.
func jpegExif(b []byte) []byte {
	for at := 2; at+4 <= len(b) && b[at] == 0xff; {
		marker, length := b[at+1], int(binary.BigEndian.Uint16(b[at+2:]))
		if marker == 0xda || length < 2 || at+2+length > len(b) { // the scan begins: no more segments
			return nil
		}
		body := b[at+4 : at+2+length]
		if rest, found := bytes.CutPrefix(body, []byte("Exif\x00\x00")); found && marker == 0xe1 {
			return rest
		}
		at += 2 + length
	}
	return nil
}

// pngExif is a PNG's eXIf chunk.
func pngExif(b []byte) []byte {
	for at := 8; at+8 <= len(b); {
		length := int64(binary.BigEndian.Uint32(b[at:]))
		if int64(at)+12+length > int64(len(b)) {
			return nil
		}
		if string(b[at+4:at+8]) == "eXIf" {
			return b[at+8 : at+8+int(length)]
		}
		at += 12 + int(length)
	}
	return nil
}

// webpExif is a WebP's EXIF chunk. Some programs leave JPEG's prefix in it.
func webpExif(b []byte) []byte {
	for at := 12; at+8 <= len(b); {
		length := int64(binary.LittleEndian.Uint32(b[at+4:]))
		if int64(at)+8+length > int64(len(b)) {
			return nil
		}
		if string(b[at:at+4]) == "EXIF" {
			return bytes.TrimPrefix(b[at+8:at+8+int(length)], []byte("Exif\x00\x00"))
		}
		at += 8 + int(length+length%2)
	}
	return nil
}

// tiffOrientation finds tag 0x0112 in the first directory of a TIFF block (TIFF 6.0, section 2).
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
