package markup

import (
	"errors"
	"io"
	"strings"

	"golang.org/x/net/html"
)

// node is an element, or, with an empty tag, a piece of text.
type node struct {
	tag   string
	attrs []html.Attribute
	text  string
	kids  []*node
}

// attr returns the value of an attribute, "" without one.
func (n *node) attr(name string) string {
	for _, a := range n.attrs {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}

func (n *node) hasAttr(name string) bool {
	for _, a := range n.attrs {
		if a.Key == name {
			return true
		}
	}
	return false
}

// hasClass reports whether the class attribute has that word.
func (n *node) hasClass(class string) bool {
	for _, word := range strings.Fields(n.attr("class")) {
		if word == class {
			return true
		}
	}
	return false
}

// find returns the first element that is accepts, in document order and n included; nil when there is none.
func (n *node) find(is func(*node) bool) *node {
	if n.tag != "" && is(n) {
		return n
	}
	for _, kid := range n.kids {
		if found := kid.find(is); found != nil {
			return found
		}
	}
	return nil
}

// allText returns all text below n, unchanged.
func (n *node) allText() string {
	var b strings.Builder
	n.addText(&b)
	return b.String()
}

func (n *node) addText(b *strings.Builder) {
	b.WriteString(n.text)
	for _, kid := range n.kids {
		kid.addText(b)
	}
}

func set(words string) map[string]bool {
	m := map[string]bool{}
	for _, word := range strings.Fields(words) {
		m[word] = true
	}
	return m
}

var (
	voidElements = set("area base br col embed hr img input link meta source track wbr")
	// removedElements are dropped with their content: it is no text to read, or another parser would read it in another
	// way. The content of svg and math has parsing rules of its own, which mutation attacks use.
	removedElements = set("script style noscript template iframe noembed noframes object svg math head title plaintext " +
		"xmp select datalist")
	blockElements = set("address article aside blockquote caption center dd details dialog dir div dl dt fieldset " +
		"figcaption figure footer form h1 h2 h3 h4 h5 h6 header hr li main menu nav ol p pre search " +
		"section summary table tbody td tfoot th thead tr ul")
)

// parse reads HTML into a tree without the repairs of a browser. Those repairs (reopened formatting, adopted
// children) can make a hundred elements of one, so a stranger's 64 KiB must not meet them. Here each tag is looked at
// once: an end tag without a start tag is ignored, a block ends an open paragraph, and below the given depth tags are
// ignored and text is kept.
func parse(source string, depth int) *node {
	p := &builder{open: []*node{{}}, count: map[string]int{}, depth: depth}
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			if !errors.Is(z.Err(), io.EOF) {
				p.add(&node{text: string(z.Raw())})
			}
			return p.open[0]
		case html.TextToken:
			if len(p.skipping) == 0 {
				p.add(&node{text: string(z.Text())})
			} else if p.tex {
				p.add(&node{text: strings.TrimSpace(string(z.Text()))})
			}
		case html.StartTagToken:
			p.start(z.Token(), false)
		case html.SelfClosingTagToken:
			p.start(z.Token(), true)
		case html.EndTagToken:
			name, _ := z.TagName()
			p.end(string(name))
		}
	}
}

type builder struct {
	open     []*node        // from the root to where we are
	count    map[string]int // how many of each tag are open
	depth    int
	skipping string // the removedElements element that we are in
	nested   int    // and how often it was opened inside itself
	tex      bool   // in a formula's TeX, which is its readable form (FEP-dc88)
}

func (p *builder) add(n *node) {
	top := p.open[len(p.open)-1]
	top.kids = append(top.kids, n)
}

func (p *builder) start(t html.Token, closed bool) {
	tag := t.Data
	// A removed element ends at its own end tag, so its inner copies are counted and all else in it is skipped.
	if p.skipping != "" {
		if tag == p.skipping && !closed {
			p.nested++
		}
		p.tex = p.skipping == "math" && tag == "annotation" && hasTeX(t.Attr)
		return
	}
	if removedElements[tag] {
		// A browser ignores the slash of <script/>, so the element is open all the same. In svg and math the slash counts.
		if !closed || tag != "svg" && tag != "math" {
			p.skipping = tag
		}
		return
	}
	p.closeImplied(tag)
	n := &node{tag: tag, attrs: t.Attr}
	if voidElements[tag] {
		p.add(n)
		return
	}
	// Later steps recurse over the tree, so its depth is limited here. The tag is lost, its text is kept.
	if len(p.open) > p.depth {
		return
	}
	p.add(n)
	p.open = append(p.open, n)
	p.count[tag]++
}

func hasTeX(attrs []html.Attribute) bool {
	n := &node{attrs: attrs}
	return n.attr("encoding") == "application/x-tex"
}

// closeImplied ends the elements that a start tag ends without an end tag of their own.
func (p *builder) closeImplied(tag string) {
	if blockElements[tag] && p.count["p"] > 0 {
		p.closeWithin("p", "blockquote li td th dd figure div")
	}
	switch tag {
	case "li":
		p.closeWithin("li", "ul ol")
	case "dt", "dd":
		p.closeWithin("dt", "dl")
		p.closeWithin("dd", "dl")
	case "td", "th":
		p.closeWithin("td", "tr table")
		p.closeWithin("th", "tr table")
	case "tr":
		p.closeWithin("tr", "table")
	// As in a browser, a link ends where the next one begins.
	case "a":
		p.end("a")
	}
}

// closeWithin ends the innermost open tag, unless one of the fences stands between.
func (p *builder) closeWithin(tag, fences string) {
	// Saves the walk up the open elements for most tags.
	if p.count[tag] == 0 {
		return
	}
	stop := fenceSets[fences]
	for i := len(p.open) - 1; i > 0; i-- {
		if p.open[i].tag == tag {
			p.end(tag)
			return
		}
		if stop[p.open[i].tag] {
			return
		}
	}
}

var fenceSets = func() map[string]map[string]bool {
	all := map[string]map[string]bool{}
	for _, fences := range []string{"blockquote li td th dd figure div", "ul ol", "dl", "tr table", "table"} {
		all[fences] = set(fences)
	}
	return all
}()

func (p *builder) end(tag string) {
	if p.skipping != "" {
		p.tex = false
		if tag == p.skipping {
			if p.nested--; p.nested < 0 {
				p.skipping, p.nested = "", 0
			}
		}
		return
	}
	// The count also keeps the loop below from running past the root.
	if p.count[tag] == 0 {
		return
	}
	for {
		last := p.open[len(p.open)-1]
		p.open = p.open[:len(p.open)-1]
		p.count[last.tag]--
		if last.tag == tag {
			return
		}
	}
}

// writer builds HTML. Every value is escaped.
type writer struct{ strings.Builder }

// tag writes a start tag. attrs are names and values in turn; an attribute with an empty value is left out.
func (w *writer) tag(name string, attrs ...string) {
	w.WriteByte('<')
	w.WriteString(name)
	for i := 0; i+1 < len(attrs); i += 2 {
		if attrs[i+1] != "" {
			w.attr(attrs[i], attrs[i+1])
		}
	}
	w.WriteByte('>')
}

func (w *writer) attr(name, value string) {
	w.WriteByte(' ')
	w.WriteString(name)
	w.WriteString(`="`)
	w.WriteString(html.EscapeString(value))
	w.WriteByte('"')
}

func (w *writer) end(name string) {
	w.WriteString("</")
	w.WriteString(name)
	w.WriteByte('>')
}

func (w *writer) writeText(text string) { w.WriteString(html.EscapeString(text)) }
