package admin

import (
	"errors"
	"net/http"
	"strconv"

	"causerie/internal/account"
)

// accountPage is how the author signs in.
type accountPage struct {
	frame
	Handle string
	Since  string
	HasOne bool // a password
	Hold   string
	Errors fieldErrors
}

func (h *Handler) showAccount(req *request) error {
	return h.account(req, http.StatusOK, accountPage{Hold: strconv.Itoa(req.author.HoldSeconds), Errors: fieldErrors{}})
}

func (h *Handler) account(req *request, status int, p accountPage) error {
	f, err := h.frame(req, "account", "Your account")
	if err != nil {
		return err
	}
	p.frame, p.Handle, p.HasOne = f, req.site.Handle(req.author.Handle), req.author.Password != ""
	p.Since = when(req.browse.CreatedAt, req.now, req.zone)
	return h.pages.Render(req.w, status, "admin/account", p)
}

// changePassword asks for the old one, which is guessed at as slowly as at the door, and ends every other sign-in. The
// guesses of one session are its own: what others guess at the door does not count here.
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
	if req.author.Password != "" && len(p.Errors) == 0 {
		if err := h.proveOld(req, form.Get("old"), p.Errors); err != nil {
			return err
		}
	}
	if len(p.Errors) > 0 {
		return h.account(req, http.StatusUnprocessableEntity, p)
	}
	author := req.author
	if err := h.whileHashing(req.ctx(), h.hashKnown,
		func() { author.Password = account.Hash(fresh) }); err != nil {
		return err
	}
	if err := h.store.SaveAuthor(req.ctx(), author); err != nil {
		return err
	}
	if err := h.store.EndSessions(req.ctx(), author.ID, ""); err != nil {
		return err
	}
	// A fresh token here too: one that somebody copied from this browser ends as well.
	if err := h.startSession(req, author, req.browse.ExpiresAt.Sub(req.browse.UsedAt) > shortStay); err != nil {
		return err
	}
	return req.redirect("/admin/account?done=password")
}

func (h *Handler) proveOld(req *request, old string, t fieldErrors) error {
	ok, _, err := h.guess(req.ctx(), guesser{known: true, source: "session:" + req.browse.TokenHash}, old,
		req.author.Password)
	var slow errSlow
	switch {
	case errors.As(err, &slow):
		t["old"] = fieldError{"Too many wrong guesses.", "Wait " + slow.time() + " and try again."}
		return nil
	case err == nil && !ok:
		t["old"] = fieldError{"That is not your password.", "Write the one that you sign in with now."}
	}
	return err
}
