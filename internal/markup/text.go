package markup

import (
	"cmp"
	"strings"
	"unicode"
	"unicode/utf8"

	"causerie/internal/text"
)

// Text returns what a screen reader would read of the HTML: an empty line between paragraphs, list items and table
// rows on lines of their own, pictures as their alt text. Numbers of notes, back links and text for the eye alone
// (Mastodon's invisible and quote-inline) are left out.
func Text(h SafeHTML) string { return textOf(string(h)) }

func textOf(html string) string {
	var t textWriter
	t.walk(parse(html, ownDepth))
	return strings.TrimSpace(t.String())
}

// ownDepth limits the nesting of HTML that this package made. It is deeper than [Article] nests.
const ownDepth = 512

// textWriter writes plain text and remembers which white space is due before the next word.
type textWriter struct {
	strings.Builder
	due string
	pre int
}

func (t *textWriter) walk(n *node) {
	switch {
	case n.tag == "":
		t.writeText(n.text)
	case silent(n):
		return
	case smallDigits(n) != "":
		t.writeText(smallDigits(n))
		return
	case n.tag == "br":
		t.breakLine("\n")
	case n.tag == "img":
		t.writeText(n.attr("alt"))
	case n.tag == "td" || n.tag == "th":
		t.breakLine(" ")
	case n.tag == "li" || n.tag == "tr" || n.tag == "dt" || n.tag == "dd":
		t.breakLine("\n")
	case blockElements[n.tag]:
		t.breakLine("\n\n")
	}
	if n.tag == "pre" {
		t.pre++
		defer func() { t.pre-- }()
	}
	for _, kid := range n.kids {
		t.walk(kid)
	}
	// Mastodon's stylesheet shows this sign after a cut address; plain text has no stylesheet.
	if n.tag == "span" && n.hasClass("ellipsis") {
		t.WriteString("…")
	}
	// Items, rows and cells are separated by the break before them. One after them would add an empty line.
	if blockElements[n.tag] && n.tag != "li" && n.tag != "tr" && n.tag != "td" && n.tag != "th" && n.tag != "dt" &&
		n.tag != "dd" {
		t.breakLine("\n\n")
	}
}

var (
	superscripts = strings.NewReplacer("0", "⁰", "1", "¹", "2", "²", "3", "³", "4", "⁴",
		"5", "⁵", "6", "⁶", "7", "⁷", "8", "⁸", "9", "⁹")
	subscripts = strings.NewReplacer("0", "₀", "1", "₁", "2", "₂", "3", "₃", "4", "₄",
		"5", "₅", "6", "₆", "7", "₇", "8", "₈", "9", "₉")
)

// smallDigits returns a number in superscript or subscript in characters that need no element, "" for anything else.
func smallDigits(n *node) string {
	if n.tag != "sup" && n.tag != "sub" {
		return ""
	}
	number := n.allText()
	switch {
	case strings.Trim(number, "0123456789") != "":
		return ""
	case n.tag == "sup":
		return superscripts.Replace(number)
	}
	return subscripts.Replace(number)
}

// silent reports whether an element is not read aloud.
func silent(n *node) bool {
	switch n.tag {
	case "sup":
		return strings.HasPrefix(n.attr("id"), "r") &&
			n.find(func(a *node) bool { return a.tag == "a" && a.attr("aria-label") != "" }) != nil
	// Ruby gives the pronunciation of the characters before it: read aloud, a word would come twice.
	case "rt", "rp":
		return true
	}
	return n.hasClass("back") || n.hasClass("vh") || n.hasClass("invisible") || n.hasClass("quote-inline")
}

// breakLine asks for white space before the next word. The longer white space wins.
func (t *textWriter) breakLine(space string) {
	if t.Len() > 0 && len(space) > len(t.due) || t.due == " " && space == "\n" {
		t.due = space
	}
}

func (t *textWriter) writeText(words string) {
	// In code every space counts. Its last line end is held back, so that the break of the block does not add to it.
	if t.pre > 0 {
		t.flush(words)
		t.WriteString(strings.TrimRight(words, "\n"))
		if strings.HasSuffix(words, "\n") {
			t.due = "\n"
		}
		return
	}
	for words != "" {
		at := strings.IndexFunc(words, text.Breaks)
		if at == 0 {
			t.breakLine(" ")
			_, size := utf8.DecodeRuneInString(words)
			words = words[size:]
			continue
		}
		if at < 0 {
			at = len(words)
		}
		t.flush(words)
		t.WriteString(words[:at])
		words = words[at:]
	}
}

func (t *textWriter) flush(words string) {
	if words != "" {
		t.WriteString(t.due)
		t.due = ""
	}
}

// Summary returns the first paragraph of an article as plain text, cut by [text.Excerpt]; without a paragraph, the
// first item of a list. It is "" when there is neither.
func Summary(article SafeHTML, limit int) string {
	tree := parse(string(article), ownDepth)
	return text.Excerpt(cmp.Or(firstWords(tree, "p"), firstWords(tree, "li")), limit)
}

// firstWords returns the words of the first element with a tag that has any, outside of tables, pictures, code and
// notes.
func firstWords(n *node, tag string) string {
	if n.tag == "aside" || n.tag == "table" || n.tag == "figure" || n.tag == "pre" {
		return ""
	}
	if n.tag == tag {
		var t textWriter
		t.walk(n)
		return strings.TrimSpace(t.String())
	}
	for _, kid := range n.kids {
		// A paragraph with only a picture without alt text has no words; the next one is taken.
		if words := firstWords(kid, tag); words != "" {
			return words
		}
	}
	return ""
}

// wordsPerMinute is the speed at which prose is read on a screen.
const wordsPerMinute = 230

// CountWords counts what stands between spaces and has a letter or digit. Scripts without spaces between words count
// half a word for each character, which is about how fast they are read.
func CountWords(text string) int {
	words, halves, inWord := 0, 0, false
	for _, r := range text {
		switch {
		case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer):
			halves++
			inWord = false
		case unicode.IsSpace(r) || r == '—':
			inWord = false
		case !inWord && (unicode.IsLetter(r) || unicode.IsDigit(r)):
			words++
			inWord = true
		}
	}
	return words + (halves+1)/2
}

// minutes is how long the words take to read, at least one minute.
func minutes(words int) int { return max(1, (words+wordsPerMinute/2)/wordsPerMinute) }
