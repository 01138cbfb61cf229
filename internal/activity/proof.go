package activity

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"

	"github.com/gowebpki/jcs"
)

// ErrProof means that a document has no integrity proof that we accept. The wrapping error says why. A document without
// one is still accepted when its own sender signed the HTTP request.
var ErrProof = errors.New("no integrity proof that holds")

func proofError(format string, args ...any) error {
	return fmt.Errorf("%w: %s", ErrProof, fmt.Sprintf(format, args...))
}

const (
	proofType    = "DataIntegrityProof"
	proofSuite   = "eddsa-jcs-2022"
	proofPurpose = "assertionMethod"

	// proofTerms is the JSON-LD context that defines the terms of a proof.
	proofTerms = "https://w3id.org/security/data-integrity/v2"

	// proofOpening is how the proof in a document of ours begins.
	proofOpening = `"proof":{"@context":`

	// The age of a proof has the same limits as that of an HTTP signature.
	proofPast   = 12 * time.Hour
	proofFuture = time.Hour
)

// AddProof adds an integrity proof to a document of ours (FEP-8b32, cryptosuite eddsa-jcs-2022), so that servers that
// get it from a third one can trust it. keyID is the address of the public key, on the origin of the document's actor.
// The same document, key and second give the same bytes. Do not change the document afterwards. It is an error when the
// document is not one of ours or already has a proof.
func AddProof(document []byte, key ed25519.PrivateKey, keyID string, created time.Time) ([]byte, error) {
	list, err := membersOf(document)
	if err != nil {
		return nil, fmt.Errorf("add a proof: %w", err)
	}
	if list.get("proof") != nil {
		return nil, errors.New("add a proof: there is one already")
	}
	context, err := contextWithProof(list.get("@context"))
	if err != nil {
		return nil, fmt.Errorf("add a proof: %w", err)
	}
	// The context defines the terms of the proof and is part of what is signed, so it is set before.
	list = list.with("@context", context)
	config := members{{"@context", context}, quoted("type", proofType), quoted("cryptosuite", proofSuite),
		quoted("verificationMethod", keyID), quoted("proofPurpose", proofPurpose),
		quoted("created", seconds(created).Format(time.RFC3339))}
	digest, err := proofDigest(config, list)
	if err != nil {
		return nil, fmt.Errorf("add a proof: %w", err)
	}
	config = append(config, quoted("proofValue", "z"+base58Of(ed25519.Sign(key, digest))))
	return append(list, member{"proof", config.bytes()}).bytes(), nil
}

func quoted(name, text string) member { return member{name, appendString(nil, text)} }

// contextWithProof returns the @context of a document together with that of proofs, which stands before the terms
// that are defined in place.
func contextWithProof(context json.RawMessage) (json.RawMessage, error) {
	if len(context) == 0 {
		return nil, errors.New("the document has no @context")
	}
	var entries []json.RawMessage
	if context[0] != '[' {
		entries = append(entries, context)
	} else if err := json.Unmarshal(context, &entries); err != nil {
		return nil, fmt.Errorf("its @context: %w", err)
	}
	at := len(entries)
	for i, entry := range slices.Backward(entries) {
		// The document has it already.
		if string(entry) == `"`+proofTerms+`"` {
			return context, nil
		}
		if entry[0] == '{' {
			at = i
		}
	}
	entries = slices.Insert(entries, at, json.RawMessage(`"`+proofTerms+`"`))
	return slices.Concat([]byte("["), bytes.Join(raw(entries), []byte(",")), []byte("]")), nil
}

func raw(entries []json.RawMessage) [][]byte {
	list := make([][]byte, len(entries))
	for i, entry := range entries {
		list[i] = entry
	}
	return list
}

// proofDigest returns the bytes that are signed: the hash of the proof without its value, then that of the document
// without its proof, both in canonical form (RFC 8785).
func proofDigest(config, document members) ([]byte, error) {
	var digest []byte
	for _, part := range []members{config, document} {
		canonical, err := jcs.Transform(part.bytes())
		if err != nil {
			return nil, fmt.Errorf("write it canonically: %w", err)
		}
		sum := sha256.Sum256(canonical)
		digest = append(digest, sum[:]...)
	}
	return digest, nil
}

// HasProof reports whether a document has a member "proof".
func (d *Document) HasProof() bool { return d.root["proof"] != nil }

// WithoutProof returns an activity of ours without its proof, as we serve it. Fetching it from us is proof enough, and
// the proof may be by a key that was replaced later.
func WithoutProof(stored []byte) ([]byte, error) {
	if !bytes.Contains(stored, []byte(proofOpening)) {
		return stored, nil
	}
	return withMembers(stored, nil)
}

