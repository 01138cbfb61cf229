package page

import (
	"net/http"
	"strings"
)

// lightCookie holds the theme that a reader has chosen. Only the small sheet /theme.css reads it, so pages stay the
// same for everybody, and the browser has the right theme before it draws.
const lightCookie = "light"

var themes = map[string]*prepared{
	"auto":  newTheme("auto", ""),
	"light": newTheme("light", ":root{color-scheme:light}html:root:root img{filter:none}\n"),
	"dark":  newTheme("dark", ":root{color-scheme:dark}html:root:root img{filter:brightness(.92)}\n"),
}

// newTheme returns the sheet of a theme, which also marks its button.
func newTheme(light, rules string) *prepared {
	pressed := `.light [value="` + light + `"]{color:var(--ink);box-shadow:inset 0 -2px var(--ink)}`
	sheet := prepare(Document{Body: []byte(rules + pressed + "\n"), Header: http.Header{
		"Content-Type": {"text/css; charset=utf-8"}, "Cache-Control": {"private, no-cache"}, "Vary": {"Cookie"}}})
	return &sheet
}

// Theme serves /theme.css: the sheet of the theme that this reader has chosen. Every page links to it.
func Theme(w http.ResponseWriter, r *http.Request) {
	sheet := themes["auto"]
	if cookie, err := r.Cookie(lightCookie); err == nil && themes[cookie.Value] != nil {
		sheet = themes[cookie.Value]
	}
	sheet.send(w, r)
}

// ChooseTheme handles the form at the foot of every page, and redirects to that page.
func ChooseTheme(w http.ResponseWriter, r *http.Request) {
	// Anybody may post here, and the form has one short field.
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	light := r.PostFormValue("theme")
	if themes[light] == nil {
		http.Error(w, "the light can be auto, light or dark", http.StatusBadRequest)
		return
	}
	cookie := &http.Cookie{Name: lightCookie, Value: light, Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode}
	// The default needs no cookie.
	if light == "auto" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", refererPath(r))
	w.WriteHeader(http.StatusSeeOther)
}

// refererPath returns the path of the page with the form, or "/". It never leads to another host.
func refererPath(r *http.Request) string {
	_, rest, found := strings.Cut(r.Referer(), "://"+r.Host+"/")
	if !found {
		return "/"
	}
	// A browser takes //host and /\host for another host.
	return "/" + strings.TrimLeft(rest, "/\\")
}
