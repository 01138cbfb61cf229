package blog

import (
	"regexp"
	"strings"
	"time"
)

// VoiceKind is what a voice speaks for: an author, the blog as a whole, or a series.
type VoiceKind string

const (
	AuthorVoice VoiceKind = "author"
	SiteVoice   VoiceKind = "site"
	SeriesVoice VoiceKind = "series"
)

// Voice is whoever of this blog is an actor of the fediverse. All voices share one namespace of handles, and a
// retired handle stays taken. Private keys are not part of it: the store returns them only for signing.
type Voice struct {
	ID                ID
	Kind              VoiceKind
	Handle            string // lower case, see ValidHandle
	Name              string
	Summary           string // biography, plain text; a blank line separates paragraphs
	Picture           string // file in the picture library, "" without one
	Header            string
	Fields            Fields        // name and value pairs shown on the profile, at most ten
	PublicKey         string        // RSA, SPKI PEM
	ProofKey          string        // Ed25519, multibase (FEP-521a)
	Discoverable      bool          // may be recommended
	Indexable         bool          // may be searched (FEP-5feb)
	ApprovesFollowers bool          // new followers wait for approval
	ShowsFollowers    bool          // the list of followers is public
	CanFeature        FeaturePolicy // who may feature it in a collection, see MayFeature
	AlsoKnownAs       Strings       // addresses of the same person elsewhere
	MovedTo           string
	FeaturesSince     *time.Time // of the blog: since when it publishes the collection of its authors
	CreatedAt         time.Time
	UpdatedAt         time.Time
	LeavesAt          *time.Time // when its owner wants it deleted
	// when the voice of the site or of a series was switched off; it announces nothing until it is switched on
	SilentAt   *time.Time
	RetiredAt  *time.Time
	SeriesSlug string  // of the series that it speaks for, "" for any other voice
	Tags       Strings `db:"-"` // its most used tags, set only when its profile is sent
}

// Followable reports whether new followers are accepted.
func (v Voice) Followable() bool { return v.RetiredAt == nil && v.SilentAt == nil && v.MovedTo == "" }

// Field is one row of a profile's table.
type Field struct{ Name, Value string }

// Role is what an author may do in the admin.
type Role string

const (
	Admin       Role = "admin"       // everything
	Editor      Role = "editor"      // everybody's articles and comments
	Writer      Role = "author"      // own articles and the comments under them
	Contributor Role = "contributor" // own drafts; publishing needs an editor
)

// Author is a voice that signs in.
type Author struct {
	Voice
	Email       string
	Password    string // argon2id in PHC form; "" when only links sign in
	Role        Role
	Language    string // of the admin and of new articles; "" means the site's
	Timezone    string
	HoldSeconds int // how long publications and changes can be undone before they are sent
	DisabledAt  *time.Time
}

// FirstHold is the HoldSeconds of a new author, and LongestHold the most that an author may set.
const (
	FirstHold   = 10
	LongestHold = 600
)

// Hold is how long a publication or a change can be undone before it is sent.
func (a Author) Hold() time.Duration { return time.Duration(a.HoldSeconds) * time.Second }

// May reports whether the author may edit, publish and moderate what belongs to the given voice.
func (a Author) May(owner ID) bool {
	switch a.Role {
	case Admin, Editor:
		return true
	case Writer:
		return a.ID == owner
	}
	return false
}

// MayWrite reports whether the author may change the text of a draft that belongs to the given voice.
func (a Author) MayWrite(owner ID) bool { return a.May(owner) || a.ID == owner }

var handlePattern = regexp.MustCompile(`^[a-z0-9_]{1,30}$`)

// reserved are handles that would collide with addresses or mislead readers.
var reserved = map[string]bool{"admin": true, "administrator": true, "root": true, "system": true, "instance": true,
	"postmaster": true, "webmaster": true, "abuse": true, "support": true}

// ValidHandle checks a new handle: one to thirty of a-z, 0-9 and underscore. This is the part of Mastodon's grammar
// that every server accepts. The error is an Invalid.
func ValidHandle(handle string) error {
	switch {
	case handle == "":
		return invalid("handle", "is missing: choose the name people will follow, like “ilse”")
	// The pattern is tried on small letters first. Otherwise the next message could suggest a handle that is invalid
	// too.
	case !handlePattern.MatchString(strings.ToLower(handle)):
		return invalid("handle", "may have 1 to 30 of a–z, 0–9 and _, nothing else")
	case handle != strings.ToLower(handle):
		return invalid("handle", "must be in lowercase letters: write “%s”", strings.ToLower(handle))
	case reserved[handle]:
		return invalid("handle", "“%s” is kept for the system: choose another", handle)
	}
	return nil
}

// Check returns an Invalid for the first thing that is wrong with a new or changed author.
func (a Author) Check() error {
	if err := ValidHandle(a.Handle); err != nil {
		return err
	}
	if strings.TrimSpace(a.Name) == "" {
		return invalid("name", "is missing: write the name that readers see")
	}
	if len([]rune(a.Name)) > 100 {
		return invalid("name", "is longer than 100 characters")
	}
	// Only a message proves an address. This catches a name or a list of addresses in the field.
	if a.Email != "" && (!strings.Contains(a.Email, "@") || strings.ContainsAny(a.Email, " \t\r\n")) {
		return invalid("email", "is not complete: write it like ilse@veerhuis.example")
	}
	return oneOf("role", a.Role, Admin, Editor, Writer, Contributor)
}
