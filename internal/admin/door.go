package admin

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"slices"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
)

const (
	shortStay  = 24 * time.Hour      // since the last use, in a browser that is not trusted for longer
	longStay   = 60 * 24 * time.Hour // for those who tick "stay signed in"
	renewEvery = 10 * time.Minute    // how often a use is written down

	guessWindow      = 15 * time.Minute
	guessesOfAccount = 10
	guessesOfSource  = 50
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
	if len(password) > maxPassword || len(p.User) > 200 {
		p.Troubles["pass"] = trouble{"That name and password do not belong together.", "Passwords have at most 1,024 bytes."}
		return d.door(v, http.StatusBadRequest, p)
	}
	author, err := d.knock(v, p.User, password)
	var slow errSlow
	switch {
	case errors.As(err, &slow):
		v.w.Header().Set("Retry-After", "900")
		p.Troubles["pass"] = trouble{"Too many wrong guesses.", "Wait 15 minutes and try again, or ask the keeper of this blog for a sign-in link."}
		return d.door(v, http.StatusTooManyRequests, p)
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

// errSlow says that somebody guesses too often.
type errSlow struct{}

func (errSlow) Error() string { return "too many wrong guesses" }

// knock finds the author that a name and a password belong to; blog.ErrNotFound when there is none, errSlow when the
// name or the source has been wrong too often. A guess is counted before it is judged, so that many at once are counted
// as many.
func (d *Desk) knock(v *visit, name, password string) (blog.Author, error) {
	name = strings.ToLower(strings.TrimPrefix(name, "@"))
	name = strings.TrimSuffix(name, "@"+strings.ToLower(v.site.HandleDomain))
	account, source := "account:"+name, "source:"+source(v.r)
	if err := d.count(v.ctx(), source, guessesOfSource); err != nil { // first: made-up names must not fill the table
		return blog.Author{}, err
	}
	if err := d.count(v.ctx(), account, guessesOfAccount); err != nil {
		return blog.Author{}, err
	}
	author, err := d.store.AuthorByName(v.ctx(), name)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return author, err
	}
	against := author.Password
	if against == "" {
		against = nobodys
	}
	var ok, stale bool
	if err := d.whileHashing(v.ctx(), func() { ok, stale = matches(password, against) }); err != nil {
		return author, err
	}
	if !ok || author.ID == "" || author.Password == "" || author.DisabledAt != nil {
		return blog.Author{}, blog.ErrNotFound
	}
	if stale {
		author.Password = hash(password, todaysCost)
		if err := d.store.SaveAuthor(v.ctx(), author); err != nil {
			return author, err
		}
	}
	return author, d.store.ForgiveGuesses(v.ctx(), account)
}

// count notes a guess, unless the subject has used up its number.
func (d *Desk) count(ctx context.Context, subject string, most int) error {
	now := d.now()
	n, err := d.store.Guesses(ctx, subject, now.Add(-guessWindow))
	if err != nil {
		return err
	}
	if n >= most {
		return errSlow{}
	}
	if err := d.store.Guess(ctx, subject, now); err != nil {
		return err
	}
	if n, err = d.store.Guesses(ctx, subject, now.Add(-guessWindow)); err == nil && n > most {
		return errSlow{} // many came at once
	}
	return err
}

// source is where a request comes from: an address, of IPv6 the network that one customer has.
func source(r *http.Request) string {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		host = r.RemoteAddr
	}
	address, err := netip.ParseAddr(host)
	if err != nil {
		return host
	}
	if address = address.Unmap(); address.Is4() {
		return address.String()
	}
	network, err := address.WithZone("").Prefix(64)
	if err != nil {
		return host
	}
	return network.String()
}

// admit signs an author in on this browser, under a fresh token of which only a hash is kept.
func (d *Desk) admit(v *visit, author blog.Author, long bool) error {
	d.forget(v) // a sign-in that was here before ends
	stay := shortStay
	if long {
		stay = longStay
	}
	token, now := newToken(), d.now()
	in := store.SignIn{TokenHash: hashToken(token), VoiceID: author.ID, Device: device(v.r), CreatedAt: now, UsedAt: now, ExpiresAt: now.Add(stay)}
	if err := d.store.AddSignIn(v.ctx(), in); err != nil {
		return err
	}
	cookie := d.cookie(token)
	if long {
		cookie.MaxAge = int(longStay / time.Second)
	}
	http.SetCookie(v.w, cookie)
	v.author, v.browse = author, in
	return nil
}

// recognise finds out who is signed in on this browser, if anybody is, and notes the use now and then.
func (d *Desk) recognise(v *visit) error {
	cookie, err := v.r.Cookie(d.cookieName())
	if err != nil || len(cookie.Value) > 100 {
		return nil
	}
	in, author, err := d.store.SignedIn(v.ctx(), hashToken(cookie.Value), d.now())
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	v.author, v.browse = author, in
	if zone, err := time.LoadLocation(author.Timezone); err == nil && author.Timezone != "" {
		v.zone = zone
	}
	if now := d.now(); now.Sub(in.UsedAt) > renewEvery {
		return d.store.UseSignIn(v.ctx(), in.TokenHash, now, now.Add(in.ExpiresAt.Sub(in.UsedAt)))
	}
	return nil
}

func (d *Desk) signOut(v *visit) error {
	d.forget(v)
	gone := d.cookie("")
	gone.MaxAge = -1
	http.SetCookie(v.w, gone)
	return v.see("/login")
}

// forget ends the sign-in of this browser.
func (d *Desk) forget(v *visit) {
	if cookie, err := v.r.Cookie(d.cookieName()); err == nil {
		if err := d.store.EndSignIn(v.ctx(), hashToken(cookie.Value)); err != nil {
			d.Log.Error("a sign-in could not be ended", "error", err)
		}
	}
}

// cookieName has a prefix by which browsers refuse the cookie from anything but this very host over https; over plain
// http, on somebody's own machine, they would refuse it altogether.
func (d *Desk) cookieName() string {
	if d.secure() {
		return "__Host-" + page.SignInCookie
	}
	return page.SignInCookie
}

func (d *Desk) cookie(value string) *http.Cookie {
	return &http.Cookie{Name: d.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: d.secure(), SameSite: http.SameSiteLaxMode}
}

// newToken is 32 random bytes as text.
func newToken() string {
	token := make([]byte, 32)
	rand.Read(token)
	return hex.EncodeToString(token)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

// device is what the browser calls itself, shortened.
func device(r *http.Request) string {
	name := strings.ToValidUTF8(r.UserAgent(), "")
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	return strings.ReplaceAll(name, "\x00", "")
}
