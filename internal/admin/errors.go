package admin

import (
	"cmp"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/store"
)

// The errors of the admin itself. Those that concern the blog are in package blog.
var (
	errMethod      = errors.New("this address takes no request of that kind")
	errCrossOrigin = errors.New("the form was sent from another site's page")
	errNotOwner    = errors.New("it belongs to another author")
	errBusy        = errors.New("too many people are signing in at once")
)

// errorPage says what happened and what the author can do.
type errorPage struct {
	frame
	Heading string
	Words   string
	ID      string // in the log too; "" unless it is a fault of the server
}

// fail turns an error into a page. A fault of the server is logged with an id that the page shows.
func (h *Handler) fail(req *request, err error) {
	status, p := explain(err)
	// The page must not read the store: that may be what failed. So it has a small frame.
	p.Title, p.Site, p.Author = p.Heading, req.site, req.author
	// An operator looks for the cause of an unavailable database in the log, too.
	if status == http.StatusInternalServerError || errors.Is(err, store.ErrUnavailable) {
		p.ID = rand.Text()[:10]
		h.Log.Error("a page of the admin failed", "path", req.r.URL.Path, "id", p.ID, "error", err)
	}
	if status == http.StatusServiceUnavailable {
		req.w.Header().Set("Retry-After", "10")
	}
	if err := h.pages.Render(req.w, status, "admin/error", p); err != nil {
		h.Log.Error("an error page failed", "path", req.r.URL.Path, "error", err)
		// The template itself failed. Plain text needs no template.
		http.Error(req.w, p.Heading, status)
	}
}

// explain is the HTTP status and the page for an error.
func explain(err error) (int, errorPage) {
	var invalid blog.Invalid
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		return http.StatusRequestEntityTooLarge, errorPage{Heading: "That is too large",
			Words: "What you sent is larger than this page accepts. Go back and choose a smaller file or a shorter text; the " +
				"form still has your text."}
	case errors.As(err, &invalid):
		return http.StatusUnprocessableEntity, errorPage{Heading: "That is not possible", Words: sentence(invalid)}
	// An article of somebody else looks like one that does not exist, so that nobody learns which ids exist.
	case errors.Is(err, blog.ErrNotFound), errors.Is(err, errNotOwner):
		return http.StatusNotFound, errorPage{Heading: "No such page",
			Words: "There is no page at this address, or you may not see it."}
	case errors.Is(err, blog.ErrForbidden):
		return http.StatusForbidden, errorPage{Heading: "Not allowed",
			Words: "This belongs to another author, or only editors and administrators may do it. Ask one of them."}
	case errors.Is(err, errCrossOrigin):
		return http.StatusForbidden, errorPage{Heading: "Sent from another website",
			Words: "A page of another website sent this form, so nothing was done. If you meant it, do it in the admin."}
	case errors.Is(err, blog.ErrGone):
		return http.StatusGone, errorPage{Heading: "It is gone", Words: "Its author removed it in the meantime."}
	case errors.Is(err, blog.ErrConflict):
		return http.StatusConflict, errorPage{Heading: "It was changed meanwhile",
			Words: "You changed it in another window, or somebody else did. Nothing was overwritten: go back, reload, and " +
				"look again."}
	case errors.Is(err, errMethod):
		return http.StatusMethodNotAllowed, errorPage{Heading: "Not possible here",
			Words: "This address does not accept this kind of request."}
	// The request ran out of time, or the client hung up. Neither is a fault of the server to be logged.
	case errors.Is(err, errBusy), errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return http.StatusServiceUnavailable, errorPage{Heading: "The server is busy",
			Words: "This took too long and was stopped. Try again in a few seconds."}
	case errors.Is(err, store.ErrUnavailable):
		return http.StatusServiceUnavailable, errorPage{Heading: "The database is not available",
			Words: "Nothing was half done. Go back and try again in a minute; a form still has your text. If it happens " +
				"again, tell the administrator of this blog."}
	}
	return http.StatusInternalServerError, errorPage{Heading: "Something went wrong here",
		Words: "It is not your fault, and nothing was half done. Try again. If it happens again, tell the administrator " +
			"of this blog."}
}

