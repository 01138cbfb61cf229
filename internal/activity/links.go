package activity

import (
	"net/url"
	"regexp"
	"slices"
	"strings"

	"causerie/internal/blog"

	"golang.org/x/net/html"
)

// LinksTo returns the addresses of a site that the content links to, however they are written: each once, in the order
// of the text, without fragments. Only the first 50 links of a text are read.
func (o Object) LinksTo(site blog.Site) []string {
	host := hostname(site.URL)
	// Most texts link nowhere here, so they are not tokenized.
	if host == "" || !strings.Contains(strings.ToLower(o.Content), host) {
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
			if isAddress(address) && site.Owns(address) && !slices.Contains(list, address) {
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

// Embeds reports whether the content shows the picture at an address, in whatever size. Of a text only the first 50
// pictures are read.
func (o Object) Embeds(picture string) bool {
	if !strings.Contains(o.Content, "<img") {
		return false
	}
	picture = withoutSize(picture)
	tokens, seen := html.NewTokenizer(strings.NewReader(o.Content)), 0
	for seen < maxLinks {
		switch tokens.Next() {
		case html.ErrorToken:
			return false
		case html.StartTagToken, html.SelfClosingTagToken:
			name, more := tokens.TagName()
			if string(name) != "img" {
				continue
			}
			seen++
			for more {
				var key, value []byte
				key, value, more = tokens.TagAttr()
				if string(key) == "src" && withoutSize(string(value)) == picture {
					return true
				}
			}
		}
	}
	return false
}

// sizePattern matches what WordPress adds to the names of a picture's sizes: "ferry-1024x768.jpg", "ferry-scaled.jpg".
var sizePattern = regexp.MustCompile(`-(?:\d+x\d+|scaled)(\.[A-Za-z]+)$`)

// withoutSize returns the address of a picture without what asks for one of its sizes. Some servers do so in the query,
// where others name the picture itself; the width and height are left out of it.
func withoutSize(address string) string {
	u, err := url.Parse(strings.TrimSpace(address))
	if err != nil {
		return address
	}
	query := u.Query()
	for _, name := range []string{"w", "h", "width", "height", "resize", "fit", "quality", "ssl"} {
		query.Del(name)
	}
	u.RawQuery, u.Fragment, u.Host = query.Encode(), "", strings.ToLower(u.Host)
	u.Path, u.RawPath = sizePattern.ReplaceAllString(u.Path, "$1"), ""
	return u.String()
}
