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

// startSession signs an author in on this browser, under a fresh token of which only a hash is kept.
func (h *Handler) startSession(req *request, author blog.Author, long bool) error {
	h.endSession(req) // a sign-in that was here before ends
	stay := shortStay
	if long {
		stay = longStay
	}
	token, now := account.NewToken(), h.now()
	in := store.Session{TokenHash: account.HashToken(token), VoiceID: author.ID, Device: device(req.r), CreatedAt: now,
		UsedAt: now, ExpiresAt: now.Add(stay)}
	if err := h.store.AddSession(req.ctx(), in); err != nil {
		return err
	}
	cookie := h.cookie(token)
	if long {
		cookie.MaxAge = int(longStay / time.Second)
	}
	http.SetCookie(req.w, cookie)
	req.author, req.browse = author, in
	return h.remember(req)
}

// currentSession finds out who is signed in on this browser, if anybody is, and notes the use now and then.
func (h *Handler) currentSession(req *request) error {
	cookie, err := req.r.Cookie(h.cookieName())
	if err != nil || len(cookie.Value) > 100 {
		return nil
	}
	in, author, err := h.store.Session(req.ctx(), account.HashToken(cookie.Value), h.now())
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	req.author, req.browse = author, in
	if zone, err := time.LoadLocation(author.Timezone); err == nil && author.Timezone != "" {
		req.zone = zone
	}
	if now := h.now(); now.Sub(in.UsedAt) > renewEvery {
		return h.store.TouchSession(req.ctx(), in.TokenHash, now, now.Add(in.ExpiresAt.Sub(in.UsedAt)))
	}
	return nil
}

func (h *Handler) signOut(req *request) error {
	h.endSession(req)
	gone := h.cookie("")
	gone.MaxAge = -1
	http.SetCookie(req.w, gone)
	return req.redirect("/login")
}

// endSession ends the sign-in of this browser.
func (h *Handler) endSession(req *request) {
	if cookie, err := req.r.Cookie(h.cookieName()); err == nil {
		if err := h.store.EndSession(req.ctx(), account.HashToken(cookie.Value)); err != nil {
			h.Log.Error("a sign-in could not be ended", "error", err)
		}
	}
}

// cookieName has a prefix by which browsers refuse the cookie from anything but this very host over https; over plain
// http, on somebody's own machine, they would refuse it altogether.
func (h *Handler) cookieName() string {
	if h.secure() {
		return "__Host-" + page.SignInCookie
	}
	return page.SignInCookie
}

func (h *Handler) cookie(value string) *http.Cookie {
	return &http.Cookie{Name: h.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: h.secure(),
		SameSite: http.SameSiteLaxMode}
}

// device is what the browser calls itself, shortened.
func device(r *http.Request) string {
	name := strings.ToValidUTF8(r.UserAgent(), "")
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	return strings.ReplaceAll(name, "\x00", "")
}
