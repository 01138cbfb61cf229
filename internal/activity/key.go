package activity

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net/url"
	"path"
	"strings"

	"causerie/internal/blog"
)

const (
	maxKeysRead = 4
	maxKeyText  = 8 << 10 // bytes of PEM or multibase
)

// Key is a public key and the owner that it claims.
type Key struct{ ID, Owner, PEM string }

// ParseKey reads the document at the address of a key. It may be the whole profile of its actor, a stub of the profile,
// the key alone (id, owner, publicKeyPem), or a Multikey (id, controller, publicKeyMultibase). actor is set for a whole
// profile only; key is then the first of actor.Keys. Owner and key have the same origin, but only the owner's profile
// proves that the key is theirs. The error is an ErrMalformed when the document has no key.
func ParseKey(d *Document) (key Key, actor *blog.Actor, err error) {
	defer recoverMalformed(&err)
	owner := d.ID()
	keys := keysOf(d.root, owner)
	if len(keys) == 0 {
		if lone, ok := loneKey(d.root); ok {
			return lone, nil, nil
		}
		return Key{}, nil, malformed("there is no key in it")
	}
	// For a stub the caller fetches the owner's document, which has the rest.
	if whole, err := actorOf(d.root); err == nil && !isStub(d.root) {
		actor = &whole
	}
	return Key{ID: keys[0].KeyID, Owner: owner, PEM: keys[0].PEM}, actor, nil
}

// isStub reports whether a profile shows little more than its key.
func isStub(raw map[string]any) bool {
	return raw["outbox"] == nil && raw["followers"] == nil && raw["name"] == nil
}

// loneKey reads a document that is only a key.
func loneKey(raw map[string]any) (Key, bool) {
	owner := addressOf(raw["owner"])
	if owner == "" {
		owner = addressOf(raw["controller"])
	}
	key, ok := keyOf(raw, owner)
	return Key{ID: key.KeyID, Owner: key.ActorID, PEM: key.PEM}, ok
}

// keysOf returns the keys that an actor lists as its own.
func keysOf(raw map[string]any, owner string) []blog.ActorKey {
	var keys []blog.ActorKey
	// assertionMethod has the keys of proofs (FEP-521a).
	for _, property := range []string{"publicKey", "assertionMethod"} {
		for _, v := range first(many(raw[property]), maxKeysRead) {
			listed, _ := v.(map[string]any)
			key, ok := keyOf(listed, owner)
			if ok && len(keys) < maxKeysRead {
				keys = append(keys, key)
			}
		}
	}
	return keys
}

// keyOf reads one key. It must have the origin of its owner. A key with a fragment must be in the owner's document. It
// may not claim another owner: many people share a server, and the profile of one proves nothing about the others.
func keyOf(raw map[string]any, owner string) (blog.ActorKey, bool) {
	id := addressOf(raw)
	if id == "" || !isAddress(owner) || !blog.SameOrigin(id, owner) || !isPartOf(id, owner) {
		return blog.ActorKey{}, false
	}
	for _, claim := range []string{"owner", "controller"} {
		if raw[claim] != nil && addressOf(raw[claim]) != owner {
			return blog.ActorKey{}, false
		}
	}
	text := publicPEM(raw)
	return blog.ActorKey{ActorID: owner, KeyID: id, PEM: text}, text != ""
}

// isPartOf reports whether the address of a key with a fragment is in its owner's document. Extra slashes are ignored:
// BookWyrm has one at the end, lotide one in the middle.
func isPartOf(key, owner string) bool {
	document, _, isPart := strings.Cut(key, "#")
	if !isPart || document == owner {
		return true
	}
	a, err1 := url.Parse(document)
	b, err2 := url.Parse(owner)
	return err1 == nil && err2 == nil && path.Clean(a.Path) == path.Clean(b.Path) && a.RawQuery == b.RawQuery
}

// publicPEM returns a key as PEM, from publicKeyPem or publicKeyMultibase; "" when there is no valid one.
func publicPEM(raw map[string]any) string {
	if written := text(raw["publicKeyPem"]); written != "" && len(written) <= maxKeyText {
		// Only the form is checked here; the package signature checks the key itself.
		if block, _ := pem.Decode([]byte(strings.TrimSpace(written) + "\n")); block != nil {
			return written
		}
	}
	return multikeyPEM(text(raw["publicKeyMultibase"]))
}

// The multicodec prefixes of public keys (W3C Controlled Identifiers 1.0, section 2.2.2), as varints.
const (
	ed25519Prefix = "\xed\x01"
	rsaPrefix     = "\x85\x24"
)

// multikeyPEM turns a Multikey into SPKI PEM; "" when it is no Ed25519 or RSA key in base58btc.
func multikeyPEM(multibase string) string {
	digits, found := strings.CutPrefix(multibase, "z")
	if !found || len(digits) > maxMultikey {
		return ""
	}
	bytes := string(base58(digits))
	var public any
	if raw, ok := strings.CutPrefix(bytes, ed25519Prefix); ok && len(raw) == ed25519.PublicKeySize {
		public = ed25519.PublicKey(raw)
	} else if raw, ok := strings.CutPrefix(bytes, rsaPrefix); ok {
		parsed, err := x509.ParsePKCS1PublicKey([]byte(raw))
		if err != nil {
			return ""
		}
		public = parsed
	}
	if public == nil {
		return ""
	}
	der, err := x509.MarshalPKIXPublicKey(public)
	if err != nil {
		return ""
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// maxMultikey is enough for an RSA key of 4096 bits, in digits. It is low because decoding base58 takes quadratic time.
const maxMultikey = 800

const base58Digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 decodes base58btc. It returns nil for an invalid digit.
func base58(digits string) []byte {
	number, base := new(big.Int), big.NewInt(58)
	for i := range len(digits) {
		value := strings.IndexByte(base58Digits, digits[i])
		if value < 0 {
			return nil
		}
		number.Mul(number, base).Add(number, big.NewInt(int64(value)))
	}
	// Each leading 1 stands for a zero byte, which a number does not have.
	zeros := len(digits) - len(strings.TrimLeft(digits, "1"))
	return append(make([]byte, zeros), number.Bytes()...)
}
