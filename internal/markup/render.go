package markup

import (
	"bytes"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	extast "github.com/yuin/goldmark/extension/ast"
	"github.com/yuin/goldmark/util"
)

// safeAddress returns an address that an author's link may have: http, https, mailto, or a place on this site. "" for
// others, javascript: and data: among them.
func safeAddress(href string) string {
	u := parseAddress(href)
	if u == nil || href == "" {
		return ""
	}
	switch u.Scheme {
	case "http", "https":
		if u.Host == "" {
			return ""
		}
	case "", "mailto":
	default:
		return ""
	}
	return u.String()
}

func (c *articleRenderer) link(n *ast.Link) {
	written := string(resolved(n.Destination))
	address := safeAddress(string(util.URLEscape(n.Destination, true)))
	if address == "" {
		c.notice(n, UnsafeLink, written)
		// The text stays, in an element without a meaning.
		replace(n, newElement("span"))
		return
	}
	// A place in this article; with the prefix it is still found on a page of several articles.
	if id, ok := strings.CutPrefix(address, "#"); ok {
		address = "#" + c.options.IDPrefix + id
	} else {
		c.addLink(written)
	}
	replace(n, newElement("a", "href", address, "title", string(resolved(n.Title))))
}

func (c *articleRenderer) autoLink(n *ast.AutoLink) {
	label := textLeaf(string(n.Label(c.source)))
	href := string(n.URL(c.source))
	if n.AutoLinkType == ast.AutoLinkEmail && !strings.HasPrefix(strings.ToLower(href), "mailto:") {
		href = "mailto:" + href
	}
	address := safeAddress(string(util.URLEscape([]byte(href), false)))
	if address == "" || insideLink(n) {
		if address == "" {
			c.notice(n.Parent(), UnsafeLink, href)
		}
		n.Parent().ReplaceChild(n.Parent(), n, label)
		return
	}
	c.addLink(href)
	n.Parent().ReplaceChild(n.Parent(), n, newElement("a", "href", address).with(label))
}

func (c *articleRenderer) addLink(href string) {
	if c.isNew(href) {
		c.Links = append(c.Links, href)
	}
}

// isNew reports whether a link, mention or hashtag occurs for the first time.
func (c *articleRenderer) isNew(written string) bool {
	met := c.seen[written]
	c.seen[written] = true
	return !met
}

// The widths at which a picture is shown: the measure of the text, and the page's.
const (
	sizesText = "(min-width: 44em) 42em, 100vw"
	sizesWide = "(min-width: 75em) 56em, 100vw"
)

// image replaces a picture: <img> for a stored one, a link for a remote one, its alt text for a missing one.
func (c *articleRenderer) image(n *ast.Image) {
	source, alt := string(resolved(n.Destination)), c.plain(n)
	image := Image{Source: source, Alt: alt}
	found := false
	if c.options.Resolve != nil {
		image.Picture, found = c.options.Resolve(source)
	}
	if found = found && safeAddress(image.Picture.URL) != ""; !found {
		image.Picture = Picture{}
	}
	c.Images = append(c.Images, image)
	if alt == "" {
		c.notice(n, NoAlt, source)
	}
	if found {
		n.Parent().ReplaceChild(n.Parent(), n, c.img(image, string(resolved(n.Title))))
		return
	}
	if alt == "" {
		alt = source
	}
	// A remote picture would let its server watch our readers, so it is shown as a link.
	if remote := remoteAddress(string(util.URLEscape(n.Destination, true))); remote != nil && remote.Scheme == "https" {
		c.notice(n, RemotePicture, source)
		n.Parent().ReplaceChild(n.Parent(), n, newElement("a", "href", remote.String()).with(textLeaf(alt)))
		return
	}
	c.notice(n, MissingPicture, source)
	n.Parent().ReplaceChild(n.Parent(), n, textLeaf(alt))
}

