package markup

import (
	"regexp"
	"sync"

	"github.com/microcosm-cc/bluemonday"
)

// sanitize is the only place where a string becomes SafeHTML. Its input was already built from allow-lists, so
// normally it changes only the spelling of entities. It is the second line of defence, and other people maintain it.
func sanitize(policy func() *bluemonday.Policy, html string) SafeHTML {
	return SafeHTML(policy().Sanitize(html))
}

var (
	idPattern        = regexp.MustCompile(`^[\p{L}\p{M}\p{N}_.:-]+$`)
	numberPattern    = regexp.MustCompile(`^-?[0-9]{1,9}$`)
	pixelPattern     = regexp.MustCompile(`^[0-9]{1,5}$`)
	languagePattern  = regexp.MustCompile(`^[A-Za-z]{2,8}(-[A-Za-z0-9]{1,8})*$`)
	directionPattern = regexp.MustCompile(`^(ltr|rtl|auto)$`)
	classListPattern = regexp.MustCompile(`^[A-Za-z0-9_+#. -]+$`)
	flagPattern      = regexp.MustCompile(`^(reversed)?$`)
	anything         = regexp.MustCompile(`(?s)^.*$`)
)

// remoteElements are the elements that Mastodon keeps in what it receives.
var remoteElements = []string{"p", "br", "a", "span", "del", "s", "pre", "blockquote", "code", "b", "strong", "u", "i",
	"em",
	"ul", "ol", "li", "ruby", "rt", "rp"}

// common is what every policy allows: Mastodon's elements, their language and their numbers.
func common() *bluemonday.Policy {
	p := bluemonday.NewPolicy()
	p.AllowElements(remoteElements...)
	p.AllowNoAttrs().OnElements(remoteElements...)
	p.AllowAttrs("lang").Matching(languagePattern).Globally()
	p.AllowAttrs("dir").Matching(directionPattern).Globally()
	p.AllowAttrs("start").Matching(numberPattern).OnElements("ol")
	p.AllowAttrs("reversed").Matching(flagPattern).OnElements("ol")
	p.AllowAttrs("value").Matching(numberPattern).OnElements("li")
	p.AllowAttrs("href").OnElements("a")
	p.AllowAttrs("rel").Matching(classListPattern).OnElements("a")
	p.AllowAttrs("class").Matching(classListPattern).OnElements("a", "span", "p", "code")
	p.RequireParseableURLs(true)
	p.AllowURLSchemes("http", "https")
	return p
}

// remotePolicy is for HTML from other servers.
var remotePolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := common()
	p.AllowElements("sup", "sub")
	p.AllowNoAttrs().OnElements("sup", "sub")
	return p
})

// federatedPolicy is for what this blog sends (contract F-036).
var federatedPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := common()
	more := []string{"h2", "h3", "h4", "h5", "h6", "hr", "sup", "sub", "figure", "figcaption",
		"table", "caption", "thead", "tbody", "tr", "th", "td"}
	p.AllowElements(more...)
	p.AllowNoAttrs().OnElements(more...)
	p.AllowAttrs("align").Matching(regexp.MustCompile(`^(left|center|right)$`)).OnElements("th", "td")
	allowPictures(p)
	return p
})

// ownPolicy is for articles on our own pages.
var ownPolicy = sync.OnceValue(func() *bluemonday.Policy {
	p := common()
	more := []string{"h2", "h3", "h4", "h5", "h6", "hr", "sup", "sub", "figure", "figcaption", "footer", "aside", "div",
		"dl", "dt", "dd",
		"table", "caption", "thead", "tbody", "tr", "th", "td", "kbd", "mark", "small", "ins", "cite", "var", "samp", "abbr",
		"bdi", "bdo", "wbr"}
	p.AllowElements(more...)
	p.AllowNoAttrs().OnElements(more...)
	p.AllowAttrs("id").Matching(idPattern).Globally()
	p.AllowAttrs("class").Matching(classListPattern).Globally()
	p.AllowAttrs("aria-label", "aria-labelledby").Matching(anything).Globally()
	p.AllowAttrs("role").Matching(regexp.MustCompile(`^(group|presentation|img)$`)).Globally()
	p.AllowAttrs("tabindex").Matching(regexp.MustCompile(`^0$`)).OnElements("pre", "div")
	p.AllowAttrs("scope").Matching(regexp.MustCompile(`^(row|col)$`)).OnElements("th")
	p.AllowAttrs("title").Matching(anything).OnElements("a", "abbr")
	allowPictures(p)
	p.AllowAttrs("srcset").Matching(regexp.MustCompile(`^[^<>"]*$`)).OnElements("img")
	p.AllowAttrs("sizes").Matching(regexp.MustCompile(`^[a-z0-9(): .,-]*$`)).OnElements("img")
	p.AllowAttrs("loading").Matching(regexp.MustCompile(`^lazy$`)).OnElements("img")
	p.AllowAttrs("decoding").Matching(regexp.MustCompile(`^async$`)).OnElements("img")
	p.AllowRelativeURLs(true)
	p.AllowURLSchemes("mailto")
	return p
})

func allowPictures(p *bluemonday.Policy) {
	p.AllowAttrs("src").OnElements("img")
	p.AllowAttrs("alt", "title").Matching(anything).OnElements("img")
	p.AllowAttrs("width", "height").Matching(pixelPattern).OnElements("img")
}
