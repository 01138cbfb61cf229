package blog

import "time"

// AuthorizationKind is what an authorization allows.
type AuthorizationKind string

const (
	QuoteAuthorization AuthorizationKind = "quote"
	ReplyAuthorization AuthorizationKind = "reply"
)

// AuthorizationState is the progress of an authorization.
type AuthorizationState string

const (
	AuthorizationAsked   AuthorizationState = "asked"   // waits for the author's decision
	AuthorizationGiven   AuthorizationState = "given"   // everybody can verify it
	AuthorizationRefused AuthorizationState = "refused" // the post's server was informed
	AuthorizationRevoked AuthorizationState = "revoked" // it was given before
)

// Authorization is an author's answer to a post on another server: whether it may quote an article or appear as a
// reply under it (FEP-044f). Its id is part of the address at which other servers verify it.
type Authorization struct {
	ID         ID
	Kind       AuthorizationKind
	ArticleID  ID
	Target     string // wire id of our article or comment that is quoted or answered
	Instrument string // address of the post that quotes or answers it
	ActorID    string // the author of that post
	RequestID  string // id of the request; "" when the server sent none
	Requested  bool   // asked for by a request; otherwise the reply itself asks
	State      AuthorizationState
	At         time.Time
}

// MayQuote reports whether somebody may quote the article without asking its author. follows says whether they follow
// the author.
func (a Article) MayQuote(follows bool) bool {
	// A quote shows the text to everybody, so an article with a smaller audience cannot be quoted.
	if a.Status != Published || a.Visibility != Public && a.Visibility != Unlisted {
		return false
	}
	return a.Quotes == "everyone" || a.Quotes == "followers" && follows
}