func (c *articleRenderer) img(image Image, title string) *element {
	p := image.Picture
	e := newElement("img", "src", safeAddress(p.URL), "alt", image.Alt)
	if p.Srcset != "" {
		e.attrs = append(e.attrs, "srcset", p.Srcset, "sizes", sizesText)
	}
	if p.Width > 0 && p.Height > 0 {
		e.attrs = append(e.attrs, "width", strconv.Itoa(p.Width), "height", strconv.Itoa(p.Height))
	}
	e.attrs = append(e.attrs, "loading", "lazy", "decoding", "async", captionAttr, title)
	return e
}

// captionAttr keeps a title until it is known whether the picture stands alone. The sanitiser would drop such an
// attribute.
const captionAttr = "caption"

// dropAttr removes an attribute and returns its value.
func (e *element) dropAttr(name string) string {
	for i := 0; i+1 < len(e.attrs); i += 2 {
		if e.attrs[i] == name {
			value := e.attrs[i+1]
			e.attrs = slices.Delete(e.attrs, i, i+2)
			return value
		}
	}
	return ""
}

// figures makes a figure of each picture that stands alone in its paragraph.
func (c *articleRenderer) figures(doc ast.Node) {
	for _, n := range collect(doc, func(n ast.Node) bool { return isElement(n, "img") }) {
		img := n.(*element)
		caption := img.dropAttr(captionAttr)
		content := ast.Node(img)
		// A linked picture is a figure too, the link inside it.
		if isElement(img.Parent(), "a") && img.Parent().ChildCount() == 1 {
			content = img.Parent()
		}
		paragraph, ok := content.Parent().(*ast.Paragraph)
		width, alone := c.widthHint(content)
		if !ok || !alone {
			continue
		}
		figure := newElement("figure", "class", width)
		if width != "" && img.dropAttr("sizes") != "" {
			img.attrs = append(img.attrs, "sizes", sizesWide)
		}
		paragraph.Parent().ReplaceChild(paragraph.Parent(), paragraph, figure.with(content))
		if caption != "" {
			t := quoteSetter{language: c.language, before: ' '}
			figure.AppendChild(figure, newElement("figcaption").with(textLeaf(t.plainText(caption))))
		}
	}
}

// plainText typesets text that is not Markdown.
func (t *quoteSetter) plainText(s string) string {
	return string(resolved([]byte(t.typeset(strings.ReplaceAll(escapeMarkdown(s), "\n", " "), ' '))))
}

// escapeMarkdown protects the characters that resolved would change.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "&", `\&`).Replace(s)
}

// widthHint reads {.wide} or {.full} after a picture. alone reports whether nothing else stands in its paragraph.
func (c *articleRenderer) widthHint(n ast.Node) (class string, alone bool) {
	if n.PreviousSibling() != nil {
		return "", false
	}
	var rest strings.Builder
	for next := n.NextSibling(); next != nil; next = next.NextSibling() {
		if _, isText := next.(*ast.Text); !isText {
			return "", false
		}
		rest.WriteString(c.plain(next))
	}
	switch strings.TrimSpace(rest.String()) {
	case "":
		return "", true
	case "{.wide}":
		return "wide", true
	case "{.full}":
		return "full", true
	}
	return "", false
}

// headings gives each heading its level and its id, and lists it.
func (c *articleRenderer) headings(doc ast.Node) {
	all := collect(doc, ofKind(ast.KindHeading))
	lower := 0
	for _, n := range all {
		if n.(*ast.Heading).Level == 1 {
			lower = 1
		}
	}
	for _, n := range all {
		id := c.writtenID(n)
		title := c.plain(n)
		if id == "" {
			id = slug(title)
		}
		// Lowered headings may reach level 7, which HTML does not have.
		heading := Heading{ID: c.unique(id), Text: title, Level: min(6, n.(*ast.Heading).Level+lower)}
		c.Headings = append(c.Headings, heading)
		replace(n, newElement("h"+strconv.Itoa(heading.Level), "id", heading.ID))
	}
}

var anIDHint = regexp.MustCompile(`\s*\{#([\p{L}\p{N}_-]{1,60})\}\s*$`)

