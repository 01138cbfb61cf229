package markup

import (
	"bytes"
	"strings"
	"time"

	"github.com/alecthomas/chroma/v2"
	"github.com/alecthomas/chroma/v2/lexers"
	"github.com/yuin/goldmark/ast"
)

// Lexers are tables of regular expressions, and some of those backtrack. So code is coloured up to a size, and within
// one article up to a time; the rest stands in one colour. Nothing else depends on either limit.
const (
	maxColoured    = 64 << 10
	colouringTime  = 200 * time.Millisecond
	tokensPerCheck = 64
)

// code puts a code block into a box, with its language as class and in its label.
func (c *articleRenderer) code(n ast.Node) {
	var source bytes.Buffer
	for i := range n.Lines().Len() {
		line := n.Lines().At(i)
		source.Write(line.Value(c.source))
	}
	var written string
	if fenced, ok := n.(*ast.FencedCodeBlock); ok {
		written = languageName(string(fenced.Language(c.source)))
	}
	label, class := c.language.code, ""
	if written != "" {
		label, class = label+", "+written, "language-"+written
	}
	words := strings.ReplaceAll(source.String(), "\r\n", "\n")
	code := newElement("code", "class", class).with(markupLeaf(c.colour(words, written)))
	n.Parent().ReplaceChild(n.Parent(), n, box("pre", label).with(code))
}

// languageName returns the first word after the fence, fit for a class; "" when it is no name.
func languageName(info string) string {
	name, _, _ := strings.Cut(strings.ToLower(strings.Trim(info, "{}.")), "{")
	if len(name) > 30 || !classListPattern.MatchString(name) || strings.Contains(name, " ") {
		return ""
	}
	return name
}

// colour returns code as HTML. When its language is known it has spans with the class names of chroma, which the
// style sheet of the pages colours.
func (c *articleRenderer) colour(source, name string) string {
	var plain writer
	plain.writeText(source)
	if name == "" || len(source) > maxColoured || c.colouringSpent > colouringTime {
		return plain.String()
	}
	lexer := lexers.Get(name)
	if lexer == nil {
		return plain.String()
	}
	start := time.Now()
	defer func() { c.colouringSpent += time.Since(start) }()
	// Lexers give many one-letter tokens; joined they make far fewer spans.
	tokens, err := chroma.Coalesce(lexer).Tokenise(nil, source)
	if err != nil {
		return plain.String()
	}
	left := len(source)
	var w writer
	for count := 0; ; count++ {
		token := tokens()
		if token == chroma.EOF {
			return w.String()
		}
		// The clock is read rarely, since that costs more than a token.
		if count%tokensPerCheck == 0 && c.colouringSpent+time.Since(start) > colouringTime {
			return plain.String()
		}
		// Some lexers add a line end that the author did not write.
		token.Value = token.Value[:min(len(token.Value), left)]
		left -= len(token.Value)
		w.token(token)
	}
}

func (w *writer) token(token chroma.Token) {
	class := chroma.StandardTypes[token.Type]
	if class == "" || strings.TrimSpace(token.Value) == "" {
		w.writeText(token.Value)
		return
	}
	w.tag("span", "class", class)
	w.writeText(token.Value)
	w.end("span")
}
