package signature

import (
	"crypto"
	"crypto/ed25519"
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"log/slog"
	"math/big"
	"slices"
	"strings"
)

// Sizes of the RSA keys that are accepted, in bits. Smaller keys can be broken, larger ones only keep a verifier
// busy.
const (
	minRSA      = 2048
	maxRSA      = 4096
	rsaExponent = 65537
)

// maxPEM is far above any key that we would accept, in bytes.
const maxPEM = 8 << 10

// Key is a parsed private key together with the keyId under which other servers find its public half. The zero Key
// signs nothing. A Key may be used by many goroutines at once. Parsing costs a seventh of a signature, so keep it.
type Key struct {
	// ID is the address of the public key, such as
	// "https://overkant.example/ap/instance#main-key".
	ID string

	// Private is an *rsa.PrivateKey or an ed25519.PrivateKey.
	Private crypto.Signer
}

// NewRSAKey generates an RSA key of 2048 bits, the kind that every server reads.
func NewRSAKey(id string) (Key, error) {
	private, err := rsa.GenerateKey(rand.Reader, minRSA)
	if err != nil {
		return Key{}, fmt.Errorf("generate RSA key: %w", err)
	}
	return Key{ID: id, Private: private}, nil
}

// NewEd25519Key generates an Ed25519 key.
func NewEd25519Key(id string) (Key, error) {
	_, private, err := ed25519.GenerateKey(rand.Reader)
	if err != nil {
		return Key{}, fmt.Errorf("generate Ed25519 key: %w", err)
	}
	return Key{ID: id, Private: private}, nil
}

// ParseKey reads a private key from PEM: PKCS#8, as [Key.PEM] writes it, or the
// PKCS#1 of older programs.
func ParseKey(id, text string) (Key, error) {
	block, err := decodePEM(text)
	if err != nil {
		return Key{}, fmt.Errorf("parse private key: %w", err)
	}
	var private any
	if block.Type == "RSA PRIVATE KEY" {
		private, err = x509.ParsePKCS1PrivateKey(block.Bytes)
	} else {
		private, err = x509.ParsePKCS8PrivateKey(block.Bytes)
	}
	if err != nil {
		return Key{}, fmt.Errorf("parse private key: %w", err)
	}
	signer, ok := private.(crypto.Signer)
	if !ok {
		return Key{}, errors.New("parse private key: a key of this kind cannot sign")
	}
	if err := usable(signer.Public()); err != nil {
		return Key{}, fmt.Errorf("parse private key: %w", err)
	}
	return Key{ID: id, Private: signer}, nil
}

// PEM returns the private key as PKCS#8, for storing it.
func (k Key) PEM() (string, error) {
	der, err := x509.MarshalPKCS8PrivateKey(k.Private)
	if err != nil {
		return "", fmt.Errorf("write private key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der})), nil
}

// PublicPEM returns the public key as SubjectPublicKeyInfo, as an actor shows it in publicKeyPem.
func (k Key) PublicPEM() (string, error) {
	der, err := x509.MarshalPKIXPublicKey(k.Private.Public())
	if err != nil {
		return "", fmt.Errorf("write public key: %w", err)
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der})), nil
}

// Multikey returns the public half of an Ed25519 key as FEP-521a writes it: the multicodec prefix 0xed01 and the key,
// in base58btc. Other kinds of key are an error.
func (k Key) Multikey() (string, error) {
	public, ok := k.Private.Public().(ed25519.PublicKey)
	if !ok {
		return "", fmt.Errorf("write public key: a multikey of a %T", k.Private.Public())
	}
	const digits = "123456789ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz"
	n := new(big.Int).SetBytes(append([]byte{0xed, 0x01}, public...))
	base, rest := big.NewInt(58), new(big.Int)
	var text []byte
	for n.Sign() > 0 {
		n.DivMod(n, base, rest)
		text = append(text, digits[rest.Int64()])
	}
	slices.Reverse(text)
	return "z" + string(text), nil // no leading zero byte, so no leading 1
}

// String returns the id alone, so that no format verb prints the secret.
func (k Key) String() string { return k.ID }

// GoString returns the id alone, too.
func (k Key) GoString() string { return fmt.Sprintf("signature.Key(%q)", k.ID) }

// LogValue returns the id alone, so that no log has the secret.
func (k Key) LogValue() slog.Value { return slog.StringValue(k.ID) }

// ParsePublicKey reads the public key of another server's actor from PEM: SubjectPublicKeyInfo or PKCS#1. It returns
// an *rsa.PublicKey of 2048 to 4096 bits and exponent 65537, or an ed25519.PublicKey. It refuses everything else
// before any arithmetic is done with it.
func ParsePublicKey(text string) (crypto.PublicKey, error) {
	block, err := decodePEM(text)
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	var key any
	if block.Type == "RSA PUBLIC KEY" {
		key, err = x509.ParsePKCS1PublicKey(block.Bytes)
	} else {
		key, err = x509.ParsePKIXPublicKey(block.Bytes)
	}
	if err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	// x509 accepts keys of almost any size, and a large one keeps the verifier busy.
	if err := usable(key); err != nil {
		return nil, fmt.Errorf("parse public key: %w", err)
	}
	return key, nil
}

func decodePEM(text string) (*pem.Block, error) {
	if len(text) > maxPEM {
		return nil, fmt.Errorf("%d bytes are too many for a key", len(text))
	}
	// Some servers send the PEM without its last line end, or with white space around it.
	block, rest := pem.Decode([]byte(strings.TrimSpace(text) + "\n"))
	if block == nil {
		return nil, errors.New("no PEM block")
	}
	// Two keys in one text: another reader could take the second.
	if len(rest) > 0 {
		return nil, errors.New("something follows the PEM block")
	}
	return block, nil
}

// usable returns an error for a key that is not used to sign or verify.
func usable(key crypto.PublicKey) error {
	switch key := key.(type) {
	case *rsa.PublicKey:
		if key == nil || key.N == nil {
			return errors.New("an empty RSA key")
		}
		if bits := key.N.BitLen(); bits < minRSA || bits > maxRSA {
			return fmt.Errorf("an RSA key of %d bits; it must have %d to %d", bits, minRSA, maxRSA)
		}
		// Small exponents have known attacks, large ones only cost time. Every server uses this one.
		if key.E != rsaExponent {
			return fmt.Errorf("an RSA key with exponent %d; it must be %d", key.E, rsaExponent)
		}
		return nil
	case ed25519.PublicKey:
		if len(key) != ed25519.PublicKeySize {
			return fmt.Errorf("an Ed25519 key of %d bytes", len(key))
		}
		return nil
	}
	return fmt.Errorf("a key of type %T; it must be RSA or Ed25519", key)
}