// writtenID reads {#id} at the end of a heading and removes it.
func (c *articleRenderer) writtenID(heading ast.Node) string {
	// The parser may have split "{#id}" into several texts.
	c.join(heading)
	last, ok := heading.LastChild().(*ast.String)
	if !ok {
		return ""
	}
	found := anIDHint.FindSubmatch(last.Value)
	if found == nil {
		return ""
	}
	last.Value = bytes.TrimSuffix(last.Value, found[0])
	return string(found[1])
}

// join makes one leaf of adjacent pieces of text, of which the parser leaves any number. Line breaks stay, as texts
// without words.
func (c *articleRenderer) join(parent ast.Node) {
	var last *ast.String
	for n := parent.FirstChild(); n != nil; {
		next := n.NextSibling()
		switch n := n.(type) {
		case *ast.Text:
			if last == nil {
				last = ast.NewString(nil)
				parent.InsertBefore(parent, n, last)
			}
			last.Value = append(last.Value, n.Value(c.source)...)
			if n.SoftLineBreak() || n.HardLineBreak() {
				n.Segment, last = n.Segment.WithStart(n.Segment.Stop), nil
			} else {
				remove(n)
			}
		case *ast.String:
			switch {
			// What was resolved already must not be joined with source text: its backslashes would be resolved again.
			case n.IsRaw() || n.IsCode():
				last = nil
			case last == nil:
				last = n
			default:
				last.Value = append(last.Value, n.Value...)
				remove(n)
			}
		default:
			last = nil
		}
		n = next
	}
}

// leadingText returns the first leaf of a paragraph if it is text, joined.
func (c *articleRenderer) leadingText(n ast.Node) (*ast.String, bool) {
	paragraph, ok := n.(*ast.Paragraph)
	if !ok {
		return nil, false
	}
	c.join(paragraph)
	first, ok := paragraph.FirstChild().(*ast.String)
	return first, ok
}

// slug makes an id from a title, of at most 60 runes.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case utf8.RuneCountInString(b.String()) >= 60:
		case isWordRune(r) || unicode.IsMark(r) || r == '_':
			b.WriteRune(r)
		// "Harm's" is one word: harms, not harm-s.
		case r == '’' || r == '\'':
		case b.Len() > 0 && !strings.HasSuffix(b.String(), "-"):
			b.WriteByte('-')
		}
	}
	if id := strings.Trim(b.String(), "-"); id != "" {
		return id
	}
	return "part"
}

// reservedIDs are the ids that the page around an article uses. Headings must not take them.
var reservedIDs = regexp.MustCompile(
	`^(([nrc][0-9]+(-[0-9]+)?)|main|notes|series|talk|talk-title|first-voices|search|tags|foot|c[0-9a-z]{26})$`)

// unique returns an id that no other heading has, with the prefix of the article.
func (c *articleRenderer) unique(id string) string {
	free := id
	if reservedIDs.MatchString(id) {
		free = "s-" + id
	}
	stem := free
	// repeats makes a thousand equal headings cost a thousand steps, not half a million. A written id may be "part-2"
	// already, so each number is still tried.
	for c.ids[free] {
		c.repeats[stem]++
		free = stem + "-" + strconv.Itoa(c.repeats[stem]+1)
	}
	c.ids[free] = true
	return c.options.IDPrefix + free
}

// blocks replaces code, tables, quotations and task marks.
func (c *articleRenderer) blocks(doc ast.Node) {
	for _, n := range collect(doc, ofKind(ast.KindFencedCodeBlock, ast.KindCodeBlock, extast.KindTable, ast.KindBlockquote,
		extast.KindTaskCheckBox)) {
		switch n := n.(type) {
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			c.code(n)
		case *extast.Table:
			c.table(n)
		case *ast.Blockquote:
			c.quotation(n)
		case *extast.TaskCheckBox:
			c.task(n)
		}
	}
}

