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
	Handle   string
	Since    string
	HasOne   bool // a password
	Hold     string
	Troubles troubles
}

func (d *Desk) showAccount(v *visit) error {
	return d.account(v, http.StatusOK, accountPage{Hold: strconv.Itoa(v.author.HoldSeconds), Troubles: troubles{}})
}

func (d *Desk) account(v *visit, status int, p accountPage) error {
	f, err := d.frame(v, "account", "Your account")
	if err != nil {
		return err
	}
	p.frame, p.Handle, p.HasOne = f, v.site.Handle(v.author.Handle), v.author.Password != ""
	p.Since = moment(v.browse.CreatedAt, v.now, v.zone)
	return d.pages.Render(v.w, status, "admin/account", p)
}

// changePassword asks for the old one, which is guessed at as slowly as at the door, and ends every other sign-in. The
// guesses of one session are its own: what others guess at the door does not count here.
func (d *Desk) changePassword(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := accountPage{Hold: strconv.Itoa(v.author.HoldSeconds), Troubles: troubles{}}
	fresh := form.Get("new")
	if err := p.Troubles.noteAs("new", account.ValidatePassword(fresh)); err != nil {
		return err
	}
	if v.author.Password != "" && len(p.Troubles) == 0 {
		if err := d.proveOld(v, form.Get("old"), p.Troubles); err != nil {
			return err
		}
	}
	if len(p.Troubles) > 0 {
		return d.account(v, http.StatusUnprocessableEntity, p)
	}
	author := v.author
	if err := d.whileHashing(v.ctx(), d.hashKnown, func() { author.Password = account.Hash(fresh, account.TodaysCost) }); err != nil {
		return err
	}
	if err := d.store.SaveAuthor(v.ctx(), author); err != nil {
		return err
	}
	if err := d.store.EndSignIns(v.ctx(), author.ID, ""); err != nil {
		return err
	}
	// A fresh token here too: one that somebody copied from this browser ends as well.
	if err := d.admit(v, author, v.browse.ExpiresAt.Sub(v.browse.UsedAt) > shortStay); err != nil {
		return err
	}
	return v.see("/admin/account?done=password")
}

func (d *Desk) proveOld(v *visit, old string, t troubles) error {
	ok, _, err := d.guess(v.ctx(), guesser{known: true, source: "session:" + v.browse.TokenHash}, old, v.author.Password)
	var slow errSlow
	switch {
	case errors.As(err, &slow):
		t["old"] = trouble{"Too many wrong guesses.", "Wait " + slow.time() + " and try again."}
		return nil
	case err == nil && !ok:
		t["old"] = trouble{"That is not your password.", "Write the one that you sign in with now."}
	}
	return err
}
