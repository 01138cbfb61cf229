package activity

import (
	"errors"
	"mime"
	"slices"
	"strconv"
	"strings"
)

// LinkedDataType is the other name of ActivityPub's media type, for clients that ask for that one.
const LinkedDataType = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`

// HasProfile reports whether the profile parameter of a media type, a list of addresses, names ActivityStreams. Drafts
// of ActivityPub had http in the address, or a # at its end, and some servers kept that.
func HasProfile(profile string) bool {
	return slices.ContainsFunc(strings.Fields(profile), func(address string) bool {
		address = strings.TrimSuffix(address, "#")
		return address == namespace || address == strings.Replace(namespace, "https:", "http:", 1)
	})
}

// IsActivityType reports whether a media type is one of the two of ActivityStreams (ActivityPub, section 3.2).
func IsActivityType(contentType string) bool {
	kind, params, err := ParseMediaType(contentType)
	// JSON is UTF-8; a document that says otherwise could be read in two ways.
	if err != nil || params["charset"] != "" && !strings.EqualFold(params["charset"], "utf-8") {
		return false
	}
	profile, given := params["profile"]
	switch kind {
	// It needs no profile. One that is given says what the document is.
	case "application/activity+json":
		return !given || HasProfile(profile)
	case "application/ld+json":
		return HasProfile(profile)
	}
	return false
}

// ParseMediaType reads a media type and its parameters (RFC 9110, section 8.3.1), also a profile without quotes or in
// single ones, which other servers send.
func ParseMediaType(value string) (kind string, params map[string]string, err error) {
	kind, params, err = mime.ParseMediaType(value)
	if !errors.Is(err, mime.ErrInvalidMediaParameter) {
		return kind, params, err
	}
	_, rest, _ := strings.Cut(value, ";")
	params = map[string]string{}
	for part := range strings.SplitSeq(rest, ";") {
		name, text, _ := strings.Cut(part, "=")
		name, text = strings.ToLower(strings.TrimSpace(name)), strings.Trim(text, ` '"`)
		// Another reader could take the other one.
		if other, twice := params[name]; twice && other != text {
			return "", nil, err
		}
		params[name] = text
	}
	return kind, params, nil
}

// accepts is the quality that a request gives to each of our formats, from 0 (not accepted) to 1 (RFC 9110, section
// 12.5.1).
//
// We use no library for content negotiation, because none has these three rules: a profile without quotes is accepted,
// because other servers send it; application/json counts only when no page is wanted; and at equal quality ActivityPub
// wins if it was named, but never because of */*.
type accepts struct{ activity, linkedData, json, page, any float64 }

// readAccept reads the values of a request's Accept header. It allocates nothing: it runs for each request.
func readAccept(header []string) accepts {
	var a accepts
	for _, value := range header {
		for part := range strings.SplitSeq(value, ",") {
			kind, params, _ := strings.Cut(part, ";")
			a.add(strings.ToLower(strings.TrimSpace(kind)), quality(params))
		}
	}
	return a
}

// quality reads the weight among the parameters of a media range. Other parameters may have any form: some servers send
// a profile without quotes.
func quality(params string) float64 {
	for param := range strings.SplitSeq(params, ";") {
		name, text, _ := strings.Cut(param, "=")
		if !strings.EqualFold(strings.TrimSpace(name), "q") {
			continue
		}
		q, err := strconv.ParseFloat(strings.TrimSpace(text), 64)
		if err != nil || !(q >= 0 && q <= 1) { // NaN is neither
			return 0
		}
		return q
	}
	return 1
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

// AsksForActivity reports whether the values of an Accept header want ActivityPub at least as much as a page.
func AsksForActivity(accept []string) bool {
	a := readAccept(accept)
	best := max(a.activity, a.linkedData)
	// A program that wants any JSON. Browsers always name a page or */*.
	if a.page == 0 && a.any == 0 {
		best = max(best, a.json)
	}
	return best > 0 && best >= a.page
}

// PrefersPage reports whether the values of an Accept header are those of a browser: they want a page, and no
// ActivityPub as much.
func PrefersPage(accept []string) bool {
	return readAccept(accept).page > 0 && !AsksForActivity(accept)
}

// MediaType returns the media type that the values of an Accept header use for ActivityPub: ContentType or
// LinkedDataType.
func MediaType(accept []string) string {
	// At equal quality ContentType wins, which every server knows.
	if a := readAccept(accept); a.linkedData > a.activity {
		return LinkedDataType
	}
	return ContentType
}
