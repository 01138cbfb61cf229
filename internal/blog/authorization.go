package blog

import "time"

// AuthorizationKind is what an authorization allows.
type AuthorizationKind string

const (
	QuoteAuthorization AuthorizationKind = "quote"
	ReplyAuthorization AuthorizationKind = "reply"

	// FeatureAuthorization allows a collection to feature an author (FEP-7aa9).
	FeatureAuthorization AuthorizationKind = "feature"
)

// AuthorizationState is the progress of an authorization.
type AuthorizationState string

const (
	AuthorizationAsked   AuthorizationState = "asked"   // waits for the author's decision
	AuthorizationGiven   AuthorizationState = "given"   // everybody can verify it
	AuthorizationRefused AuthorizationState = "refused" // the post's server was informed
	AuthorizationRevoked AuthorizationState = "revoked" // it was given before
)

// Authorization is an author's answer to something on another server: whether a post may quote an article or appear as
// a reply under it (FEP-044f), or whether a collection may feature the author (FEP-7aa9). Its id is part of the address
// at which other servers verify it.
type Authorization struct {
	ID         ID
	Kind       AuthorizationKind
	ArticleID  ID     // of a post; "" of a collection
	VoiceID    ID     // the author whom a collection features; "" of a post
	Target     string // wire id of what is quoted or answered, or of the author who is featured
	Instrument string // address of the post or the collection
	Item       string // address of the author's item in the collection; "" while none is known
	ActorID    string // the author of the post, or the owner of the collection; "" where that is this blog
	Domain     string // registrable domain of the owner of a collection; "" of a post
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
