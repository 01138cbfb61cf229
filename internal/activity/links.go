package activity

import (
	"iter"
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
	for address := range attributes(o.Content, "a", "href") {
		address, _, _ = strings.Cut(address, "#")
		if isAddress(address) && site.Owns(address) && !slices.Contains(list, address) {
			list = append(list, address)
		}
	}
	return list
}

// attributes are the values of an attribute in the first 50 elements of a text that have it.
func attributes(text, element, attribute string) iter.Seq[string] {
	return func(yield func(string) bool) {
		tokens := html.NewTokenizer(strings.NewReader(text))
		for seen := 0; seen < maxLinks; {
			switch tokens.Next() {
			case html.ErrorToken:
				return
			case html.StartTagToken, html.SelfClosingTagToken:
				name, more := tokens.TagName()
				if string(name) != element {
					continue
				}
				for more {
					var key, value []byte
					if key, value, more = tokens.TagAttr(); string(key) == attribute {
						seen++ // also what leads elsewhere: the limit is on the work
						if !yield(strings.TrimSpace(string(value))) {
							return
						}
						break
					}
				}
			}
		}
	}
}

// Beside returns the attachments that the content does not show already, in whatever size, each address once. Of a text
// only the first 50 pictures are read.
func (o Object) Beside() []Attachment {
	if len(o.Attachments) == 0 {
		return nil
	}
	embedded := map[string]bool{}
	if strings.Contains(o.Content, "<img") {
		for picture := range attributes(o.Content, "img", "src") {
			embedded[withoutSize(picture)] = true
		}
	}
	var list []Attachment
	shown := map[string]bool{}
	for _, media := range o.Attachments {
		if !shown[media.URL] && !embedded[withoutSize(media.URL)] {
			shown[media.URL] = true
			list = append(list, media)
		}
	}
	return list
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
