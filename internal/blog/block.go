package blog

import (
	"strings"
	"time"
)

// BlockLevel is how far a block reaches. The empty level is no block.
type BlockLevel string

const (
	// Limit hides: comments wait for approval, reactions are neither shown nor counted, and follow requests wait for the
	// author's decision.
	Limit BlockLevel = "limit"
	// Refuse ends all exchange: nothing is accepted or sent, followers are removed, and earlier comments are no longer
	// shown.
	Refuse BlockLevel = "refuse"
)

// Stricter is the stricter of two levels.
func (l BlockLevel) Stricter(other BlockLevel) BlockLevel {
	if l == Refuse || other == "" {
		return l
	}
	return other
}

// BlockKind is the kind of a block's subject.
type BlockKind string

const (
	BlockServer BlockKind = "host"  // a domain with its subdomains
	BlockPerson BlockKind = "actor" // one actor, by address
)

// Block limits or refuses a server or a person elsewhere.
type Block struct {
	Kind    BlockKind
	Subject string // a domain in ASCII without a port, or an actor's address
	Level   BlockLevel
	Reason  string // may be published
	Note    string // for moderators only
	At      time.Time
}

// Check returns an Invalid for the first thing that is wrong with a new or changed block.
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
	// No level is no block: that is removed instead of saved.
	return oneOf("level", b.Level, Limit, Refuse)
}

// Allowed is a server, with its subdomains, on the list to which a site may restrict all exchange.
type Allowed struct {
	Host string // a domain in ASCII without a port
	Note string
	At   time.Time
}

// BlockReach counts what a block would affect here.
type BlockReach struct {
	People    int // known actors
	Followers int // of all voices, with pending ones
	Comments  int // shown under articles now
	Reactions int
}
