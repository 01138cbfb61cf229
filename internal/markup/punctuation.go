package markup

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/yuin/goldmark/ast"
)

// punctuate replaces typewriter punctuation by what a printer would set: quotation marks and apostrophes after the
// language, dashes for two or three hyphens, an ellipsis for three full stops. Code, addresses and escaped
// characters stay. It works on the finished tree, so that it sees words and not their markup.
//
// It is our own, since the typographer of goldmark has one set of marks for all texts, made when the parser is made,
// and reads each quotation mark by the signs beside it in the source. Here the marks depend on the language of the
// text, and a quotation may begin in one element and end in another.
func (c *articleRenderer) punctuate(doc ast.Node) {
	for _, block := range collect(doc, holdsWords) {
		t := quoteSetter{language: c.language, before: ' '}
		t.set(c, inlines(block))
	}
}

// holdsWords finds blocks whose children are inline.
func holdsWords(n ast.Node) bool {
	return n.Type() == ast.TypeBlock && n.FirstChild() != nil && n.FirstChild().Type() == ast.TypeInline
}

// inlines lists a block's leaves in reading order. Code and addresses are single leaves.
func inlines(block ast.Node) []ast.Node {
	return collect(block, func(n ast.Node) bool {
		if _, code := n.Parent().(*ast.CodeSpan); code {
			return false
		}
		switch n.(type) {
		case *ast.Text, *ast.String, *ast.CodeSpan, *ast.AutoLink, *name:
			return true
		}
		return false
	})
}

// quoteSetter goes through one block and knows what was before.
type quoteSetter struct {
	language language
	before   rune
	open     int // double quotation marks
	single   int // and single ones
}

func (t *quoteSetter) set(c *articleRenderer, leaves []ast.Node) {
	for i, leaf := range leaves {
		line, ok := leaf.(*ast.Text)
		if !ok || line.IsRaw() {
			t.before = 'x'
			continue
		}
		after := ' '
		if i+1 < len(leaves) && !line.SoftLineBreak() && !line.HardLineBreak() {
			after = c.firstRune(leaves[i+1])
		}
		value := string(line.Value(c.source))
		if typeset := t.text(value, after); typeset != value {
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

// retype replaces a text's words and keeps the line break after them, for which a text without words stays behind.
func (c *articleRenderer) retype(line *ast.Text, typeset string) {
	parent := line.Parent()
	parent.InsertBefore(parent, line, ast.NewString([]byte(typeset)))
	if line.SoftLineBreak() || line.HardLineBreak() {
		line.Segment = line.Segment.WithStart(line.Segment.Stop)
		return
	}
	remove(line)
}

// text typesets a piece of source text; after is the rune that follows it in the block.
func (t *quoteSetter) text(s string, after rune) string {
	if !strings.ContainsAny(s, `'"-.\`) {
		t.before, _ = utf8.DecodeLastRuneInString(s)
		return s
	}
	var b strings.Builder
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == '\\' && i+1 < len(s) && s[i+1] < utf8.RuneSelf:
			size = 2
			b.WriteString(s[i : i+size])
			r = rune(s[i+1])
		case r == '"' || r == '\'':
			b.WriteString(t.quote(byte(r), s[i+1:], after))
		case r == '-' || r == '.':
			size = run(s[i:])
			b.WriteString(t.marks(s[i:i+size], s[i+size:], after))
		default:
			b.WriteString(s[i : i+size])
		}
		t.before = r
		i += size
	}
	return b.String()
}

// run is how many times the first byte is repeated.
func run(s string) int {
	n := 1
	for n < len(s) && s[n] == s[0] {
		n++
	}
	return n
}

// marks sets a run of hyphens or full stops. A command line's --option is left alone.
func (t *quoteSetter) marks(marks, rest string, after rune) string {
	next := following(rest, after)
	switch {
	case marks == "...":
		return "…"
	case marks == "---":
		return "—"
	case marks == "--" && !(unicode.IsSpace(t.before) && unicode.IsLetter(next)):
		return "–"
	}
	return marks
}

func following(rest string, after rune) rune {
	if rest == "" {
		return after
	}
	r, _ := utf8.DecodeRuneInString(rest)
	return r
}

// quote sets one mark: it opens when a word begins after it, and closes what is open otherwise. Nothing being open,
// it stands for inches and stays.
func (t *quoteSetter) quote(mark byte, rest string, after rune) string {
	next := following(rest, after)
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
	case begins && !t.elided(rest):
		t.single++
		return t.language.single[0]
	case begins || wordly(t.before) && unicode.IsLetter(next):
		return "’"
	case t.single > 0 && !unicode.IsSpace(t.before):
		t.single--
		return t.language.single[1]
	case unicode.IsLetter(t.before) || unicode.IsPunct(t.before):
		return "’"
	}
	return "'" // feet, minutes, or nothing we know
}

func wordly(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// elided reports whether a swallowed word begins here: 's avonds, 'twas, '90s.
func (t *quoteSetter) elided(rest string) bool {
	end := strings.IndexFunc(rest, func(r rune) bool { return !unicode.IsLetter(r) && !unicode.IsDigit(r) })
	if end < 0 {
		end = len(rest)
	}
	word := strings.ToLower(rest[:end])
	if len(word) >= 2 && word[0] >= '0' && word[0] <= '9' && word[1] >= '0' && word[1] <= '9' {
		return len(word) == 2 || word[2:] == "s"
	}
	for _, elision := range t.language.elisions {
		// A word in single quotation marks that happens to be one of these is closed at once.
		if word == elision && !strings.HasPrefix(rest[end:], "'") {
			return true
		}
	}
	return false
}
