package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"golang.org/x/net/html"
)

// harmless are the elements that authors may write as HTML in a line, in pairs; of their attributes lang, dir and
// an abbreviation's title are kept.
var harmless = set("kbd sub sup mark small ins del s u b i em strong code cite var samp abbr bdi bdo span ruby rt rp")

// tameHTML takes raw HTML out of the tree. Of a block the words stay. In a line, pairs of harmless elements become
// elements of ours, script and its like go with what they hold, and all other tags are dropped, their words kept.
func (c *articleRenderer) tameHTML(doc ast.Node) {
	parents := map[ast.Node]bool{}
	for _, n := range collect(doc, ofKind(ast.KindHTMLBlock, ast.KindRawHTML)) {
		switch n := n.(type) {
		case *ast.HTMLBlock:
			c.tameBlock(n)
		case *ast.RawHTML:
			if parent := n.Parent(); parent != nil && !parents[parent] {
				parents[parent] = true
				c.tameLine(parent)
			}
		}
	}
}

func (c *articleRenderer) tameBlock(n *ast.HTMLBlock) {
	var source strings.Builder
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		source.Write(line.Value(c.source))
	}
	if n.HasClosure() {
		source.Write(n.ClosureLine.Value(c.source))
	}
	if tag := firstTag(source.String()); tag != "" {
		c.notice(n, RawHTML, tag)
	}
	var t textWriter
	t.tell(parse(source.String(), commentDepth))
	if said := strings.TrimSpace(t.String()); said != "" {
		replace(n, newElement("p").with(words(said)))
		return
	}
	remove(n)
}

// firstTag is the first start tag of some HTML, as the notice shows it; empty for a comment or an end tag.
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

// openTag is a start tag that waits for its end.
type openTag struct {
	at  ast.Node
	tag html.Token
}

func (c *articleRenderer) tameLine(parent ast.Node) {
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
		case kind == html.StartTagToken && (harmless[tag.Data] || unspeakable[tag.Data]):
			open = append(open, openTag{raw, tag})
			waiting[tag.Data]++
		case kind == html.EndTagToken && waiting[tag.Data] > 0:
			for waiting[tag.Data] > 0 {
				last := open[len(open)-1]
				open = open[:len(open)-1]
				waiting[last.tag.Data]--
				if last.tag.Data == tag.Data {
					c.pair(last, raw)
					break
				}
				c.drop(last.at, last.tag.Data)
			}
		case (kind == html.StartTagToken || kind == html.SelfClosingTagToken) && (tag.Data == "br" || tag.Data == "wbr"):
			replace(raw, newElement(tag.Data))
		case kind == html.StartTagToken || kind == html.SelfClosingTagToken:
			c.drop(raw, tag.Data)
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

// pair makes one element of a start tag, its end tag, and what stands between; or nothing of a script.
func (c *articleRenderer) pair(start openTag, end ast.Node) {
	parent := end.Parent()
	holder := &node{tag: start.tag.Data, attrs: start.tag.Attr}
	e := newElement(holder.tag, localAttrs(holder)...)
	if holder.tag == "abbr" {
		e.attrs = append(e.attrs, "title", holder.attr("title"))
	}
	for n := start.at.NextSibling(); n != nil && n != end; {
		next := n.NextSibling()
		e.AppendChild(e, n)
		n = next
	}
	remove(end)
	if unspeakable[holder.tag] {
		c.drop(start.at, holder.tag)
		return
	}
	parent.ReplaceChild(parent, start.at, e)
}
