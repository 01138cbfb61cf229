package markup

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// name is "@user@host" or "#tag" in running text.
type name struct {
	ast.BaseInline
	tag        string // of a hashtag, as written
	user, host string // of a mention; the host in lower case
}

var kindName = ast.NewNodeKind("Name")

// Kind implements ast.Node.
func (n *name) Kind() ast.NodeKind { return kindName }

// Dump implements ast.Node.
func (n *name) Dump(source []byte, level int) {
	ast.DumpHelper(n, source, level, map[string]string{"Name": n.written()}, nil)
}

func (n *name) written() string {
	if n.tag != "" {
		return "#" + n.tag
	}
	return "@" + n.user + "@" + n.host
}

var nameParsers = parser.WithInlineParsers(util.Prioritized(nameParser{}, 150))

// nameParser finds names where words begin. Code never reaches it; what stands in a link is sorted out later.
type nameParser struct{}

// Trigger implements goldmark's parser.InlineParser.
func (nameParser) Trigger() []byte { return []byte{'@', '#'} }

// Parse implements goldmark's parser.InlineParser.
func (nameParser) Parse(_ ast.Node, block text.Reader, _ parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	if wordly(before) || strings.ContainsRune("_@#/&.:=?-{", before) {
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

// maxName is longer than names are, and keeps a line of one million "#" from being read a million times.
const maxName = 253

// hashtag reads "#" and letters, digits, underscores and combining marks, of which one must be a letter.
func hashtag(line []byte) *name {
	end := 1
	letter := false
	for end < len(line) && end < maxName {
		r, size := utf8.DecodeRune(line[end:])
		if !wordly(r) && r != '_' && !unicode.IsMark(r) {
			break
		}
		letter = letter || unicode.IsLetter(r)
		end += size
	}
	if !letter || end >= maxName {
		return nil
	}
	return &name{tag: string(line[1:end])}
}

// mention reads "@user@host" and says how long it is. The host has a dot in it.
func mention(line []byte) (*name, int) {
	line = line[:min(len(line), 2*maxName)]
	at := 1
	for at < len(line) && (isASCIIWord(line[at]) || line[at] == '.' || line[at] == '-') {
		at++
	}
	user := string(line[1:at])
	if user == "" || at >= len(line) || line[at] != '@' || strings.Trim(user, ".-") != user {
		return nil, 0
	}
	rest := line[at+1:]
	end := bytes.IndexFunc(rest, func(r rune) bool { return !wordly(r) && !unicode.IsMark(r) && r != '.' && r != '-' })
	if end < 0 {
		end = len(rest)
	}
	host := strings.TrimRight(string(rest[:end]), ".-")
	if dot := strings.IndexByte(host, '.'); dot <= 0 || strings.Contains(host, "..") || host[0] == '-' ||
		!utf8.ValidString(host) {
		return nil, 0
	}
	return &name{user: user, host: strings.ToLower(host)}, at + 1 + len(host)
}

func isASCIIWord(b byte) bool {
	return b == '_' || b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9'
}

// name makes a link of a name, in the shape that other servers know (contract F-037).
func (c *articleRenderer) name(n *name) {
	if insideLink(n) {
		replace(n, words(n.written()))
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
		replace(n, words(handle))
		return
	}
	replace(n, newElement("span", "class", "h-card").with(
		newElement("a", "href", address, "class", "u-url mention").with(words("@"), newElement("span").with(words(n.user)))))
}

func (c *articleRenderer) hashtag(n *name) {
	if c.isNew("#" + strings.ToLower(n.tag)) {
		c.Hashtags = append(c.Hashtags, n.tag)
	}
	address := "/tags/" + strings.ToLower(n.tag)
	if c.options.Tag != nil {
		address = c.options.Tag(n.tag)
	}
	replace(n, newElement("a", "href", safeAddress(address), "class", "mention hashtag", "rel", "tag").with(
		words("#"), newElement("span").with(words(n.tag))))
}

// insideLink reports whether a node stands in a link or in the description of a picture.
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
