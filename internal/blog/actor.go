package blog

import (
	"net/url"
	"strings"
	"time"
)

// Actor is a person or a thing elsewhere, as far as we know it. Its address is its identity; handle, name and picture
// are what its server told us last.
type Actor struct {
	ID              string // address
	Type            string // Person, Service, Group, Organization, Application
	Handle          string // "bram@veerhuis.example", without a leading @
	HandleCheckedAt *time.Time
	Name            string
	Summary         string // plain text
	Icon            string // address of the picture at its server; shown by proxy only
	URL             string // profile page, on the same origin as ID, or ID itself
	Host            string // of ID, lower case, with a port where there is one
	Inbox           string
	SharedInbox     string
	FollowersURL    string
	MovedTo         string
	AlsoKnownAs     Strings
	FetchedAt       time.Time
	SilentSince     *time.Time // its server does not answer for it
	MovedAt         *time.Time // when a Move of theirs was last followed
	ConfirmAt       *time.Time // when a departure that only showed itself is looked at again
	KeyMark         string     // the words that bear it are theirs; whoever took their address over has another
	GoneAt          *time.Time
	Block           BlockLevel // what our blocks make of it
	Keys            []ActorKey `db:"-"`
}

// ActorKey is a public key that an actor lists as its own.
type ActorKey struct {
	ActorID string
	KeyID   string
	PEM     string // SPKI PEM
}

// Mailbox is where deliveries to the actor go when they may share one with its neighbours.
func (a Actor) Mailbox() string {
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

// MailHost is the server that Mailbox lies on: deliveries are ordered and rested by it.
func (a Actor) MailHost() string { return HostOf(a.Mailbox()) }

// DisplayName is the name, or the handle's first part where there is none.
func (a Actor) DisplayName() string {
	if a.Name != "" {
		return a.Name
	}
	name, _, _ := strings.Cut(a.Handle, "@")
	return name
}

// HostOf is the lower-case authority of an address, "" when it has none.
func HostOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.ToLower(u.Host)
}

// isAddress reports whether a text is a whole address on the web.
func isAddress(text string) bool {
	u, err := url.Parse(text)
	return err == nil && (u.Scheme == "https" || u.Scheme == "http") && u.Host != "" && len(text) <= 2048
}

// SameOrigin reports whether two addresses share scheme, host and effective port (FEP-fe34).
func SameOrigin(a, b string) bool {
	u, err1 := url.Parse(a)
	v, err2 := url.Parse(b)
	return err1 == nil && err2 == nil && u.Host != "" && strings.EqualFold(u.Scheme, v.Scheme) &&
		strings.EqualFold(u.Hostname(), v.Hostname()) && port(u) == port(v)
}

func port(u *url.URL) string {
	if u.Port() != "" {
		return u.Port()
	}
	if strings.EqualFold(u.Scheme, "http") {
		return "80"
	}
	return "443"
}

// FollowState is how far a follow has come.
type FollowState string

const (
	Pending  FollowState = "pending"  // waits for the author's yes
	Accepted FollowState = "accepted" // gets what the author says
	Aside    FollowState = "aside"    // would get it, but their server has been silent for a month; see SilentMonth
)

// SilentMonth is how long a server is silent before its followers are set aside: nothing is sent to them, and they are
// not counted, until it speaks again.
const SilentMonth = 30 * 24 * time.Hour

// Following is somebody elsewhere whom a voice of ours asked to hear.
type Following struct {
	VoiceID  ID
	ActorID  string
	FollowID string // address of our Follow
	State    FollowState
	Since    time.Time
	Actor    Actor `db:"-"`
}

// Follower is somebody elsewhere who asked to hear a voice of ours.
type Follower struct {
	VoiceID  ID
	ActorID  string
	FollowID string // address of their Follow, needed to answer and to end it
	State    FollowState
	Since    time.Time
	Actor    Actor `db:"-"`
}