// VerifyProof checks the integrity proof of a document (FEP-8b32) and returns the address of the key that made it. It
// is an ErrProof unless all of this holds: there is exactly one proof, of type DataIntegrityProof with cryptosuite
// eddsa-jcs-2022 and purpose assertionMethod; it was made at most 12 hours before now and at most an hour after, and
// has not expired; it is under the document's own @context; its key is on the origin of the document's actor or
// author.
//
// Only then find is called for the key. find must verify that this actor lists the key as its own; its errors come
// back wrapped. An RsaSignature2017 beside a proof is ignored.
func VerifyProof(d *Document, find func(verificationMethod string) (ed25519.PublicKey, error),
	now time.Time) (keyID string, err error) {
	proof, there := d.root["proof"].(map[string]any)
	if !there {
		return "", proofError("there is none, or more than one")
	}
	signature, err := checkProof(proof, now)
	if err != nil {
		return "", err
	}
	keyID = addressOf(proof["verificationMethod"])
	if owner := d.owner(); keyID == "" || !blog.SameOrigin(keyID, owner) {
		return "", proofError("the key %q is none of %q", short(keyID), short(owner))
	}
	document, configs, err := d.signedParts()
	if err != nil {
		return "", err
	}
	// Last, because find may fetch the key from another server.
	key, err := find(keyID)
	if err != nil {
		return "", fmt.Errorf("find the key %s of a proof: %w", keyID, err)
	}
	if len(key) != ed25519.PublicKeySize {
		return "", proofError("%s is no Ed25519 key", keyID)
	}
	for _, config := range configs {
		digest, err := proofDigest(config, document)
		if err != nil {
			return "", proofError("%v", err)
		}
		if ed25519.Verify(key, digest, signature) {
			return keyID, nil
		}
	}
	return "", proofError("it was not made by %s over this document", keyID)
}

// owner returns whose document it is: the actor of an activity, the author of a post, or the actor itself.
func (d *Document) owner() string {
	// A document with two actors has no owner, even if it also has an author.
	if actor := d.Actor(); actor != "" || d.root["actor"] != nil {
		return actor
	}
	if author := only(d.root["attributedTo"]); author != "" || d.root["attributedTo"] != nil {
		return author
	}
	return d.ID()
}

// checkProof checks the form and the time of a proof, and returns its signature.
func checkProof(proof map[string]any, now time.Time) ([]byte, error) {
	for name, want := range map[string]string{"type": proofType, "cryptosuite": proofSuite, "proofPurpose": proofPurpose} {
		if proof[name] != want {
			return nil, proofError("its %s is not %s", name, want)
		}
	}
	created, stated := parseTime(proof["created"])
	switch {
	case !stated:
		return nil, proofError("it does not say when it was made")
	case created.Before(now.Add(-proofPast)) || created.After(now.Add(proofFuture)):
		return nil, proofError("it was made at %s", created.UTC().Format(time.RFC3339))
	}
	if expires, stated := parseTime(proof["expires"]); proof["expires"] != nil && (!stated || expires.Before(now)) {
		return nil, proofError("it has expired")
	}
	value, _ := proof["proofValue"].(string)
	digits, base58btc := strings.CutPrefix(value, "z")
	// The limit comes before base58, which takes quadratic time.
	if !base58btc || len(digits) > maxProofValue {
		return nil, proofError("its value is not written in base58btc")
	}
	signature := base58(digits)
	if len(signature) != ed25519.SignatureSize {
		return nil, proofError("its value is no Ed25519 signature")
	}
	return signature, nil
}

// maxProofValue is the longest form of 64 bytes in base58.
const maxProofValue = 88

func parseTime(value any) (at time.Time, ok bool) {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// signedParts returns the document as it was when its proof was made, and the forms that the proof may have had. The
// proof must be made under the @context of the document.
func (d *Document) signedParts() (document members, configs []members, err error) {
	document, err = membersOf(d.body)
	if err != nil {
		return nil, nil, proofError("%v", err)
	}
	proof, err := membersOf(document.get("proof"))
	if err != nil {
		return nil, nil, proofError("%v", err)
	}
	// "signature" is the older RsaSignature2017 that Mastodon adds to its activities.
	document = document.without("proof", "signature")
	proof = proof.without("proofValue")
	context := document.get("@context")
	stated := proof.get("@context")
	// Fedify makes the proof under the @context of the document, but leaves that out of the proof it sends. So both
	// forms are tried.
	if stated == nil {
		configs = []members{proof}
		if context != nil {
			configs = append(configs, proof.with("@context", context))
		}
		return document, configs, nil
	}
	if !sameJSON(stated, context) {
		return nil, nil, proofError("it was made under another @context than that of the document")
	}
	return document, []members{proof}, nil
}

// sameJSON reports whether two values are the same except for white space and escapes.
func sameJSON(a, b json.RawMessage) bool {
	// In a list, because the library takes only objects and lists.
	x, err1 := jcs.Transform(slices.Concat([]byte(`[`), a, []byte(`]`)))
	y, err2 := jcs.Transform(slices.Concat([]byte(`[`), b, []byte(`]`)))
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// base58Of returns bytes in base58btc.
func base58Of(data []byte) string {
	number, base, digit := new(big.Int).SetBytes(data), big.NewInt(58), new(big.Int)
	var digits []byte
	for number.Sign() > 0 {
		number.DivMod(number, base, digit)
		digits = append(digits, base58Digits[digit.Int64()])
	}
	for _, b := range data {
		if b != 0 {
			break
		}
		digits = append(digits, base58Digits[0])
	}
	slices.Reverse(digits)
	return string(digits)
}
