package account

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
)

// NewToken returns 32 random bytes as text.
func NewToken() string {
	token := make([]byte, 32)
	rand.Read(token)
	return hex.EncodeToString(token)
}

// HashToken returns what is stored of a token: a database that is read by others opens no session.
func HashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}
