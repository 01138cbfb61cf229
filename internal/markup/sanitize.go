package markup

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/net/idna"
)

// Comment is HTML from another server, sanitised.
type Comment struct {
	HTML SafeHTML
	Text string // the same in plain text, for excerpts, search and mail
}

// commentDepth limits how deeply the elements of a comment nest. Further tags are ignored.
const commentDepth = 48

// Clean sanitises HTML from another server. It keeps the elements that Mastodon keeps: paragraphs, line breaks,
// emphasis, code, quotations, lists, ruby, language and direction; and superscript and subscript, without which 10² is
// another number. Headings become bold paragraphs, rules three stars, and pictures links.
//
// A link stays if it leads to an absolute http or https address. It gets rel="nofollow ugc noopener" and no target.
// If the text of a link looks like another address, Clean replaces it by the true address.
// A link without words is removed, or shows its address where a picture was the link.
//
// Other elements lose their tags and keep their text, except those whose content is not text, such as scripts. Clean
// reads the first [MaxComment] bytes only. Time and memory grow linearly with the input. The result may be empty.
func Clean(remoteHTML string) Comment {
	return comment(parse(truncate(remoteHTML, MaxComment), commentDepth))
}

func comment(trees ...*node) Comment {
	c := &cleaner{}
	for _, tree := range trees {
		c.children(tree)
	}
	safe := sanitize(remotePolicy, strings.TrimSpace(c.String()))
	return Comment{HTML: safe, Text: Text(safe)}
}

