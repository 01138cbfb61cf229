package blog

import (
	"fmt"
	"net/url"
	"strings"
	"time"
	"unicode/utf8"
)

// Actor is a person, a group or a service on another server, as we know it. Its address identifies it. Handle, name
// and picture are what its server sent last.
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
	SilentSince     *time.Time // since when its server does not answer fetches of it
	MovedAt         *time.Time // when we last carried out a Move of this actor
	ConfirmAt       *time.Time // when an apparent deletion is checked again
	KeyMark         string     // mark of the address's owner, also on posts: a new owner cannot edit them
	GoneAt          *time.Time
	Block           BlockLevel // of all blocks that apply, the strictest
	Keys            []ActorKey `db:"-"`
}

// ActorKey is a public key that an actor lists as its own.
type ActorKey struct {
	ActorID string
	KeyID   string
	PEM     string // SPKI PEM
}

// Mailbox is the inbox to which deliveries for the actor go. It is the shared inbox of its server, where there is
// one.
func (a Actor) Mailbox() string {
	if a.SharedInbox != "" {
		return a.SharedInbox
	}
	return a.Inbox
}

// MailHost is the host of Mailbox. Deliveries are queued by host, and back-off applies to the whole host.
func (a Actor) MailHost() string { return HostOf(a.Mailbox()) }

// DisplayName is the name, or the user part of the handle where there is no name.
func (a Actor) DisplayName() string {
	if a.Name != "" {
		return a.Name
	}
	name, _, _ := strings.Cut(a.Handle, "@")
	return name
}

// URI returns an address with its characters beyond ASCII percent-encoded (RFC 3987, section 3.1): servers write one id
// in both forms, and ids are compared as text. The host stays as it is.
func URI(address string) string {
	host := strings.Index(address, "://") + len("://")
	path := strings.IndexAny(address[min(host, len(address)):], "/?#")
	ascii := strings.IndexFunc(address, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
	if path < 0 || ascii || !utf8.ValidString(address) {
		return address
	}
	var uri strings.Builder
	uri.WriteString(address[:host+path])
	for _, b := range []byte(address[host+path:]) {
		if b < utf8.RuneSelf {
			uri.WriteByte(b)
		} else {
			fmt.Fprintf(&uri, "%%%02X", b)
		}
	}
	return uri.String()
}

// HostOf is the host of an address in lower case, with its port if it names one. It is "" when the address has none.
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
	// port() fills in the default port, so that https://a and https://a:443 are equal.
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

// FollowState is the progress of a follow.
type FollowState string

const (
	Pending  FollowState = "pending"  // waits for the author's decision
	Accepted FollowState = "accepted" // gets the author's posts
	Aside    FollowState = "aside"    // accepted, but its server has been silent for a month; see SilentMonth
)

// SilentMonth is how long a server is silent before its followers are set aside. They get no deliveries and are not
// counted until the server makes contact again.
const SilentMonth = 30 * 24 * time.Hour

// Following is an actor on another server that a voice of ours follows or asked to follow.
type Following struct {
	VoiceID  ID
	ActorID  string
	FollowID string // id of our Follow
	State    FollowState
	Since    time.Time
	Actor    Actor `db:"-"`
}

// Follower is an actor on another server that follows a voice of ours or asked to.
type Follower struct {
	VoiceID  ID
	ActorID  string
	FollowID string // id of their Follow, needed to accept and to end it
	State    FollowState
	Since    time.Time
	Actor    Actor `db:"-"`
}
