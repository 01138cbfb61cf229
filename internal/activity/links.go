package activity

import (
	"slices"
	"strings"

	"causerie/internal/blog"

	"golang.org/x/net/html"
)

// LinksTo returns the addresses on an origin, such as "https://overkant.example", that the content links to: each once,
// in the order of the text, without fragments. Only the first 50 links of a text are read.
func (o Object) LinksTo(origin string) []string {
	host := blog.HostOf(origin)
	// Most texts link nowhere here, so they are not tokenized.
	if host == "" || !strings.Contains(strings.ToLower(o.Content), hostname(origin)) {
		return nil
	}
	var list []string
	tokens, seen := html.NewTokenizer(strings.NewReader(o.Content)), 0
	for seen < maxLinks {
		switch tokens.Next() {
		case html.ErrorToken:
			return list
		case html.StartTagToken, html.SelfClosingTagToken:
			address, found := linkOf(tokens)
			if !found {
				continue
			}
			// Links to other servers count, too, since the limit is on the work.
			seen++
			address, _, _ = strings.Cut(address, "#")
			if isAddress(address) && blog.SameOrigin(address, origin) && !slices.Contains(list, address) {
				list = append(list, address)
			}
		}
	}
	return list
}

// linkOf returns the address of the tag that was just read, if it is a link.
func linkOf(tokens *html.Tokenizer) (address string, found bool) {
	name, more := tokens.TagName()
	if string(name) != "a" {
		return "", false
	}
	for more {
		var key, value []byte
		if key, value, more = tokens.TagAttr(); string(key) == "href" {
			return strings.TrimSpace(string(value)), true
		}
	}
	return "", false
}
