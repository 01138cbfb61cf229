package federation

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/remote"
	"causerie/internal/signature"
)

// ErrNotOurs ends the handling of an activity that does not concern this blog. It is not a failure.
var ErrNotOurs = errors.New("it has nothing to do with this blog")

// NotOurs is an ErrNotOurs with a reason, for an author who asked for the post.
type NotOurs string

func (why NotOurs) Error() string { return string(why) }

// Is makes every NotOurs an [ErrNotOurs].
func (why NotOurs) Is(target error) bool { return target == ErrNotOurs }

// Why a post does not concern an article.
const (
	ErrNowhere   = NotOurs("it leads to no article of this blog")
	ErrNoArticle = NotOurs("it replies to nothing and mentions no article")
)

// IgnoreMissing returns nil for blog.ErrNotFound and ErrNotOurs, and any other error unchanged.
func IgnoreMissing(err error) error {
	if errors.Is(err, blog.ErrNotFound) || errors.Is(err, ErrNotOurs) {
		return nil
	}
	return err
}

// DetailOf returns the part of an error's text that follows the text of base, which it wraps.
func DetailOf(err, base error) string {
	_, after, _ := strings.Cut(err.Error(), base.Error())
	return strings.TrimPrefix(after, ": ")
}

// WriteError answers a request of another server with a status and a JSON body {"error": why}.
func WriteError(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	// A cache would keep the error after its cause is gone.
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(ErrorBody(why))
}

// ErrorBody returns the JSON body of WriteError.
func ErrorBody(why string) []byte {
	body, _ := json.Marshal(map[string]string{"error": why}) // a string cannot fail
	return body
}

// Why a key or a document of another server is not trusted.
var (
	ErrForeign = errors.New("it claims what belongs to somebody else")
	ErrNoKey   = errors.New("its owner does not list this key")
	ErrBadKey  = errors.New("the key cannot be read")

	ErrGuessing = errors.New("too many keys were named that do not exist")
)

// Permanent reports whether an error is an answer of another server that another try would not change: it refused, or
// the document does not exist or cannot be trusted. A failure of our own, such as a database error, is neither
// permanent nor [Temporary].
func Permanent(err error) bool {
	for _, known := range []error{
		remote.ErrRefused, remote.ErrNotFound, remote.ErrGone, remote.ErrForbidden, remote.ErrNotActivity,
		activity.ErrMalformed, ErrForeign, ErrNoKey, ErrBadKey, ErrGuessing,
	} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// Internal reports whether an error is a failure of our own, such as a database error. It says nothing about another
// server or what it sent, so it must not be read as "unknown" or "not trusted".
func Internal(err error) bool {
	if err == nil || Permanent(err) || Temporary(err) {
		return false
	}
	for _, known := range []error{
		ErrNotOurs, blog.ErrNotFound, blog.ErrGone, remote.ErrHandle,
		signature.ErrUnsigned, signature.ErrMalformed, signature.ErrRefused,
	} {
		if errors.Is(err, known) {
			return false
		}
	}
	return true
}

// Temporary reports whether another try may succeed later: the server is unavailable, we asked it too often, or the
// time was over.
func Temporary(err error) bool {
	return errors.Is(err, remote.ErrUnavailable) || errors.Is(err, remote.ErrTooOften) ||
		errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
