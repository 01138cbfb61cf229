package admin

import (
	"errors"
	"net/http"
	"strings"
	"time"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/page"
	"causerie/internal/store"
)

// admit signs an author in on this browser, under a fresh token of which only a hash is kept.
func (d *Desk) admit(v *visit, author blog.Author, long bool) error {
	d.forget(v) // a sign-in that was here before ends
	stay := shortStay
	if long {
		stay = longStay
	}
	token, now := account.NewToken(), d.now()
	in := store.SignIn{TokenHash: account.HashToken(token), VoiceID: author.ID, Device: device(v.r), CreatedAt: now, UsedAt: now, ExpiresAt: now.Add(stay)}
	if err := d.store.AddSignIn(v.ctx(), in); err != nil {
		return err
	}
	cookie := d.cookie(token)
	if long {
		cookie.MaxAge = int(longStay / time.Second)
	}
	http.SetCookie(v.w, cookie)
	v.author, v.browse = author, in
	return d.remember(v)
}

// recognise finds out who is signed in on this browser, if anybody is, and notes the use now and then.
func (d *Desk) recognise(v *visit) error {
	cookie, err := v.r.Cookie(d.cookieName())
	if err != nil || len(cookie.Value) > 100 {
		return nil
	}
	in, author, err := d.store.SignedIn(v.ctx(), account.HashToken(cookie.Value), d.now())
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
		if err := d.store.EndSignIn(v.ctx(), account.HashToken(cookie.Value)); err != nil {
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

// device is what the browser calls itself, shortened.
func device(r *http.Request) string {
	name := strings.ToValidUTF8(r.UserAgent(), "")
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	return strings.ReplaceAll(name, "\x00", "")
}
