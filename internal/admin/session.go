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

// startSession signs an author in on this browser. The token is new, and the store keeps only its hash.
func (h *Handler) startSession(req *request, author blog.Author, long bool) error {
	// A new token for each sign-in: one that somebody planted in this browser before is worth nothing (session
	// fixation).
	h.endSession(req)
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
	// Without MaxAge the browser forgets the cookie when it is closed.
	cookie := h.cookie(token)
	if long {
		cookie.MaxAge = int(longStay / time.Second)
	}
	http.SetCookie(req.w, cookie)
	req.author, req.session = author, in
	return h.remember(req)
}

// currentSession reads the author who is signed in on this browser, if any, and extends the session from time to
// time.
func (h *Handler) currentSession(req *request) error {
	hash := h.sessionHash(req.r)
	if hash == "" {
		return nil
	}
	in, author, err := h.store.Session(req.ctx(), hash, h.now())
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	if err != nil {
		return err
	}
	req.author, req.session = author, in
	if zone, err := time.LoadLocation(author.Timezone); err == nil && author.Timezone != "" {
		req.zone = zone
	}
	// Not at each request: that would be a write for every page.
	if now := h.now(); now.Sub(in.UsedAt) > renewEvery {
		return h.store.TouchSession(req.ctx(), in.TokenHash, now, now.Add(in.ExpiresAt.Sub(in.UsedAt)))
	}
	return nil
}

// MayPreview reports whether the author who is signed in on a browser may see the drafts of a voice. It is false for
// everybody else. It writes nothing.
func (h *Handler) MayPreview(r *http.Request, owner blog.ID) (bool, error) {
	hash := h.sessionHash(r)
	if hash == "" {
		return false, nil
	}
	_, author, err := h.store.Session(r.Context(), hash, h.now())
	if errors.Is(err, blog.ErrNotFound) {
		return false, nil
	}
	return err == nil && author.MayWrite(owner), err
}

func (h *Handler) signOut(req *request) error {
	h.endSession(req)
	gone := h.cookie("")
	gone.MaxAge = -1
	http.SetCookie(req.w, gone)
	return req.redirect("/login")
}

// endSession ends the session of this browser.
func (h *Handler) endSession(req *request) {
	if hash := h.sessionHash(req.r); hash != "" {
		if err := h.store.EndSession(req.ctx(), hash); err != nil {
			// Signing out goes on: the cookie is removed in any case.
			h.Log.Error("a session was not ended", "error", err)
		}
	}
}

// sessionHash is the hash of the session's token of this browser; "" if it has none.
func (h *Handler) sessionHash(r *http.Request) string {
	cookie, err := r.Cookie(h.cookieName())
	// A token has 64 characters. A longer cookie is not worth a query.
	if err != nil || len(cookie.Value) > 100 {
		return ""
	}
	return account.HashToken(cookie.Value)
}

// cookieName is the name of the session cookie. The prefix __Host- makes browsers accept it only over https from this
// very host. Over plain http, on a developer's machine, they would refuse it.
func (h *Handler) cookieName() string {
	if h.secure() {
		return "__Host-" + page.SignInCookie
	}
	return page.SignInCookie
}

// cookie is the session cookie. SameSite is Lax and not Strict: with Strict, a link from another site would show the
// sign-in form.
func (h *Handler) cookie(value string) *http.Cookie {
	return &http.Cookie{Name: h.cookieName(), Value: value, Path: "/", HttpOnly: true, Secure: h.secure(),
		SameSite: http.SameSiteLaxMode}
}

// device is the User-Agent of the browser, cut to 200 bytes.
func device(r *http.Request) string {
	// PostgreSQL refuses invalid UTF-8 and NUL. A cut in the middle of a character makes invalid UTF-8 too.
	name := strings.ToValidUTF8(r.UserAgent(), "")
	if len(name) > 200 {
		name = strings.ToValidUTF8(name[:200], "")
	}
	return strings.ReplaceAll(name, "\x00", "")
}
