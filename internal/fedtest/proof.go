package fedtest

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"strings"

	"github.com/gowebpki/jcs"
)

// Proofs of integrity within a document (FEP-8b32, eddsa-jcs-2022), as Fedify and Mastodon 4.7 make and read them.

// ProofKeyID returns the id of the Ed25519 key that signs this person's proofs.
func (p *Person) ProofKeyID() string { return p.ID + "#ed25519-key" }

// proofKey makes the key at the first call.
func (p *Person) proofKey() ed25519.PrivateKey {
	p.keyMu.Lock()
	defer p.keyMu.Unlock()
	if p.proofPrivate == nil {
		_, key, err := ed25519.GenerateKey(rand.Reader)
		if err != nil {
			panic(err) // crypto/rand does not fail
		}
		p.proofPrivate = key
	}
	return p.proofPrivate
}

// multikey returns the public key as the actor document lists it.
func (p *Person) multikey() map[string]any {
	public := p.proofKey().Public().(ed25519.PublicKey)
	return map[string]any{"id": p.ProofKeyID(), "type": "Multikey", "controller": p.ID,
		"publicKeyMultibase": "z" + base58(append([]byte{0xed, 1}, public...))}
}

// AddProof returns a copy of the activity with an integrity proof by this person (FEP-8b32, eddsa-jcs-2022).
func (p *Person) AddProof(activity map[string]any) (map[string]any, error) {
	proven := map[string]any{"@context": []any{"https://www.w3.org/ns/activitystreams",
		"https://w3id.org/security/data-integrity/v2"}}
	// A copy, so that the caller can still send the activity without a proof.
	for name, value := range activity {
		if name != "@context" && name != "proof" {
			proven[name] = value
		}
	}
	proof := map[string]any{"@context": proven["@context"], "type": "DataIntegrityProof", "cryptosuite": "eddsa-jcs-2022",
		"proofPurpose":       "assertionMethod",
		"verificationMethod": p.ProofKeyID(), "created": timestamp(p.Server.world.config.Now())}
	hash, err := proofHash(proof, proven)
	if err != nil {
		return nil, err
	}
	proof["proofValue"] = "z" + base58(ed25519.Sign(p.proofKey(), hash))
	proven["proof"] = proof
	return proven, nil
}

// proofHash returns the SHA-256 hashes of the canonical forms (RFC 8785), one after the other.
func proofHash(parts ...map[string]any) ([]byte, error) {
	var hash []byte
	// The proof comes first, then the document (eddsa-jcs-2022).
	for _, part := range parts {
		body, err := json.Marshal(part)
		if err != nil {
			return nil, err
		}
		if body, err = jcs.Transform(body); err != nil {
			return nil, err
		}
		sum := sha256.Sum256(body)
		hash = append(hash, sum[:]...)
	}
	return hash, nil
}

// VerifyProof checks the integrity proof in a document against the key with that id and publicKeyMultibase. The error
// says what is wrong with it.
func VerifyProof(body []byte, keyID, multibase string) error {
	var document map[string]any
	if err := json.Unmarshal(body, &document); err != nil {
		return err
	}
	proof, ok := document["proof"].(map[string]any)
	if !ok {
		return errors.New("there is no proof")
	}
	delete(document, "proof")
	value, method := firstString(proof["proofValue"]), firstString(proof["verificationMethod"])
	// The hash covers the proof without its value.
	delete(proof, "proofValue")
	if method != keyID || proof["type"] != "DataIntegrityProof" || proof["cryptosuite"] != "eddsa-jcs-2022" ||
		proof["proofPurpose"] != "assertionMethod" {
		return fmt.Errorf("it says %v", proof)
	}
	hash, err := proofHash(proof, document)
	if err != nil {
		return err
	}
	key := fromBase58(strings.TrimPrefix(multibase, "z"))
	if len(key) != 2+ed25519.PublicKeySize || !ed25519.Verify(key[2:], hash, fromBase58(strings.TrimPrefix(value, "z"))) {
		return errors.New("it does not fit")
	}
	return nil
}

const digits58 = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"

// base58 encodes in the alphabet of Bitcoin, as multibase "z" does. A zero byte in front becomes a "1".
func base58(data []byte) string {
	n, rest, written := new(big.Int).SetBytes(data), new(big.Int), ""
	for n.Sign() > 0 {
		n.DivMod(n, big.NewInt(58), rest)
		written = digits58[rest.Int64():rest.Int64()+1] + written
	}
	for _, b := range data {
		if b != 0 {
			break
		}
		written = "1" + written
	}
	return written
}

func fromBase58(written string) []byte {
	// Each "1" in front stands for a zero byte, which the number itself cannot keep.
	n, zeros := new(big.Int), len(written)-len(strings.TrimLeft(written, "1"))
	for _, digit := range written {
		n.Add(n.Mul(n, big.NewInt(58)), big.NewInt(int64(strings.IndexRune(digits58, digit))))
	}
	return append(make([]byte, zeros), n.Bytes()...)
}
