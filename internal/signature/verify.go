package signature

import (
	"context"
	"crypto"
	"crypto/ed25519"
	"crypto/rsa"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// The window around our time in which the time of a signature must lie. Peers with wrong clocks and long queues are
// common. A replay within the window is stopped by the id of the activity, which is remembered much longer.
const (
	Past   = 12 * time.Hour
	Future = time.Hour
)

// Limits of what is read, in bytes.
const (
	maxHeader = 8 << 10
	maxKeyID  = 2 << 10
)

// Scheme is the name of a signature dialect.
type Scheme string

// The dialects that [Verify] reads.
const (
	Cavage  Scheme = "cavage-12"
	RFC9421 Scheme = "rfc9421"
)

// Signed is what a good signature proves: the holder of this key made this request, to us, at this time. It does not
// prove whose key it is.
type Signed struct {
	KeyID  string
	Scheme Scheme
	At     time.Time // the signed Date or created, to the second
}

// Keys are the public keys that Verify may check a signature with.
type Keys struct {
	// Find returns the public key with this id: an *rsa.PublicKey or an ed25519.PublicKey. Verify calls it once, with an
	// absolute http or https address without a user name, and only after everything that needs no key was checked.
	Find func(ctx context.Context, keyID string) (crypto.PublicKey, error)

	// Choose returns which of the keys with these ids is to be judged, by its index, or -1 for none. Verify calls it
	// where a request has several signatures of RFC 9421 by keys with an address: a proxy on the way may add its own.
	// It may be nil.
	Choose func(keyIDs []string) int
}

// Verify checks the signature of a request that arrived here. The body is what was read of it, byte for byte. The
// bases are the public addresses of this site ("https://overkant.example"): the request must have been made to one of
// them. Forwarding headers are ignored.
//
// A request with Signature-Input is RFC 9421; otherwise Signature, or Authorization with the scheme Signature, makes
// it Cavage. The signature must cover the method, the target, the host, a time inside the window and, except for GET
// and HEAD, a digest that equals that of the body. The algorithm follows from the key.
//
// Of several signatures only one is judged. Those whose key id is no address are left out, and keys.Choose picks one
// of several others. Without it such a request is refused.
//
// The errors are ErrUnsigned, ErrMalformed and ErrRefused. An ErrRefused that is an ErrMismatch may be worth another
// call with a key that was fetched again. An error of keys.Find comes back wrapped and is none of these.
func Verify(req *http.Request, body []byte, bases []*url.URL, now time.Time, keys Keys) (Signed, error) {
	if !Present(req.Header) {
		return Signed{}, ErrUnsigned
	}
	read := message.cavage
	if len(req.Header.Values("Signature-Input")) > 0 {
		// A proxy and this server could each check another one.
		if authorized(req.Header) != nil {
			return Signed{}, refused("there is one of each kind")
		}
		read = message.rfc9421
	}
	m := message{req: req, body: body, base: baseOf(req.Host, bases), target: req.RequestURI, now: now,
		choose: keys.Choose}
	if m.base == nil {
		return Signed{}, refused("it was made for the host %q, which is not ours", req.Host)
	}
	if !strings.HasPrefix(m.target, "/") {
		m.target = req.URL.RequestURI() // asked in absolute form, as of a proxy
	}
	claim, err := read(m)
	if err != nil {
		return Signed{}, err
	}
	if err := checkKeyID(claim.KeyID); err != nil {
		return Signed{}, err
	}
	// Last, because keys.Find may fetch the key from another server: nobody causes that with a header that is bad anyway.
	key, err := keys.Find(req.Context(), claim.KeyID)
	if err != nil {
		return Signed{}, fmt.Errorf("find key %q: %w", claim.KeyID, err)
	}
	if err := claim.check(key); err != nil {
		return Signed{}, err
	}
	return claim.Signed, nil
}

// Present reports whether a header has a signature of one of the dialects, good or bad.
func Present(header http.Header) bool {
	return len(header.Values("Signature-Input")) > 0 || len(cavageHeaders(header)) > 0
}

// message is a request whose signature is checked.
type message struct {
	req    *http.Request
	body   []byte
	base   *url.URL // the public address it was made to
	target string   // path and query, as they were sent
	now    time.Time
	choose func(keyIDs []string) int
}

// claim is what a signature says, before its key is known.
type claim struct {
	Signed
	texts     []string      // what may have been signed, likeliest first
	signature []byte        // over one of them
	rsa       []crypto.Hash // how an RSA key may have signed; none: not at all
	ed25519   bool          // whether an Ed25519 key may have signed
}

// check verifies the claim with its key. It returns nil only after an explicit success.
func (c claim) check(key crypto.PublicKey) error {
	// find may return keys from a cache or a database, so their limits are checked here again.
	if err := usable(key); err != nil {
		return refused("%v", err)
	}
	var fits func(text string) bool
	switch key := key.(type) {
	case *rsa.PublicKey:
		fits = func(text string) bool { return c.fitsRSA(key, text) }
	case ed25519.PublicKey:
		fits = func(text string) bool {
			return c.ed25519 && ed25519.Verify(key, []byte(text), c.signature)
		}
	}
	// One text, or two where a sender may have signed the target without its query.
	for _, text := range c.texts {
		if fits(text) {
			return nil
		}
	}
	return ErrMismatch
}

func (c claim) fitsRSA(key *rsa.PublicKey, text string) bool {
	for _, hash := range c.rsa {
		h := hash.New()
		h.Write([]byte(text))
		if rsa.VerifyPKCS1v15(key, hash, h.Sum(nil), c.signature) == nil {
			return true
		}
	}
	return false
}

// field returns the value of a header that the signature covers. A header that is missing or repeated cannot be
// rebuilt as it was signed.
func (m message) field(name string) (string, error) {
	// net/http moves Host out of the header map.
	if name == "host" {
		return m.req.Host, nil
	}
	values := m.req.Header.Values(name)
	switch len(values) {
	case 0:
		return "", refused("it covers %q, which the request lacks", name)
	case 1:
		return strings.TrimSpace(values[0]), nil
	}
	return "", refused("it covers %q, which the request repeats", name)
}

// checkTime checks that the time of a signature is inside the window.
func (m message) checkTime(name string, at time.Time) error {
	if at.Before(m.now.Add(-Past)) {
		return refused("its %s is more than %v ago", name, Past)
	}
	if at.After(m.now.Add(Future)) {
		return refused("its %s is more than %v ahead", name, Future)
	}
	return nil
}

func (m message) checkExpires(at time.Time) error {
	if at.Before(m.now) {
		return refused("it has expired")
	}
	return nil
}

// checkKeyID refuses what is not the address of a key. Which schemes, hosts and ports may be fetched is decided by
// find.
func checkKeyID(id string) error {
	u, err := url.Parse(id)
	if err != nil || len(id) > maxKeyID || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return refused("its key id is not the address of a key")
	}
	return nil
}

// baseOf returns the public address of ours that a Host header names, or nil.
func baseOf(host string, bases []*url.URL) *url.URL {
	for _, base := range bases {
		if host != "" && authority(base.Scheme, host) == authority(base.Scheme, base.Host) {
			return base
		}
	}
	return nil
}

func refused(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrRefused}, args...)...)
}

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrMalformed}, args...)...)
}
