package markup

import (
	"bytes"
	"regexp"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// A bare address is written as people copy it: with letters of all languages in its host and its path. Marks of
// quotation, apostrophes and dashes belong to it only before a letter or digit, so that an enclosing mark stays
// outside.
const (
	bareHost = `[-\p{L}\p{M}\p{N}@:%._+~#=]{1,256}\.(?:xn--[-a-zA-Z0-9]+|[\p{L}\p{M}]+)`
	barePath = `(?:[/#?](?:[-\p{L}\p{M}\p{N}\p{So}@:%_+.~#$!?&/=();,>\\^{}\[\]` + "`" + `]|['"’·‐‑‒–][\p{L}\p{N}])*)?`
)

var (
	bareURL = regexp.MustCompile(`^(?:http|https|ftp)://` + bareHost + `(?::\d+)?` + barePath)
	bareWWW = regexp.MustCompile(`^www\.` + bareHost + barePath)
)

// bareAddresses makes links of bare addresses.
type bareAddresses struct{}

// Extend implements goldmark's Extender.
func (bareAddresses) Extend(m goldmark.Markdown) {
	linkify := extension.NewLinkifyParser(extension.WithLinkifyURLRegexp(bareURL), extension.WithLinkifyWWWRegexp(bareWWW))
	m.Parser().AddOptions(parser.WithInlineParsers(util.Prioritized(linkify, 999),
		util.Prioritized(quotedAddress{linkify}, 998)))
}

// quotedAddress finds an address right after a quotation mark, where goldmark does not look.
type quotedAddress struct{ linkify parser.InlineParser }

// Trigger implements goldmark's parser.InlineParser.
func (quotedAddress) Trigger() []byte { return []byte{'"', '\''} }

// Parse implements goldmark's parser.InlineParser.
func (q quotedAddress) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	line, segment := block.PeekLine()
	if !bytes.HasPrefix(line[1:], []byte("http")) && !bytes.HasPrefix(line[1:], []byte("www.")) {
		return nil
	}
	block.Advance(1)
	link := q.linkify.Parse(parent, block, pc)
	if link != nil {
		ast.MergeOrAppendTextSegment(parent, segment.WithStop(segment.Start+1))
	}
	return link
}