// fieldErrors are the errors of a form, by field.
type fieldErrors map[string]fieldError

// fieldError says what is wrong and what to do.
type fieldError struct{ What, Do string }

// fieldOrder is the order of the fields on the forms. It serves every form: none has two of them the other way round.
var fieldOrder = []string{"article", "blog", "name", "title", "text", "summary", "bio", "portrait", "fields",
	"featured", "description", "tags", "translator", "language", "series", "part", "planned", "slug", "zone", "into",
	"upload", "hero", "byline", "in-reply-to", "quoting", "visibility", "format", "comments", "quotes", "date", "old",
	"new", "hold", "handle", "email", "password", "alias", "to", "move-handle", "leave-handle", "subject", "level",
	"reason", "note"}

// InOrder lists the errors in the order of the fields on the form, for the templates.
func (t fieldErrors) InOrder() []fieldProblem {
	var list []fieldProblem
	for field, found := range t {
		list = append(list, fieldProblem{field, found})
	}
	slices.SortFunc(list, func(a, b fieldProblem) int {
		// A field that is not listed comes first, by its name.
		return cmp.Or(cmp.Compare(slices.Index(fieldOrder, a.Field), slices.Index(fieldOrder, b.Field)),
			cmp.Compare(a.Field, b.Field))
	})
	return list
}

// Of is the error of a field, for the templates; nil if there is none.
func (t fieldErrors) Of(field string) *fieldProblem {
	if found, ok := t[field]; ok {
		return &fieldProblem{field, found}
	}
	return nil
}

// fieldProblem is a fieldError with the name of its field.
type fieldProblem struct {
	Field string
	fieldError
}

// labels are the names of fields in messages, where they differ from the field.
var labels = map[string]string{"text": "text", "email": "e-mail address", "date": "time", "handle": "handle",
	"name":    "name",
	"picture": "picture", "byline": "list of authors", "slug": "address", "authors": "list of authors",
	"password": "password", "zone": "time zone", "tags": "tags", "to": "address", "leave-handle": "handle",
	"planned": "number of parts", "uri": "address", "follow": "account", "alias": "account", "subject": "domain or handle",
	"in-reply-to": "address of what it answers",
	"quoting":     "address of what it quotes", "into": "language"}

// add adds a blog.Invalid to its field and returns nil. It returns any other error, which is no error of the form.
// The first error of a field stays.
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

// addAs is add for an error whose field has another name in this form.
func (t fieldErrors) addAs(field string, err error) error {
	var invalid blog.Invalid
	if errors.As(err, &invalid) {
		t[field] = split(invalid)
		return nil
	}
	return err
}

// addNew sets the error of a field.
func (t fieldErrors) addNew(field, problem string, args ...any) {
	t[field] = split(blog.Invalid{Field: field, Problem: fmt.Sprintf(problem, args...)})
}

// split cuts a problem at its colon into what is wrong and what to do.
func split(invalid blog.Invalid) fieldError {
	what, do, found := strings.Cut(sentence(invalid), ": ")
	if !found {
		return fieldError{What: what}
	}
	return fieldError{What: what + ".", Do: upper(strings.TrimSuffix(do, ".")) + "."}
}

// sentence makes a sentence of an error: "The handle is taken."
func sentence(invalid blog.Invalid) string {
	label := labels[invalid.Field]
	if label == "" {
		label = strings.ReplaceAll(invalid.Field, "-", " ")
	}
	problem := strings.TrimSuffix(invalid.Problem, ".") + "."
	// The problem begins with a quote of what was typed, so it needs no name of the field.
	if strings.HasPrefix(problem, "“") {
		return problem
	}
	return "The " + label + " " + problem
}

// upper makes the first letter a capital.
func upper(s string) string {
	if s == "" {
		return s
	}
	runes := []rune(s)
	return strings.ToUpper(string(runes[:1])) + string(runes[1:])
}

// ignoreNotFound is nil for blog.ErrNotFound, and err otherwise.
func ignoreNotFound(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}
