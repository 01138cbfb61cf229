package markup

import (
	"bytes"
	"fmt"
	"slices"

	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/parser"
	"github.com/yuin/goldmark/text"
	"github.com/yuin/goldmark/util"
)

// The Markdown parser takes time that grows with the square of some texts, and there is no stopping it. So what
// makes it slow is counted beforehand. Each number is far above what people write, and together they keep
// MaxArticle bytes to about a second.
const (
	maxNesting  = 100       // elements in each other
	maxLines    = 100_000   // of ten bytes on average
	maxMarkers  = 40        // quotation and list markers at the head of a line
	maxItems    = 120_000   // such markers in all
	maxIndent   = 240       // columns before the first word of a line
	maxIdle     = 500_000   // the sum over empty lines of what they leave open
	maxBrackets = 100_000   // "["
	maxNotes    = 3000      // "[^"; each reference is sought among all notes
	maxCells    = 50_000    // of all tables; short rows are filled up to the width of the first
	maxHeading  = 4_000     // bytes
	maxPatience = 120 << 20 // the sum over paragraphs of length times things that may open or close something
)

// checkBudget refuses what can be seen line by line.
func checkBudget(source []byte) error {
	switch {
	case bytes.Count(source, []byte("\n")) > maxLines:
		return fmt.Errorf("%w: more than %d lines", ErrTooComplex, maxLines)
	case bytes.Count(source, []byte("[")) > maxBrackets:
		return fmt.Errorf("%w: more than %d brackets", ErrTooComplex, maxBrackets)
	case bytes.Count(source, []byte("[^")) > maxNotes:
		return fmt.Errorf("%w: more than %d notes", ErrTooComplex, maxNotes)
	}
	var t tally
	for number := 1; len(source) > 0; number++ {
		line, rest, _ := bytes.Cut(source, []byte("\n"))
		source = rest
		if trouble := t.line(line); trouble != "" {
			return fmt.Errorf("%w: %s on line %d", ErrTooComplex, trouble, number)
		}
	}
	return nil
}

// tally counts while lines go by.
type tally struct {
	columns, cells int // of the table that we may be in, and of all
	items          int
	open, idle     int // what the last line may have left open, and what empty lines cost because of it
}

// line counts one line and says what there is too much of.
func (t *tally) line(line []byte) (trouble string) {
	words, markers, indent := unindent(line)
	t.items += markers
	if len(words) == 0 {
		t.columns = 0
		t.idle += t.open
	} else {
		t.columns = max(t.columns, delimiters(words))
		t.open = 2*markers + indent/2
	}
	if t.columns > 1 {
		t.cells += t.columns
	}
	switch {
	case markers > maxMarkers || indent > maxIndent:
		return fmt.Sprintf("lists or quotations more than %d deep", maxMarkers)
	case t.items > maxItems:
		return fmt.Sprintf("more than %d list items", maxItems)
	case t.idle > maxIdle:
		return "too many empty lines in lists"
	case t.cells > maxCells:
		return fmt.Sprintf("tables of more than %d cells", maxCells)
	case len(words) > maxHeading && words[0] == '#':
		return fmt.Sprintf("a heading longer than %d bytes", maxHeading)
	}
	return ""
}

// unindent takes the markers of quotations and lists from the head of a line, and measures what it took.
func unindent(line []byte) (words []byte, markers, indent int) {
	for i, b := range line {
		switch b {
		case ' ', '\r':
			indent++
		case '\t':
			indent += 4
		case '>', '-', '*', '+', ':', '.', ')':
			markers++
		case '0', '1', '2', '3', '4', '5', '6', '7', '8', '9':
		default:
			return line[i:], countable(line, markers), indent
		}
	}
	// A line of nothing but marks: a rule, an underline, the edge of a table, or a very deep nest.
	if markers == 0 && indent == len(line) {
		return nil, 0, 0
	}
	return line, countable(line, markers), indent
}

// countable is how many of the marks can nest: quotations need no space after them, lists do.
func countable(line []byte, marks int) int {
	if marks <= maxMarkers {
		return marks
	}
	line = line[:min(len(line), 8*maxIndent)]
	return bytes.Count(line, []byte(">")) + bytes.Count(line, []byte("- ")) + bytes.Count(line, []byte("* ")) +
		bytes.Count(line, []byte("+ ")) +
		bytes.Count(line, []byte(": ")) + bytes.Count(line, []byte(". ")) + bytes.Count(line, []byte(") "))
}

// delimiters is how many columns a table has whose second line this is; 0 for any other line.
func delimiters(words []byte) int {
	for _, b := range words {
		if b != '|' && b != '-' && b != ':' && b != ' ' && b != '\t' && b != '\r' {
			return 0
		}
	}
	return bytes.Count(words, []byte("|")) + 1
}

// budget is lost over paragraphs that would take too long. It looks at each before the parser looks inside, and
// empties those that come after it was lost.
type budget struct {
	spent int
	lost  bool
}

func (p *budget) option() parser.Option {
	return parser.WithParagraphTransformers(util.Prioritized(p, 1))
}

// Transform implements goldmark's parser.ParagraphTransformer.
func (p *budget) Transform(node *ast.Paragraph, reader text.Reader, _ parser.Context) {
	length, openers := 0, 0
	for i := range node.Lines().Len() {
		segment := node.Lines().At(i)
		line := segment.Value(reader.Source())
		length += len(line)
		openers += bytes.Count(line, []byte("](")) + bytes.Count(line, []byte("]:")) + bytes.Count(line, []byte("![")) +
			countAny(line)
	}
	p.spent += length * openers
	if p.lost = p.lost || p.spent > maxPatience; p.lost {
		node.SetLines(text.NewSegments())
	}
}

func countAny(line []byte) int {
	n := 0
	for _, b := range line {
		switch b {
		case '*', '_', '~', '<', '`':
			n++
		}
	}
	return n
}

// depth is how deeply the tree is nested. It does not call itself, for it is asked about trees of unknown depth.
func depth(root ast.Node) int {
	deepest, level := 0, 0
	for n := root; ; {
		if n.FirstChild() != nil {
			n = n.FirstChild()
			level++
			deepest = max(deepest, level)
			continue
		}
		for n != root && n.NextSibling() == nil {
			n = n.Parent()
			level--
		}
		if n == root {
			return deepest
		}
		n = n.NextSibling()
	}
}

// collect lists the nodes below root, in document order, for which is says yes, before anything is moved.
func collect(root ast.Node, is func(ast.Node) bool) []ast.Node {
	var found []ast.Node
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && n != root && is(n) {
			found = append(found, n)
		}
		return ast.WalkContinue, nil
	})
	return found
}

// ofKind says yes to nodes of these kinds.
func ofKind(kinds ...ast.NodeKind) func(ast.Node) bool {
	return func(n ast.Node) bool { return slices.Contains(kinds, n.Kind()) }
}
