package admin

import (
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
)

const (
	shortStay  = 24 * time.Hour      // lifetime of a session after its last use
	longStay   = 60 * 24 * time.Hour // the same with "stay signed in"
	renewEvery = 10 * time.Minute    // the least time between two extensions
)

// loginPage is the sign-in form.
type loginPage struct {
	frame
	User   string
	To     string    // the page to open after signing in
	New    bool      // the blog has no author yet, so nobody can sign in
	Kept   *keptForm // nil if no form is kept
	Errors fieldErrors
}

// keptForm is a form that was sent after the session ended. It can be sent again after signing in.
type keptForm struct {
	Action string
	Fields []formField
}

type formField struct{ Name, Value string }

func (h *Handler) showLogin(req *request) error {
	if err := h.currentSession(req); err != nil {
		return err
	}
	// Anybody can make a link to this page, so the address to return to is checked.
	to := ownPath(req.r.URL.Query().Get("to"), "/admin")
	if req.author.ID != "" {
		return req.redirect(to)
	}
	n, err := h.store.CountAuthors(req.ctx())
	if err != nil {
		return err
	}
	return h.loginForm(req, http.StatusOK, loginPage{To: to, New: n == 0})
}

func (h *Handler) loginForm(req *request, status int, p loginPage) error {
	p.Title, p.Site = "Sign in", req.site
	return h.pages.Render(req.w, status, "admin/login", p)
}

// askToSignIn leads to the sign-in form. A form that was sent is kept there, so that no text is lost when a session
// ends. Of a browser that had no session, nothing is read: it may be anybody who sends megabytes.
func (h *Handler) askToSignIn(req *request) error {
	if req.r.Method == http.MethodGet || req.r.Method == http.MethodHead {
		return req.redirect("/login?to=" + url.QueryEscape(req.r.URL.RequestURI()))
	}
	// The page would contain the password.
	if strings.HasPrefix(req.r.URL.Path, "/admin/account/") {
		return req.redirect("/login?to=/admin/account")
	}
	ended, err := h.hadSession(req)
	if err != nil {
		return err
	}
	if !ended {
		return h.loginForm(req, http.StatusUnauthorized, loginPage{To: "/admin"})
	}
	leave, err := h.enterKept(req)
	if err != nil {
		return err
	}
	defer leave()
	form, err := req.form()
	if err != nil {
		return err
	}
	p := loginPage{To: "/admin", Kept: &keptForm{Action: req.r.URL.Path}}
	for name, values := range form {
		for _, value := range values {
			p.Kept.Fields = append(p.Kept.Fields, formField{name, value})
		}
	}
	// Maps have no order; the page should be the same each time.
	slices.SortFunc(p.Kept.Fields, func(a, b formField) int { return strings.Compare(a.Name, b.Name) })
	return h.loginForm(req, http.StatusUnauthorized, p)
}

// hadSession reports whether this browser had a session that ended within the last days.
func (h *Handler) hadSession(req *request) (bool, error) {
	hash := h.sessionHash(req.r)
	if hash == "" {
		return false, nil
	}
	_, err := h.store.EndedSession(req.ctx(), hash, h.now())
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	return err == nil, err
}

// enterKept waits until there is room for one more form that is kept while its author signs in. The page repeats the
// form, so each one takes a multiple of its size in memory. The caller must call leave.
func (h *Handler) enterKept(req *request) (leave func(), err error) {
	if h.keeping.Acquire(req.ctx(), 1) != nil {
		return nil, errBusy
	}
	return func() { h.keeping.Release(1) }, nil
}

// keptPrefix marks the fields of a kept form within the sign-in form, so that they do not collide with its own.
const keptPrefix = "kept."

// readKeptForm reads the kept form within a sign-in form; nil if there is none.
func readKeptForm(form url.Values) *keptForm {
	// The form will be sent to this address, so it must be one of the admin.
	action := ownPath(form.Get("kept-action"), "")
	if action == "" {
		return nil
	}
	k := &keptForm{Action: action}
	for name, values := range form {
		if plain, found := strings.CutPrefix(name, keptPrefix); found {
			for _, value := range values {
				k.Fields = append(k.Fields, formField{plain, value})
			}
		}
	}
	return k
}

