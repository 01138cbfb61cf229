package admin

import (
	"errors"
	"net/http"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// linkPage has one button that uses the link. A GET must not use it up, because mail programs and chat servers fetch
// links.
type linkPage struct {
	frame
	Token string
	Name  string
	Dead  bool // the link does not work
}

func (h *Handler) showLink(req *request) error {
	token := req.r.URL.Query().Get("token")
	_, author, err := h.openLink(req, token)
	return h.link(req, linkPage{Token: token, Name: author.Name}, err)
}

// link renders the page. If err is blog.ErrNotFound, the page says that the link does not work.
func (h *Handler) link(req *request, p linkPage, err error) error {
	status := http.StatusOK
	if errors.Is(err, blog.ErrNotFound) {
		p.Dead, status, err = true, http.StatusNotFound, nil
	}
	if err != nil {
		return err
	}
	p.Title, p.Site = "Sign in", req.site
	// The address holds the token. The usual Referrer-Policy keeps it from other sites. no-referrer would also take the
	// origin from the form, which is then refused (see sameOrigin).
	return h.pages.Render(req.w, status, "admin/link", p)
}

// openLink finds a sign-in link and its author. It is blog.ErrNotFound if the link is unknown, used or too old.
func (h *Handler) openLink(req *request, token string) (store.Link, blog.Author, error) {
	link, err := h.store.Link(req.ctx(), account.HashToken(token), h.now())
	if err == nil && link.Kind != store.SignInLink {
		err = blog.ErrNotFound
	}
	if err != nil {
		return link, blog.Author{}, err
	}
	author, err := h.store.Author(req.ctx(), link.VoiceID)
	// A link that was made before the author was disabled must not let them in.
	if err == nil && author.DisabledAt != nil {
		err = blog.ErrNotFound
	}
	return link, author, err
}

func (h *Handler) useLink(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	link, author, err := h.openLink(req, form.Get("token"))
	if err == nil {
		err = h.store.UseLink(req.ctx(), link.TokenHash, h.now())
	}
	if err != nil {
		return h.link(req, linkPage{}, err)
	}
	// The session is short. For a long one, the author signs in with a password.
	if err := h.startSession(req, author, false); err != nil {
		return err
	}
	return req.redirect("/admin")
}