// truncate returns the first limit bytes of s. It cuts before a character or a tag that would be incomplete.
func truncate(s string, limit int) string {
	if len(s) > limit {
		s = s[:limit]
		for i := 0; i < utf8.UTFMax && !utf8.ValidString(s[len(s)-min(len(s), utf8.UTFMax):]); i++ {
			s = s[:len(s)-1]
		}
		if open := strings.LastIndexByte(s, '<'); open > strings.LastIndexByte(s, '>') {
			s = s[:open]
		}
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

// cleaner writes the HTML that Clean returns.
type cleaner struct {
	writer
	flat int // inside something that holds no blocks: a heading, a paragraph
	link int // inside a link
}

func (c *cleaner) children(n *node) {
	for _, kid := range n.kids {
		c.node(kid)
	}
}

func (c *cleaner) node(n *node) {
	switch n.tag {
	case "":
		c.writeText(scrub(n.text))
	case "br":
		c.tag("br")
	case "img":
		c.picture(n)
	case "a":
		c.anchor(n)
	case "b", "strong", "i", "em", "u", "s", "del", "code", "ruby", "rt", "rp", "sup", "sub":
		c.wrap(n, n.tag)
	// Browsers write the marks of a short quotation.
	case "q":
		c.writeText("“")
		c.children(n)
		c.writeText("”")
	case "hr":
		c.rule()
	case "strike":
		c.wrap(n, "s")
	case "span":
		c.wrap(n, "span", "class", knownClasses(n))
	case "p":
		c.paragraph(n)
	case "h1", "h2", "h3", "h4", "h5", "h6":
		c.heading(n)
	case "blockquote", "pre", "ul", "ol", "li":
		c.block(n)
	default:
		c.unknown(n)
	}
}

// wrap writes the children of n in an element with the given attributes, and with the language and direction of n.
func (c *cleaner) wrap(n *node, tag string, attrs ...string) {
	c.tag(tag, append(attrs, langAttrs(n)...)...)
	c.children(n)
	c.end(tag)
}

func langAttrs(n *node) []string {
	var attrs []string
	if lang := n.attr("lang"); languagePattern.MatchString(lang) {
		attrs = append(attrs, "lang", lang)
	}
	if dir := strings.ToLower(n.attr("dir")); directionPattern.MatchString(dir) {
		attrs = append(attrs, "dir", dir)
	}
	return attrs
}

func (c *cleaner) paragraph(n *node) {
	// A block inside a paragraph would end the paragraph in a browser, and leave an empty one after it.
	if c.flat > 0 {
		c.writeSpaced(n)
		return
	}
	c.flat++
	class := ""
	if n.hasClass("quote-inline") {
		class = "quote-inline"
	}
	c.wrap(n, "p", "class", class)
	c.flat--
}

func (c *cleaner) heading(n *node) {
	if c.flat > 0 {
		c.writeSpaced(n)
		return
	}
	c.flat++
	c.tag("p", langAttrs(n)...)
	c.tag("strong")
	c.children(n)
	c.end("strong")
	c.end("p")
	c.flat--
}

// block writes an element that may contain paragraphs.
func (c *cleaner) block(n *node) {
	if c.flat > 0 {
		c.writeSpaced(n)
		return
	}
	var attrs []string
	switch n.tag {
	case "ol":
		if start := n.attr("start"); numberPattern.MatchString(start) {
			attrs = append(attrs, "start", start)
		}
		if n.hasAttr("reversed") {
			attrs = append(attrs, "reversed", "reversed")
		}
	case "li":
		if value := n.attr("value"); numberPattern.MatchString(value) {
			attrs = append(attrs, "value", value)
		}
	case "pre":
		c.flat++
		defer func() { c.flat-- }()
	}
	c.wrap(n, n.tag, attrs...)
}

// unknown drops the tags of an element and keeps its text. A block without inner blocks becomes a paragraph.
func (c *cleaner) unknown(n *node) {
	switch {
	case !blockElements[n.tag]:
		c.children(n)
	case c.flat > 0 || n.find(func(k *node) bool { return k != n && blockElements[k.tag] }) != nil:
		c.writeSpaced(n)
	default:
		c.paragraph(n)
	}
}

// rule writes what divides two parts of a text.
func (c *cleaner) rule() {
	if c.flat > 0 {
		c.WriteByte(' ')
		return
	}
	c.WriteString("<p>* * *</p>")
}

// writeSpaced writes the text of a block without its tags. Spaces around it keep the words apart.
func (c *cleaner) writeSpaced(n *node) {
	c.WriteByte(' ')
	c.children(n)
	c.WriteByte(' ')
}

const remoteRel = "nofollow ugc noopener"

func (c *cleaner) anchor(n *node) {
	address := remoteAddress(n.attr("href"))
	// HTML does not allow a link inside a link.
	if address == nil || c.link > 0 {
		c.children(n)
		return
	}
	inner := cleaner{flat: c.flat, link: 1}
	inner.children(n)
	wordless := CleanName(textOf(inner.String())) == ""
	// Nobody sees an empty link, but screen readers read it out.
	if wordless && n.find(func(k *node) bool { return k.tag == "img" }) == nil {
		return
	}
	c.tag("a", append([]string{"href", address.String(), "class", knownClasses(n), "rel", remoteRel},
		langAttrs(n)...)...)
	// We show the true address instead of the text, so that readers see where the link leads (threat T-155).
	if wordless || isMisleading(n, address) {
		c.address(address)
	} else {
		c.WriteString(inner.String())
	}
	c.end("a")
}

// picture writes a link to a remote picture. Browsers of readers must not contact other servers.
func (c *cleaner) picture(n *node) {
	alt := strings.TrimSpace(scrub(n.attr("alt")))
	if CleanName(alt) == "" {
		alt = ""
	}
	address := remoteAddress(n.attr("src"))
	// A custom emoji has its shortcode as its description, such as :blobcat:. A link in its place would disturb the
	// sentence.
	if address == nil || c.link > 0 || strings.HasPrefix(alt, ":") && strings.HasSuffix(alt, ":") {
		c.writeText(alt)
		return
	}
	c.tag("a", "href", address.String(), "rel", remoteRel)
	if alt == "" {
		c.address(address)
	} else {
		c.writeText(alt)
	}
	c.end("a")
}

// shownPath is the number of bytes of an address that are shown after its host.
const shownPath = 24

// address writes an address as Mastodon does: the scheme hidden, the whole host, and the end of a long path hidden.
func (c *cleaner) address(u *url.URL) {
	rest := strings.TrimPrefix(u.String(), u.Scheme+"://")
	host := strings.TrimPrefix(rest, "www.")
	scheme := u.Scheme + "://" + rest[:len(rest)-len(host)]
	c.tag("span", "class", "invisible")
	c.writeText(scheme)
	c.end("span")
	if shown := len(u.Host) - (len(rest) - len(host)) + shownPath; len(host) > shown {
		// Do not split a character of an international address.
		for !utf8.RuneStart(host[shown]) {
			shown--
		}
		c.tag("span", "class", "ellipsis")
		c.writeText(host[:shown])
		c.end("span")
		c.tag("span", "class", "invisible")
		c.writeText(host[shown:])
		c.end("span")
		return
	}
	c.writeText(host)
}

// isMisleading reports whether the text of a link hides the address that it leads to: it has hidden spans, or names
// another host.
func isMisleading(n *node, to *url.URL) bool {
	// Mentions and hashtags are names, not addresses. They need no hidden spans.
	if n.hasClass("mention") || n.hasClass("hashtag") {
		return n.find(func(k *node) bool { return k.hasClass("invisible") }) != nil
	}
	if n.find(func(k *node) bool { return k.hasClass("invisible") || k.hasClass("ellipsis") }) != nil {
		return true
	}
	text := strings.ToLower(strings.TrimSpace(scrub(n.allText())))
	// Readers do not take a text with several words for an address.
	if text == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return false
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://")
	host, _, _ := strings.Cut(text, "/")
	host = strings.TrimPrefix(host, "www.")
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || strings.ContainsAny(host, "@()'\"!,;") || !isTopLevelDomain(host[dot+1:]) {
		return false
	}
	return asciiHost(host) != strings.TrimPrefix(strings.ToLower(to.Host), "www.")
}

// isTopLevelDomain reports whether s can be a top-level domain: at least two characters, all letters.
func isTopLevelDomain(s string) bool {
	return len(s) > 1 && strings.IndexFunc(s, func(r rune) bool { return !unicode.IsLetter(r) }) < 0
}

var remoteClasses = set("mention hashtag ellipsis invisible quote-inline h-card u-url")

func knownClasses(n *node) string {
	var known []string
	for _, class := range strings.Fields(n.attr("class")) {
		if remoteClasses[class] && len(known) < len(remoteClasses) {
			known = append(known, class)
		}
	}
	return strings.Join(known, " ")
}

// remoteAddress parses an absolute http or https address. It returns nil for all others.
func remoteAddress(href string) *url.URL {
	u := parseAddress(href)
	// An address with a user name looks like one host and leads to another.
	if u == nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// parseAddress parses an address as browsers do. It returns nil for one that browsers and net/url read differently.
func parseAddress(href string) *url.URL {
	// Browsers ignore white space around an address, and control characters inside it.
	href = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || isBidi(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(href))
	u, err := url.Parse(href)
	// Browsers read a backslash as a slash, so they would find another host than net/url.
	if err != nil || strings.Contains(href, `\`) {
		return nil
	}
	u.Host = asciiHost(u.Host)
	return u
}

// hostNames converts names as browsers do.
var hostNames = idna.New(idna.MapForLookup(), idna.Transitional(false), idna.StrictDomainName(false))

// asciiHost returns a host as it stands in the DNS: münster.example is xn--mnster-3ya.example. A name that cannot be
// converted stays.
func asciiHost(host string) string {
	name, port, _ := strings.Cut(host, ":")
	if ascii, err := hostNames.ToASCII(name); err == nil && !isASCII(name) {
		return strings.TrimSuffix(ascii+":"+port, ":")
	}
	return host
}

func isASCII(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r >= utf8.RuneSelf }) < 0
}

// maxMarks is the maximum number of combining marks on one letter. Written languages need up to four.
const maxMarks = 6

// scrub removes invisible and disturbing characters from a remote text: control characters, characters that change
// the direction of the text, and all combining marks after the first maxMarks on a letter, which would cover other
// lines.
func scrub(text string) string {
	marks := 0
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t':
			return r
		case unicode.IsControl(r) || isBidi(r) || r == '\uFEFF':
			return -1
		case unicode.In(r, unicode.Mn, unicode.Me):
			if marks++; marks > maxMarks {
				return -1
			}
			return r
		}
		marks = 0
		return r
	}, text)
}

// isBidi reports whether a character embeds or overrides a direction. The plain marks U+200E and U+200F and the
// isolates are allowed: right-to-left languages need them, and their effect ends with the paragraph.
func isBidi(r rune) bool { return r >= '\u202A' && r <= '\u202E' }

// CleanName returns a remote name as one line of plain text, at most [MaxName] characters. It removes control
// characters, characters that change the direction of the text, and invisible characters. The result is text, not
// HTML: templates escape it. It is empty if nothing visible remains.
func CleanName(name string) string {
	// We read eight bytes for each character of the limit. This leaves room for characters that are removed, and still
	// limits the work.
	name = strings.Map(func(r rune) rune {
		// These are isolates, and characters that show nothing. A name stands inside a sentence of our page, where an
		// isolate without its end would change the direction of the rest.
		if r >= '\u2066' && r <= '\u2069' || r == '\u200B' || r == '\u2060' || r == '\u00AD' || filler(r) {
			return -1
		}
		if r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, scrub(truncate(name, 8*MaxName)))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > MaxName {
		name = strings.TrimSpace(string(runes[:MaxName]))
	}
	if Blank(name) {
		return ""
	}
	return name
}

// Words returns the words of HTML that comes from elsewhere, with one space between them.
func Words(html string) string { return strings.Join(strings.Fields(Clean(html).Text), " ") }

// Blank reports whether a text shows nothing.
func Blank(text string) bool {
	return !strings.ContainsFunc(text, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) && !unicode.Is(unicode.Mn, r) && !filler(r)
	})
}

// filler reports whether a character is one of the letters of Hangul that show nothing.
func filler(r rune) bool { return r == '\u3164' || r == '\u115F' || r == '\u1160' }