// signIn checks a name and a password. Neither the text nor the time of the answer shows which of the two is wrong.
func (h *Handler) signIn(req *request) error {
	limit, err := h.loginLimit(req)
	if err != nil {
		return err
	}
	req.r.Body = http.MaxBytesReader(req.w, req.r.Body, limit)
	if limit > signedOutLimit {
		leave, err := h.enterKept(req)
		if err != nil {
			return err
		}
		defer leave()
	}
	form, err := req.form()
	if err != nil {
		return err
	}
	p := loginPage{User: line(form, "user"), To: ownPath(form.Get("to"), "/admin"),
		Kept: readKeptForm(form), Errors: fieldErrors{}}
	password := form.Get("pass")
	// Checked before anything is hashed or counted: no author can have such a password or name.
	if len(password) > account.MaxPassword || len(p.User) > 200 {
		p.Errors["pass"] = fieldError{"The name or the password is wrong.",
			"Passwords have at most 1,024 bytes."}
		return h.loginForm(req, http.StatusBadRequest, p)
	}
	author, err := h.checkPassword(req, p.User, password)
	var slow errSlow
	switch {
	case errors.As(err, &slow):
		// Retry-After is in seconds.
		req.w.Header().Set("Retry-After", strconv.Itoa(60*slow.minutes()))
		p.Errors["pass"] = fieldError{"Too many wrong guesses.",
			"Wait " + slow.time() + " and try again, or ask the administrator of this blog for a sign-in link."}
		return h.loginForm(req, http.StatusTooManyRequests, p)
	case errors.Is(err, errBusy):
		req.w.Header().Set("Retry-After", "10")
		p.Errors["pass"] = fieldError{"Too many people are signing in at once.", "Try again in a few seconds."}
		return h.loginForm(req, http.StatusServiceUnavailable, p)
	case errors.Is(err, blog.ErrNotFound):
		p.Errors["pass"] = fieldError{"The name or the password is wrong.",
			"Check both, or ask the administrator of this blog for a sign-in link."}
		return h.loginForm(req, http.StatusUnauthorized, p)
	case err != nil:
		return err
	}
	if err := h.startSession(req, author, form.Get("stay") != ""); err != nil {
		return err
	}
	if p.Kept != nil {
		return h.pages.Render(req.w, http.StatusOK, "admin/resume", p)
	}
	return req.redirect(p.To)
}

// loginLimit is the largest sign-in form, in bytes. After a session ended, the form also carries what its author was
// sending (askToSignIn), which may be a whole article. So a browser in which somebody signed in before may send more.
func (h *Handler) loginLimit(req *request) (int64, error) {
	hash := h.browserHash(req)
	if hash == "" {
		return signedOutLimit, nil
	}
	_, err := h.store.KnownBrowser(req.ctx(), hash, h.now().Add(-knownFor))
	if errors.Is(err, blog.ErrNotFound) {
		return signedOutLimit, nil
	}
	return formLimit, err
}

// checkPassword finds the author with a name and a password. It is blog.ErrNotFound if there is none; other errors
// are those of guess.
func (h *Handler) checkPassword(req *request, name, password string) (blog.Author, error) {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	name = strings.TrimSuffix(name, "@"+strings.ToLower(req.site.HandleDomain))
	author, err := h.store.AuthorByName(req.ctx(), name)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return author, err
	}
	who, err := h.guesser(req, name, author)
	if err != nil {
		return author, err
	}
	// An unknown name costs the same hash as a known one. Otherwise the time would show which names exist.
	against := author.Password
	if against == "" || author.DisabledAt != nil {
		against = account.DummyHash
	}
	ok, stale, err := h.guess(req.ctx(), who, password, against)
	if err != nil {
		return author, err
	}
	if !ok {
		return blog.Author{}, blog.ErrNotFound
	}
	// The password matched a hash that is weaker than new ones, so it is hashed again. If the server is too busy for
	// that, the next sign-in tries.
	if !stale || h.whileHashing(req.ctx(), h.hashKnown,
		func() { author.Password = account.Hash(password) }) != nil {
		return author, nil // the next sign-in may have time for a new hash
	}
	return author, h.store.SaveAuthor(req.ctx(), author)
}
