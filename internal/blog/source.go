package blog

// Source is a post elsewhere that an article answers or quotes; the zero Source is none.
type Source struct {
	Address string
	ActorID string // whose it is; "" until it was looked up
	Consent Consent
	Stamp   string // the address that proves the consent, "" without one
}

// At is the source at an address: this one, with what is known of it, when that is its own.
func (s Source) At(address string) Source {
	if s.Address == address {
		return s
	}
	return Source{Address: address}
}

// Consent is what the writer of a post says to being quoted (FEP-044f).
type Consent string

const (
	ConsentAsked   Consent = "asked"
	ConsentGiven   Consent = "given"
	ConsentRefused Consent = "refused" // also when it was taken back
)
