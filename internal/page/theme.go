package page

import (
	"fmt"
	"io/fs"
	"net/http"
	"strings"
)

// themeCookie holds the theme that a reader has chosen. Only the style sheet reads it, so pages stay the same for
// everybody, and the browser has the right theme before it draws.
const themeCookie = "light"

var themeRules = map[string]string{
	"auto":  "",
	"light": ":root{color-scheme:light}html:root:root img{filter:none}\n",
	"dark":  ":root{color-scheme:dark}html:root:root img{filter:brightness(.92)}\n",
}

// loadStyles returns the style sheet of all pages, once with each theme. The rules of the theme are in the same file:
// nothing is drawn before the style sheets are there, and on a slow network one more of them takes a third of a second.
func loadStyles(tree fs.FS) (map[string]*prepared, error) {
	base, err := fs.ReadFile(tree, "static/causerie.css")
	if err != nil {
		return nil, fmt.Errorf("read the style sheet: %w", err)
	}
	styles := map[string]*prepared{}
	for theme, rules := range themeRules {
		// It also marks the button of the theme.
		pressed := `.light [value="` + theme + `"]{color:var(--ink);box-shadow:inset 0 -2px var(--ink)}`
		sheet := prepare(Document{Body: []byte(string(shrink(base)) + "\n" + rules + pressed + "\n"), Header: http.Header{
			"Content-Type": {"text/css; charset=utf-8"}, "Cache-Control": {"private, no-cache"},
			"Vary": {"Cookie, Accept-Encoding"}}})
		styles[theme] = &sheet
	}
	return styles, nil
}

// Style serves /style.css: the style sheet of all pages, with the theme that this reader has chosen.
func (s *Set) Style(w http.ResponseWriter, r *http.Request) {
	sheet := s.styles["auto"]
	if cookie, err := r.Cookie(themeCookie); err == nil && s.styles[cookie.Value] != nil {
		sheet = s.styles[cookie.Value]
	}
	sheet.send(w, r)
}

// ChooseTheme handles the form at the foot of every page, and redirects to that page.
func ChooseTheme(w http.ResponseWriter, r *http.Request) {
	// Anybody may post here, and the form has one short field.
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	light := r.PostFormValue("theme")
	if _, known := themeRules[light]; !known {
		http.Error(w, "the light can be auto, light or dark", http.StatusBadRequest)
		return
	}
	cookie := &http.Cookie{Name: themeCookie, Value: light, Path: "/", MaxAge: 365 * 24 * 3600,
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
