package fedtest

import (
	"bytes"
	"net/http"
	"time"

	"github.com/go-fed/httpsig"
)

// SendOption changes how [Person.Send] and [Person.Prepare] sign a delivery. Most options make one that its receiver
// must refuse.
type SendOption func(*signedRequest)

// Unsigned sends no signature.
func Unsigned() SendOption { return func(s *signedRequest) { s.unsigned = true } }

// Tampered adds a blank to the body after it was signed.
func Tampered() SendOption {
	return func(s *signedRequest) { s.body = append(bytes.Clone(s.body), ' ') }
}

// WithoutDigest sends no digest and signs none.
func WithoutDigest() SendOption {
	return func(s *signedRequest) { s.digestOf, s.covered = nil, []string{httpsig.RequestTarget, "host", "date"} }
}

// DigestNotCovered sends a digest that the signature does not cover. Anybody on the way could change both.
func DigestNotCovered() SendOption {
	return func(s *signedRequest) { s.covered = []string{httpsig.RequestTarget, "host", "date"} }
}

// CoveringDateOnly signs nothing but the date, like a signature that was copied from another request.
func CoveringDateOnly() SendOption { return func(s *signedRequest) { s.covered = []string{"date"} } }

// WrongKey signs with a key that belongs to nobody, under this person's key id.
func (p *Person) WrongKey() SendOption {
	return func(s *signedRequest) { s.key = p.Server.world.keys.fresh() }
}

// WithOwnKey signs with the key that this person has now, also after it was replaced.
func (p *Person) WithOwnKey() SendOption {
	key := p.privateKey()
	return func(s *signedRequest) { s.key = key }
}

// SignedAt sets the date of the signature.
func SignedAt(date time.Time) SendOption { return func(s *signedRequest) { s.date = date } }

// DateLayout writes the date in another layout than HTTP's own, as some HTTP libraries do.
func DateLayout(layout string) SendOption { return func(s *signedRequest) { s.dateLayout = layout } }

// ContentType sets the content type. An empty one sends none.
func ContentType(contentType string) SendOption {
	return func(s *signedRequest) { s.contentType = contentType }
}

// WithKeyID claims another key id, and signs with the sender's own key.
func WithKeyID(keyID string) SendOption { return func(s *signedRequest) { s.keyID = keyID } }

// SignedForHost signs for another host than the receiver, like a delivery that was replayed from there.
func SignedForHost(host string) SendOption { return func(s *signedRequest) { s.host = host } }

// Covering sets the headers that the signature covers, in the names of draft-cavage-12.
func Covering(names ...string) SendOption { return func(s *signedRequest) { s.covered = names } }

// UsingRFC9421 signs by RFC 9421 instead of draft-cavage-12.
func UsingRFC9421() SendOption { return func(s *signedRequest) { s.rfc9421 = true } }

// FollowersSync sends and signs a Collection-Synchronization header (FEP-8fcf) with the digest of this person's
// followers at the receiver. The url in it serves the list.
func (p *Person) FollowersSync(digest string) SendOption {
	return func(s *signedRequest) {
		s.synchronization = `collectionId="` + p.Followers() + `", url="` + p.ID + `/followers_synchronization", digest="` +
			digest + `"`
		s.covered = append(s.covered, "collection-synchronization")
	}
}

// EditHeader changes the header after it was signed.
func EditHeader(edit func(http.Header)) SendOption {
	return func(s *signedRequest) { s.edit = append(s.edit, edit) }
}
