package markup

import (
	"net/url"
	"strings"
)

// HTMLKind is the form in which the text of an article is sent to other servers.
type HTMLKind int

// The two forms of an article's text (contract F-036).
const (
	// ArticleHTML is for the type Article: headings, pictures, figures and tables stay.
	ArticleHTML HTMLKind = iota
	// NoteHTML is for the type Note. Servers show a Note without tables and pictures in the text. So each row becomes a
	// paragraph, and pictures are sent as attachments. A caption becomes an emphasised paragraph, a rule becomes three
	// stars, and the number of a footnote becomes "[1]".
	NoteHTML
)

// Federated returns the HTML of an article in the form for other servers. article is the result of Article, and base
// is the URL of its page. All URLs become absolute; the number of a footnote links to the page. A link stays if it
// leads to https, or to the scheme of base; otherwise only its text stays. Colours, boxes, back links and other parts
// of our page are dropped.
func Federated(article SafeHTML, kind HTMLKind, base string) SafeHTML {
	root, err := url.Parse(base)
	// Without a base, relative addresses get no host, and the method absolute drops addresses without a host.
	if err != nil {
		root = &url.URL{Scheme: "https"}
	}
	f := &federatedWriter{kind: kind, base: root}
	f.children(parse(string(article), ownDepth))
	return sanitize(federatedPolicy, strings.TrimSpace(f.String()))
}

// StripLinks removes the links from HTML and keeps their text. Summaries must not have links.
func StripLinks(h SafeHTML) SafeHTML {
	var w writer
	w.writeWithout("a", parse(string(h), ownDepth))
	return sanitize(ownPolicy, w.String())
}

// writeWithout writes a tree without the tags of one element. The children of that element stay.
func (w *writer) writeWithout(tag string, n *node) {
	w.writeText(n.text)
	hasTags := n.tag != "" && n.tag != tag
	if hasTags {
		w.WriteString("<" + n.tag)
		for _, a := range n.attrs {
			w.attr(a.Key, a.Val)
		}
		w.WriteByte('>')
	}
	for _, kid := range n.kids {
		w.writeWithout(tag, kid)
	}
	if hasTags && !voidElements[n.tag] {
		w.end(n.tag)
	}
}

// federatedWriter writes the HTML for other servers.
type federatedWriter struct {
	writer
	kind      HTMLKind
	base      *url.URL
	inMention int // depth inside mentions and hashtags, which both have the class "mention"
	inline    int // inside a paragraph, where line breaks mean a space
}

func (f *federatedWriter) children(n *node) {
	for _, kid := range n.kids {
		f.node(kid)
	}
}

func (f *federatedWriter) node(n *node) {
	switch n.tag {
	case "":
		// White space between blocks is only layout. Mastodon shows content with "white-space: pre-wrap", so it would
		// appear as empty lines.
		if f.inline > 0 || strings.TrimSpace(n.text) != "" {
			f.writeText(n.text)
		}
	case "a":
		f.anchor(n)
	case "span":
		f.span(n)
	case "sup", "sub":
		f.supSub(n)
	case "img", "figure", "figcaption", "caption", "hr":
		f.display(n)
	case "table":
		f.table(n)
	case "pre":
		f.code(n)
	case "dt":
		f.wrap(n, "p", "strong")
	case "dd":
		f.description(n)
	// Mastodon drops <footer>. So the source of a quotation becomes a paragraph with a dash.
	case "footer":
		f.tag("p")
		f.writeText("— ")
		f.inlineChildren(n)
		f.end("p")
	case "h2", "h3", "h4", "h5", "h6":
		// On our page, a hidden heading names the list of footnotes for screen readers. Other servers do not know the class
		// and would show the heading.
		if !n.hasClass("vh") {
			f.wrap(n, n.tag)
		}
	case "kbd", "samp", "var":
		f.wrap(n, "code")
	case "cite":
		f.wrap(n, "em")
	case "ins":
		f.wrap(n, "u")
	case "p", "br", "del", "s", "blockquote", "code", "b", "strong", "u", "i", "em", "ul", "ol", "li", "ruby", "rt", "rp",
		"thead", "tbody", "tr", "th", "td":
		f.keep(n)
	default:
		f.children(n)
	}
}

// wrap writes the children of n in the given elements. The first element gets the language of n.
func (f *federatedWriter) wrap(n *node, tags ...string) {
	for i, tag := range tags {
		if i == 0 {
			f.tag(tag, langAttrs(n)...)
		} else {
			f.tag(tag)
		}
	}
	f.inlineChildren(n)
	for i := len(tags) - 1; i >= 0; i-- {
		f.end(tags[i])
	}
}

// inlineChildren writes children and keeps the white space between them.
func (f *federatedWriter) inlineChildren(n *node) {
	f.inline++
	f.children(n)
	f.inline--
}

// keep writes an element that every server knows.
func (f *federatedWriter) keep(n *node) {
	if n.tag == "br" {
		f.tag("br")
		return
	}
	// The paragraph contained only a picture, which a Note sends as an attachment.
	if n.tag == "p" && f.kind == NoteHTML && strings.TrimSpace(n.allText()) == "" {
		return
	}
	attrs := langAttrs(n)
	switch n.tag {
	case "ol":
		attrs = append(attrs, "start", n.attr("start"))
	case "th", "td":
		attrs = append(attrs, "align", alignment(n))
	}
	f.tag(n.tag, attrs...)
	if holdsBlocks(n) {
		// White space directly inside a block is layout, even if the block is inside a paragraph.
		outer := f.inline
		f.inline = 0
		f.children(n)
		f.inline = outer
	} else {
		f.inlineChildren(n)
	}
	f.end(n.tag)
}

