package feed

import (
	"errors"
	"io"
	"net/url"
	"strings"

	"golang.org/x/net/html"
)

// Absolute makes the addresses of links and images in safe HTML absolute, since a feed is read away from its page, and
// says how table cells are aligned, since a feed reader does not know the classes of our style sheet. HTML
// that cannot be parsed is returned as it is.
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
			// Half a text is worse than one with relative links.
			if !errors.Is(tokens.Err(), io.EOF) {
				return text
			}
			return out.String()
		}
		// Raw before Token, which changes its bytes. An unchanged tag is written as it was.
		raw := string(tokens.Raw())
		if kind != html.StartTagToken && kind != html.SelfClosingTagToken {
			out.WriteString(raw)
			continue
		}
		token := tokens.Token()
		if resolve(token.Attr, from) || align(&token) {
			raw = token.String()
		}
		out.WriteString(raw)
	}
}

// resolve makes the attributes with addresses absolute, and reports whether any was relative.
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

// alignments are what the classes of table cells mean.
var alignments = map[string]string{"left": "left", "centre": "center", "num": "right"}

// align adds the alignment of a table cell, and reports whether there is one.
func align(token *html.Token) bool {
	if token.Data != "td" && token.Data != "th" {
		return false
	}
	for _, a := range token.Attr {
		if to := alignments[a.Val]; a.Key == "class" && to != "" {
			token.Attr = append(token.Attr, html.Attribute{Key: "align", Val: to})
			return true
		}
	}
	return false
}

func absolute(address string, from *url.URL) string {
	to, err := from.Parse(address)
	if err != nil {
		return address
	}
	return to.String()
}

// absoluteSet makes the addresses of a srcset absolute.
func absoluteSet(set string, from *url.URL) string {
	// The addresses are our own and have no commas, so this need not be the full grammar of srcset.
	candidates := strings.Split(set, ",")
	for i, candidate := range candidates {
		address, width, _ := strings.Cut(strings.TrimSpace(candidate), " ")
		candidates[i] = strings.TrimSpace(absolute(address, from) + " " + width)
	}
	return strings.Join(candidates, ", ")
}
