// Package blog holds the nouns of Causerie and their rules: sites, authors, articles, comments, followers, and the
// deliveries that bring an author's activities to other servers. It does no I/O: neither database, network nor
// template. So everything here is tested without any setup.
package blog

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/oklog/ulid/v2"
)

// ID identifies one of our own things for ever. It is a ULID as text, made before its row exists. Ids sort by the
// time at which they were made.
type ID string

// NewID makes an ID for the given moment. Two ids of the same millisecond differ, but their order is random.
func NewID(now time.Time) ID {
	ms := uint64(max(now.UnixMilli(), 0)) // a machine may wake up before 1970
	return ID(ulid.MustNew(min(ms, ulid.MaxTime()), rand.Reader).String())
}

// FirstID is the smallest ID of a moment: ids of earlier moments sort before it.
func FirstID(at time.Time) ID {
	var id ulid.ULID
	_ = id.SetTime(min(uint64(max(at.UnixMilli(), 0)), ulid.MaxTime())) // it fails only beyond MaxTime
	return ID(id.String())
}

// After is an ID that sorts after the given one and after all ids of earlier moments. Deliveries are sent in the
// order of their activities' ids, so a clock that is set back must not change that order.
func (id ID) After(now time.Time) ID {
	next := NewID(now)
	if next > id {
		return next
	}
	last, err := ulid.ParseStrict(string(id))
	// An id that is no ULID has no time to go beyond.
	if err != nil {
		return next
	}
	// The next millisecond suffices: the random part decides only within one.
	return ID(ulid.MustNew(last.Time()+1, rand.Reader).String())
}

// ValidID reports whether a text from an address can be one of our ids.
func ValidID(text string) bool {
	_, err := ulid.ParseStrict(text)
	// ParseStrict accepts small letters too. One thing must not have two addresses, so only our own spelling is valid.
	return err == nil && text == strings.ToUpper(text)
}

// Errors that callers distinguish. The store returns them; web and admin each map them to an HTTP status in one place.
var (
	// ErrNotFound: there is no such thing, or the client may not know that it exists.
	ErrNotFound = errors.New("not found")
	// ErrConflict: something else has it already (a handle, a slug), or somebody changed it in the meantime.
	ErrConflict = errors.New("already taken or changed in the meantime")
	// ErrForbidden: it exists, and the client may not do this with it.
	ErrForbidden = errors.New("not allowed")
	// ErrGone: it existed and was taken back by its author.
	ErrGone = errors.New("taken back by its author")
)

// Invalid is an input that cannot be used: which field, and why, in words for the person who wrote it.
type Invalid struct {
	Field   string // the name of the field as forms and front matter spell it
	Problem string // a sentence without the field's name: "is missing: give the article a title"
}

func (e Invalid) Error() string { return e.Field + " " + e.Problem }

func invalid(field, problem string, args ...any) error {
	return Invalid{Field: field, Problem: fmt.Sprintf(problem, args...)}
}

// oneOf checks a setting that has a few named values.
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
