package signature

import (
	"crypto/sha256"
	"crypto/sha512"
	"crypto/subtle"
	"encoding/base64"
	"strings"
)

// checkDigest compares a Digest header (RFC 3230) with the body. The header may be a list. It must have SHA-256, or
// SHA-512 alone; each known digest must be right and occur once.
func checkDigest(header string, body []byte) error {
	if len(header) > maxHeader {
		return malformed("%d bytes of digest are too many", len(header))
	}
	entries := strings.Split(header, ",")
	known := map[string]bool{}
	for _, entry := range entries {
		name, value, _ := strings.Cut(strings.TrimSpace(entry), "=")
		name = strings.ToLower(name)
		if name != "sha-256" && name != "sha-512" {
			continue
		}
		sum, err := base64.StdEncoding.DecodeString(value)
		// A second digest of the same kind could be the one that another reader of the request believes.
		if err != nil || known[name] || !equalsDigest(name, sum, body) {
			return refused("its digest is not that of the body")
		}
		known[name] = true
	}
	if known["sha-256"] || known["sha-512"] && len(entries) == 1 {
		return nil
	}
	return refused("its digest is of a kind that we do not know")
}

// equalsDigest compares a digest with that of the body, in constant time.
func equalsDigest(algorithm string, sum, body []byte) bool {
	switch algorithm {
	case "sha-256":
		own := sha256.Sum256(body)
		return subtle.ConstantTimeCompare(own[:], sum) == 1
	case "sha-512":
		own := sha512.Sum512(body)
		return subtle.ConstantTimeCompare(own[:], sum) == 1
	}
	return false
}
