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

// safeAddress is where an author's link may lead: http, https, mailto, or a place on this site. Empty for others.
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
		replace(n, newElement("span"))
		return
	}
	if id, ok := strings.CutPrefix(address, "#"); ok {
		address = "#" + c.options.IDPrefix + id
	} else {
		c.linked(written)
	}
	replace(n, newElement("a", "href", address, "title", string(resolved(n.Title))))
}

func (c *articleRenderer) autoLink(n *ast.AutoLink) {
	label := words(string(n.Label(c.source)))
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
	c.linked(href)
	n.Parent().ReplaceChild(n.Parent(), n, newElement("a", "href", address).with(label))
}

func (c *articleRenderer) linked(href string) {
	if c.isNew(href) {
		c.Links = append(c.Links, href)
	}
}

// isNew reports whether a link, mention or hashtag is met for the first time.
func (c *articleRenderer) isNew(written string) bool {
	met := c.met[written]
	c.met[written] = true
	return !met
}

// The widths at which a picture is shown: the measure of the text, and the page's.
const (
	sizesText = "(min-width: 44em) 42em, 100vw"
	sizesWide = "(min-width: 75em) 56em, 100vw"
)

// image makes <img> of a stored picture, a link of a remote one, and words of one that is missing.
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
	if remote := remoteAddress(string(util.URLEscape(n.Destination, true))); remote != nil && remote.Scheme == "https" {
		c.notice(n, RemotePicture, source)
		n.Parent().ReplaceChild(n.Parent(), n, newElement("a", "href", remote.String()).with(words(alt)))
		return
	}
	c.notice(n, MissingPicture, source)
	n.Parent().ReplaceChild(n.Parent(), n, words(alt))
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

// captionAttr carries a title until it is known whether the picture stands alone; the gate knows no such attribute.
const captionAttr = "caption"

// dropAttr takes an attribute away and gives its value.
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

// figures makes a figure of each picture that has a paragraph for itself.
func (c *articleRenderer) figures(doc ast.Node) {
	for _, n := range collect(doc, func(n ast.Node) bool { return isElement(n, "img") }) {
		img := n.(*element)
		caption := img.dropAttr(captionAttr)
		content := ast.Node(img)
		if isElement(img.Parent(), "a") && img.Parent().ChildCount() == 1 {
			content = img.Parent()
		}
		paragraph, ok := content.Parent().(*ast.Paragraph)
		width, alone := c.hint(content)
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
			figure.AppendChild(figure, newElement("figcaption").with(words(t.words(caption))))
		}
	}
}

// words typesets plain text that is not Markdown.
func (t *quoteSetter) words(s string) string {
	return string(resolved([]byte(t.text(strings.ReplaceAll(escapeMarkdown(s), "\n", " "), ' '))))
}

// escapeMarkdown protects what resolving would change.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "&", `\&`).Replace(s)
}

// hint reads {.wide} or {.full} behind a picture, and reports whether nothing else stands in its paragraph.
func (c *articleRenderer) hint(n ast.Node) (class string, alone bool) {
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
		heading := Heading{ID: c.unique(id), Text: title, Level: min(6, n.(*ast.Heading).Level+lower)}
		c.Headings = append(c.Headings, heading)
		replace(n, newElement("h"+strconv.Itoa(heading.Level), "id", heading.ID))
	}
}

var anIDHint = regexp.MustCompile(`\s*\{#([\p{L}\p{N}_-]{1,60})\}\s*$`)

// writtenID reads {#id} at the end of a heading and takes it away.
func (c *articleRenderer) writtenID(heading ast.Node) string {
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

// join makes one leaf of neighbouring pieces of text, which the parser leaves in as many as it likes. Line breaks
// stay as texts without words.
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

// beginning is the first leaf of a paragraph when it is text, joined.
func (c *articleRenderer) beginning(n ast.Node) (*ast.String, bool) {
	paragraph, ok := n.(*ast.Paragraph)
	if !ok {
		return nil, false
	}
	c.join(paragraph)
	first, ok := paragraph.FirstChild().(*ast.String)
	return first, ok
}

// slug makes an id of a title.
func slug(title string) string {
	var b strings.Builder
	for _, r := range strings.ToLower(title) {
		switch {
		case utf8.RuneCountInString(b.String()) >= 60:
		case wordly(r) || unicode.IsMark(r) || r == '_':
			b.WriteRune(r)
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

// ours are the ids that the page around an article uses; headings keep off them.
var ours = regexp.MustCompile(
	`^(([nrc][0-9]+(-[0-9]+)?)|main|notes|series|talk|talk-title|first-voices|search|tags|foot|c[0-9a-z]{26})$`)

// unique makes an id that nobody has.
func (c *articleRenderer) unique(id string) string {
	free := id
	if ours.MatchString(id) {
		free = "s-" + id
	}
	stem := free
	for c.ids[free] {
		c.repeats[stem]++
		free = stem + "-" + strconv.Itoa(c.repeats[stem]+1)
	}
	c.ids[free] = true
	return c.options.IDPrefix + free
}

// blocks shapes code, tables, quotations and tasks.
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
	box := newElement("span", "class", "task", "role", "img", "aria-label", label).with(words(sign))
	n.Parent().InsertAfter(n.Parent(), n, words(" "))
	n.Parent().ReplaceChild(n.Parent(), n, box)
}

// quotation makes a footer of a last paragraph that begins with a dash.
func (c *articleRenderer) quotation(n *ast.Blockquote) {
	if n.ChildCount() < 2 {
		return
	}
	first, ok := c.beginning(n.LastChild())
	if !ok {
		return
	}
	said := bytes.TrimLeft(first.Value, "—–-")
	if len(said) == len(first.Value) || len(said) > 0 && said[0] != ' ' {
		return
	}
	first.Value = bytes.TrimLeft(said, " ")
	replace(n.LastChild(), newElement("footer"))
}

// endMark puts the red mark behind the last word, when that stands in a paragraph.
func (c *articleRenderer) endMark(doc ast.Node) {
	last := doc.LastChild()
	if last != nil && last.Kind() == extast.KindFootnoteList {
		last = last.PreviousSibling()
	}
	if paragraph, ok := last.(*ast.Paragraph); ok {
		paragraph.AppendChild(paragraph, newElement("span", "class", "end", "role", "presentation"))
	}
}

// box is a region that scrolls by itself, can be reached by keyboard and has a name.
func box(tag, label string) *element {
	return newElement(tag, "class", "box", "tabindex", "0", "role", "region", "aria-label", label)
}

// table puts a table into a box, with its caption, named columns and rows.
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

// row makes <tr>; a cell with a scope is a heading. A number at the beginning of a row is not its name.
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
		take(e, cell)
		tr.AppendChild(tr, e)
		scope = others
		cell = next
	}
	return tr
}

// caption finds "Table: ..." in the paragraph after a table, or the one before.
func (c *articleRenderer) caption(table ast.Node) *element {
	for _, neighbour := range []ast.Node{table.NextSibling(), table.PreviousSibling()} {
		first, ok := c.beginning(neighbour)
		if !ok {
			continue
		}
		before, rest, _ := bytes.Cut(first.Value, []byte(": "))
		if string(before) != english.table && string(before) != c.language.table {
			continue
		}
		first.Value = rest
		caption := newElement("caption")
		take(caption, neighbour)
		remove(neighbour)
		return caption
	}
	return nil
}
