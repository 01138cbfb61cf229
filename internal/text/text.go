// Package text writes numbers, plurals and excerpts for people, and has the one form of texts that people write.
package text

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rivo/uniseg"
	"golang.org/x/text/language"
	"golang.org/x/text/message"
)

// Number returns a number with its thousands grouped, in English: "3", "1,204".
func Number(n int) string { return NumberIn("en", n) }

// NumberIn returns a number as a language (BCP 47) writes it: "1,204" in English, "1.204" in Dutch.
func NumberIn(tag string, n int) string { return message.NewPrinter(language.Make(tag)).Sprint(n) }

// smallNumbers are written as words in running text.
var smallNumbers = []string{"no", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
	"eleven",
	"twelve"}

// InWords returns a number for running text in English: "no", "three", "twelve", then "13" and "1,204".
func InWords(n int) string {
	if n >= 0 && n < len(smallNumbers) {
		return smallNumbers[n]
	}
	return Number(n)
}

// Plural returns a number and the form of its noun, in English: "1 reply", "64 replies". The noun may include its
// verb: "follower is", "followers are".
func Plural(n int, one, several string) string { return Number(n) + " " + chooseForm(n, one, several) }

// PluralInWords is [Plural] with the number as [InWords] writes it: "one reply", "no replies".
func PluralInWords(n int, one, several string) string {
	return InWords(n) + " " + chooseForm(n, one, several)
}

func chooseForm(n int, one, several string) string {
	if n == 1 {
		return one
	}
	return several
}

// Excerpt shortens plain text to at most limit runes, with the closing ellipsis, and joins lines with spaces. It cuts
// between words; where that would leave less than half, as in a text without spaces, between two characters as readers
// see them.
func Excerpt(text string, limit int) string {
	// Before counting: line breaks and invalid bytes are no characters.
	text = OneLine(strings.ToValidUTF8(text, ""))
	if utf8.RuneCountInString(text) <= limit {
		return text
	}
	if limit <= 0 {
		return ""
	}
	// One rune is for the ellipsis. A space in its place still counts as the end of a word.
	head := string([]rune(text)[:limit])
	if space := strings.LastIndexByte(head, ' '); 2*utf8.RuneCountInString(head[:max(space, 0)]) >= limit {
		head = head[:space]
	} else {
		head = wholeCharacters(text, limit-1)
	}
	return strings.TrimRightFunc(head, badEnding) + "…"
}

// wholeCharacters returns the longest beginning of a text with at most limit runes that ends with a whole character. A
// letter with its accents, a flag and a family are one character of several runes.
func wholeCharacters(text string, limit int) string {
	end := 0
	for rest, state := text, -1; rest != ""; {
		var character string
		character, rest, _, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if limit -= utf8.RuneCountInString(character); limit < 0 {
			break
		}
		end += len(character)
	}
	return text[:end]
}

// badEnding reports whether a character should not stand before an ellipsis.
func badEnding(r rune) bool { return unicode.IsSpace(r) || strings.ContainsRune(",;:.…–—-", r) }

// OneLine replaces all white space at which a line may break by single spaces.
func OneLine(text string) string { return strings.Join(strings.FieldsFunc(text, Breaks), " ") }

// Breaks reports whether r is white space at which a line may break. The no-break spaces inside French quotation
// marks are not.
func Breaks(r rune) bool { return unicode.IsSpace(r) && r != '\u00A0' && r != '\u202F' }
