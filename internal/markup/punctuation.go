package markup

import (
	"regexp"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
)

// punctuate replaces typewriter punctuation by typographic signs: quotation marks and apostrophes after the language,
// dashes for two or three hyphens, an ellipsis for three full stops. Code, addresses and escaped characters stay.
//
// It is not the typographer of goldmark. That one has one set of marks for all texts, chosen when the parser is made,
// and it reads each mark by the signs beside it in the source. Here the marks depend on the language of the text, and
// a quotation may begin in one element and end in another. So it works on the finished tree, where it sees words and
// no markup.
func (c *articleRenderer) punctuate(doc ast.Node) {
	for _, block := range collect(doc, holdsInline) {
		// Each block begins as if after a space, with nothing open: a forgotten mark spoils only its own paragraph.
		t := quoteSetter{language: c.language, before: ' '}
		t.typesetLeaves(c, inlines(block))
	}
}

// holdsInline reports whether a node is a block with inline children.
func holdsInline(n ast.Node) bool {
	return n.Type() == ast.TypeBlock && n.FirstChild() != nil && n.FirstChild().Type() == ast.TypeInline
}

// inlines lists the leaves of a block in reading order. Code and addresses count as single leaves.
func inlines(block ast.Node) []ast.Node {
	return collect(block, func(n ast.Node) bool {
		if _, code := n.Parent().(*ast.CodeSpan); code {
			return false
		}
		switch n.(type) {
		case *ast.Text, *ast.String, *ast.CodeSpan, *ast.AutoLink, *nameNode:
			return true
		}
		return false
	})
}

// quoteSetter typesets one block. It remembers the rune before and which quotation marks are open.
type quoteSetter struct {
	language language
	before   rune
	open     int // double quotation marks
	single   int // and single ones
}

func (t *quoteSetter) typesetLeaves(c *articleRenderer, leaves []ast.Node) {
	for i, leaf := range leaves {
		line, ok := leaf.(*ast.Text)
		if !ok || line.IsRaw() {
			// Code, an address or a name ends like a word: a mark after it closes.
			t.before = 'x'
			continue
		}
		after := ' '
		if i+1 < len(leaves) && !line.SoftLineBreak() && !line.HardLineBreak() {
			after = c.firstRune(leaves[i+1])
		}
		value := string(line.Value(c.source))
		if typeset := t.typeset(value, after); typeset != value {
			c.retype(line, typeset)
		}
		if line.SoftLineBreak() || line.HardLineBreak() {
			t.before = ' '
		}
	}
}

func (c *articleRenderer) firstRune(leaf ast.Node) rune {
	if next, ok := leaf.(*ast.Text); ok && next.Segment.Len() > 0 {
		r, _ := utf8.DecodeRune(next.Value(c.source))
		return r
	}
	return 'x'
}

// retype replaces the words of a text node. Its line break stays, in a node without words.
func (c *articleRenderer) retype(line *ast.Text, typeset string) {
	parent := line.Parent()
	parent.InsertBefore(parent, line, ast.NewString([]byte(typeset)))
	if line.SoftLineBreak() || line.HardLineBreak() {
		line.Segment = line.Segment.WithStart(line.Segment.Stop)
		return
	}
	remove(line)
}

// typeset returns source text with typographic signs. after is the rune that follows it in the block.
func (t *quoteSetter) typeset(s string, after rune) string {
	// Most pieces of text have nothing to change, so they are not copied.
	if !strings.ContainsAny(s, `'"-.\`) {
		t.before, _ = utf8.DecodeLastRuneInString(s)
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		// An escaped character is what the author insists on. The backslash itself is resolved when the text is printed.
		case r == '\\' && i+1 < len(s) && s[i+1] < utf8.RuneSelf:
			size = 2
			b.WriteString(s[i : i+size])
			r = rune(s[i+1])
		case r == '"' || r == '\'':
			b.WriteString(t.quote(byte(r), s[i+1:], after))
		case r == '-' || r == '.':
			size = runLength(s[i:])
			b.WriteString(t.dashes(s[i:i+size], s[i+size:], after))
		default:
			b.WriteString(s[i : i+size])
		}
		t.before = r
		i += size
	}
	return b.String()
}

// runLength returns how many times the first byte is repeated at the start.
func runLength(s string) int {
	n := 1
	for n < len(s) && s[n] == s[0] {
		n++
	}
	return n
}

// dashes typesets a run of hyphens or full stops.
func (t *quoteSetter) dashes(marks, rest string, after rune) string {
	next := nextRune(rest, after)
	switch {
	case marks == "...":
		return "…"
	case marks == "---":
		return "—"
	// A space before and a letter after: that is an --option of a command line.
	case marks == "--" && !(unicode.IsSpace(t.before) && unicode.IsLetter(next)):
		return "–"
	}
	return marks
}

func nextRune(rest string, after rune) rune {
	if rest == "" {
		return after
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return r
}

// quote typesets one mark. It opens when a word begins after it. Otherwise it closes what is open. With nothing open
// it stands for inches and stays.
func (t *quoteSetter) quote(mark byte, rest string, after rune) string {
	next := nextRune(rest, after)
	begins := (unicode.IsSpace(t.before) || strings.ContainsRune("([{-–—/\"'“‘«„‚", t.before)) && !unicode.IsSpace(next)
	switch {
	case mark == '"' && begins:
		t.open++
		return t.language.double[0]
	case mark == '"' && t.open > 0:
		t.open--
		return t.language.double[1]
	case mark == '"':
		return `"`
	case begins && !t.isElision(rest):
		t.single++
		return t.language.single[0]
	// An elision ('s avonds) or an apostrophe inside a word (don't).
	case begins || isWordRune(t.before) && unicode.IsLetter(next):
		return "’"
	case t.single > 0 && !unicode.IsSpace(t.before):
		t.single--
		return t.language.single[1]
	// The possessive of a plural (ferrymen'), with no quotation open.
	case unicode.IsLetter(t.before) || unicode.IsPunct(t.before):
		return "’"
	}
	return "'" // feet, minutes, or nothing we know
}

func isWordRune(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// yearPattern is a year without its century, with the ending that a language gives it: '90s, '80er, '68ers.
var yearPattern = regexp.MustCompile(`^[0-9]{2}\p{L}*$`)

// isElision reports whether a shortened word begins here: 's avonds, 'twas, '90s.
func (t *quoteSetter) isElision(rest string) bool {
	end := strings.IndexFunc(rest, func(r rune) bool { return !isWordRune(r) })
	if end < 0 {
		end = len(rest)
	}
	word := strings.ToLower(rest[:end])
	// 'em' in quotation marks is the word em, quoted. But rock 'n' roll has an apostrophe on either side.
	if strings.HasPrefix(rest[end:], "'") {
		return word == "n"
	}
	return yearPattern.MatchString(word) || slices.Contains(t.language.elisions, word)
}
