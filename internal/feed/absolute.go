package feed

import (
	"errors"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Absolute makes the addresses in safe HTML absolute, since a feed is read away from its page: links, pictures and
// their widths. What does not parse stays as it is.
func Absolute(text, base string) string {
	from, err := url.Parse(base)
	if err != nil {
		return text
	}
	var out strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		kind := tokens.Next()
		if kind == html.ErrorToken {
			if !errors.Is(tokens.Err(), io.EOF) {
				return text
			}
			return out.String()
		}
		raw := string(tokens.Raw())
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			out.WriteString(raw)
			continue
		}
		token := tokens.Token()
		if resolve(token.Attr, from) {
			raw = token.String()
		}
		out.WriteString(raw)
	}
}

// resolve changes the attributes that hold relative addresses, and reports whether there were any.
func resolve(attributes []html.Attribute, from *url.URL) bool {
	changed := false
	for i, a := range attributes {
		value := a.Val
		switch a.Key {
		case "href", "src", "cite", "poster":
			value = absolute(a.Val, from)
		case "srcset":
			value = absoluteSet(a.Val, from)
		}
		if value != a.Val {
			attributes[i].Val, changed = value, true
		}
	}
	return changed
}

func absolute(address string, from *url.URL) string {
	to, err := from.Parse(address)
	if err != nil {
		return address
	}
	return to.String()
}

// absoluteSet resolves each candidate of a srcset: an address and a width, parted by commas.
func absoluteSet(set string, from *url.URL) string {
	candidates := strings.Split(set, ",")
	for i, candidate := range candidates {
		address, width, _ := strings.Cut(strings.TrimSpace(candidate), " ")
		candidates[i] = strings.TrimSpace(absolute(address, from) + " " + width)
	}
	return strings.Join(candidates, ", ")
}
