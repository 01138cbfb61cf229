package activity

import (
	"net/url"
	"strings"
	"unicode/utf8"

	"causerie/internal/blog"
)

// Every property of a document may be a text, an object, a list of them, null or absent (ActivityStreams 2.0, sections
// 3 and 4.1). The functions here read each shape and return the zero value when they find nothing usable.

// The most items that are read of a list. The rest is ignored.
const (
	maxAttachments = 16
	maxOptions     = 20
	maxAliases     = 20
	maxLinks       = 50
)

// The most runes that are kept of a text.
const (
	maxAlt    = 1500
	maxOption = 200
)

// maxCount is the highest count that we accept from another server.
const maxCount = 1e9

// maxAddress is the longest address that we accept, in bytes.
const maxAddress = 2048

// many returns a property as a list, whatever its shape is.
func many(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	}
	return []any{value}
}

// one returns the first value of a property, nil without one.
func one(value any) any {
	if list := many(value); len(list) > 0 {
		return list[0]
	}
	return nil
}

// embedded returns the first value if it is an object, else nil.
func embedded(value any) map[string]any {
	object, _ := one(value).(map[string]any)
	return object
}

// text returns the first value that is a text, or "".
func text(value any) string {
	for _, v := range many(value) {
		if s, ok := v.(string); ok {
			return s
		}
	}
	return ""
}

// idOf returns the id of one value: the text itself, or the id of the object. It is not checked.
func idOf(value any) string { return blog.URI(writtenID(value)) }

// writtenID is idOf for the id of an activity, which goes back to its server as it was written.
func writtenID(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		id, _ := value["id"].(string)
		return id
	}
	return ""
}

// only returns the one id among the values. Equal ids count once. It returns "" for two different ids, or when a value
// has none.
func only(value any) string {
	found := ""
	for i, v := range many(value) {
		id := idOf(v)
		if id == "" || i > 0 && id != found {
			return ""
		}
		found = id
	}
	return found
}

// addressOf returns the id of the first value if it is an address, else "".
func addressOf(value any) string {
	if id := idOf(one(value)); isAddress(id) {
		return id
	}
	return ""
}

// addresses returns those ids of the first most values that are addresses.
func addresses(value any, most int) []string {
	var list []string
	for _, v := range first(many(value), most) {
		if id := idOf(v); isAddress(id) {
			list = append(list, id)
		}
	}
	return list
}

// recipients returns all ids in an audience: the one that concerns us may be the last. Public may be in any of its
// three spellings.
func recipients(value any) []string {
	var list []string
	for _, v := range many(value) {
		if id := idOf(v); isAddress(id) || isPublic(id) {
			list = append(list, id)
		}
	}
	return list
}

func isPublic(id string) bool { return id == Public || id == "as:Public" || id == "Public" }

// isAddress reports whether an id can be fetched: http or https, a host in ASCII, no user, and no character that is
// unsafe in a header or a log.
func isAddress(id string) bool {
	scheme, rest, found := strings.Cut(id, "://")
	if !found || len(id) > maxAddress || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return false
	}
	// url.Parse accepts some of these and would escape them.
	for _, c := range rest {
		if c <= ' ' || c == 0x7f || c == '\\' || c == utf8.RuneError {
			return false
		}
	}
	u, err := url.Parse(id)
	// An international host must be in its ASCII form, or one server would have two spellings.
	return err == nil && u.Hostname() != "" && u.User == nil && isASCII(u.Host)
}

func isASCII(s string) bool {
	for i := range len(s) {
		if s[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}

// first returns at most the first most items of a list.
func first[T any](list []T, most int) []T { return list[:min(len(list), most)] }

// cut returns at most the first runes of a text.
func cut(text string, runes int) string {
	if len(text) <= runes {
		return text
	}
	for i := range text {
		if runes == 0 {
			return text[:i]
		}
		runes--
	}
	return text
}

// clip returns at most the first most bytes of a text, cut between runes.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// short shortens an untrusted text for an error message.
func short(text string) string { return cut(text, 80) }

// typeOf returns the first type that ActivityStreams knows, else the first one, without the ActivityStreams prefix.
func typeOf(object map[string]any) string {
	stated := ""
	for _, v := range many(object["type"]) {
		name, _ := v.(string)
		name = strings.TrimPrefix(strings.TrimPrefix(name, "as:"), "https://www.w3.org/ns/activitystreams#")
		// A type of our vocabulary wins over an extension that stands before it.
		if core[name] {
			return name
		}
		if stated == "" {
			stated = cut(name, 100)
		}
	}
	return stated
}
