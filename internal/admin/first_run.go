package admin

import (
	"context"
	"errors"
	"net/http"
	"strings"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// firstRunPage makes the first author of a new blog.
type firstRunPage struct {
	frame
	Token              string
	Dead               bool // the link was used, or another start made a newer one
	Blog, Name, Handle string
	Email              string
	Troubles           troubles
}

func (d *Desk) showFirstRun(v *visit) error {
	p := firstRunPage{Token: v.r.URL.Query().Get("token"), Blog: v.site.Name}
	return d.firstRunForm(v, http.StatusOK, p, d.checkFirstRun(v, p.Token))
}

func (d *Desk) firstRunForm(v *visit, status int, p firstRunPage, err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		p.Dead, status, err = true, http.StatusNotFound, nil
	}
	if err != nil {
		return err
	}
	if p.Title, p.Site = "A new blog", v.site; p.Dead {
		p.Title = "This link opens nothing"
	}
	v.w.Header().Set("Referrer-Policy", "no-referrer")
	return d.pages.Render(v.w, status, "admin/first-run", p)
}

// checkFirstRun says blog.ErrNotFound when the link opens nothing, or nothing any more.
func (d *Desk) checkFirstRun(v *visit, token string) error {
	link, err := d.store.Link(v.ctx(), account.HashToken(token), d.now())
	if err != nil {
		return err
	}
	if link.Kind != store.FirstRunLink {
		return blog.ErrNotFound
	}
	return needEmpty(v.ctx(), d.store)
}

// needEmpty is blog.ErrNotFound once the blog has an author: there is no first run any more.
func needEmpty(ctx context.Context, s *store.Store) error {
	n, err := s.CountAuthors(ctx)
	if err == nil && n > 0 {
		err = blog.ErrNotFound
	}
	return err
}

func (d *Desk) firstRun(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := firstRunPage{Token: form.Get("token"), Blog: strings.TrimSpace(form.Get("blog")), Name: strings.TrimSpace(form.Get("name")),
		Handle: cleanHandle(form.Get("handle"), v.site), Email: strings.TrimSpace(form.Get("email")), Troubles: troubles{}}
	if err := d.checkFirstRun(v, p.Token); err != nil {
		return d.firstRunForm(v, http.StatusOK, p, err)
	}
	author := blog.Author{Voice: blog.Voice{Handle: p.Handle, Name: p.Name}, Email: p.Email, Role: blog.Admin}
	if err := p.check(author, form.Get("password")); err != nil {
		return err
	}
	if len(p.Troubles) > 0 {
		return d.firstRunForm(v, http.StatusUnprocessableEntity, p, nil)
	}
	if author, err = d.begin(v, p, author, form.Get("password")); err != nil {
		return d.firstRunForm(v, http.StatusOK, p, err)
	}
	if err := d.admit(v, author, true); err != nil {
		return err
	}
	return v.see("/admin?done=welcome")
}

// cleanHandle takes a handle as people write it: in small letters, without the signs around it.
func cleanHandle(handle string, site blog.Site) string {
	handle = strings.ToLower(strings.TrimPrefix(strings.TrimSpace(handle), "@"))
	return strings.TrimSuffix(handle, "@"+strings.ToLower(site.HandleDomain))
}

// check puts everything that is wrong beside its field, not only what is found first.
func (p *firstRunPage) check(author blog.Author, password string) error {
	if p.Blog == "" {
		p.Troubles.add("blog", "needs a name: it stands at the head of every page, and can be changed later")
	}
	trial := author
	trial.Name, trial.Email = "somebody", ""
	handle := p.Troubles.note(trial.Check())
	trial = author
	trial.Handle = "somebody"
	return errors.Join(handle, p.Troubles.note(trial.Check()), p.Troubles.note(account.ValidatePassword(password)))
}

// begin names the blog and writes its first author down. The link is used up in the same transaction: of two who try
// at once, one wins.
func (d *Desk) begin(v *visit, p firstRunPage, author blog.Author, password string) (blog.Author, error) {
	var keys store.VoiceKeys
	var err error
	if busy := d.whileHashing(v.ctx(), d.hashKnown, func() { author, keys, err = account.MakeAuthor(author, password, d.now()) }); busy != nil || err != nil {
		return author, errors.Join(busy, err)
	}
	return author, d.store.InTx(v.ctx(), func(store *store.Store) error {
		if err := store.UseLink(v.ctx(), account.HashToken(p.Token), d.now()); err != nil {
			return err
		}
		if err := needEmpty(v.ctx(), store); err != nil {
			return err
		}
		site := v.site
		site.Name = p.Blog
		if err := store.SaveSite(v.ctx(), site); err != nil {
			return err
		}
		return store.AddAuthor(v.ctx(), author, keys)
	})
}