func (c *articleRenderer) task(n *extast.TaskCheckBox) {
	sign, label := "☐", c.language.open
	if n.IsChecked {
		sign, label = "☑", c.language.done
	}
	// A sign with a label instead of <input>: no policy allows form elements, and the box is not to be clicked.
	box := newElement("span", "class", "task", "role", "img", "aria-label", label).with(textLeaf(sign))
	n.Parent().InsertAfter(n.Parent(), n, textLeaf(" "))
	n.Parent().ReplaceChild(n.Parent(), n, box)
}

// quotation makes a footer of the last paragraph of a quotation if it begins with a dash.
func (c *articleRenderer) quotation(n *ast.Blockquote) {
	if n.ChildCount() < 2 {
		return
	}
	first, ok := c.leadingText(n.LastChild())
	if !ok {
		return
	}
	said := bytes.TrimLeft(first.Value, "—–-")
	// "-5 degrees" begins with a dash, too: a space must follow.
	if len(said) == len(first.Value) || len(said) > 0 && said[0] != ' ' {
		return
	}
	first.Value = bytes.TrimLeft(said, " ")
	replace(n.LastChild(), newElement("footer"))
}

// endMark puts the red end mark after the last word of an article that ends with a paragraph.
func (c *articleRenderer) endMark(doc ast.Node) {
	last := doc.LastChild()
	if last != nil && last.Kind() == extast.KindFootnoteList {
		last = last.PreviousSibling()
	}
	if paragraph, ok := last.(*ast.Paragraph); ok {
		paragraph.AppendChild(paragraph, newElement("span", "class", "end", "role", "presentation"))
	}
}

// box makes a region that scrolls, can be reached by keyboard and has a name.
func box(tag, label string) *element {
	return newElement(tag, "class", "box", "tabindex", "0", "role", "region", "aria-label", label)
}

// table puts a table into a box, with its caption and named columns and rows.
func (c *articleRenderer) table(n *extast.Table) {
	caption := c.caption(n)
	label := c.language.table
	table := newElement("table")
	if caption != nil {
		label += ": " + c.plain(caption)
		table.AppendChild(table, caption)
	}
	body := newElement("tbody")
	for row := n.FirstChild(); row != nil; {
		next := row.NextSibling()
		if row.Kind() == extast.KindTableHeader {
			table.AppendChild(table, newElement("thead").with(c.row(row, "col", "col")))
		} else {
			body.AppendChild(body, c.row(row, "row", ""))
		}
		row = next
	}
	if body.HasChildren() {
		table.AppendChild(table, body)
	}
	n.Parent().ReplaceChild(n.Parent(), n, box("div", label).with(table))
}

// row makes <tr>. A cell with a scope is a heading. A number at the start of a row does not name the row.
func (c *articleRenderer) row(row ast.Node, first, others string) *element {
	tr := newElement("tr")
	scope := first
	for cell := row.FirstChild(); cell != nil; {
		next := cell.NextSibling()
		class := ""
		if cell.(*extast.TableCell).Alignment == extast.AlignRight {
			class = "num"
		}
		tag := "th"
		if scope == "" || scope == "row" && class == "num" {
			tag, scope = "td", ""
		}
		e := newElement(tag, "scope", scope, "class", class)
		moveChildren(e, cell)
		tr.AppendChild(tr, e)
		scope = others
		cell = next
	}
	return tr
}

// caption finds "Table: ..." in the paragraph after a table, or in the one before.
func (c *articleRenderer) caption(table ast.Node) *element {
	for _, paragraph := range []ast.Node{table.NextSibling(), table.PreviousSibling()} {
		first, ok := c.leadingText(paragraph)
		if !ok {
			continue
		}
		before, rest, _ := bytes.Cut(first.Value, []byte(": "))
		// The English word works in every language.
		if string(before) != english.table && string(before) != c.language.table {
			continue
		}
		first.Value = rest
		caption := newElement("caption")
		moveChildren(caption, paragraph)
		remove(paragraph)
		return caption
	}
	return nil
}
