package activity

import (
	"net/url"
	"strings"
	"unicode/utf8"
)

// Every property of a document may be a text, an object, a list of either, null or absent (ActivityStreams 2.0, 3 and
// 4.1). The functions here read each shape and answer with nothing where they find nothing of use.

// Of a longer list the rest is ignored.
const (
	maxRecipients  = 100
	maxTags        = 50
	maxAttachments = 16
	maxOptions     = 20
	maxAliases     = 20
	maxLinks       = 50
)

// Of a longer text only this many runes are kept.
const (
	maxAlt    = 1500
	maxOption = 200
)

// maxCount is the highest number that we believe of a stranger's counting.
const maxCount = 1e9

// maxAddress is the longest address that we keep, in bytes.
const maxAddress = 2048

// many is a property as a list, whatever its shape was.
func many(value any) []any {
	switch value := value.(type) {
	case nil:
		return nil
	case []any:
		return value
	}
	return []any{value}
}

// one is the first of a property's values, nil without one.
func one(value any) any {
	if list := many(value); len(list) > 0 {
		return list[0]
	}
	return nil
}

// embedded is the first value as an object, nil when it is none.
func embedded(value any) map[string]any {
	object, _ := one(value).(map[string]any)
	return object
}

// text is the first value that is a text.
func text(value any) string {
	for _, v := range many(value) {
		if s, ok := v.(string); ok {
			return s
		}
	}
	return ""
}

// idOf is the id that one value states: the text itself, or the id of the object. It may be anything.
func idOf(value any) string {
	switch value := value.(type) {
	case string:
		return value
	case map[string]any:
		id, _ := value["id"].(string)
		return id
	}
	return ""
}

// only is the one id among the values; values that are the same count once, and one without an id spoils it.
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

// addressOf is the id of the first value, if it is an address.
func addressOf(value any) string {
	if id := idOf(one(value)); isAddress(id) {
		return id
	}
	return ""
}

// addresses are the ids of the first most values that are addresses.
func addresses(value any, most int) []string {
	var list []string
	for _, v := range first(many(value), most) {
		if id := idOf(v); isAddress(id) {
			list = append(list, id)
		}
	}
	return list
}

// recipients are the ids in an audience, with the short ways to write Public.
func recipients(value any) []string {
	var list []string
	for _, v := range first(many(value), maxRecipients) {
		if id := idOf(v); isAddress(id) || isPublic(id) {
			list = append(list, id)
		}
	}
	return list
}

func isPublic(id string) bool { return id == Public || id == "as:Public" || id == "Public" }

// isAddress reports whether an id can be fetched: http or https, a host in ASCII, no user in it and nothing that a header
// or a log would stumble over.
func isAddress(id string) bool {
	scheme, rest, found := strings.Cut(id, "://")
	if !found || len(id) > maxAddress || !strings.EqualFold(scheme, "https") && !strings.EqualFold(scheme, "http") {
		return false
	}
	for _, c := range rest {
		if c <= ' ' || c == 0x7f || c == '\\' || c == utf8.RuneError {
			return false
		}
	}
	u, err := url.Parse(id)
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

// first is a list without what goes beyond most.
func first[T any](list []T, most int) []T { return list[:min(len(list), most)] }

// cut is a text without what goes beyond that many runes.
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

// clip is a text without what goes beyond that many bytes, and without half a rune at its end.
func clip(text string, most int) string {
	if len(text) <= most {
		return text
	}
	for !utf8.RuneStart(text[most]) {
		most--
	}
	return text[:most]
}

// short is a text of a stranger as far as an error repeats it.
func short(text string) string { return cut(text, 80) }

// typeOf is the first type that the vocabulary knows, or the first at all, without the prefix of ActivityStreams.
func typeOf(object map[string]any) string {
	stated := ""
	for _, v := range many(object["type"]) {
		name, _ := v.(string)
		name = strings.TrimPrefix(strings.TrimPrefix(name, "as:"), "https://www.w3.org/ns/activitystreams#")
		if core[name] {
			return name
		}
		if stated == "" {
			stated = cut(name, 100)
		}
	}
	return stated
}
