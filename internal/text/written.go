package text

import (
	"strings"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

var lineEnds = strings.NewReplacer("\r\n", "\n", "\r", "\n", "\u0085", "\n", "\u2028", "\n", "\u2029", "\n",
	"\v", " ", "\f", " ")

// Written returns a text that somebody typed or pasted, in the form in which texts are stored and compared: valid
// UTF-8 in Unicode's composed form (NFC), lines that end in "\n", and no control characters but these and tabs.
func Written(s string) string {
	s = lineEnds.Replace(strings.ToValidUTF8(s, "\uFFFD"))
	// PostgreSQL refuses NUL, XML every control character.
	s = strings.Map(func(r rune) rune {
		if unicode.IsControl(r) && r != '\n' && r != '\t' {
			return -1
		}
		return r
	}, s)
	// A Mac stores "é" in file names as two characters, and pastes it so.
	return norm.NFC.String(s)
}

// WrittenLine is [Written] for a text of one line, such as a title: all white space becomes single spaces. Characters
// that turn the direction of what follows are removed: a title stands in sentences and lists of others.
func WrittenLine(s string) string {
	return OneLine(strings.Map(func(r rune) rune {
		if r >= '\u202A' && r <= '\u202E' || r >= '\u2066' && r <= '\u2069' || r == '\uFEFF' {
			return -1
		}
		return r
	}, Written(s)))
}
