package page

import (
	"net/http"
	"strings"
)

// The light a reader has chosen lives in a cookie that only the little sheet /theme.css reads, so that pages stay the
// same for everybody and show no flash of the other light.
const lightCookie = "light"

var themes = map[string]*finished{
	"auto":  lightSheet("auto", ""),
	"light": lightSheet("light", ":root{color-scheme:light}html:root:root img{filter:none}\n"),
	"dark":  lightSheet("dark", ":root{color-scheme:dark}html:root:root img{filter:brightness(.92)}\n"),
}

func lightSheet(light, rules string) *finished {
	pressed := `.light [value="` + light + `"]{color:var(--ink);box-shadow:inset 0 -2px var(--ink)}`
	sheet := finish(Document{Body: []byte(rules + pressed + "\n"), Header: http.Header{
		"Content-Type": {"text/css; charset=utf-8"}, "Cache-Control": {"private, no-cache"}, "Vary": {"Cookie"}}})
	return &sheet
}

// Theme is the sheet of the light that this reader has chosen; every page links to it at /theme.css.
func Theme(w http.ResponseWriter, r *http.Request) {
	sheet := themes["auto"]
	if cookie, err := r.Cookie(lightCookie); err == nil && themes[cookie.Value] != nil {
		sheet = themes[cookie.Value]
	}
	sheet.send(w, r)
}

// ChooseTheme takes the form at the foot of every page and leads back to where it was filled in.
func ChooseTheme(w http.ResponseWriter, r *http.Request) {
	r.Body = http.MaxBytesReader(w, r.Body, 1<<10)
	light := r.PostFormValue("theme")
	if themes[light] == nil {
		http.Error(w, "the light can be auto, light or dark", http.StatusBadRequest)
		return
	}
	cookie := &http.Cookie{Name: lightCookie, Value: light, Path: "/", MaxAge: 365 * 24 * 3600,
		HttpOnly: true, SameSite: http.SameSiteLaxMode}
	if light == "auto" {
		cookie.MaxAge = -1
	}
	http.SetCookie(w, cookie)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Location", back(r))
	w.WriteHeader(http.StatusSeeOther)
}

// back is the path of the page the form stood on, or the front page; never another host.
func back(r *http.Request) string {
	_, rest, found := strings.Cut(r.Referer(), "://"+r.Host+"/")
	if !found {
		return "/"
	}
	return "/" + strings.TrimLeft(rest, "/\\")
}
