package activity

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
)

// Synchronization is what a server says, beside what it sends to followers alone, of who among us it takes for a follower
// (FEP-8fcf, the header Collection-Synchronization).
type Synchronization struct {
	Collection string // the sender's followers
	URL        string // where those of them are listed who live at the receiver
	Digest     string // of that list, see FollowersDigest
}

// SynchronizationHeader is the name of the header.
const SynchronizationHeader = "Collection-Synchronization"

// String is the value of the header.
func (s Synchronization) String() string {
	return `collectionId="` + s.Collection + `", url="` + s.URL + `", digest="` + s.Digest + `"`
}

var (
	synchronizationParameter = regexp.MustCompile(`(\w+)="([^"\\]*)"`)
	hexDigest                = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ParseSynchronization reads the value of the header; false when it does not say all three things, or one of them twice.
func ParseSynchronization(value string) (Synchronization, bool) {
	said := map[string]string{}
	for _, found := range synchronizationParameter.FindAllStringSubmatch(value, 10) {
		if _, twice := said[found[1]]; twice {
			return Synchronization{}, false
		}
		said[found[1]] = found[2]
	}
	s := Synchronization{said["collectionId"], said["url"], said["digest"]}
	return s, len(value) <= 4*maxAddress && isAddress(s.Collection) && isAddress(s.URL) && hexDigest.MatchString(s.Digest)
}

// FollowersDigest is the digest of the followers with these ids, whatever their order: their SHA-256 sums, one xor the
// other, in hexadecimal. Of nobody it is all zeros.
func FollowersDigest(ids []string) string {
	var sum [sha256.Size]byte
	for _, id := range ids {
		one := sha256.Sum256([]byte(id))
		for i := range sum {
			sum[i] ^= one[i]
		}
	}
	return hex.EncodeToString(sum[:])
}

// ForFollowersAlone tells of an activity of ours whether its audience is the followers of its actor, and not everybody.
func ForFollowersAlone(said []byte, actor string) bool {
	h, _, err := reopen(said)
	if err != nil {
		return false
	}
	audience := append(h.To, h.Cc...)
	return slices.Contains(audience, actor+"/followers") && !anyPublic(audience)
}
