package page

import (
	"bytes"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// compress returns the compressed body, and nil when that saves less than a tenth.
func compress(body []byte) []byte {
	if len(body) < minCompressed {
		return nil
	}
	var out bytes.Buffer
	// Level 6 is the usual compromise between time and size.
	zip, err := gzip.NewWriterLevel(&out, 6)
	if err != nil {
		return nil
	}
	if _, err := zip.Write(body); err != nil {
		return nil
	}
	if zip.Close() != nil || out.Len() > len(body)*9/10 {
		return nil
	}
	// The buffer has grown by doubling. A copy in the cache should not hold its spare room.
	return bytes.Clone(out.Bytes())
}

// acceptsGzip reports whether Accept-Encoding has gzip, or *, with a weight above zero (RFC 9110, 12.5.3).
func acceptsGzip(values []string) bool {
	star := false
	for _, value := range values {
		for more := true; more; {
			var part string
			part, value, more = strings.Cut(value, ",")
			coding, weight, _ := strings.Cut(part, ";")
			switch coding = strings.TrimSpace(coding); {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				return positiveWeight(weight)
			case coding == "*":
				star = positiveWeight(weight)
			}
		}
	}
	return star
}

// positiveWeight reports whether a weight is above zero. A missing one counts as 1.
func positiveWeight(weight string) bool {
	name, value, found := strings.Cut(weight, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return true
	}
	// Zero may be written "0", "0." and "0.000".
	return strings.Trim(value, " 0.") != ""
}
