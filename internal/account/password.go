package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"
	"golang.org/x/text/secure/precis"
	"golang.org/x/text/unicode/norm"

	"causerie/internal/blog"
)

// hashCost is the cost of a hash, in the parameters of argon2id (RFC 9106).
type hashCost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// todaysCost is the cost of new hashes: the second recommendation of the OWASP password storage cheat sheet, 19 MiB
// and two passes.
var todaysCost = hashCost{memory: 19 << 10, passes: 2, lanes: 1}

const (
	saltBytes   = 16
	hashBytes   = 32
	minPassword = 10   // characters
	MaxPassword = 1024 // bytes; a longer one would only cost processor time
)

// ValidatePassword checks a new password. The error is a blog.Invalid.
func ValidatePassword(password string) error {
	password, ok := prepared(password)
	switch {
	case !ok:
		return blog.Invalid{Field: "password", Problem: "has a character that cannot be typed everywhere: choose letters, " +
			"digits, punctuation and spaces"}
	case password == "":
		return blog.Invalid{Field: "password", Problem: "is missing: choose one of at least 10 characters"}
	case len([]rune(password)) < minPassword:
		return blog.Invalid{Field: "password",
			Problem: "is too short: choose one of at least 10 characters, such as four words"}
	case len(password) > MaxPassword:
		return blog.Invalid{Field: "password", Problem: "is too long: choose one of at most 1,024 bytes"}
	}
	return nil
}

// HashPassword validates a new password and hashes it for storage. An invalid password is a blog.Invalid.
func HashPassword(password string) (string, error) {
	if err := ValidatePassword(password); err != nil {
		return "", err
	}
	return Hash(password), nil
}

// Hash hashes a password for storage: argon2id in PHC string format, with a new salt. It does not validate the
// password.
func Hash(password string) string {
	typed, _ := prepared(password)
	return hash(typed, todaysCost)
}

// prepared returns a password in the form of RFC 8265 (OpaqueString), so that it is the same on every keyboard: a Mac
// may type "é" as two characters. ok is false for a password with characters that this form forbids, such as control
// characters; it is returned as it is.
func prepared(password string) (typed string, ok bool) {
	// The profile refuses an empty password, which is told apart here.
	typed, err := precis.OpaqueString.String(password)
	if err != nil {
		return password, password == ""
	}
	return typed, true
}

func hash(password string, c hashCost) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// Matches compares a password with a stored hash. stale reports whether the hash has another cost than today's and
// should be replaced.
func Matches(password, stored string) (ok, stale bool) {
	c, salt, sum, err := parsePHC(stored)
	if err != nil || len(password) > MaxPassword {
		return false, false
	}
	// In constant time: how long it takes must not show how much of the hash is equal.
	matches := func(typed string) bool {
		computed := argon2.IDKey([]byte(typed), salt, c.passes, c.memory, c.lanes, uint32(len(sum)))
		return subtle.ConstantTimeCompare(computed, sum) == 1
	}
	typed, _ := prepared(password)
	if matches(typed) {
		return true, c != todaysCost
	}
	// Passwords were once hashed as they were typed, by some browsers in decomposed letters.
	decomposed := norm.NFD.String(password)
	return decomposed != typed && matches(decomposed), true
}

// parsePHC parses "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". The package alexedwards/argon2id reads the same form,
// but computes a hash at any cost that the string names. The limits below would still be needed, and the string
// parsed for them.
func parsePHC(stored string) (c hashCost, salt, sum []byte, err error) {
	parts := strings.Split(stored, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, errors.New("not an argon2id hash")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, fmt.Errorf("read the cost of a hash: %w", err)
	}
	// Whoever can write to the database must not be able to stop the server with one expensive hash.
	if c.memory > 1<<18 || c.passes == 0 || c.passes > 16 || c.lanes == 0 || c.lanes > 16 {
		return c, nil, nil, errors.New("the cost of the hash is out of bounds")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, err
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err == nil && (len(sum) < 16 || len(sum) > 64) {
		err = fmt.Errorf("the hash has %d bytes", len(sum))
	}
	return c, salt, sum, err
}

// DummyHash is compared with the password when no author has the given name. So the answer takes equally long, and
// does not show which names exist.
var DummyHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
