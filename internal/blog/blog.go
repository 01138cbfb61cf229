// Package blog holds the nouns of Causerie and their rules: sites, authors, articles, comments, followers, and the
// deliveries that carry an author's words to other servers. It knows no database, no network and no template; it
// imports the standard library and a ULID, so that everything here is tested without any setup.
package blog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// ID names one of our own things for ever: a ULID as text, minted before its row exists. Ids sort by the time of
// their making.
type ID string

// NewID mints an ID for the given moment; two made in the same millisecond differ but do not sort by age.
func NewID(now time.Time) ID {
	ms := uint64(max(now.UnixMilli(), 0)) // a machine may wake up before 1970
	return ID(ulid.MustNew(min(ms, ulid.MaxTime()), rand.Reader).String())
}

// After is an ID that sorts after both the given one and everything minted before now. A delivery's order is its
// activity's id, so a clock that jumps back must not reorder deliveries.
func (id ID) After(now time.Time) ID {
	next := NewID(now)
	if next > id {
		return next
	}
	last, err := ulid.ParseStrict(string(id))
	if err != nil {
		return next
	}
	return ID(ulid.MustNew(last.Time()+1, rand.Reader).String())
}

// ValidID reports whether a text taken from an address can be one of our ids.
func ValidID(text string) bool {
	_, err := ulid.ParseStrict(text)
	return err == nil && text == strings.ToUpper(text)
}

// The few errors that callers decide on. The store makes them, the faces translate them to a status in one place.
var (
	// ErrNotFound: there is no such thing, or the one who asks may not know that there is.
	ErrNotFound = errors.New("not found")
	// ErrConflict: somebody else has it already (a handle, a slug), or changed it in the meantime.
	ErrConflict = errors.New("already taken or changed in the meantime")
	// ErrForbidden: it exists, and the one who asks may not do this to it.
	ErrForbidden = errors.New("not allowed")
	// ErrGone: it was here and was taken back by its author.
	ErrGone = errors.New("taken back by its author")
)

// Invalid says which field of an input cannot be used, and why, in words for the person who wrote it.
type Invalid struct {
	Field   string // the name of the field as forms and front matter spell it
	Problem string // a sentence without the field's name: "is missing: give the article a title"
}

func (e Invalid) Error() string { return e.Field + " " + e.Problem }

func invalid(field, problem string, args ...any) error {
	return Invalid{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// oneOf is the check shared by all settings with a few named values.
func oneOf[T ~string](field string, value T, known ...T) error {
	names := make([]string, len(known))
	for i, k := range known {
		if value == k {
			return nil
		}
		names[i] = string(k)
	}
	return invalid(field, "is %q, but must be one of: %s", string(value), strings.Join(names, ", "))
}
