package fedtest

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"sync"
)

// generated holds every RSA key that this process has made. A key takes a tenth of a second, so each new world begins
// with the keys of the one before.
var generated struct {
	sync.Mutex
	keys []*rsa.PrivateKey
}

// keyNumber returns the n-th key of this process, and makes those that are missing.
func keyNumber(n int) *rsa.PrivateKey {
	generated.Lock()
	defer generated.Unlock()
	for len(generated.keys) <= n {
		key, err := rsa.GenerateKey(rand.Reader, 2048)
		if err != nil {
			panic(err) // crypto/rand does not fail, and 2048 is a valid size
		}
		generated.keys = append(generated.keys, key)
	}
	return generated.keys[n]
}

// keyring hands out the keys of one world: all different, or the same few in turn when pool is positive.
type keyring struct {
	mu   sync.Mutex
	pool int
	used int
}

func (k *keyring) next() *rsa.PrivateKey {
	k.mu.Lock()
	n := k.used
	k.used++
	k.mu.Unlock()
	if k.pool > 0 {
		n %= k.pool
	}
	return keyNumber(n)
}

// fresh returns a key that nobody in the world has, with a pool too.
func (k *keyring) fresh() *rsa.PrivateKey {
	k.mu.Lock()
	// Behind the pool, whose keys belong to others.
	n := max(k.used, k.pool)
	k.used = n + 1
	k.mu.Unlock()
	return keyNumber(n)
}

func publicPEM(key *rsa.PrivateKey) string {
	der, err := x509.MarshalPKIXPublicKey(&key.PublicKey)
	if err != nil {
		panic(err) // an RSA key can always be written
	}
	return string(pem.EncodeToMemory(&pem.Block{Type: "PUBLIC KEY", Bytes: der}))
}

// parsePublic reads a PEM public key. It accepts only RSA of at least 2048 bits, which all servers of the fediverse
// understand.
func parsePublic(text string) (*rsa.PublicKey, error) {
	block, _ := pem.Decode([]byte(text))
	if block == nil {
		return nil, errors.New("public key is not PEM")
	}
	parsed, err := x509.ParsePKIXPublicKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("public key: %w", err)
	}
	key, ok := parsed.(*rsa.PublicKey)
	if !ok {
		return nil, fmt.Errorf("public key is %T, not RSA", parsed)
	}
	if key.N.BitLen() < 2048 {
		return nil, fmt.Errorf("public key has only %d bits", key.N.BitLen())
	}
	return key, nil
}
