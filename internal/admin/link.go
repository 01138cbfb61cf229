package admin

import (
	"errors"
	"net/http"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// linkPage asks for the one press that uses a link: programs that look at links on the way must not use it up.
type linkPage struct {
	frame
	Token string
	Name  string
	Dead  bool // used, too old, or never made
}

func (d *Desk) showLink(v *visit) error {
	token := v.r.URL.Query().Get("token")
	_, author, err := d.openLink(v, token)
	return d.link(v, linkPage{Token: token, Name: author.Name}, err)
}

func (d *Desk) link(v *visit, p linkPage, err error) error {
	status := http.StatusOK
	if errors.Is(err, blog.ErrNotFound) {
		p.Dead, status, err = true, http.StatusNotFound, nil
	}
	if err != nil {
		return err
	}
	p.Title, p.Site = "Sign in", v.site
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	return d.pages.Render(v.w, status, "admin/link", p)
}

// openLink finds what a sign-in link opens; blog.ErrNotFound when nothing.
func (d *Desk) openLink(v *visit, token string) (store.Link, blog.Author, error) {
	link, err := d.store.Link(v.ctx(), account.HashToken(token), d.now())
	if err == nil && link.Kind != store.SignInLink {
		err = blog.ErrNotFound
	}
	if err != nil {
		return link, blog.Author{}, err
	}
	author, err := d.store.Author(v.ctx(), link.VoiceID)
	if err == nil && author.DisabledAt != nil {
		err = blog.ErrNotFound
	}
	return link, author, err
}

func (d *Desk) useLink(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	link, author, err := d.openLink(v, form.Get("token"))
	if err == nil {
		err = d.store.UseLink(v.ctx(), link.TokenHash, d.now())
	}
	if err != nil {
		return d.link(v, linkPage{}, err)
	}
	if err := d.admit(v, author, false); err != nil {
		return err
	}
	return v.see("/admin")
}
