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

func unproven(format string, args ...any) error {
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
	context, err := provingContext(list.get("@context"))
	if err != nil {
		return nil, fmt.Errorf("add a proof: %w", err)
	}
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

// provingContext is the @context of a document together with that of proofs, before the terms that are defined in
// place.
func provingContext(context json.RawMessage) (json.RawMessage, error) {
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
func WithoutProof(said []byte) ([]byte, error) {
	if !bytes.Contains(said, []byte(proofOpening)) {
		return said, nil
	}
	return replaced(said, nil)
}

// VerifyProof checks the integrity proof of a document (FEP-8b32) and answers with the address of the key that made it.
// It is an ErrProof unless there is exactly one proof of type DataIntegrityProof with cryptosuite eddsa-jcs-2022, made
// to assert, at most 12 hours before now and an hour after, not expired, under the document's own @context, by a key on
// the origin of the document's actor or author. Only then is find asked for the key. find must see to it that this
// actor lists the key as its own; its errors come back wrapped. Of the RsaSignature2017 beside a proof nothing is read.
func VerifyProof(d *Document, find func(verificationMethod string) (ed25519.PublicKey, error),
	now time.Time) (keyID string, err error) {
	proof, there := d.root["proof"].(map[string]any)
	if !there {
		return "", unproven("there is none, or more than one")
	}
	signature, err := checkProof(proof, now)
	if err != nil {
		return "", err
	}
	keyID = addressOf(proof["verificationMethod"])
	if owner := d.owner(); keyID == "" || !blog.SameOrigin(keyID, owner) {
		return "", unproven("the key %q is none of %q", short(keyID), short(owner))
	}
	document, configs, err := d.proven()
	if err != nil {
		return "", err
	}
	key, err := find(keyID)
	if err != nil {
		return "", fmt.Errorf("find the key %s of a proof: %w", keyID, err)
	}
	if len(key) != ed25519.PublicKeySize {
		return "", unproven("%s is no Ed25519 key", keyID)
	}
	for _, config := range configs {
		digest, err := proofDigest(config, document)
		if err != nil {
			return "", unproven("%v", err)
		}
		if ed25519.Verify(key, digest, signature) {
			return keyID, nil
		}
	}
	return "", unproven("it was not made by %s over this document", keyID)
}

// owner is whose document it is: what an actor did, what an author wrote, or the actor itself.
func (d *Document) owner() string {
	if actor := d.Actor(); actor != "" || d.root["actor"] != nil {
		return actor
	}
	if author := only(d.root["attributedTo"]); author != "" || d.root["attributedTo"] != nil {
		return author
	}
	return d.ID()
}

// checkProof holds a proof to its form, and gives its signature.
func checkProof(proof map[string]any, now time.Time) ([]byte, error) {
	for name, want := range map[string]string{"type": proofType, "cryptosuite": proofSuite, "proofPurpose": proofPurpose} {
		if proof[name] != want {
			return nil, unproven("its %s is not %s", name, want)
		}
	}
	created, stated := moment(proof["created"])
	switch {
	case !stated:
		return nil, unproven("it does not say when it was made")
	case created.Before(now.Add(-proofPast)) || created.After(now.Add(proofFuture)):
		return nil, unproven("it was made at %s", created.UTC().Format(time.RFC3339))
	}
	if expires, stated := moment(proof["expires"]); proof["expires"] != nil && (!stated || expires.Before(now)) {
		return nil, unproven("it has expired")
	}
	value, _ := proof["proofValue"].(string)
	digits, base58btc := strings.CutPrefix(value, "z")
	if !base58btc || len(digits) > maxProofValue {
		return nil, unproven("its value is not written in base58btc")
	}
	signature := base58(digits)
	if len(signature) != ed25519.SignatureSize {
		return nil, unproven("its value is no Ed25519 signature")
	}
	return signature, nil
}

// maxProofValue is the longest that 64 bytes can become in base58.
const maxProofValue = 88

func moment(value any) (at time.Time, ok bool) {
	text, _ := value.(string)
	at, err := time.Parse(time.RFC3339, text)
	return at, err == nil
}

// proven is the document as it was when its proof was made, and the proof as it may have been. The proof must be made
// under the @context of the document. Fedify makes it so, but leaves that @context out of what it sends.
func (d *Document) proven() (document members, configs []members, err error) {
	document, err = membersOf(d.body)
	if err != nil {
		return nil, nil, unproven("%v", err)
	}
	proof, err := membersOf(document.get("proof"))
	if err != nil {
		return nil, nil, unproven("%v", err)
	}
	document = document.without("proof", "signature")
	proof = proof.without("proofValue")
	context := document.get("@context")
	stated := proof.get("@context")
	if stated == nil {
		configs = []members{proof}
		if context != nil {
			configs = append(configs, proof.with("@context", context))
		}
		return document, configs, nil
	}
	if !sameJSON(stated, context) {
		return nil, nil, unproven("it was made under another @context than that of the document")
	}
	return document, []members{proof}, nil
}

// sameJSON reports whether two values are the same but for space and escapes.
func sameJSON(a, b json.RawMessage) bool {
	x, err1 := jcs.Transform(slices.Concat([]byte(`[`), a, []byte(`]`)))
	y, err2 := jcs.Transform(slices.Concat([]byte(`[`), b, []byte(`]`)))
	return err1 == nil && err2 == nil && bytes.Equal(x, y)
}

// base58Of writes base58btc.
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
