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

// safeAddress returns the URL of an author's link in normal form. It accepts http, https, mailto, and paths or
// anchors of this site. For all others, such as javascript: and data:, it returns "".
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
		// The text of the link stays, in an element without a meaning.
		replace(n, newElement("span"))
		return
	}
	// The link leads to a heading of this article. A page may show several articles, so their ids have a prefix.
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
	// HTML does not allow a link inside a link.
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

// addLink adds a link to Rendered.Links, once.
func (c *articleRenderer) addLink(href string) {
	if c.isNew(href) {
		c.Links = append(c.Links, href)
	}
}

// isNew reports whether a link, mention or hashtag occurs for the first time in the article, and records it.
func (c *articleRenderer) isNew(written string) bool {
	before := c.seen[written]
	c.seen[written] = true
	return !before
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
	// If browsers loaded a remote picture, its server would learn who reads the article. So we show a link.
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
	// With both attributes the browser reserves the space, so the text does not jump when the picture arrives.
	if p.Width > 0 && p.Height > 0 {
		e.attrs = append(e.attrs, "width", strconv.Itoa(p.Width), "height", strconv.Itoa(p.Height))
	}
	e.attrs = append(e.attrs, "loading", "lazy", "decoding", "async", captionAttr, title)
	return e
}

// captionAttr is a temporary attribute with the title of a picture. The function figures makes a caption of it. If an
// attribute of this name remained, the sanitiser would drop it.
const captionAttr = "caption"

// dropAttr removes an attribute and returns its value, or "" if there is none.
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

