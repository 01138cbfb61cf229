package markup

import (
	"net/url"
	"strings"
)

// Wire is how an article travels to other servers.
type Wire int

// The two shapes of an article's text (contract F-036).
const (
	// ArticleHTML is for the type Article: headings, pictures, figures and tables stay.
	ArticleHTML Wire = iota
	// NoteHTML is for the type Note, whose pictures travel as attachments and whose readers know no tables: each
	// row becomes a paragraph, a caption an emphasised one, a rule three stars, the number of a note "[1]".
	NoteHTML
)

// Federated makes of an article's HTML, as Article rendered it, what other servers are sent. Every address in it is
// absolute: relative ones are resolved against base, the article's own page, so that a note's number leads there.
// Links stay when they lead to https, or to the scheme that base itself has; the words of others stay without their
// link. Colouring, boxes, back links and everything else that belongs to our page is dropped.
func Federated(article SafeHTML, kind Wire, base string) SafeHTML {
	root, err := url.Parse(base)
	if err != nil {
		root = &url.URL{Scheme: "https"}
	}
	f := &federatedWriter{kind: kind, base: root}
	f.children(parse(string(article), ownDepth))
	return gate(wirePolicy, strings.TrimSpace(f.String()))
}

// StripLinks takes the links out of some HTML and leaves their words: for summaries, which may have none.
func StripLinks(h SafeHTML) SafeHTML {
	var w writer
	w.without("a", parse(string(h), ownDepth))
	return gate(ownPolicy, w.String())
}

// without writes a tree as it is, but for one kind of element, whose children stay.
func (w *writer) without(tag string, n *node) {
	w.say(n.text)
	shown := n.tag != "" && n.tag != tag
	if shown {
		w.WriteString("<" + n.tag)
		for _, a := range n.attrs {
			w.attr(a.Key, a.Val)
		}
		w.WriteByte('>')
	}
	for _, kid := range n.kids {
		w.without(tag, kid)
	}
	if shown && !voids[n.tag] {
		w.end(n.tag)
	}
}

// federatedWriter writes the HTML that travels.
type federatedWriter struct {
	writer
	kind   Wire
	base   *url.URL
	name   int // inside a mention or hashtag
	inline int // inside a paragraph, where line breaks mean a space
}

func (f *federatedWriter) children(n *node) {
	for _, kid := range n.kids {
		f.node(kid)
	}
}

func (f *federatedWriter) node(n *node) {
	switch n.tag {
	case "":
		if f.inline > 0 || strings.TrimSpace(n.text) != "" {
			f.say(n.text)
		}
	case "a":
		f.anchor(n)
	case "span":
		f.span(n)
	case "sup", "sub":
		f.raised(n)
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
	case "footer":
		f.tag("p")
		f.say("— ")
		f.inside(n)
		f.end("p")
	case "h2", "h3", "h4", "h5", "h6":
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
		f.plainly(n)
	default:
		f.children(n)
	}
}

// wrap writes the children of n in the given elements, the first with the language of n.
func (f *federatedWriter) wrap(n *node, tags ...string) {
	for i, tag := range tags {
		if i == 0 {
			f.tag(tag, localAttrs(n)...)
		} else {
			f.tag(tag)
		}
	}
	f.inside(n)
	for i := len(tags) - 1; i >= 0; i-- {
		f.end(tags[i])
	}
}

// inside writes children between whose words white space counts.
func (f *federatedWriter) inside(n *node) {
	f.inline++
	f.children(n)
	f.inline--
}

// plainly writes an element that every server knows.
func (f *federatedWriter) plainly(n *node) {
	if n.tag == "br" {
		f.tag("br")
		return
	}
	// A paragraph may have held nothing but a picture, which a Note carries elsewhere.
	if n.tag == "p" && f.kind == NoteHTML && strings.TrimSpace(n.words()) == "" {
		return
	}
	attrs := localAttrs(n)
	if n.tag == "ol" {
		attrs = append(attrs, "start", n.attr("start"))
	}
	f.tag(n.tag, attrs...)
	if holdsBlocks(n) {
		outer := f.inline
		f.inline = 0
		f.children(n)
		f.inline = outer
	} else {
		f.inside(n)
	}
	f.end(n.tag)
}

// holdsBlocks reports whether the white space directly in n is only the layout of the source.
func holdsBlocks(n *node) bool {
	switch n.tag {
	case "ul", "ol", "blockquote", "thead", "tbody", "tr":
		return true
	case "li", "dd":
		for _, kid := range n.kids {
			if blocks[kid.tag] {
				return true
			}
		}
	}
	return false
}

func (f *federatedWriter) anchor(n *node) {
	address := f.absolute(n.attr("href"))
	switch {
	case n.hasClass("back"):
		return
	case address == "":
		f.children(n)
		return
	}
	named := n.hasClass("mention")
	if named {
		f.name++
		defer func() { f.name-- }()
	}
	rel := ""
	if n.attr("rel") == "tag" {
		rel = "tag"
	}
	f.tag("a", append([]string{"href", address, "class", knownClasses(n), "rel", rel}, localAttrs(n)...)...)
	f.inside(n)
	f.end("a")
}

// absolute is an address that may be sent; empty for one that may not.
func (f *federatedWriter) absolute(href string) string {
	u := parseAddress(href)
	if u == nil {
		return ""
	}
	u = f.base.ResolveReference(u)
	if u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || f.base.Scheme != "http") {
		return ""
	}
	return u.String()
}

// span is kept where it means something elsewhere: around a name, and around another language.
func (f *federatedWriter) span(n *node) {
	if f.name > 0 || n.hasClass("h-card") || len(localAttrs(n)) > 0 {
		f.tag("span", append([]string{"class", knownClasses(n)}, localAttrs(n)...)...)
		f.inside(n)
		f.end("span")
		return
	}
	f.children(n)
}

var superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴", "5", "⁵", "6", "⁶", "7", "⁷",
	"8", "⁸", "9", "⁹")

// raised writes superscript and subscript. Mastodon knows neither, and would make m2 of m² and "said1" of a note.
func (f *federatedWriter) raised(n *node) {
	switch {
	case f.kind == ArticleHTML:
		f.wrap(n, n.tag)
	case silent(n):
		f.say("[" + n.words() + "]")
	case n.tag == "sup" && strings.Trim(n.words(), "0123456789") == "":
		f.say(superscripts.Replace(n.words()))
	default:
		f.children(n)
	}
}

// display writes pictures, captions and rules.
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
		f.WriteString("<p>* * *</p>")
	case "figcaption", "caption":
		f.wrap(n, "p", "em")
	case "figure":
		f.children(n)
	}
}

func (f *federatedWriter) picture(n *node) {
	address := f.absolute(n.attr("src"))
	if address == "" {
		f.say(n.attr("alt"))
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

// table stays a table, or becomes a paragraph for each row, the head in bold.
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

func (f *federatedWriter) row(row *node, bold bool) {
	f.tag("p")
	if bold {
		f.tag("strong")
	}
	first := true
	for _, cell := range row.kids {
		if cell.tag == "" {
			continue
		}
		if !first {
			f.say(" | ")
		}
		f.inside(cell)
		first = false
	}
	if bold {
		f.end("strong")
	}
	f.end("p")
}

// code keeps the class that names its language, and no colours.
func (f *federatedWriter) code(n *node) {
	class := ""
	if code := n.find(func(k *node) bool { return k.tag == "code" }); code != nil {
		class = code.attr("class")
	}
	f.tag("pre")
	f.tag("code", "class", class)
	f.say(n.words())
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
