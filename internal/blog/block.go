package blog

import (
	"strings"
	"time"
)

// BlockLevel is how far a block goes. The empty level is none.
type BlockLevel string

const (
	// Limit hides: comments wait for approval, reactions are neither shown nor counted, and follows wait for a yes.
	Limit BlockLevel = "limit"
	// Refuse ends the acquaintance: nothing is taken in and nothing sent, followers are sent away, and what was said
	// before stands nowhere any more.
	Refuse BlockLevel = "refuse"
)

// Stricter is the one of two levels that goes further.
func (l BlockLevel) Stricter(other BlockLevel) BlockLevel {
	if l == Refuse || other == "" {
		return l
	}
	return other
}

// BlockKind is what a block is about.
type BlockKind string

const (
	BlockServer BlockKind = "host"  // a domain with everything below it
	BlockPerson BlockKind = "actor" // one actor, by address
)

// Block keeps a server or a person elsewhere at a distance.
type Block struct {
	Kind    BlockKind
	Subject string // a domain in ASCII without a port, or an actor's address
	Level   BlockLevel
	Reason  string // may be told to everybody
	Note    string // for moderators alone
	At      time.Time
}

// Check says what a new or changed block lacks; the error is an Invalid.
func (b Block) Check() error {
	switch {
	case b.Subject == "":
		return invalid("subject", "is missing: write a domain like “evil.example”, or a person like “@kade@evil.example”")
	case len(b.Subject) > 2000 || strings.ContainsAny(b.Subject, " \t\r\n"):
		return invalid("subject", "is neither a domain nor a person's address")
	case len([]rune(b.Reason)) > 500:
		return invalid("reason", "is longer than 500 characters")
	case len([]rune(b.Note)) > 2000:
		return invalid("note", "is longer than 2,000 characters")
	}
	return oneOf("level", b.Level, Limit, Refuse)
}

// Allowed is a server of the list to which a site may confine itself, with everything below it.
type Allowed struct {
	Host string // a domain in ASCII without a port
	Note string
	At   time.Time
}

// BlockReach is what a block touches of what is here.
type BlockReach struct {
	People    int // that we know there
	Followers int // of all voices, with those who ask
	Comments  int // that stand under articles now
	Reactions int
}