// figures wraps each picture in a figure if it is the only content of its paragraph.
func (c *articleRenderer) figures(doc ast.Node) {
	for _, n := range collect(doc, func(n ast.Node) bool { return isElement(n, "img") }) {
		img := n.(*element)
		caption := img.dropAttr(captionAttr)
		content := ast.Node(img)
		// A picture that is a link becomes a figure too. The link is then inside the figure.
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

// plainText sets the quotation marks and dashes in a text that is not Markdown.
func (t *quoteSetter) plainText(s string) string {
	return string(resolved([]byte(t.typeset(strings.ReplaceAll(escapeMarkdown(s), "\n", " "), ' '))))
}

// escapeMarkdown escapes the characters that the function resolved would change.
func escapeMarkdown(s string) string {
	return strings.NewReplacer(`\`, `\\`, "&", `\&`).Replace(s)
}

// widthHint returns the class from {.wide} or {.full} after a picture. alone reports whether the paragraph has no
// other content.
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

// headings gives each heading its level and its id, and lists it in Rendered.Headings.
func (c *articleRenderer) headings(doc ast.Node) {
	all := collect(doc, ofKind(ast.KindHeading))
	shift := 0
	for _, n := range all {
		// The title of the page is the only <h1>. If the author uses "#" too, all headings go down one level.
		if n.(*ast.Heading).Level == 1 {
			shift = 1
		}
	}
	for _, n := range all {
		id := c.writtenID(n)
		title := c.plain(n)
		if id == "" {
			id = slug(title)
		}
		// A heading that goes down one level may reach level 7, which HTML does not have.
		heading := Heading{ID: c.unique(id), Text: title, Level: min(6, n.(*ast.Heading).Level+shift)}
		c.Headings = append(c.Headings, heading)
		replace(n, newElement("h"+strconv.Itoa(heading.Level), "id", heading.ID))
	}
}

var idHintPattern = regexp.MustCompile(`\s*\{#([\p{L}\p{N}_-]{1,60})\}\s*$`)

// writtenID reads {#id} at the end of a heading and removes it.
func (c *articleRenderer) writtenID(heading ast.Node) string {
	// The parser may have split "{#id}" into several texts.
	c.join(heading)
	last, ok := heading.LastChild().(*ast.String)
	if !ok {
		return ""
	}
	found := idHintPattern.FindSubmatch(last.Value)
	if found == nil {
		return ""
	}
	last.Value = bytes.TrimSuffix(last.Value, found[0])
	return string(found[1])
}

// join merges adjacent pieces of text into one leaf, because the parser may split a text anywhere. Each line break
// stays, as a text node without words.
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
			// Escapes in this text are resolved already. Joined with source text, its backslashes would be resolved a second
			// time.
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

// leadingText returns the first leaf of a paragraph, joined with the text after it. It returns false if n is no
// paragraph, or does not begin with text.
func (c *articleRenderer) leadingText(n ast.Node) (*ast.String, bool) {
	paragraph, ok := n.(*ast.Paragraph)
	if !ok {
		return nil, false
	}
	c.join(paragraph)
	first, ok := paragraph.FirstChild().(*ast.String)
	return first, ok
}

// slug makes an id from a title, with at most 60 characters.
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

// reservedIDs are the ids that the page around an article uses. Headings must not take them. A test of the pages
// compares.
var reservedIDs = regexp.MustCompile(`^(([nrc][0-9]+(-[0-9]+)?)|main|notes|series|talk|talk-title|first-voices|next|` +
	`search|tags|foot|article|c[0-9a-z]{26}|comment-[0-9a-zA-Z]{26})$`)

// unique returns an id that no other heading has, with the prefix of the article.
func (c *articleRenderer) unique(id string) string {
	candidate := id
	if reservedIDs.MatchString(id) {
		candidate = "s-" + id
	}
	base := candidate
	// The count in repeats saves time: without it, a thousand equal headings take half a million steps. We still check
	// each candidate, because the author may have written the id "part-2".
	for c.ids[candidate] {
		c.repeats[base]++
		candidate = base + "-" + strconv.Itoa(c.repeats[base]+1)
	}
	c.ids[candidate] = true
	return c.options.IDPrefix + candidate
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

// task replaces the check box of a task list.
func (c *articleRenderer) task(n *extast.TaskCheckBox) {
	sign, label := "☐", c.language.open
	if n.IsChecked {
		sign, label = "☑", c.language.done
	}
	// We write a sign with a label instead of <input>. The sanitiser allows no form elements, and readers cannot tick
	// the box.
	box := newElement("span", "class", "task", "role", "img", "aria-label", label).with(textLeaf(sign))
	n.Parent().InsertAfter(n.Parent(), n, textLeaf(" "))
	n.Parent().ReplaceChild(n.Parent(), n, box)
}

// quotation turns the last paragraph of a quotation into a footer, if it alone begins with a dash. Several such lines
// are a dialogue.
func (c *articleRenderer) quotation(n *ast.Blockquote) {
	if n.ChildCount() < 2 || c.hasSpeakers(n) {
		return
	}
	first, ok := c.leadingText(n.LastChild())
	if !ok {
		return
	}
	source, begins := cutDash(first.Value)
	if !begins {
		return
	}
	first.Value = source
	replace(n.LastChild(), newElement("footer"))
}

// cutDash cuts a dash with the blanks after it from the beginning of a text.
func cutDash(text []byte) (rest []byte, begins bool) {
	rest = bytes.TrimLeft(text, "—–―-")
	// "-5 degrees" begins with a dash too. So a blank must follow the dash: any, since French writes one that does not
	// break.
	after := bytes.TrimLeftFunc(rest, unicode.IsSpace)
	return after, len(rest) < len(text) && (len(after) < len(rest) || len(rest) == 0)
}

// hasSpeakers reports whether a line of a quotation besides the first one of its last paragraph begins with a dash.
func (c *articleRenderer) hasSpeakers(n *ast.Blockquote) bool {
	for kid := n.FirstChild(); kid != nil; kid = kid.NextSibling() {
		begins := kid != n.LastChild()
		c.join(kid)
		for leaf := kid.FirstChild(); leaf != nil; leaf = leaf.NextSibling() {
			if line, ok := leaf.(*ast.String); ok && begins && !line.IsRaw() {
				if _, dash := cutDash(line.Value); dash {
					return true
				}
			}
			line, ok := leaf.(*ast.Text)
			begins = ok && (line.SoftLineBreak() || line.HardLineBreak())
		}
	}
	return false
}

// endMark adds the end mark after the last word of the article. An article that does not end with a paragraph gets
// none.
func (c *articleRenderer) endMark(doc ast.Node) {
	last := doc.LastChild()
	// The list of footnotes is not part of the text.
	if last != nil && last.Kind() == extast.KindFootnoteList {
		last = last.PreviousSibling()
	}
	if paragraph, ok := last.(*ast.Paragraph); ok {
		paragraph.AppendChild(paragraph, newElement("span", "class", "end", "role", "presentation"))
	}
}

// box returns an element that scrolls, and that people reach by keyboard (tabindex) and by name (role and label). It is
// no region: an article with two boxes of code would have two landmarks of one name.
func box(tag, label string) *element {
	return newElement(tag, "class", "box", "tabindex", "0", "role", "group", "aria-label", label)
}

// table puts a table into a box that scrolls, because a wide table does not fit a narrow screen. It adds the caption,
// and scopes for the headings of columns and rows.
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

// alignClasses are the classes of table cells on our page, which allows no styles in the text. Most columns on the
// right are numbers.
var alignClasses = map[extast.Alignment]string{extast.AlignLeft: "left", extast.AlignCenter: "centre",
	extast.AlignRight: "num"}

// row returns the <tr> for a row. first is the scope of its first cell, others that of the other cells. A cell with a
// scope becomes <th>.
func (c *articleRenderer) row(row ast.Node, first, others string) *element {
	tr := newElement("tr")
	scope := first
	for cell := row.FirstChild(); cell != nil; {
		next := cell.NextSibling()
		class := alignClasses[cell.(*extast.TableCell).Alignment]
		tag := "th"
		// A number at the start of a row is a value, not the name of the row.
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

// caption finds a paragraph "Table: ..." after the table, or before it, and turns it into a caption. It returns nil
// if there is none.
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
