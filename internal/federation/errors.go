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
)

// ErrNotOurs ends the handling of what has nothing to do with this blog. It is no trouble.
var ErrNotOurs = errors.New("it has nothing to do with this blog")

// NotOurs is an ErrNotOurs that says why, for whoever asked for the thing.
type NotOurs string

func (why NotOurs) Error() string { return string(why) }

func (why NotOurs) Is(target error) bool { return target == ErrNotOurs }

// The two ways of a post to have nothing to do with an article.
const (
	ErrNowhere   = NotOurs("it leads to no article of ours")
	ErrNoArticle = NotOurs("it answers nothing, and speaks of no article")
)

func IgnoreMissing(err error) error {
	if errors.Is(err, blog.ErrNotFound) || errors.Is(err, ErrNotOurs) {
		return nil
	}
	return err
}

// DetailOf is what an error says after one that it is.
func DetailOf(err, base error) string {
	_, after, _ := strings.Cut(err.Error(), base.Error())
	return strings.TrimPrefix(after, ": ")
}

func WriteError(w http.ResponseWriter, status int, why string) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	w.Write(ErrorBody(why))
}

func ErrorBody(why string) []byte {
	body, _ := json.Marshal(map[string]string{"error": why})
	return body
}

// Why a key or a document of somebody else's cannot be used.
var (
	ErrForeign = errors.New("it claims what belongs to somebody else")
	ErrNoKey   = errors.New("its owner does not list this key")
)

// Permanent tells an answer that another try would not change, of somebody else's server, from trouble of our own.
func Permanent(err error) bool {
	for _, known := range []error{remote.ErrRefused, remote.ErrNotFound, remote.ErrGone, remote.ErrForbidden, remote.ErrNotActivity,
		activity.ErrMalformed, ErrForeign} {
		if errors.Is(err, known) {
			return true
		}
	}
	return false
}

// Temporary tells trouble that may be over the next time from a verdict.
func Temporary(err error) bool {
	return errors.Is(err, remote.ErrUnavailable) || errors.Is(err, remote.ErrTooOften) || errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled)
}
