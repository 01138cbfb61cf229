package markup

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Comment is a stranger's words, fit to print.
type Comment struct {
	HTML SafeHTML
	Text string // the same in plain text, for excerpts, search and mail
}

// commentDepth is how deeply a comment's elements may stand in each other; further tags are ignored.
const commentDepth = 48

// Clean makes a comment of HTML from another server. What stays is what Mastodon keeps:
// paragraphs, line breaks, emphasis, code, quotations, lists, ruby, language and direction; headings become
// bold paragraphs and pictures links. Links stay when they lead to an absolute http or https address; they are
// given rel="nofollow ugc noopener" and no target, and a text that pretends to be another address is replaced by
// the true one. Of all else the tags are lost and the words kept, except what was never meant to be read. Only the
// first [MaxComment] bytes are looked at. The result may be empty. Time and memory are linear in what is read.
func Clean(remoteHTML string) Comment {
	return comment(parse(head(remoteHTML, MaxComment), commentDepth))
}

func comment(trees ...*node) Comment {
	c := &cleaner{}
	for _, tree := range trees {
		c.children(tree)
	}
	safe := gate(remotePolicy, strings.TrimSpace(c.String()))
	return Comment{HTML: safe, Text: Text(safe)}
}

// head is the first limit bytes of s, without a torn rune or, at the end, a torn tag.
func head(s string, limit int) string {
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
		c.say(scrub(n.text))
	case "br":
		c.tag("br")
	case "img":
		c.picture(n)
	case "a":
		c.anchor(n)
	case "b", "strong", "i", "em", "u", "s", "del", "code", "ruby", "rt", "rp":
		c.wrap(n, n.tag)
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

// wrap writes an element with its language and direction, the given attributes, and its children.
func (c *cleaner) wrap(n *node, tag string, attrs ...string) {
	c.tag(tag, append(attrs, localAttrs(n)...)...)
	c.children(n)
	c.end(tag)
}

func localAttrs(n *node) []string {
	var attrs []string
	if lang := n.attr("lang"); aLanguage.MatchString(lang) {
		attrs = append(attrs, "lang", lang)
	}
	if dir := strings.ToLower(n.attr("dir")); aDirection.MatchString(dir) {
		attrs = append(attrs, "dir", dir)
	}
	return attrs
}

func (c *cleaner) paragraph(n *node) {
	if c.flat > 0 {
		c.apart(n)
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
		c.apart(n)
		return
	}
	c.flat++
	c.tag("p", localAttrs(n)...)
	c.tag("strong")
	c.children(n)
	c.end("strong")
	c.end("p")
	c.flat--
}

// block writes what may hold paragraphs.
func (c *cleaner) block(n *node) {
	if c.flat > 0 {
		c.apart(n)
		return
	}
	var attrs []string
	switch n.tag {
	case "ol":
		if start := n.attr("start"); aNumber.MatchString(start) {
			attrs = append(attrs, "start", start)
		}
		if n.hasAttr("reversed") {
			attrs = append(attrs, "reversed", "reversed")
		}
	case "li":
		if value := n.attr("value"); aNumber.MatchString(value) {
			attrs = append(attrs, "value", value)
		}
	case "pre":
		c.flat++
		defer func() { c.flat-- }()
	}
	c.wrap(n, n.tag, attrs...)
}

// unknown loses the element and keeps its words. One that stands for a paragraph becomes one.
func (c *cleaner) unknown(n *node) {
	switch {
	case !blocks[n.tag]:
		c.children(n)
	case c.flat > 0 || n.find(func(k *node) bool { return k != n && blocks[k.tag] }) != nil:
		c.apart(n)
	default:
		c.paragraph(n)
	}
}

// apart writes the words of a block where no block may stand, so that they do not run into their neighbours.
func (c *cleaner) apart(n *node) {
	c.WriteByte(' ')
	c.children(n)
	c.WriteByte(' ')
}

const strangersLink = "nofollow ugc noopener"

func (c *cleaner) anchor(n *node) {
	address := remoteAddress(n.attr("href"))
	if address == nil || c.link > 0 {
		c.children(n)
		return
	}
	c.link++
	defer func() { c.link-- }()
	c.tag("a", append([]string{"href", address.String(), "class", knownClasses(n), "rel", strangersLink},
		localAttrs(n)...)...)
	if pretends(n, address) {
		c.address(address)
	} else {
		c.children(n)
	}
	c.end("a")
}

// picture writes a link to a remote picture: readers' browsers ask no other server than ours.
func (c *cleaner) picture(n *node) {
	alt := strings.TrimSpace(scrub(n.attr("alt")))
	address := remoteAddress(n.attr("src"))
	if address == nil || c.link > 0 || strings.HasPrefix(alt, ":") && strings.HasSuffix(alt, ":") {
		c.say(alt)
		return
	}
	c.tag("a", "href", address.String(), "rel", strangersLink)
	if alt == "" {
		c.address(address)
	} else {
		c.say(alt)
	}
	c.end("a")
}

// shownPath is how much of an address is shown after its host.
const shownPath = 24

// address writes a link's text in Mastodon's shape: scheme unseen, the host whole and in front, a long path cut.
func (c *cleaner) address(u *url.URL) {
	rest := strings.TrimPrefix(u.String(), u.Scheme+"://")
	host := strings.TrimPrefix(rest, "www.")
	scheme := u.Scheme + "://" + rest[:len(rest)-len(host)]
	c.tag("span", "class", "invisible")
	c.say(scheme)
	c.end("span")
	if shown := len(u.Host) - (len(rest) - len(host)) + shownPath; len(host) > shown {
		for !utf8.RuneStart(host[shown]) {
			shown--
		}
		c.tag("span", "class", "ellipsis")
		c.say(host[:shown])
		c.end("span")
		c.tag("span", "class", "invisible")
		c.say(host[shown:])
		c.end("span")
		return
	}
	c.say(host)
}

// pretends reports whether a link's text hides where it leads: by hidden spans, or by naming another host.
// Mentions and hashtags are names and not addresses.
func pretends(n *node, to *url.URL) bool {
	if n.hasClass("mention") || n.hasClass("hashtag") {
		return n.find(func(k *node) bool { return k.hasClass("invisible") }) != nil
	}
	if n.find(func(k *node) bool { return k.hasClass("invisible") || k.hasClass("ellipsis") }) != nil {
		return true
	}
	text := strings.ToLower(strings.TrimSpace(scrub(n.words())))
	if text == "" || strings.ContainsFunc(text, unicode.IsSpace) {
		return false
	}
	text = strings.TrimPrefix(strings.TrimPrefix(text, "https://"), "http://")
	host, _, _ := strings.Cut(text, "/")
	host = strings.TrimPrefix(host, "www.")
	dot := strings.LastIndexByte(host, '.')
	if dot <= 0 || strings.ContainsAny(host, "@()'\"!,;") || !letters(host[dot+1:]) {
		return false
	}
	return host != strings.TrimPrefix(strings.ToLower(to.Host), "www.")
}

// letters reports whether s could be a top-level domain.
func letters(s string) bool {
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

// remoteAddress is an absolute http or https address without a name and password in it (a way to show one host and
// lead to another); nil for anything else.
func remoteAddress(href string) *url.URL {
	u := parseAddress(href)
	if u == nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// parseAddress parses as a browser would, which ignores white space around and controls within.
func parseAddress(href string) *url.URL {
	href = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || isBidi(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(href))
	u, err := url.Parse(href)
	if err != nil || strings.Contains(href, `\`) {
		return nil
	}
	return u
}

// maxMarks is how many combining marks may sit on one letter. Written languages need four.
const maxMarks = 6

// scrub takes out of a stranger's text what is not meant to be seen: controls, marks that turn the direction of
// what follows, and combining marks piled up to run over other lines.
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

// isBidi finds the characters that embed or override a direction. The plain marks (U+200E, U+200F) and isolates
// in running text end with their paragraph and are needed by honest right-to-left writing.
func isBidi(r rune) bool { return r >= '\u202A' && r <= '\u202E' }

// CleanName makes one line of plain text of a stranger's name, at most [MaxName] runes: no controls, nothing that
// turns the direction of what follows, no invisible padding. It is text, not HTML; templates escape it. It is
// empty when nothing visible remains.
func CleanName(name string) string {
	name = strings.Map(func(r rune) rune {
		if r >= '\u2066' && r <= '\u2069' || r == '\u200B' || r == '\u2060' || r == '\u00AD' || r == '\u3164' ||
			r == '\u115F' || r == '\u1160' {
			return -1
		}
		if r == '\u2028' || r == '\u2029' {
			return ' '
		}
		return r
	}, scrub(head(name, 8*MaxName)))
	name = strings.Join(strings.Fields(name), " ")
	if runes := []rune(name); len(runes) > MaxName {
		name = strings.TrimSpace(string(runes[:MaxName]))
	}
	if strings.IndexFunc(name, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) &&
			!unicode.Is(unicode.Mn, r)
	}) < 0 {
		return ""
	}
	return name
}
