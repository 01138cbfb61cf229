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
	shortStay  = 24 * time.Hour      // since the last use, in a browser that is not trusted for longer
	longStay   = 60 * 24 * time.Hour // for those who tick "stay signed in"
	renewEvery = 10 * time.Minute    // how often a use is written down
)

// doorPage is the sign-in form.
type doorPage struct {
	frame
	User     string
	To       string // where to go once signed in
	New      bool   // nobody writes here yet: the door opens to nobody
	Kept     *kept  // what was sent by somebody whose sign-in had ended
	Troubles troubles
}

// kept is a form that reached the door, to be sent again from behind it.
type kept struct {
	Action string
	Fields []keptField
}

type keptField struct{ Name, Value string }

func (d *Desk) showDoor(v *visit) error {
	if err := d.recognise(v); err != nil {
		return err
	}
	to := ownPath(v.r.URL.Query().Get("to"), "/admin")
	if v.author.ID != "" {
		return v.see(to)
	}
	n, err := d.store.CountAuthors(v.ctx())
	if err != nil {
		return err
	}
	return d.door(v, http.StatusOK, doorPage{To: to, New: n == 0})
}

func (d *Desk) door(v *visit, status int, p doorPage) error {
	p.Title, p.Site = "Sign in", v.site
	return d.pages.Render(v.w, status, "admin/door", p)
}

// askToSignIn leads a reader to the door. A form that was sent is kept: nothing that was written is lost because a
// sign-in ended.
func (d *Desk) askToSignIn(v *visit) error {
	if v.r.Method == http.MethodGet || v.r.Method == http.MethodHead {
		return v.see("/login?to=" + url.QueryEscape(v.r.URL.RequestURI()))
	}
	if strings.HasPrefix(v.r.URL.Path, "/admin/account/") { // passwords are written into no page
		return v.see("/login?to=/admin/account")
	}
	form, err := v.form()
	if err != nil {
		return err
	}
	p := doorPage{To: "/admin", Kept: &kept{Action: v.r.URL.Path}}
	for name, values := range form {
		for _, value := range values {
			p.Kept.Fields = append(p.Kept.Fields, keptField{name, value})
		}
	}
	slices.SortFunc(p.Kept.Fields, func(a, b keptField) int { return strings.Compare(a.Name, b.Name) })
	return d.door(v, http.StatusUnauthorized, p)
}

// keptPrefix marks the fields of a kept form within the sign-in form.
const keptPrefix = "kept."

func keptForm(form url.Values) *kept {
	action := ownPath(form.Get("kept-action"), "")
	if action == "" {
		return nil
	}
	k := &kept{Action: action}
	for name, values := range form {
		if plain, found := strings.CutPrefix(name, keptPrefix); found {
			for _, value := range values {
				k.Fields = append(k.Fields, keptField{plain, value})
			}
		}
	}
	return k
}

// signIn opens the door to a name and a password. Whether the name, the password or both are wrong is not told, neither
// in words nor by the time it takes.
func (d *Desk) signIn(v *visit) error {
	form, err := v.form()
	if err != nil {
		return err
	}
	p := doorPage{User: strings.TrimSpace(form.Get("user")), To: ownPath(form.Get("to"), "/admin"), Kept: keptForm(form), Troubles: troubles{}}
	password := form.Get("pass")
	if len(password) > account.MaxPassword || len(p.User) > 200 {
		p.Troubles["pass"] = trouble{"That name and password do not belong together.", "Passwords have at most 1,024 bytes."}
		return d.door(v, http.StatusBadRequest, p)
	}
	author, err := d.knock(v, p.User, password)
	var slow errSlow
	switch {
	case errors.As(err, &slow):
		v.w.Header().Set("Retry-After", strconv.Itoa(60*slow.minutes()))
		p.Troubles["pass"] = trouble{"Too many wrong guesses.", "Wait " + slow.time() + " and try again, or ask the keeper of this blog for a sign-in link."}
		return d.door(v, http.StatusTooManyRequests, p)
	case errors.Is(err, errBusy):
		v.w.Header().Set("Retry-After", "10")
		p.Troubles["pass"] = trouble{"Too many people are signing in at once.", "Try again in a few seconds."}
		return d.door(v, http.StatusServiceUnavailable, p)
	case errors.Is(err, blog.ErrNotFound):
		p.Troubles["pass"] = trouble{"That name and password do not belong together.", "Check both, or ask the keeper of this blog for a sign-in link."}
		return d.door(v, http.StatusUnauthorized, p)
	case err != nil:
		return err
	}
	if err := d.admit(v, author, form.Get("stay") != ""); err != nil {
		return err
	}
	if p.Kept != nil {
		return d.pages.Render(v.w, http.StatusOK, "admin/resume", p)
	}
	return v.see(p.To)
}

// knock finds the author that a name and a password belong to; blog.ErrNotFound when there is none. Other errors are
// those of guess.
func (d *Desk) knock(v *visit, name, password string) (blog.Author, error) {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	name = strings.TrimSuffix(name, "@"+strings.ToLower(v.site.HandleDomain))
	author, err := d.store.AuthorByName(v.ctx(), name)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return author, err
	}
	who, err := d.guesser(v, name, author)
	if err != nil {
		return author, err
	}
	against := author.Password
	if against == "" || author.DisabledAt != nil {
		against = account.NobodysHash
	}
	ok, stale, err := d.guess(v.ctx(), who, password, against)
	if err != nil {
		return author, err
	}
	if !ok {
		return blog.Author{}, blog.ErrNotFound
	}
	if !stale || d.whileHashing(v.ctx(), d.hashKnown, func() { author.Password = account.Hash(password, account.TodaysCost) }) != nil {
		return author, nil // the next sign-in may have time for a new hash
	}
	return author, d.store.SaveAuthor(v.ctx(), author)
}
