package admin

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"strings"
	"time"

	"golang.org/x/crypto/argon2"
	"golang.org/x/sync/semaphore"

	"causerie/internal/blog"
)

// cost is what one hash costs, in the terms of argon2id (RFC 9106).
type cost struct {
	memory uint32 // KiB
	passes uint32
	lanes  uint8
}

// today's cost is the second recommendation of OWASP's password storage guide: 19 MiB, two passes.
var todaysCost = cost{memory: 19 << 10, passes: 2, lanes: 1}

const (
	hashesOfStrangers = 2 // at once; each takes the memory above
	hashesOfOurs      = 1 // at once, beside them: of known browsers, sessions and the first run
	hashWait          = 5 * time.Second
	saltBytes         = 16
	hashBytes         = 32
	minPassword       = 10   // characters
	maxPassword       = 1024 // bytes; longer ones only keep the machine busy
)

// checkPassword says why a new password cannot be taken; the error is a blog.Invalid.
func checkPassword(password string) error {
	switch {
	case password == "":
		return blog.Invalid{Field: "password", Problem: "is missing: choose one of at least 10 characters"}
	case len([]rune(password)) < minPassword:
		return blog.Invalid{Field: "password", Problem: "is too short: choose one of at least 10 characters, such as four words"}
	case len(password) > maxPassword:
		return blog.Invalid{Field: "password", Problem: "is too long: 1,024 bytes are enough"}
	}
	return nil
}

// HashPassword is a new password as it is kept: argon2id in PHC form with a fresh salt. One that is too short or too
// long is a blog.Invalid.
func HashPassword(password string) (string, error) {
	if err := checkPassword(password); err != nil {
		return "", err
	}
	return hash(password, todaysCost), nil
}

func hash(password string, c cost) string {
	salt := make([]byte, saltBytes)
	rand.Read(salt)
	sum := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, hashBytes)
	return fmt.Sprintf("$argon2id$v=%d$m=%d,t=%d,p=%d$%s$%s", argon2.Version, c.memory, c.passes, c.lanes,
		base64.RawStdEncoding.EncodeToString(salt), base64.RawStdEncoding.EncodeToString(sum))
}

// matches compares a password with a kept one. stale says that the kept one was made at another cost than today's and
// should be made anew.
func matches(password, kept string) (ok, stale bool) {
	c, salt, sum, err := parsePHC(kept)
	if err != nil || len(password) > maxPassword {
		return false, false
	}
	mine := argon2.IDKey([]byte(password), salt, c.passes, c.memory, c.lanes, uint32(len(sum)))
	return subtle.ConstantTimeCompare(mine, sum) == 1, c != todaysCost
}

// parsePHC reads "$argon2id$v=19$m=19456,t=2,p=1$salt$hash". What could only have been written to wear us out is refused.
//
// The package alexedwards/argon2id reads the same form, but computes a hash at whatever cost the string names: these
// limits would still be needed, and the string parsed for them.
func parsePHC(kept string) (c cost, salt, sum []byte, err error) {
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

// nobodys is what a password is compared with when there is nobody of that name, so that it takes as long.
var nobodys = "$argon2id$v=19$m=19456,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

// whileHashing runs do when few enough others are hashing in that lane; errBusy when that takes too long.
func (d *Desk) whileHashing(ctx context.Context, lane *semaphore.Weighted, do func()) error {
	ctx, cancel := context.WithTimeout(ctx, hashWait)
	defer cancel()
	if lane.Acquire(ctx, 1) != nil {
		return errBusy
	}
	defer lane.Release(1)
	do()
	return nil
}
