package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// NewToken returns 32 random bytes in hex.
func NewToken() string {
	token := make([]byte, 32)
	rand.Read(token)
	return hex.EncodeToString(token)
}

// HashToken returns the form in which a token is stored. Somebody who reads the database cannot use it to sign in. A
// fast hash is enough: a token is random, so it cannot be guessed like a password.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
