package admin

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"causerie/internal/blog"
)

// Errors of the admin itself; those of the blog are blog's.
var (
	errMethod      = errors.New("this address takes no request of that kind")
	errCrossOrigin = errors.New("the form was sent from another site's page")
	errNotTheirs   = errors.New("it belongs to another author")
	errBusy        = errors.New("too many people are signing in at once")
)

// errorPage says what happened, what it means and what one can do.
type errorPage struct {
	frame
	Heading string
	Words   string
	ID      string // to quote, where the fault is ours
}

// fail turns an error into a page; what nobody can mend by themselves is logged, with an id that the page shows.
func (h *Handler) fail(req *request, err error) {
	status, p := explain(err)
	p.Title, p.Site, p.Author = p.Heading, req.site, req.author
	if status == http.StatusInternalServerError {
		p.ID = rand.Text()[:10]
		h.Log.Error("a page of the admin failed", "path", req.r.URL.Path, "id", p.ID, "error", err)
	}
	if status == http.StatusServiceUnavailable {
		req.w.Header().Set("Retry-After", "10")
	}
	if err := h.pages.Render(req.w, status, "admin/error", p); err != nil {
		h.Log.Error("the page about a failure failed", "path", req.r.URL.Path, "error", err)
		http.Error(req.w, p.Heading, status)
	}
}

func explain(err error) (int, errorPage) {
	var invalid blog.Invalid
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, errorPage{Heading: "That is too much at once",
			Words: "What was sent is larger than this page takes. Go back, and bring a smaller file or a shorter text; the " +
				"form still has your words."}
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, errorPage{Heading: "That could not be taken", Words: sentence(invalid)}
	case errors.Is(err, blog.ErrNotFound), errors.Is(err, errNotTheirs): // who may not see it is not told that it is there
		return http.StatusNotFound, errorPage{Heading: "No such page",
			Words: "Nothing is kept at this address, or it is not yours to see."}
	case errors.Is(err, blog.ErrForbidden):
		return http.StatusForbidden, errorPage{Heading: "Not yours to do",
			Words: "This belongs to another author, or is left to editors and administrators. Ask one of them."}
	case errors.Is(err, errCrossOrigin):
		return http.StatusForbidden, errorPage{Heading: "Not from there",
			Words: "This was sent from another site's page and was not acted on. If you meant it, do it from the admin."}
	case errors.Is(err, blog.ErrGone):
		return http.StatusGone, errorPage{Heading: "It was taken back", Words: "Its author removed it in the meantime."}
	case errors.Is(err, blog.ErrConflict):
		return http.StatusConflict, errorPage{Heading: "Somebody was quicker",
			Words: "It was changed in the meantime, by you in another window or by somebody else. Nothing was overwritten: go " +
				"back, reload, and look again."}
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed, errorPage{Heading: "Not like this",
			Words: "This address takes no request of that kind."}
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, errorPage{Heading: "Too much at once",
			Words: "It took too long and was given up. Try again in a few seconds."}
	}
	return http.StatusInternalServerError, errorPage{Heading: "Something went wrong here",
		Words: "Nothing you did caused it, and nothing was half done. Try again; when it stays, tell the keeper of this " +
			"blog."}
}

// fieldErrors are what is wrong with a form, by the field.
type fieldErrors map[string]fieldError

// fieldError is what happened, and what to do about it.
type fieldError struct{ What, Do string }

// Of is the trouble with a field, as the templates show it; nil when there is none.
func (t fieldErrors) Of(field string) *fieldProblem {
	if found, ok := t[field]; ok {
		return &fieldProblem{field, found}
	}
	return nil
}

type fieldProblem struct {
	Field string
	fieldError
}

// labels are the fields as people read them, where that is not the name itself.
var labels = map[string]string{"text": "text", "email": "e-mail address", "date": "moment", "handle": "handle",
	"name":    "name",
	"picture": "picture", "byline": "by-line", "slug": "address", "authors": "by-line", "password": "password",
	"zone": "time zone", "tags": "tags", "to": "address", "leave-handle": "handle",
	"planned": "number of parts", "uri": "address", "follow": "account", "alias": "account", "subject": "domain or handle",
	"in-reply-to": "address of what it answers",
	"quoting":     "address of what it quotes", "into": "language"}

// add puts an error beside its field. Anything but an Invalid is handed back: it is no fault of the form.
func (t fieldErrors) add(err error) error {
	var invalid blog.Invalid
	if err == nil || !errors.As(err, &invalid) {
		return err
	}
	if _, known := t[invalid.Field]; !known {
		t[invalid.Field] = split(invalid)
	}
	return nil
}

// addAs is note for an error whose field has another name in this form.
func (t fieldErrors) addAs(field string, err error) error {
	var invalid blog.Invalid
	if errors.As(err, &invalid) {
		t[field] = split(invalid)
		return nil
	}
	return err
}

func (t fieldErrors) addNew(field, problem string, args ...any) {
	t[field] = split(blog.Invalid{Field: field, Problem: fmt.Sprintf(problem, args...)})
}

// split parts a problem into what happened and what to do, at its colon.
func split(invalid blog.Invalid) fieldError {
	what, do, found := strings.Cut(sentence(invalid), ": ")
	if !found {
		return fieldError{What: what}
	}
	return fieldError{What: what + ".", Do: upper(strings.TrimSuffix(do, ".")) + "."}
}

func sentence(invalid blog.Invalid) string {
	label := labels[invalid.Field]
	if label == "" {
		label = strings.ReplaceAll(invalid.Field, "-", " ")
	}
	problem := strings.TrimSuffix(invalid.Problem, ".") + "."
	if strings.HasPrefix(problem, "“") { // what was typed says best what is meant
		return problem
	}
	return "The " + label + " " + problem
}

func upper(s string) string {
	if s == "" {
		return s
	}
	runes := []rune(s)
	return strings.ToUpper(string(runes[:1])) + string(runes[1:])
}
