package account

import (
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"

	"golang.org/x/crypto/argon2"

	"causerie/internal/blog"
)

// hashCost is the cost of one hash, in the terms of argon2id (RFC 9106).
type hashCost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// todaysCost is the cost of a new hash: the second recommendation of OWASP's guide to password storage, 19 MiB and two
// passes.
var todaysCost = hashCost{memory: 19 << 10, passes: 2, lanes: 1}

const (
	saltBytes   = 16
	hashBytes   = 32
	minPassword = 10   // characters
	MaxPassword = 1024 // bytes; longer ones only keep the machine busy
)

// ValidatePassword checks a new password. The error is a blog.Invalid that says what is wrong.
func ValidatePassword(password string) error {
	switch {
	case password == "":
		return blog.Invalid{Field: "password", Problem: "is missing: choose one of at least 10 characters"}
	case len([]rune(password)) < minPassword:
		return blog.Invalid{Field: "password",
			Problem: "is too short: choose one of at least 10 characters, such as four words"}
	case len(password) > MaxPassword:
		return blog.Invalid{Field: "password", Problem: "is too long: 1,024 bytes are enough"}
	}
	return nil
}

// HashPassword hashes a new password for storage: argon2id in PHC form with a fresh salt. One that is too short or too
// long is a blog.Invalid.
func HashPassword(password string) (string, error) {
	if err := ValidatePassword(password); err != nil {
		return "", err
	}
	return Hash(password), nil
}

// Hash hashes a password for storage, in PHC form with a fresh salt. It does not validate the password.
func Hash(password string) string { return hash(password, todaysCost) }

func hash(password string, c hashCost) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// Matches compares a password with a stored hash. stale reports that the hash was made at another cost than today's and
// should be replaced.
func Matches(password, kept string) (ok, stale bool) {
	c, salt, sum, err := parsePHC(kept)
	if err != nil || len(password) > MaxPassword {
		return false, false
	}
	mine := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(len(sum)))
	return subtle.ConstantTimeCompare(mine, sum) == 1, c != todaysCost
}

// parsePHC reads "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". What could only have been written to wear us out is
// refused.
//
// The package alexedwards/argon2id reads the same form, but computes a hash at whatever cost the string names: these
// limits would still be needed, and the string parsed for them.
func parsePHC(kept string) (c hashCost, salt, sum []byte, err error) {
	parts := strings.Split(kept, "$")
	if len(parts) != 6 || parts[0] != "" || parts[1] != "argon2id" || parts[2] != fmt.Sprintf("v=%d", argon2.Version) {
		return c, nil, nil, fmt.Errorf("not an argon2id hash")
	}
	if _, err = fmt.Sscanf(parts[3], "m=%d,t=%d,p=%d", &c.memory, &c.passes, &c.lanes); err != nil {
		return c, nil, nil, fmt.Errorf("read the cost of a hash: %w", err)
	}
	if c.memory > 1<<18 || c.passes == 0 || c.passes > 16 || c.lanes == 0 || c.lanes > 16 {
		return c, nil, nil, fmt.Errorf("a hash of a cost that we never ask for")
	}
	if salt, err = base64.RawStdEncoding.DecodeString(parts[4]); err != nil {
		return c, nil, nil, err
	}
	if sum, err = base64.RawStdEncoding.DecodeString(parts[5]); err == nil && (len(sum) < 16 || len(sum) > 64) {
		err = fmt.Errorf("a hash of %d bytes", len(sum))
	}
	return c, salt, sum, err
}

// NobodysHash is compared with a password when there is no author of that name, so that the answer takes as long.
var NobodysHash = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
