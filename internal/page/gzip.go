package page

import (
	"bytes"
	"strings"

	"github.com/klauspost/compress/gzip"
)

// pack compresses a body, or says that it does not pay.
func pack(body []byte) []byte {
	if len(body) < worthPacking {
		return nil
	}
	var out bytes.Buffer
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
	return bytes.Clone(out.Bytes())
}

// takesGzip reads Accept-Encoding (RFC 9110, 12.5.3) as far as it matters here: gzip, or *, with a weight above zero.
func takesGzip(values []string) bool {
	star := false
	for _, value := range values {
		for more := true; more; {
			var part string
			part, value, more = strings.Cut(value, ",")
			coding, weight, _ := strings.Cut(part, ";")
			switch coding = strings.TrimSpace(coding); {
			case strings.EqualFold(coding, "gzip"), strings.EqualFold(coding, "x-gzip"):
				return wanted(weight)
			case coding == "*":
				star = wanted(weight)
			}
		}
	}
	return star
}

// wanted reports whether a weight is above zero. A missing weight counts as 1.
func wanted(weight string) bool {
	name, value, found := strings.Cut(weight, "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return true
	}
	return strings.Trim(value, " 0.") != ""
}
