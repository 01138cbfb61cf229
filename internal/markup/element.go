package markup

import (
	"strings"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/renderer"
	gmhtml "github.com/yuin/goldmark/renderer/html"
	"github.com/yuin/goldmark/util"
	"golang.org/x/net/html"

	"causerie/internal/text"
)

// element is a node that carries its own tag and attributes for printing.
type element struct {
	ast.BaseBlock
	tag   string
	attrs []string // names and values in turn; empty values are not printed, but for alt
}

var kindElement = ast.NewNodeKind("Element")

func newElement(tag string, attrs ...string) *element { return &element{tag: tag, attrs: attrs} }

// Kind implements ast.Node.
func (e *element) Kind() ast.NodeKind { return kindElement }

// Dump implements ast.Node.
func (e *element) Dump(source []byte, level int) {
	ast.DumpHelper(e, source, level, map[string]string{"Tag": e.tag}, nil)
}

// attr returns the value of an attribute, "" without one.
func (e *element) attr(name string) string {
	for i := 0; i+1 < len(e.attrs); i += 2 {
		if e.attrs[i] == name {
			return e.attrs[i+1]
		}
	}
	return ""
}

func isElement(n ast.Node, tag string) bool {
	e, ok := n.(*element)
	return ok && e.tag == tag
}

// with appends children and returns the element.
func (e *element) with(children ...ast.Node) *element {
	for _, child := range children {
		e.AppendChild(e, child)
	}
	return e
}

// textLeaf makes a leaf of plain text, which is escaped when printed.
func textLeaf(s string) *ast.String {
	n := ast.NewString([]byte(s))
	// Raw to goldmark means: no backslashes or entities to resolve. It escapes the text all the same.
	n.SetRaw(true)
	return n
}

// markupLeaf makes a leaf of finished HTML.
func markupLeaf(html string) *ast.String {
	n := ast.NewString([]byte(html))
	// Code to goldmark means: printed byte by byte. Only colour uses this, whose writer has escaped everything.
	n.SetCode(true)
	return n
}

// moveChildren moves the children of one node into another.
func moveChildren(to, from ast.Node) {
	for child := from.FirstChild(); child != nil; {
		// AppendChild takes the child out of its old parent, so the next one is read before.
		next := child.NextSibling()
		to.AppendChild(to, child)
		child = next
	}
}

// replace puts a node in the place of another and moves the children of the old one into it.
func replace(old, new ast.Node) {
	moveChildren(new, old)
	old.Parent().ReplaceChild(old.Parent(), old, new)
}

// remove takes a node out of its tree.
func remove(n ast.Node) { n.Parent().RemoveChild(n.Parent(), n) }

// plain returns the text below a node as it is read aloud: escapes resolved, alt text for pictures, no numbers of
// notes.
func (c *articleRenderer) plain(n ast.Node) string {
	var b strings.Builder
	c.addPlain(&b, n)
	return text.OneLine(b.String())
}

func (c *articleRenderer) addPlain(b *strings.Builder, n ast.Node) {
	switch n := n.(type) {
	case *ast.Text:
		value := n.Value(c.source)
		if !n.IsRaw() {
			value = resolved(value)
		}
		b.Write(value)
		if n.SoftLineBreak() || n.HardLineBreak() {
			b.WriteByte(' ')
		}
	case *ast.String:
		if !n.IsCode() {
			if value := n.Value; n.IsRaw() {
				b.Write(value)
			} else {
				b.Write(resolved(value))
			}
		}
	case *ast.AutoLink:
		b.Write(n.Label(c.source))
	case *extast.FootnoteLink, *extast.FootnoteBacklink:
		return
	case *nameNode:
		b.WriteString(n.written())
	case *element:
		b.WriteString(n.attr("alt"))
	}
	for child := n.FirstChild(); child != nil; child = child.NextSibling() {
		c.addPlain(b, child)
	}
}

// resolved returns source text without its backslashes and entities.
func resolved(value []byte) []byte {
	return util.ResolveEntityNames(util.ResolveNumericReferences(util.UnescapePunctuations(value)))
}

// newRenderer makes the printer of the tree: elements as they say, what is left of Markdown's own nodes as goldmark
// does.
func newRenderer() renderer.Renderer {
	return renderer.NewRenderer(renderer.WithNodeRenderers(
		util.Prioritized(&printer{}, 1),
		util.Prioritized(gmhtml.NewRenderer(), 1000),
		util.Prioritized(extension.NewStrikethroughHTMLRenderer(), 900),
		util.Prioritized(extension.NewDefinitionListHTMLRenderer(), 900),
	))
}

// printer prints elements. It counts open links, since a link may not begin inside another.
type printer struct{ links int }

// RegisterFuncs implements goldmark's renderer.NodeRenderer.
func (p *printer) RegisterFuncs(r renderer.NodeRendererFuncRegisterer) {
	r.Register(kindElement, p.print)
}

func (p *printer) print(w util.BufWriter, _ []byte, n ast.Node, entering bool) (ast.WalkStatus, error) {
	e := n.(*element)
	// A remote picture becomes a link, and may stand inside a link. Browsers take nested links apart, so only the outer
	// one is printed.
	if e.tag == "a" {
		if entering {
			p.links++
		}
		outer := p.links == 1
		if !entering {
			p.links--
		}
		if !outer {
			return ast.WalkContinue, nil
		}
	}
	if entering {
		e.printStart(w)
	} else if !voidElements[e.tag] {
		_, _ = w.WriteString("</" + e.tag + ">")
		if blockElements[e.tag] {
			_ = w.WriteByte('\n')
		}
	}
	return ast.WalkContinue, nil
}

func (e *element) printStart(w util.BufWriter) {
	_, _ = w.WriteString("<" + e.tag)
	for i := 0; i+1 < len(e.attrs); i += 2 {
		// An empty alt says that a picture is decoration; without alt a screen reader would read the file name.
		if e.attrs[i+1] != "" || e.attrs[i] == "alt" {
			_, _ = w.WriteString(" " + e.attrs[i] + `="` + html.EscapeString(e.attrs[i+1]) + `"`)
		}
	}
	_ = w.WriteByte('>')
}
