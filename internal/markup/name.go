package markup

import (
	"bytes"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// nameNode is "@user@host" or "#tag" in running text.
type nameNode struct {
	ast.BaseInline
	tag        string // of a hashtag, as written
	user, host string // of a mention; the host in lower case
}

var kindName = ast.NewNodeKind("Name")

// Kind implements ast.Node.
func (n *nameNode) Kind() ast.NodeKind { return kindName }

// Dump implements ast.Node.
func (n *nameNode) Dump(source []byte, level int) {
	ast.DumpHelper(n, source, level, map[string]string{"Name": n.written()}, nil)
}

func (n *nameNode) written() string {
	if n.tag != "" {
		return "#" + n.tag
	}
	return "@" + n.user + "@" + n.host
}

var nameParsers = parser.WithInlineParsers(util.Prioritized(nameParser{}, 150))

// nameParser finds names where a word begins. The parser never calls it in code; names inside links become text
// later.
type nameParser struct{}

// Trigger implements goldmark's parser.InlineParser.
func (nameParser) Trigger() []byte { return []byte{'@', '#'} }

// Parse implements goldmark's parser.InlineParser.
func (nameParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	// After these signs the text is an address, a path, an entity or the {#id} of a heading, not a name.
	if isWordRune(before) || strings.ContainsRune("_@#/&.:=?-{", before) {
		return nil
	}
	line, _ := block.PeekLine()
	n, length := hashtag(line), 0
	if line[0] == '@' {
		n, length = mention(line)
	} else if n != nil {
		length = 1 + len(n.tag)
	}
	if n == nil {
		return nil
	}
	block.Advance(length)
	return n
}

// maxHandle is longer than any name, and keeps a line of a million "#" from being read a million times.
const maxHandle = 253

// hashtag reads "#" and then letters, digits, underscores and combining marks. One of them must be a letter, so that
// #1 stays a number. #FFaa00 is a colour.
func hashtag(line []byte) *nameNode {
	end := 1
	letter := false
	for end < len(line) && end < maxHandle {
		r, size := utf8.DecodeRune(line[end:])
		if !isWordRune(r) && r != '_' && !unicode.IsMark(r) {
			break
		}
		letter = letter || unicode.IsLetter(r)
		end += size
	}
	if !letter || end >= maxHandle || isColour(line[1:end]) {
		return nil
	}
	return &nameNode{tag: string(line[1:end])}
}

// isColour reports whether a word after "#" is a colour of CSS: six or eight hexadecimal digits, one of them no letter,
// or one letter again and again. Shorter ones such as #2fa and #b2b, and words such as #facade, are hashtags.
func isColour(word []byte) bool {
	if len(word) != 3 && len(word) != 6 && len(word) != 8 {
		return false
	}
	lower := bytes.ToLower(word)
	if bytes.ContainsFunc(lower, func(r rune) bool { return !strings.ContainsRune("0123456789abcdef", r) }) {
		return false
	}
	return len(bytes.Trim(lower, string(lower[:1]))) == 0 || len(word) > 3 && bytes.ContainsAny(word, "0123456789")
}

// portPattern is the port after a host, as servers on test machines have in their handles.
var portPattern = regexp.MustCompile(`^:\d{2,5}\b`)

// mention reads "@user@host" and returns its length. The host must have a dot.
func mention(line []byte) (*nameNode, int) {
	line = line[:min(len(line), 2*maxHandle)]
	at := 1 + nameLength(line[1:])
	user := string(line[1:at])
	if user == "" || at >= len(line) || line[at] != '@' || strings.Trim(user, ".-") != user || !utf8.ValidString(user) {
		return nil, 0
	}
	rest := line[at+1:]
	end := nameLength(rest)
	if at := bytes.IndexByte(rest[:end], '_'); at >= 0 {
		end = at // no host has one
	}
	// A full stop or hyphen at the end belongs to the sentence.
	host := strings.TrimRight(string(rest[:end]), ".-")
	if dot := strings.IndexByte(host, '.'); dot <= 0 || strings.Contains(host, "..") || host[0] == '-' ||
		!utf8.ValidString(host) {
		return nil, 0
	}
	if len(host) == end {
		host += string(portPattern.Find(rest[end:]))
	}
	return &nameNode{user: user, host: strings.ToLower(host)}, at + 1 + len(host)
}

// nameLength returns how much of a line can be the name of a person or of a host, of any script.
func nameLength(line []byte) int {
	end := bytes.IndexFunc(line, func(r rune) bool {
		return !isWordRune(r) && !unicode.IsMark(r) && r != '.' && r != '-' && r != '_'
	})
	if end < 0 {
		return len(line)
	}
	return end
}

// mentionOrTag makes a link of a name, in the form that other servers know (contract F-037).
func (c *articleRenderer) mentionOrTag(n *nameNode) {
	// Links do not nest, and the author has already said where this text leads.
	if insideLink(n) {
		replace(n, textLeaf(n.written()))
		return
	}
	if n.tag != "" {
		c.hashtag(n)
		return
	}
	handle := n.written()
	if c.isNew(strings.ToLower(handle)) {
		c.Mentions = append(c.Mentions, handle)
	}
	var address string
	ok := false
	if c.options.Mention != nil {
		address, ok = c.options.Mention(handle)
	}
	if address = safeAddress(address); !ok || address == "" {
		c.notice(n.Parent(), UnknownMention, handle)
		replace(n, textLeaf(handle))
		return
	}
	link := newElement("a", "href", address, "class", "u-url mention")
	link.with(textLeaf("@"), newElement("span").with(textLeaf(n.user)))
	replace(n, newElement("span", "class", "h-card").with(link))
}

// maxHashtags is how many hashtags a text can have. More would be no tags of the article, so they stay plain text.
const maxHashtags = 50

func (c *articleRenderer) hashtag(n *nameNode) {
	if name := "#" + strings.ToLower(n.tag); len(c.Hashtags) >= maxHashtags && !c.seen[name] {
		replace(n, textLeaf(n.written()))
		return
	} else if c.isNew(name) {
		c.Hashtags = append(c.Hashtags, n.tag)
	}
	address := "/tags/" + strings.ToLower(n.tag)
	if c.options.Tag != nil {
		address = c.options.Tag(n.tag)
	}
	replace(n, newElement("a", "href", safeAddress(address), "class", "mention hashtag", "rel", "tag").with(
		textLeaf("#"), newElement("span").with(textLeaf(n.tag))))
}

// insideLink reports whether a node stands in a link or in the alt text of a picture.
func insideLink(n ast.Node) bool {
	for n = n.Parent(); n != nil; n = n.Parent() {
		switch n.(type) {
		case *ast.Link, *ast.Image:
			return true
		}
		if isElement(n, "a") {
			return true
		}
	}
	return false
}
