package markup

import (
	"fmt"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
)

// notes makes the list of notes at the end of the text, and the raised numbers that lead to it. Note 1 is #n1, its
// first reference #r1, the second #r1-2.
func (c *articleRenderer) notes(doc ast.Node) {
	for _, n := range collect(doc, ofKind(extast.KindFootnoteLink, extast.KindFootnoteBacklink, extast.KindFootnoteList)) {
		switch n := n.(type) {
		case *extast.FootnoteLink:
			c.noteLink(n)
		case *extast.FootnoteBacklink:
			// The list of notes comes before its back links here, so note has counted them and made its own, with labels.
			remove(n)
		case *extast.FootnoteList:
			c.noteList(n)
		}
	}
}

func (c *articleRenderer) reference(index, occurrence int) string {
	if occurrence == 0 {
		return fmt.Sprintf("%sr%d", c.options.IDPrefix, index)
	}
	return fmt.Sprintf("%sr%d-%d", c.options.IDPrefix, index, occurrence+1)
}

func (c *articleRenderer) noteLink(n *extast.FootnoteLink) {
	number := fmt.Sprint(n.Index)
	link := newElement("a", "href", "#"+c.options.IDPrefix+"n"+number, "aria-label",
		c.language.note+" "+number).with(textLeaf(number))
	replace(n, newElement("sup", "id", c.reference(n.Index, n.RefIndex)).with(link))
}

// maxBackLinks limits the links from one note back to its references.
const maxBackLinks = 20

func (c *articleRenderer) noteList(n *extast.FootnoteList) {
	id := c.options.IDPrefix + "notes"
	list := newElement("ol")
	for child := n.FirstChild(); child != nil; {
		next := child.NextSibling()
		if note, ok := child.(*extast.Footnote); ok {
			list.AppendChild(list, c.note(note))
		}
		child = next
	}
	title := newElement("h2", "id", id, "class", "vh").with(textLeaf(c.language.notes))
	n.Parent().ReplaceChild(n.Parent(), n, newElement("aside", "class", "notes", "aria-labelledby", id).with(title, list))
}

func (c *articleRenderer) note(n *extast.Footnote) *element {
	references := 0
	// Every back link carries the number of references to its note.
	for _, back := range collect(n, ofKind(extast.KindFootnoteBacklink)) {
		references = max(references, back.(*extast.FootnoteBacklink).RefCount)
	}
	item := newElement("li", "id", fmt.Sprintf("%sn%d", c.options.IDPrefix, n.Index))
	moveChildren(item, n)
	for i := range min(references, maxBackLinks) {
		label := fmt.Sprintf("%s %d", c.language.back, n.Index)
		if i > 0 {
			label += fmt.Sprintf("-%d", i+1)
		}
		item.with(textLeaf(" "), newElement("a", "class", "back", "href", "#"+c.reference(n.Index, i), "aria-label",
			label).with(textLeaf("↩")))
	}
	return item
}
