package markup

import (
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
	"golang.org/x/text/width"
)

// eastAsian lets emphasis begin and end beside letters and punctuation of Chinese, Japanese and Korean. CommonMark
// expects a space or a punctuation mark there, which these languages do not write. The rule is that of the proposal
// "CJK friendly emphasis".
type eastAsian struct{}

// Extend implements goldmark's Extender.
func (eastAsian) Extend(m goldmark.Markdown) {
	m.Parser().AddOptions(parser.WithInlineParsers(
		util.Prioritized(eastAsianDelimiters{parser.NewEmphasisParser()}, 499),
		util.Prioritized(eastAsianDelimiters{extension.NewStrikethroughParser()}, 499)))
}

// eastAsianDelimiters is a parser of delimiters whose flanks are judged anew.
type eastAsianDelimiters struct{ parser.InlineParser }

// Parse implements goldmark's parser.InlineParser.
func (p eastAsianDelimiters) Parse(parent ast.Node, block text.Reader, pc parser.Context) ast.Node {
	before := block.PrecendingCharacter()
	n := p.InlineParser.Parse(parent, block, pc)
	if delimiter, ok := n.(*parser.Delimiter); ok && delimiter.Char != '_' {
		after := '\n'
		if line, _ := block.PeekLine(); len(line) > 0 {
			after = util.ToRune(line, 0)
		}
		delimiter.CanOpen = delimiter.CanOpen || flanks(before, after)
		delimiter.CanClose = delimiter.CanClose || flanks(after, before)
	}
	return n
}

// flanks reports whether a delimiter belongs to the word at its inner side, with Chinese, Japanese or Korean on either
// side.
func flanks(outer, inner rune) bool {
	return (isEastAsian(outer) || isEastAsian(inner)) && !util.IsSpaceRune(inner)
}

// isEastAsian reports whether a character is one of Chinese, Japanese or Korean, their punctuation included.
func isEastAsian(r rune) bool {
	kind := width.LookupRune(r).Kind()
	return (kind == width.EastAsianWide || kind == width.EastAsianFullwidth) && !unicode.Is(unicode.So, r)
}

// joinLines takes out the line breaks between two characters of Chinese or Japanese, which would be shown as a blank.
func (c *articleRenderer) joinLines(doc ast.Node) {
	for _, block := range collect(doc, holdsInline) {
		var last rune
		leaves := inlines(block)
		for i, leaf := range leaves {
			line, ok := leaf.(*ast.Text)
			if !ok {
				last = 'x' // code, an address or a name
				continue
			}
			// A line that ends with an emphasis has its break in a text without words.
			if value := line.Value(c.source); len(value) > 0 {
				last, _ = utf8.DecodeLastRune(value)
			}
			if line.SoftLineBreak() && i+1 < len(leaves) && needsNoBlank(last) && needsNoBlank(c.firstRune(leaves[i+1])) {
				line.SetSoftLineBreak(false)
			}
		}
	}
}

// needsNoBlank reports whether a character is written without blanks beside it. Korean has blanks.
func needsNoBlank(r rune) bool { return isEastAsian(r) && !unicode.Is(unicode.Hangul, r) }
