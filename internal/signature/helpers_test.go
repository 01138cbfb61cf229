package signature

import (
	"bytes"
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"
)

// Bram writes from veerhuis.example to the shared inbox of De Overkant.
const (
	bramRSA     = "https://veerhuis.example/users/bram#main-key"
	bramEd25519 = "https://veerhuis.example/users/bram#ed25519-key"
)

var (
	now      = time.Date(2026, 11, 14, 9, 30, 0, 0, time.UTC)
	overkant = []*url.URL{{Scheme: "https", Host: "overkant.example"}}
	reply    = []byte(`{"type":"Create","actor":"https://veerhuis.example/users/bram"}`)
)

// keys are made once; an RSA key takes a while.
var keys = sync.OnceValue(func() (k struct{ rsa, ed25519, kade Key }) {
	var err error
	if k.rsa, err = NewRSAKey(bramRSA); err != nil {
		panic(err)
	}
	if k.kade, err = NewRSAKey("https://zilverduin.example/users/kade#main-key"); err != nil {
		panic(err)
	}
	if k.ed25519, err = NewEd25519Key(bramEd25519); err != nil {
		panic(err)
	}
	return k
})

// known returns the keys of Bram and no others.
func known(_ context.Context, id string) (crypto.PublicKey, error) {
	switch id {
	case bramRSA:
		return keys().rsa.Private.Public(), nil
	case bramEd25519:
		return keys().ed25519.Private.Public(), nil
	}
	return nil, fmt.Errorf("nobody has the key %s", id)
}

// post returns a request as our server gets it, before it is signed.
func post(target string) *http.Request {
	req := httptest.NewRequest("POST", target, bytes.NewReader(reply))
	req.Host = "overkant.example"
	req.Header.Set("Content-Type", "application/activity+json")
	req.Header.Set("Date", now.Format(http.TimeFormat))
	sum := sha256.Sum256(reply)
	req.Header.Set("Digest", "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]))
	return req
}

// hand signs by hand, in the words of the draft and with Go's primitives alone, so
// that it shares nothing with the code under test.
type hand struct {
	key       any    // *rsa.PrivateKey or ed25519.PrivateKey; nil: Bram's RSA key
	keyID     string // "": Bram's
	algorithm string // "": rsa-sha256; "-": none is written
	headers   string // "": all four; "-": none is written
	created   string // written when not empty
	expires   string
	sha512    bool
	target    string // "": the target of the request
}

func (h hand) text(req *http.Request) string {
	names := h.headers
	if names == "" {
		names = "(request-target) host date digest"
	}
	if names == "-" {
		names = "date"
	}
	var lines []string
	for _, name := range strings.Split(strings.ToLower(names), " ") {
		value := strings.TrimSpace(req.Header.Get(name))
		switch name {
		case "(request-target)":
			value = strings.ToLower(req.Method) + " " + req.RequestURI
			if h.target != "" {
				value = h.target
			}
		case "(created)":
			value = h.created
		case "(expires)":
			value = h.expires
		case "host":
			value = req.Host
		}
		lines = append(lines, name+": "+value)
	}
	return strings.Join(lines, "\n")
}

func (h hand) bytes(t testing.TB, text string) []byte {
	t.Helper()
	var signed []byte
	var err error
	switch key := h.key.(type) {
	case nil:
		h.key = keys().rsa.Private.(*rsa.PrivateKey)
		return h.bytes(t, text)
	case *rsa.PrivateKey:
		if h.sha512 {
			sum := sha512.Sum512([]byte(text))
			signed, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA512, sum[:])
		} else {
			sum := sha256.Sum256([]byte(text))
			signed, err = rsa.SignPKCS1v15(rand.Reader, key, crypto.SHA256, sum[:])
		}
	case ed25519.PrivateKey:
		signed = ed25519.Sign(key, []byte(text))
	}
	if err != nil {
		t.Fatal(err)
	}
	return signed
}

// value is the finished Signature header.
func (h hand) value(t testing.TB, req *http.Request) string {
	t.Helper()
	if h.keyID == "" {
		h.keyID = bramRSA
	}
	parts := []string{`keyId="` + h.keyID + `"`}
	switch h.algorithm {
	case "":
		parts = append(parts, `algorithm="rsa-sha256"`)
	case "-":
	default:
		parts = append(parts, `algorithm="`+h.algorithm+`"`)
	}
	if h.created != "" {
		parts = append(parts, "created="+h.created)
	}
	if h.expires != "" {
		parts = append(parts, "expires="+h.expires)
	}
	switch h.headers {
	case "":
		parts = append(parts, `headers="(request-target) host date digest"`)
	case "-":
	default:
		parts = append(parts, `headers="`+h.headers+`"`)
	}
	signed := base64.StdEncoding.EncodeToString(h.bytes(t, h.text(req)))
	return strings.Join(append(parts, `signature="`+signed+`"`), ",")
}

func (h hand) sign(t testing.TB, req *http.Request) *http.Request {
	t.Helper()
	req.Header.Set("Signature", h.value(t, req))
	return req
}
