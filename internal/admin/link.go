package admin

import (
	"context"
	"errors"
	"net/http"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

const (
	linkLife     = time.Hour          // of a sign-in link
	firstRunLife = 7 * 24 * time.Hour // of the first-run link; each start makes a new one
)

// SignInLink makes an address that signs an author in, once, within an hour.
func SignInLink(ctx context.Context, s *store.Store, site blog.Site, author blog.ID, now time.Time) (string, error) {
	token := newToken()
	err := s.AddLink(ctx, store.Link{TokenHash: hashToken(token), Kind: store.SignInLink, VoiceID: author, CreatedAt: now, ExpiresAt: now.Add(linkLife)})
	return site.URL + "/login/link?token=" + token, err
}

// FirstRunLink makes the address at which the first author of a new blog is created, once; it takes the place of the
// one before.
func FirstRunLink(ctx context.Context, s *store.Store, site blog.Site, now time.Time) (string, error) {
	token := newToken()
	err := s.AddLink(ctx, store.Link{TokenHash: hashToken(token), Kind: store.FirstRunLink, CreatedAt: now, ExpiresAt: now.Add(firstRunLife)})
	return site.URL + "/admin/first-run?token=" + token, err
}

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
	link, err := d.store.Link(v.ctx(), hashToken(token), d.now())
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
