package blog

// Source is a post elsewhere that an article replies to or quotes. The zero Source is none.
type Source struct {
	Address string
	ActorID string // its author; "" until it was looked up
	Consent Consent
	// Authorization is the address of the authorization that proves the consent, "" without one.
	Authorization string `db:"stamp" json:"Stamp"` // the JSON of a held edit keeps the old key
}

// At is the source at an address. It keeps what is known of the old one when the address is the same.
func (s Source) At(address string) Source {
	if s.Address == address {
		return s
	}
	return Source{Address: address}
}

// Consent is the answer of a post's author to being quoted (FEP-044f).
type Consent string

const (
	ConsentAsked   Consent = "asked"
	ConsentGiven   Consent = "given"
	ConsentRefused Consent = "refused" // or revoked
)
