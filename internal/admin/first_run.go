package admin

import (
	"context"
	"errors"
	"net/http"

	"causerie/internal/account"
	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// firstRunPage makes the first author of a new blog.
type firstRunPage struct {
	frame
	Token              string
	Dead               bool // the link does not work
	Blog, Name, Handle string
	Email              string
	Errors             fieldErrors
}

func (h *Handler) showFirstRun(req *request) error {
	p := firstRunPage{Token: req.r.URL.Query().Get("token"), Blog: req.site.Name}
	return h.firstRunForm(req, http.StatusOK, p, h.checkFirstRun(req, p.Token))
}

// firstRunForm renders the form. If err is blog.ErrNotFound, the page says that the link does not work.
func (h *Handler) firstRunForm(req *request, status int, p firstRunPage, err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		p.Dead, status, err = true, http.StatusNotFound, nil
	}
	if err != nil {
		return err
	}
	if p.Title, p.Site = "A new blog", req.site; p.Dead {
		p.Title = "This link does not work any more"
	}
	// The address holds the token. The usual Referrer-Policy keeps it from other sites. no-referrer would also take the
	// origin from the form, which is then refused (see sameOrigin).
	return h.pages.Render(req.w, status, "admin/first-run", p)
}

// checkFirstRun is blog.ErrNotFound if the link is unknown, used or too old, or if the blog has an author.
func (h *Handler) checkFirstRun(req *request, token string) error {
	link, err := h.store.Link(req.ctx(), account.HashToken(token), h.now())
	if err != nil {
		return err
	}
	if link.Kind != store.FirstRunLink {
		return blog.ErrNotFound
	}
	return needEmpty(req.ctx(), h.store)
}

// needEmpty is blog.ErrNotFound if the blog has an author.
func needEmpty(ctx context.Context, s *store.Store) error {
	n, err := s.CountAuthors(ctx)
	if err == nil && n > 0 {
		err = blog.ErrNotFound
	}
	return err
}

func (h *Handler) firstRun(req *request) error {
	form, err := req.form()
	if err != nil {
		return err
	}
	p := firstRunPage{Token: form.Get("token"), Blog: line(form, "blog"),
		Name:   line(form, "name"),
		Handle: authoring.CleanHandle(form.Get("handle"), req.site), Email: line(form, "email"),
		Errors: fieldErrors{}}
	// The link is checked before the password is hashed: a stranger must not make the server hash.
	if err := h.checkFirstRun(req, p.Token); err != nil {
		return h.firstRunForm(req, http.StatusOK, p, err)
	}
	author := blog.Author{Voice: blog.Voice{Handle: p.Handle, Name: p.Name}, Email: p.Email, Role: blog.Admin}
	if err := p.check(author, form.Get("password")); err != nil {
		return err
	}
	if len(p.Errors) > 0 {
		return h.firstRunForm(req, http.StatusUnprocessableEntity, p, nil)
	}
	if author, err = h.begin(req, p, author, form.Get("password")); err != nil {
		return h.firstRunForm(req, http.StatusOK, p, err)
	}
	if err := h.startSession(req, author, true); err != nil {
		return err
	}
	return req.redirect("/admin?done=welcome")
}

// check adds an error for every wrong field, not only for the first.
func (p *firstRunPage) check(author blog.Author, password string) error {
	if p.Blog == "" {
		p.Errors.addNew("blog", "needs a name: it is shown at the top of every page, and you can change it later")
	}
	// Check stops at the first fault. The trials differ in what they leave out, so each finds a fault of its own field.
	trial := author
	trial.Name, trial.Email = "somebody", ""
	if err := p.Errors.add(trial.Check()); err != nil {
		return err
	}
	trial = author
	trial.Handle = "somebody"
	if err := p.Errors.add(trial.Check()); err != nil {
		return err
	}
	return p.Errors.add(account.ValidatePassword(password))
}

// begin names the blog and makes its first author.
func (h *Handler) begin(req *request, p firstRunPage, author blog.Author, password string) (blog.Author, error) {
	var keys store.VoiceKeys
	var failed error
	err := h.whileHashing(req.ctx(), h.hashKnown, func() {
		author, keys, failed = account.MakeAuthor(author, password, h.now())
	})
	if err != nil {
		return author, err
	}
	if failed != nil {
		return author, failed
	}
	return author, h.store.InTx(req.ctx(), func(store *store.Store) error {
		// The link is used up in the same transaction: of two people who begin at once, one wins.
		if err := store.UseLink(req.ctx(), account.HashToken(p.Token), h.now()); err != nil {
			return err
		}
		if err := needEmpty(req.ctx(), store); err != nil {
			return err
		}
		site := req.site
		site.Name = p.Blog
		if err := store.SaveSite(req.ctx(), site); err != nil {
			return err
		}
		return store.AddAuthor(req.ctx(), author, keys)
	})
}
