package blog

import (
	"regexp"
	"strings"
	"time"
)

// VoiceKind is what speaks: a person who writes here, the blog as a whole, or a series one can follow.
type VoiceKind string

const (
	AuthorVoice VoiceKind = "author"
	SiteVoice   VoiceKind = "site"
	SeriesVoice VoiceKind = "series"
)

// Voice is whoever of ours speaks as an actor of the fediverse. Handles share one namespace, and a retired one stays
// taken. Its private keys never leave the store but for signing.
type Voice struct {
	ID                ID
	Kind              VoiceKind
	Handle            string // lower case, see ValidHandle
	Name              string
	Summary           string // the bio, plain text; a blank line parts paragraphs
	Picture           string // file in the picture library, "" without one
	Header            string
	Fields            Fields  // name and value pairs shown on the profile, at most ten
	PublicKey         string  // RSA, SPKI PEM
	ProofKey          string  // Ed25519, multibase (FEP-521a)
	Discoverable      bool    // may be recommended
	Indexable         bool    // may be searched (FEP-5feb)
	ApprovesFollowers bool    // a follow waits for a yes
	ShowsFollowers    bool    // the list of followers is public
	AlsoKnownAs       Strings // addresses of the same person elsewhere
	MovedTo           string
	CreatedAt         time.Time
	UpdatedAt         time.Time
	LeavesAt          *time.Time // when its owner wants it to end
	// a voice of the site or of a series that was switched off: it announces nothing meanwhile
	SilentAt   *time.Time
	RetiredAt  *time.Time
	SeriesSlug string  // of the series that it speaks for, "" for any other voice
	Tags       Strings `db:"-"` // that it uses most, where its profile is told to others
}

// Followable reports whether somebody may begin to follow the voice.
func (v Voice) Followable() bool { return v.RetiredAt == nil && v.SilentAt == nil && v.MovedTo == "" }

// Field is one line of a profile's table.
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
	Password    string // argon2id in PHC form; "" when only links open the door
	Role        Role
	Language    string // of the admin and of new articles; "" means the site's
	Timezone    string
	HoldSeconds int // how long nothing leaves of what they let go at the admin; see FirstHold and LongestHold
	DisabledAt  *time.Time
}

// FirstHold is the HoldSeconds that an author begins with, and LongestHold the most they may have.
const (
	FirstHold   = 10
	LongestHold = 600
)

// Hold is how long what the author lets go at the admin can be taken back without a trace.
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

// MayWrite reports whether the author may change the text of a draft of the given voice.
func (a Author) MayWrite(owner ID) bool { return a.May(owner) || a.ID == owner }

var handlePattern = regexp.MustCompile(`^[a-z0-9_]{1,30}$`)

// reserved are handles that would collide with addresses or deceive readers.
var reserved = map[string]bool{"admin": true, "administrator": true, "root": true, "system": true, "instance": true,
	"postmaster": true, "webmaster": true, "abuse": true, "support": true}

// ValidHandle checks a new handle: one to thirty of a-z, 0-9 and underscore, the part of Mastodon's grammar that every
// server accepts. The error is an Invalid.
func ValidHandle(handle string) error {
	switch {
	case handle == "":
		return invalid("handle", "is missing: choose the name people will follow, like “ilse”")
	case !handlePattern.MatchString(strings.ToLower(handle)):
		return invalid("handle", "may have 1 to 30 of a–z, 0–9 and _, nothing else")
	case handle != strings.ToLower(handle):
		return invalid("handle", "must be in small letters: “%s”", strings.ToLower(handle))
	case reserved[handle]:
		return invalid("handle", "“%s” is kept for the system: choose another", handle)
	}
	return nil
}

// Check says what a new or changed author lacks; the error is an Invalid.
func (a Author) Check() error {
	if err := ValidHandle(a.Handle); err != nil {
		return err
	}
	if strings.TrimSpace(a.Name) == "" {
		return invalid("name", "is missing: it is what readers see")
	}
	if len([]rune(a.Name)) > 100 {
		return invalid("name", "is longer than 100 characters")
	}
	if a.Email != "" && (!strings.Contains(a.Email, "@") || strings.ContainsAny(a.Email, " \t\r\n")) {
		return invalid("email", "does not look like an address")
	}
	return oneOf("role", a.Role, Admin, Editor, Writer, Contributor)
}
