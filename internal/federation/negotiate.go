package federation

import (
	"mime"
	"net/http"
	"strconv"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
)

// linkedData is the other name of ActivityPub's media type, for those who ask for it by that name.
const linkedData = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`

// Negotiate lets a human address answer as ActivityPub to those who ask for it, and as a page to everybody else.
func Negotiate(documents *Documents, pages http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if (r.Method == http.MethodGet || r.Method == http.MethodHead) && asksForActivity(r) && documents.Human(w, r) {
			return
		}
		if documents.AuthorizedFetch { // a cache must know that a machine's answer depends on it
			w = &bySignature{ResponseWriter: w}
		}
		pages.ServeHTTP(w, r)
	})
}

// accepts is how much a request likes what we have, from 0 (not at all) to 1 (RFC 9110, section 12.5.1).
//
// It is our own, not a library that negotiates, since three of our rules are in none: other servers ask with a
// profile that is not quoted, and are understood all the same; application/json counts only where no page is wanted;
// and of equals ActivityPub wins where it was named, but never because of */*.
type accepts struct{ activity, linkedData, json, page, any float64 }

func read(r *http.Request) accepts {
	var a accepts
	for _, header := range r.Header.Values("Accept") {
		for part := range strings.SplitSeq(header, ",") {
			kind, params, err := mime.ParseMediaType(strings.TrimSpace(part))
			if err != nil && kind == "" {
				kind, params = looseMediaType(part)
			}
			a.add(kind, quality(params))
		}
	}
	return a
}

// looseMediaType reads a media range whose parameters are not well formed, as by an unquoted profile.
func looseMediaType(part string) (string, map[string]string) {
	kind, rest, _ := strings.Cut(part, ";")
	params := map[string]string{}
	for param := range strings.SplitSeq(rest, ";") {
		if name, value, ok := strings.Cut(strings.TrimSpace(param), "="); ok {
			params[strings.ToLower(name)] = value
		}
	}
	return strings.ToLower(strings.TrimSpace(kind)), params
}

func quality(params map[string]string) float64 {
	text, ok := params["q"]
	if !ok {
		return 1
	}
	q, err := strconv.ParseFloat(text, 64)
	if err != nil || !(q >= 0 && q <= 1) { // NaN is neither
		return 0
	}
	return q
}

func (a *accepts) add(kind string, q float64) {
	switch kind {
	case "application/activity+json":
		a.activity = max(a.activity, q)
	case "application/ld+json":
		a.linkedData = max(a.linkedData, q)
	case "application/json":
		a.json = max(a.json, q)
	case "text/html", "application/xhtml+xml":
		a.page = max(a.page, q)
	case "*/*":
		a.any = max(a.any, q)
	}
}

// asksForActivity tells whether ActivityPub is liked at least as much as a page.
func asksForActivity(r *http.Request) bool {
	a := read(r)
	best := max(a.activity, a.linkedData)
	if a.page == 0 && a.any == 0 {
		best = max(best, a.json)
	}
	return best > 0 && best >= a.page
}

// prefersPage tells whether a request for an ActivityPub address comes from a browser.
func prefersPage(r *http.Request) bool { return read(r).page > 0 && !asksForActivity(r) }

func mediaType(r *http.Request) string {
	if a := read(r); a.linkedData > a.activity {
		return linkedData
	}
	return activity.ContentType
}

// toPage sends a browser from an ActivityPub address to the page of the same thing; false when it has none.
func (d *Documents) toPage(w http.ResponseWriter, r *http.Request) bool {
	address := d.pageOf(r)
	if address == "" {
		return false
	}
	w.Header().Set("Vary", "Accept")
	http.Redirect(w, r, address, http.StatusSeeOther)
	return true
}

func (d *Documents) pageOf(r *http.Request) string {
	kind, id, rest, ok := d.Site.Local(d.Site.URL + r.URL.Path)
	if !ok || rest != "" {
		return ""
	}
	switch kind {
	case "actors":
		if voice, err := d.Store.Voice(r.Context(), id); err == nil && voice.RetiredAt == nil {
			return d.Site.VoicePage(voice)
		}
	case "articles", "notes":
		object, article, err := d.objectOf(r.Context(), id)
		switch {
		case err != nil || article.Visibility == blog.Followers:
			return ""
		case object.CommentID != "":
			return d.Site.CommentPage(article, object.CommentID)
		}
		return d.Site.ArticlePage(article)
	}
	return ""
}
