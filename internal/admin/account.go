package admin

import (
	"errors"
	"net/http"
	"strconv"

	"causerie/internal/account"
)

// accountPage changes the password and the time to undo.
type accountPage struct {
	frame
	Handle string
	Since  string
	HasOne bool // the author has a password
	Hold   string
	Errors fieldErrors
}

func (h *Handler) showAccount(req *request) error {
	return h.account(req, http.StatusOK, accountPage{Hold: strconv.Itoa(req.author.HoldSeconds), Errors: fieldErrors{}})
}

// account renders the page with what the form held.
func (h *Handler) account(req *request, status int, p accountPage) error {
	f, err := h.frame(req, "account", "Your account")
	if err != nil {
		return err
	}
	p.frame, p.Handle, p.HasOne = f, req.site.Handle(req.author.Handle), req.author.Password != ""
	p.Since = req.since(req.session.CreatedAt)
	return h.pages.Render(req.w, status, "admin/account", p)
}

// changePassword checks the old password, saves the new one and ends every other session of the author.
func (h *Handler) changePassword(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	p := accountPage{Hold: strconv.Itoa(req.author.HoldSeconds), Errors: fieldErrors{}}
	fresh := form.Get("new")
	if err := p.Errors.addAs("new", account.ValidatePassword(fresh)); err != nil {
		return err
	}
	// An author who came by a sign-in link may have no password yet.
	if req.author.Password != "" && len(p.Errors) == 0 {
		if err := h.checkOldPassword(req, form.Get("old"), p.Errors); err != nil {
			return err
		}
	}
	if len(p.Errors) > 0 {
		return h.account(req, http.StatusUnprocessableEntity, p)
	}
	author := req.author
	// Each hash takes 19 MiB of memory, so this one waits for its turn like a sign-in.
	if err := h.whileHashing(req.ctx(), h.hashKnown,
		func() { author.Password = account.Hash(fresh) }); err != nil {
		return err
	}
	if err := h.store.SaveAuthor(req.ctx(), author); err != nil {
		return err
	}
	// Somebody who knows the old password may be signed in elsewhere.
	if err := h.store.EndSessions(req.ctx(), author.ID, ""); err != nil {
		return err
	}
	// EndSessions ended this session too. The new token shuts out anybody who copied the cookie of this browser. A long
	// lifetime of the old session means that the author chose to stay signed in.
	if err := h.startSession(req, author, req.session.ExpiresAt.Sub(req.session.UsedAt) > shortStay); err != nil {
		return err
	}
	return req.redirect("/admin/account?done=password")
}

// checkOldPassword compares the old password. A wrong one becomes an error of the form.
func (h *Handler) checkOldPassword(req *request, old string, t fieldErrors) error {
	// The session is the source of the guess, so guesses at the sign-in form do not lock the author out here. Without a
	// limit, anybody at an open browser could try every password.
	ok, _, err := h.guess(req.ctx(), guesser{known: true, source: "session:" + req.session.TokenHash}, old,
		req.author.Password)
	var slow errSlow
	switch {
	case errors.As(err, &slow):
		t["old"] = fieldError{"Too many wrong guesses.", "Wait " + slow.time() + " and try again."}
		return nil
	case err == nil && !ok:
		t["old"] = fieldError{"That is not your password.", "Type the password that you sign in with now."}
	}
	return err
}
