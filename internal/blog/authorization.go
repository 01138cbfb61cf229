package blog

import "time"

// AuthorizationKind is what a stamp allows.
type AuthorizationKind string

const (
	QuoteStamp AuthorizationKind = "quote"
	ReplyStamp AuthorizationKind = "reply"
)

// AuthorizationState is how far a stamp has come.
type AuthorizationState string

const (
	StampAsked   AuthorizationState = "asked"   // its writer's server waits for the author's word
	StampGiven   AuthorizationState = "given"   // anybody can see that it was allowed
	StampRefused AuthorizationState = "refused" // its writer's server was told no
	StampRevoked AuthorizationState = "revoked" // it was allowed once
)

// Authorization is an author's word on a post elsewhere: that it may quote an article, or stand as an answer under it.
// Its id is part of the address at which others make sure of it.
type Authorization struct {
	ID         ID
	Kind       AuthorizationKind
	ArticleID  ID
	Target     string // of ours: the article or the answer that is quoted or answered, by its id on the wire
	Instrument string // the post that quotes or answers it, by its address
	ActorID    string // whose post it is
	RequestID  string // under which it was asked for; "" when its server sent no request
	Requested  bool   // it was asked for by a request; otherwise the post itself is answered
	State      AuthorizationState
	At         time.Time
}

// MayQuote reports whether somebody may quote the article without asking its author: an article that not everybody may
// read is quoted by nobody.
func (a Article) MayQuote(follows bool) bool {
	if a.Status != Published || a.Visibility != Public && a.Visibility != Unlisted {
		return false
	}
	return a.Quotes == "everyone" || a.Quotes == "followers" && follows
}
