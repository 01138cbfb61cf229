package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"
)

// Sign signs a request with this exact body, in the dialect that every server accepts:
// draft-cavage-http-signatures-12 over "(request-target) host date" and, except for GET and HEAD, "digest"; a
// Collection-Synchronization header is covered, too. It sets Date, Digest and Signature, and Host to the address
// without its default port. It replaces these headers and removes those of SignRFC9421, so a request may be signed
// again for another attempt, address or dialect. An RSA key signs as rsa-sha256, an Ed25519 key as hs2019.
//
// Sign keeps no state and may be called by many goroutines at once, each with a request of its own.
func Sign(req *http.Request, body []byte, key Key, now time.Time) error {
	if err := prepare(req, key); err != nil {
		return err
	}
	date := now.UTC().Format(http.TimeFormat)
	names := "(request-target) host date"
	// RequestURI is what net/http writes into the request line, byte for byte.
	text := "(request-target): " + strings.ToLower(req.Method) + " " + req.URL.RequestURI() +
		"\nhost: " + req.Host +
		"\ndate: " + date
	req.Header.Set("Date", date)
	if needsDigest(req.Method) {
		sum := sha256.Sum256(body)
		digest := "SHA-256=" + base64.StdEncoding.EncodeToString(sum[:])
		names += " digest"
		text += "\ndigest: " + digest
		req.Header.Set("Digest", digest)
	}
	if value := req.Header.Get(synchronization); value != "" {
		names += " " + synchronization
		text += "\n" + synchronization + ": " + value
	}

	algorithm, signed, err := sign(key.Private, text)
	if err != nil {
		return fmt.Errorf("sign request with %q: %w", key.ID, err)
	}
	// The names must stand in the order in which the text has them: the receiver rebuilds it from this list.
	req.Header.Set("Signature", fmt.Sprintf(`keyId="%s",algorithm="%s",headers="%s",signature="%s"`,
		key.ID, algorithm, names, base64.StdEncoding.EncodeToString(signed)))
	return nil
}

// prepare sets the Host of a request as it is signed, and removes what an earlier signature added.
func prepare(req *http.Request, key Key) error {
	// These characters would end the quoted keyId in the header.
	if key.Private == nil || strings.ContainsAny(key.ID, "\"\\\r\n") {
		return fmt.Errorf("sign request: unusable key %q", key.ID)
	}
	if req.Header == nil {
		req.Header = http.Header{}
	}
	for _, old := range []string{"Date", "Digest", "Content-Digest", "Signature-Input", "Signature"} {
		req.Header.Del(old)
	}
	host := req.Host
	if host == "" {
		host = req.URL.Host
	}
	req.Host = authority(req.URL.Scheme, host)
	return nil
}

// sign signs a text. It also returns the name that Cavage has for the algorithm.
func sign(private crypto.Signer, text string) (algorithm string, signed []byte, err error) {
	switch private.Public().(type) {
	case *rsa.PublicKey:
		sum := sha256.Sum256([]byte(text))
		signed, err = private.Sign(rand.Reader, sum[:], crypto.SHA256)
		return "rsa-sha256", signed, err
	case ed25519.PublicKey:
		signed, err = private.Sign(rand.Reader, []byte(text), crypto.Hash(0))
		return "hs2019", signed, err
	}
	return "", nil, errors.New("the key is neither RSA nor Ed25519")
}

// needsDigest reports whether the body of a request with this method must be covered.
func needsDigest(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != ""
}

// authority returns a host as it is signed and compared: in lower case, without the default port of the scheme.
func authority(scheme, host string) string {
	host = strings.ToLower(host)
	switch scheme {
	case "https":
		host = strings.TrimSuffix(host, ":443")
	case "http":
		host = strings.TrimSuffix(host, ":80")
	}
	return strings.TrimSuffix(host, ":")
}