// alignment returns the alignment of a table cell, as the attribute that other servers and feed readers keep: they know
// none of our classes.
func alignment(cell *node) string {
	switch {
	case cell.hasClass("left"):
		return "left"
	case cell.hasClass("centre"):
		return "center"
	case cell.hasClass("num"):
		return "right"
	}
	return ""
}

// holdsBlocks reports whether n contains blocks, so that the white space between them is only layout.
func holdsBlocks(n *node) bool {
	switch n.tag {
	case "ul", "ol", "blockquote", "thead", "tbody", "tr":
		return true
	case "li", "dd":
		for _, kid := range n.kids {
			if blockElements[kid.tag] {
				return true
			}
		}
	}
	return false
}

func (f *federatedWriter) anchor(n *node) {
	address := f.absolute(n.attr("href"))
	switch {
	// The arrow from a footnote back to the text works only on our page.
	case n.hasClass("back"):
		return
	case address == "":
		f.children(n)
		return
	}
	if n.hasClass("mention") {
		f.inMention++
		defer func() { f.inMention-- }()
	}
	rel := ""
	if n.attr("rel") == "tag" {
		rel = "tag"
	}
	f.tag("a", append([]string{"href", address, "class", knownClasses(n), "rel", rel}, langAttrs(n)...)...)
	f.inlineChildren(n)
	f.end("a")
}

// absolute returns the absolute form of an address, or "" if the address must not be sent.
func (f *federatedWriter) absolute(href string) string {
	u := parseAddress(href)
	if u == nil {
		return ""
	}
	u = f.base.ResolveReference(u)
	// A blog on http is on a test machine, so its own links may use http too.
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || f.base.Scheme != "http") {
		return ""
	}
	return u.String()
}

// span keeps a <span> that other servers understand: in mentions, or with a language. It drops the tags of others.
func (f *federatedWriter) span(n *node) {
	if f.inMention > 0 || n.hasClass("h-card") || len(langAttrs(n)) > 0 {
		f.tag("span", append([]string{"class", knownClasses(n)}, langAttrs(n)...)...)
		f.inlineChildren(n)
		f.end("span")
		return
	}
	f.children(n)
}

// supSub writes superscript and subscript. Mastodon drops both tags: m² would become m2, and the number of a footnote
// would join the word before it. So a Note gets superscript digits, or the number in brackets.
func (f *federatedWriter) supSub(n *node) {
	digits := smallDigits(n)
	switch {
	case f.kind == ArticleHTML:
		f.wrap(n, n.tag)
	case silent(n):
		f.writeText("[" + n.allText() + "]")
	case digits != "":
		f.writeText(digits)
	default:
		f.children(n)
	}
}

// display writes pictures, figures, captions and rules.
func (f *federatedWriter) display(n *node) {
	if f.kind == ArticleHTML {
		switch n.tag {
		case "img":
			f.picture(n)
		case "hr":
			f.tag("hr")
		case "figure":
			f.tag("figure")
			f.children(n)
			f.end("figure")
		default:
			f.wrap(n, n.tag)
		}
		return
	}
	switch n.tag {
	case "hr":
		// Mastodon drops <hr>, so two sections would look like one.
		f.WriteString("<p>* * *</p>")
	case "figcaption", "caption":
		f.wrap(n, "p", "em")
	case "figure":
		f.children(n)
	}
}

func (f *federatedWriter) picture(n *node) {
	address := f.absolute(n.attr("src"))
	// Other servers cannot fetch such a picture, but readers can still read its description.
	if address == "" {
		f.writeText(n.attr("alt"))
		return
	}
	f.WriteString("<img")
	f.attr("src", address)
	f.attr("alt", n.attr("alt"))
	for _, name := range []string{"title", "width", "height"} {
		if value := n.attr(name); value != "" {
			f.attr(name, value)
		}
	}
	f.WriteByte('>')
}

// table keeps a table in an Article. In a Note each row becomes a paragraph, the head in bold.
func (f *federatedWriter) table(n *node) {
	if f.kind == ArticleHTML {
		f.tag("table")
		f.children(n)
		f.end("table")
		return
	}
	for _, part := range n.kids {
		switch part.tag {
		case "caption":
			f.display(part)
		case "thead", "tbody":
			for _, row := range part.kids {
				if row.tag == "tr" {
					f.row(row, part.tag == "thead")
				}
			}
		}
	}
}

// row writes the cells of a table row as one paragraph.
func (f *federatedWriter) row(row *node, bold bool) {
	f.tag("p")
	if bold {
		f.tag("strong")
	}
	first := true
	for _, cell := range row.kids {
		// A child without a tag is the white space between cells.
		if cell.tag == "" {
			continue
		}
		if !first {
			f.writeText(" | ")
		}
		f.inlineChildren(cell)
		first = false
	}
	if bold {
		f.end("strong")
	}
	f.end("p")
}

// code keeps the class that names the programming language. It drops the spans for colours, which need our
// stylesheet.
func (f *federatedWriter) code(n *node) {
	class := ""
	if code := n.find(func(k *node) bool { return k.tag == "code" }); code != nil {
		class = code.attr("class")
	}
	f.tag("pre")
	f.tag("code", "class", class)
	f.writeText(n.allText())
	f.end("code")
	f.end("pre")
}

func (f *federatedWriter) description(n *node) {
	if holdsBlocks(n) {
		f.children(n)
		return
	}
	f.wrap(n, "p")
}
