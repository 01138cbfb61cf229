package activity

import (
	"crypto/sha256"
	"encoding/hex"
	"regexp"
	"slices"
)

// Synchronization is the header Collection-Synchronization (FEP-8fcf). A server sends it with an activity for followers
// only. It says which of our actors that server lists as followers.
type Synchronization struct {
	Collection string // the sender's followers
	URL        string // of the list of those followers that are on the receiver's server
	Digest     string // of that list, see FollowersDigest
}

// SynchronizationHeader is the name of the header.
const SynchronizationHeader = "Collection-Synchronization"

// String returns the value of the header.
func (s Synchronization) String() string {
	return `collectionId="` + s.Collection + `", url="` + s.URL + `", digest="` + s.Digest + `"`
}

var (
	synchronizationParameter = regexp.MustCompile(`(\w+)="([^"\\]*)"`)
	hexDigest                = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

// ParseSynchronization reads the value of the header; false when one of the three parameters is missing or given twice.
func ParseSynchronization(value string) (Synchronization, bool) {
	values := map[string]string{}
	// The header has three parameters. Ten leave room for those of a later version.
	for _, found := range synchronizationParameter.FindAllStringSubmatch(value, 10) {
		if _, twice := values[found[1]]; twice {
			return Synchronization{}, false
		}
		values[found[1]] = found[2]
	}
	s := Synchronization{values["collectionId"], values["url"], values["digest"]}
	return s, len(value) <= 4*maxAddress && isAddress(s.Collection) && isAddress(s.URL) && hexDigest.MatchString(s.Digest)
}

// FollowersDigest returns the digest of a list of followers (FEP-8fcf): the XOR of the SHA-256 sums of their ids, in
// hexadecimal. The order does not matter. The digest of an empty list is all zeros.
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

// ForFollowersAlone reports whether the audience of an activity of ours includes the followers of its actor, but not
// everybody.
func ForFollowersAlone(stored []byte, actor string) bool {
	h, _, err := reopen(stored)
	if err != nil {
		return false
	}
	audience := append(h.To, h.Cc...)
	return slices.Contains(audience, actor+"/followers") && !anyPublic(audience)
}

// IsAddressedTo reports whether an object or an activity of ours names an actor in its audience.
func IsAddressedTo(stored []byte, actor string) bool {
	h, _, err := reopen(stored)
	return err == nil && slices.Contains(append(h.To, h.Cc...), actor)
}
