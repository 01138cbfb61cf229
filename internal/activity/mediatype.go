package activity

import (
	"mime"
	"net/http"
	"strconv"
	"strings"
)

// LinkedDataType is the other name of ActivityPub's media type, for those who ask for it by that name.
const LinkedDataType = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`

// accepts is how much a request likes what we have, from 0 (not at all) to 1 (RFC 9110, section 12.5.1).
//
// It is our own, not a library that negotiates, since three of our rules are in none: other servers ask with a
// profile that is not quoted, and are understood all the same; application/json counts only where no page is wanted;
// and of equals ActivityPub wins where it was named, but never because of */*.
type accepts struct{ activity, linkedData, json, page, any float64 }

func readAccept(r *http.Request) accepts {
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

// AsksForActivity tells whether ActivityPub is liked at least as much as a page.
func AsksForActivity(r *http.Request) bool {
	a := readAccept(r)
	best := max(a.activity, a.linkedData)
	if a.page == 0 && a.any == 0 {
		best = max(best, a.json)
	}
	return best > 0 && best >= a.page
}

// PrefersPage tells whether a request for an ActivityPub address comes from a browser.
func PrefersPage(r *http.Request) bool { return readAccept(r).page > 0 && !AsksForActivity(r) }

func MediaType(r *http.Request) string {
	if a := readAccept(r); a.linkedData > a.activity {
		return LinkedDataType
	}
	return ContentType
}
