package markup

import (
	"net/url"
	"strings"
	"unicode"
	"unicode/utf8"
)

// Comment is the HTML of a stranger, safe to print.
type Comment struct {
	HTML SafeHTML
	Text string // the same in plain text, for excerpts, search and mail
}

// commentDepth limits how deeply the elements of a comment nest. Further tags are ignored.
const commentDepth = 48

// Clean makes a comment from HTML of another server. It keeps what Mastodon keeps: paragraphs, line breaks, emphasis,
// code, quotations, lists, ruby, language and direction. Headings become bold paragraphs, and pictures links. Links
// stay when they lead to an absolute http or https address. They get rel="nofollow ugc noopener" and no target, and a
// text that pretends to be another address is replaced by the true one. Other elements lose their tags and keep their
// text, except those whose content is not text to read. Only the first [MaxComment] bytes are read. The result may be
// empty. Time and memory are linear in what is read.
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

// truncate returns the first limit bytes of s, without a broken rune or a broken tag at the end.
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

// wrap writes an element with the given attributes, its language and direction, and its children.
func (c *cleaner) wrap(n *node, tag string, attrs ...string) {
	c.tag(tag, append(attrs, langAttrs(n)...)...)
	c.children(n)
	c.end(tag)
}

func langAttrs(n *node) []string {
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
	// A block inside a paragraph would end it in a browser, and leave an empty one behind.
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

// block writes an element that may hold paragraphs.
func (c *cleaner) block(n *node) {
	if c.flat > 0 {
		c.writeSpaced(n)
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

// unknown drops the tags of an element and keeps its text. An element that stands for a paragraph becomes one.
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

// writeSpaced writes the text of a block where no block may stand, with spaces so that words do not run together.
func (c *cleaner) writeSpaced(n *node) {
	c.WriteByte(' ')
	c.children(n)
	c.WriteByte(' ')
}

const remoteRel = "nofollow ugc noopener"

func (c *cleaner) anchor(n *node) {
	address := remoteAddress(n.attr("href"))
	if address == nil || c.link > 0 {
		c.children(n)
		return
	}
	c.link++
	defer func() { c.link-- }()
	c.tag("a", append([]string{"href", address.String(), "class", knownClasses(n), "rel", remoteRel},
		langAttrs(n)...)...)
	// The true address is shown instead of the text, so the reader sees where the link leads (threat T-155).
	if isMisleading(n, address) {
		c.address(address)
	} else {
		c.children(n)
	}
	c.end("a")
}

// picture writes a link to a remote picture, so that browsers of readers contact no other server.
func (c *cleaner) picture(n *node) {
	alt := strings.TrimSpace(scrub(n.attr("alt")))
	address := remoteAddress(n.attr("src"))
	// A custom emoji has its shortcode as alt text, such as :blobcat:. A link there would only disturb the sentence.
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

// shownPath is how many bytes of an address are shown after its host.
const shownPath = 24

// address writes the text of a link as Mastodon does: scheme hidden, the whole host first, a long path cut.
func (c *cleaner) address(u *url.URL) {
	rest := strings.TrimPrefix(u.String(), u.Scheme+"://")
	host := strings.TrimPrefix(rest, "www.")
	scheme := u.Scheme + "://" + rest[:len(rest)-len(host)]
	c.tag("span", "class", "invisible")
	c.writeText(scheme)
	c.end("span")
	if shown := len(u.Host) - (len(rest) - len(host)) + shownPath; len(host) > shown {
		// The cut must not split a rune of an international address.
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

// isMisleading reports whether the text of a link hides where it leads: by hidden spans, or by naming another host.
// Mentions and hashtags are names, not addresses.
func isMisleading(n *node, to *url.URL) bool {
	if n.hasClass("mention") || n.hasClass("hashtag") {
		return n.find(func(k *node) bool { return k.hasClass("invisible") }) != nil
	}
	if n.find(func(k *node) bool { return k.hasClass("invisible") || k.hasClass("ellipsis") }) != nil {
		return true
	}
	text := strings.ToLower(strings.TrimSpace(scrub(n.allText())))
	// Several words are a sentence, which no reader takes for an address.
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
	return host != strings.TrimPrefix(strings.ToLower(to.Host), "www.")
}

// isTopLevelDomain reports whether s could be a top-level domain: letters only, two at least.
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

// remoteAddress returns an absolute http or https address. It is nil for anything else, and for an address with a
// user name, which shows one host and leads to another.
func remoteAddress(href string) *url.URL {
	u := parseAddress(href)
	if u == nil || u.Host == "" || u.User != nil || u.Scheme != "https" && u.Scheme != "http" {
		return nil
	}
	return u
}

// parseAddress parses as a browser would, which ignores white space around an address and control characters in it.
func parseAddress(href string) *url.URL {
	href = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) || r == utf8.RuneError || isBidi(r) {
			return -1
		}
		return r
	}, strings.TrimSpace(href))
	u, err := url.Parse(href)
	// Browsers read a backslash as a slash, so the host would be another one than net/url finds.
	if err != nil || strings.Contains(href, `\`) {
		return nil
	}
	return u
}

// maxMarks is how many combining marks may sit on one letter. Written languages need four.
const maxMarks = 6

// scrub removes from a stranger's text what is not meant to be seen: control characters, marks that turn the
// direction of the text, and piles of combining marks that run over other lines.
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

// isBidi reports whether a character embeds or overrides a direction. Plain marks (U+200E, U+200F) and isolates in
// running text end with their paragraph, and right-to-left writing needs them.
func isBidi(r rune) bool { return r >= '\u202A' && r <= '\u202E' }

// CleanName makes one line of plain text from a stranger's name, at most [MaxName] runes: no control characters,
// nothing that turns the direction of the text, no invisible padding. It is text, not HTML; templates escape it. It
// is empty when nothing visible remains.
func CleanName(name string) string {
	// Eight bytes for each rune of the limit: room for characters that are removed, and still a limit on the work.
	name = strings.Map(func(r rune) rune {
		// A name stands inside a sentence of the page: here an isolate without its end would turn the rest. The others are
		// spaces and fillers that show nothing.
		if r >= '\u2066' && r <= '\u2069' || r == '\u200B' || r == '\u2060' || r == '\u00AD' || r == '\u3164' ||
			r == '\u115F' || r == '\u1160' {
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
	if strings.IndexFunc(name, func(r rune) bool {
		return unicode.IsGraphic(r) && !unicode.IsSpace(r) &&
			!unicode.Is(unicode.Mn, r)
	}) < 0 {
		return ""
	}
	return name
}
