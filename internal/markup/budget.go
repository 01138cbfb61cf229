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

// The Markdown parser takes time that grows with the square of some texts, and nothing can stop it. So what makes it
// slow is counted beforehand. Each number is far above what people write. Together they keep MaxArticle bytes to
// about a second.
const (
	maxNesting       = 100       // elements in each other
	maxLines         = 100_000   // of ten bytes on average
	maxMarkers       = 40        // quotation and list markers at the head of a line
	maxItems         = 120_000   // such markers in all
	maxIndent        = 240       // columns before the first word of a line
	maxEmptyWork     = 500_000   // the sum over empty lines of what they leave open
	maxBrackets      = 100_000   // "["
	maxNotes         = 3000      // "[^"; each reference is sought among all notes
	maxCells         = 50_000    // of all tables; short rows are filled up to the width of the first
	maxHeading       = 4_000     // bytes
	maxParagraphWork = 120 << 20 // the sum over paragraphs of length times things that may open or close something
)

// checkBudget refuses texts that would take too long, as far as a look at each line shows. The error is
// ErrTooComplex.
func checkBudget(source []byte) error {
	switch {
	// The counts over the whole text are cheap, so they come before the look at each line.
	case bytes.Count(source, []byte("\n")) > maxLines:
		return fmt.Errorf("%w: more than %d lines", ErrTooComplex, maxLines)
	case bytes.Count(source, []byte("[")) > maxBrackets:
		return fmt.Errorf("%w: more than %d brackets", ErrTooComplex, maxBrackets)
	case bytes.Count(source, []byte("[^")) > maxNotes:
		return fmt.Errorf("%w: more than %d notes", ErrTooComplex, maxNotes)
	}
	var t lineCounts
	for number := 1; len(source) > 0; number++ {
		line, rest, _ := bytes.Cut(source, []byte("\n"))
		source = rest
		if trouble := t.line(line); trouble != "" {
			return fmt.Errorf("%w: %s on line %d", ErrTooComplex, trouble, number)
		}
	}
	return nil
}

// lineCounts are the counts over the lines read so far.
type lineCounts struct {
	columns, cells  int // of the table that we may be in, and of all
	items           int
	open, emptyWork int // what the last line may have left open, and what empty lines cost because of it
}

// line counts one line. It returns what there is too much of, "" when all is well.
func (t *lineCounts) line(line []byte) (trouble string) {
	words, markers, indent := unindent(line)
	t.items += markers
	// For each empty line the parser looks at every block that is open, so its cost depends on the line before.
	if len(words) == 0 {
		t.columns = 0
		t.emptyWork += t.open
	} else {
		// A delimiter row of N columns makes the parser create N cells for each row below it, however short the row is.
		t.columns = max(t.columns, tableColumns(words))
		// Two columns of indent can continue one more list; a marker opens a list and its item.
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
	case t.emptyWork > maxEmptyWork:
		return "too many empty lines in lists"
	case t.cells > maxCells:
		return fmt.Sprintf("tables of more than %d cells", maxCells)
	// The budget of paragraphs does not see headings: goldmark runs its transformers for paragraphs alone.
	case len(words) > maxHeading && words[0] == '#':
		return fmt.Sprintf("a heading longer than %d bytes", maxHeading)
	}
	return ""
}

// unindent returns the text of a line after the markers of quotations and lists, how many markers there were, and how
// many columns of white space.
func unindent(line []byte) (words []byte, markers, indent int) {
	for i, b := range line {
		switch b {
		case ' ', '\r':
			indent++
		case '\t':
			indent += 4
		case '>', '-', '*', '+', ':', '.', ')':
			markers++
		// Digits belong to the marker of an ordered list, which its full stop or bracket counts.
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

// countable returns how many of the marks can nest: a quotation needs no space after its mark, a list does.
func countable(line []byte, marks int) int {
	// Up to the limit an upper bound will do: the rule "-----" counts as five.
	if marks <= maxMarkers {
		return marks
	}
	// Only the head of a line can hold markers, so the rest is not searched.
	line = line[:min(len(line), 8*maxIndent)]
	return bytes.Count(line, []byte(">")) + bytes.Count(line, []byte("- ")) + bytes.Count(line, []byte("* ")) +
		bytes.Count(line, []byte("+ ")) +
		bytes.Count(line, []byte(": ")) + bytes.Count(line, []byte(". ")) + bytes.Count(line, []byte(") "))
}

// tableColumns returns how many columns a table has if this line is its delimiter row; 0 for any other line.
func tableColumns(words []byte) int {
	for _, b := range words {
		if b != '|' && b != '-' && b != ':' && b != ' ' && b != '\t' && b != '\r' {
			return 0
		}
	}
	return bytes.Count(words, []byte("|")) + 1
}

// budget limits the work on paragraphs. It sees each paragraph before the inline parser does, and empties those that
// come after the limit was exceeded.
type budget struct {
	spent    int
	exceeded bool
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
		// Each of these may be looked for again until the end of the paragraph: a link's closing bracket, the other end of
		// an emphasis or of a code span.
		openers += bytes.Count(line, []byte("](")) + bytes.Count(line, []byte("]:")) + bytes.Count(line, []byte("![")) +
			countDelimiters(line)
	}
	p.spent += length * openers
	// A transformer cannot return an error. Without lines nothing is left to parse, so goldmark ends soon, and Article
	// sees the flag.
	if p.exceeded = p.exceeded || p.spent > maxParagraphWork; p.exceeded {
		node.SetLines(text.NewSegments())
	}
}

func countDelimiters(line []byte) int {
	n := 0
	for _, b := range line {
		switch b {
		case '*', '_', '~', '<', '`':
			n++
		}
	}
	return n
}

// depth returns how deeply the tree is nested. It does not recurse: the tree may be deeper than the stack allows.
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

// collect lists the nodes below root that is accepts, in document order. Callers change the tree, so the list is
// complete before they begin.
func collect(root ast.Node, is func(ast.Node) bool) []ast.Node {
	var found []ast.Node
	// The walker returns only errors of the callback, and this one has none.
	_ = ast.Walk(root, func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if entering && n != root && is(n) {
			found = append(found, n)
		}
		return ast.WalkContinue, nil
	})
	return found
}

// ofKind accepts the nodes of these kinds.
func ofKind(kinds ...ast.NodeKind) func(ast.Node) bool {
	return func(n ast.Node) bool { return slices.Contains(kinds, n.Kind()) }
}
