package fedtest

import (
	"crypto/rsa"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/go-fed/httpsig"
)

// errUnreachableKey means that the key cannot be fetched now. The sender should try again.
var errUnreachableKey = errors.New("key cannot be fetched")

// clockWindow is how far the date of a request may be off, on both sides.
const clockWindow = time.Hour

// verify checks the signature of a request as Mastodon does and returns the actor whose key made it. The body is nil
// for a GET. httpsig checks only that the key signed what the header names. Checked here are the headers that must be
// covered, the digest, the date and the owner of the key.
func (s *Server) verify(r *http.Request, body []byte) (*Actor, error) {
	keyID := signatureKeyID(r.Header)
	if keyID == "" {
		return nil, errors.New("not signed")
	}
	if err := s.checkHeaders(r, body); err != nil {
		return nil, err
	}
	began := time.Now()
	signer, err := s.keyOwner(r, keyID)
	if err != nil {
		return nil, err
	}
	if err := s.verifySignature(r, signer.key); err == nil {
		return signer, nil
	}
	// The key may come from the cache and have been replaced since: fetch it again, once.
	if s.behaviour.Load().kind != cachingKeys && s.cache.forget(keyID, began) {
		if signer, err = s.keyOwner(r, keyID); err != nil {
			return nil, err
		}
	}
	if err := s.verifySignature(r, signer.key); err != nil {
		return nil, fmt.Errorf("signature does not fit the key %s: %w", keyID, err)
	}
	return signer, nil
}

// verifySignature checks that the key made the signature.
func (s *Server) verifySignature(r *http.Request, key *rsa.PublicKey) error {
	if usesRFC9421(r.Header) {
		return s.verifyRFC9421(r, key)
	}
	plain := r.Clone(r.Context()) // the verifier writes into the header
	plain.Header.Set("Host", r.Host)
	verifier, err := httpsig.NewVerifier(plain)
	if err != nil {
		return err
	}
	return verifier.Verify(key, httpsig.RSA_SHA256)
}

// checkHeaders checks everything about a signature that needs no key.
func (s *Server) checkHeaders(r *http.Request, body []byte) error {
	// A delivery that was signed for another server and replayed here.
	if r.Host != s.Host {
		return fmt.Errorf("host is %q, this is %q", r.Host, s.Host)
	}
	if usesRFC9421(r.Header) {
		return s.checkRFC9421(r, body)
	}
	if s.behaviour.Load().kind == requiringRFC9421 {
		return errors.New("only signatures of RFC 9421 are accepted")
	}
	needed := []string{"(request-target)", "host", "date"}
	if body != nil {
		needed = append(needed, "digest")
	}
	covered := strings.Fields(strings.ToLower(signatureParameter(r.Header, "headers")))
	for _, name := range needed {
		if !slices.Contains(covered, name) {
			return fmt.Errorf("%s is not signed", name)
		}
	}
	date, err := http.ParseTime(r.Header.Get("Date"))
	if err != nil {
		return fmt.Errorf("date: %w", err)
	}
	if off := s.world.config.Now().Sub(date).Abs(); off > clockWindow {
		return fmt.Errorf("date is off by %s", off.Round(time.Second))
	}
	if body != nil {
		return checkDigest(r.Header.Values("Digest"), body)
	}
	return nil
}

// checkDigest accepts exactly one digest, with its label in upper case: Misskey and WordPress compare it so.
func checkDigest(digests []string, body []byte) error {
	if len(digests) != 1 {
		return fmt.Errorf("%d digests", len(digests))
	}
	sum := sha256.Sum256(body)
	if digests[0] != "SHA-256="+base64.StdEncoding.EncodeToString(sum[:]) {
		return fmt.Errorf("digest %s is not that of the body", digests[0])
	}
	return nil
}

// keyOwner returns the actor that owns a key, from the cache or from its server. It trusts only what the owner's own
// server says.
func (s *Server) keyOwner(r *http.Request, keyID string) (*Actor, error) {
	signer, err := s.cache.actor(r.Context(), s, keyID)
	if err != nil {
		return nil, fmt.Errorf("key %s: %w", keyID, err)
	}
	switch {
	case signer.key == nil:
		return nil, fmt.Errorf("key %s: %s", keyID, signer.keyFault)
	case signer.KeyID != keyID:
		return nil, fmt.Errorf("key %s: the document has the key %s", keyID, signer.KeyID)
	case signer.KeyOwner != signer.ID:
		return nil, fmt.Errorf("key %s: owner %s is not the actor %s", keyID, signer.KeyOwner, signer.ID)
	// Otherwise a server could sign for any actor, with a key document of its own that names them as the owner.
	case !sameHost(keyID, signer.ID):
		return nil, fmt.Errorf("key %s: belongs to %s of another host", keyID, signer.ID)
	}
	return signer, nil
}

func sameHost(a, b string) bool {
	one, err := url.Parse(a)
	if err != nil {
		return false
	}
	other, err := url.Parse(b)
	return err == nil && one.Scheme == other.Scheme && one.Host == other.Host
}

func usesRFC9421(h http.Header) bool { return h.Get("Signature-Input") != "" }

func signatureKeyID(h http.Header) string {
	if usesRFC9421(h) {
		return inputParameter(h, "keyid")
	}
	return signatureParameter(h, "keyId")
}

// signatureParameter returns one parameter of the Signature header. It returns "" when there are two headers or two
// parameters of that name: a receiver must not guess which one was signed.
func signatureParameter(h http.Header, name string) string {
	if len(h.Values("Signature")) != 1 {
		return ""
	}
	found := ""
	for part := range strings.SplitSeq(h.Get("Signature"), ",") {
		key, value, _ := strings.Cut(strings.TrimSpace(part), "=")
		if key != name {
			continue
		}
		if found != "" {
			return ""
		}
		found = strings.Trim(value, `"`)
	}
	return found
}
