package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
)

// allowedInline are the elements that authors may write as HTML within a line, in pairs. Of their attributes lang and
// dir stay, and the title of an abbreviation.
var allowedInline = set("kbd sub sup mark small ins del s u b i em strong code cite var samp abbr bdi bdo " +
	"span ruby rt rp")

// filterRawHTML takes raw HTML out of the tree. Of a block only the text stays. Within a line, pairs of allowed
// elements become elements of the tree, script and its like disappear with their content, and all other tags
// disappear while their text stays.
func (c *articleRenderer) filterRawHTML(doc ast.Node) {
	parents := map[ast.Node]bool{}
	for _, n := range collect(doc, ofKind(ast.KindHTMLBlock, ast.KindRawHTML)) {
		switch n := n.(type) {
		case *ast.HTMLBlock:
			c.filterBlock(n)
		case *ast.RawHTML:
			// A line is handled as a whole, since tags come in pairs. A node without a parent went away with an earlier tag.
			if parent := n.Parent(); parent != nil && !parents[parent] {
				parents[parent] = true
				c.filterLine(parent)
			}
		}
	}
}

func (c *articleRenderer) filterBlock(n *ast.HTMLBlock) {
	var source strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		source.Write(line.Value(c.source))
	}
	if n.HasClosure() {
		source.Write(n.ClosureLine.Value(c.source))
	}
	// A comment disappears without a notice: authors write it to hide something.
	if tag := firstTag(source.String()); tag != "" {
		c.notice(n, RawHTML, tag)
	}
	var t textWriter
	t.walk(parse(source.String(), commentDepth))
	if text := strings.TrimSpace(t.String()); text != "" {
		replace(n, newElement("p").with(textLeaf(text)))
		return
	}
	remove(n)
}

// firstTag returns the first start tag of some HTML, for a notice; "" for a comment or an end tag.
func firstTag(source string) string {
	z := html.NewTokenizer(strings.NewReader(source))
	for {
		switch z.Next() {
		case html.ErrorToken:
			return ""
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := z.TagName()
			return "<" + string(name) + ">"
		}
	}
}

// openTag is a start tag without its end tag so far.
type openTag struct {
	at  ast.Node
	tag html.Token
}

func (c *articleRenderer) filterLine(parent ast.Node) {
	var open []openTag
	waiting := map[string]int{}
	for n := parent.FirstChild(); n != nil; {
		next := n.NextSibling()
		raw, ok := n.(*ast.RawHTML)
		if !ok {
			n = next
			continue
		}
		tag, kind := c.token(raw)
		switch {
		case kind == html.StartTagToken && (allowedInline[tag.Data] || removedElements[tag.Data]):
			open = append(open, openTag{raw, tag})
			waiting[tag.Data]++
		case kind == html.EndTagToken && waiting[tag.Data] > 0:
			// Tags that were opened later and never closed are dropped; the pair itself may hold finished pairs.
			for waiting[tag.Data] > 0 {
				last := open[len(open)-1]
				open = open[:len(open)-1]
				waiting[last.tag.Data]--
				if last.tag.Data == tag.Data {
					c.pairTags(last, raw)
					break
				}
				c.drop(last.at, last.tag.Data)
			}
		case (kind == html.StartTagToken || kind == html.SelfClosingTagToken) && (tag.Data == "br" || tag.Data == "wbr"):
			replace(raw, newElement(tag.Data))
		case kind == html.StartTagToken || kind == html.SelfClosingTagToken:
			c.drop(raw, tag.Data)
		// An end tag without a start, a comment or a declaration.
		default:
			remove(raw)
		}
		n = next
	}
	for _, left := range open {
		c.drop(left.at, left.tag.Data)
	}
}

func (c *articleRenderer) token(raw *ast.RawHTML) (html.Token, html.TokenType) {
	var source strings.Builder
	for i := range raw.Segments.Len() {
		segment := raw.Segments.At(i)
		source.Write(segment.Value(c.source))
	}
	z := html.NewTokenizer(strings.NewReader(source.String()))
	kind := z.Next()
	return z.Token(), kind
}

func (c *articleRenderer) drop(n ast.Node, tag string) {
	c.notice(n, RawHTML, "<"+tag+">")
	remove(n)
}

// pairTags makes one element of a start tag, its end tag and what stands between; or nothing, of a script.
func (c *articleRenderer) pairTags(start openTag, end ast.Node) {
	parent := end.Parent()
	holder := &node{tag: start.tag.Data, attrs: start.tag.Attr}
	e := newElement(holder.tag, langAttrs(holder)...)
	if holder.tag == "abbr" {
		e.attrs = append(e.attrs, "title", holder.attr("title"))
	}
	for n := start.at.NextSibling(); n != nil && n != end; {
		next := n.NextSibling()
		e.AppendChild(e, n)
		n = next
	}
	remove(end)
	// Its content was moved into e, which is not put into the tree.
	if removedElements[holder.tag] {
		c.drop(start.at, holder.tag)
		return
	}
	parent.ReplaceChild(parent, start.at, e)
}
