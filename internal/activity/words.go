package activity

import (
	"strings"
	"unicode/utf8"

	"golang.org/x/net/html"
)

// plain is the words of a stranger's HTML, at most 2 KiB of them, with a blank line between paragraphs. What stands in
// script and style is no words.
func plain(markup string) string {
	var words strings.Builder
	tokens := html.NewTokenizer(strings.NewReader(markup))
	tokens.SetMaxBuf(maxString)
	for words.Len() < maxBio {
		switch tokens.Next() {
		case html.ErrorToken:
			return tidy(words.String())
		case html.TextToken:
			words.Write(tokens.Text())
		case html.StartTagToken, html.SelfClosingTagToken:
			name, _ := tokens.TagName()
			skipRaw(tokens, string(name))
			words.WriteString(breaks[string(name)])
		}
	}
	return tidy(words.String())
}

// breaks are the elements that end a line or a paragraph where they begin.
var breaks = map[string]string{"br": "\n", "li": "\n", "p": "\n\n", "div": "\n\n", "h1": "\n\n", "h2": "\n\n", "h3": "\n\n"}

// skipRaw steps over the text of an element whose text is code.
func skipRaw(tokens *html.Tokenizer, name string) {
	if name == "script" || name == "style" {
		tokens.Next()
	}
}

// tidy cuts the words at 2 KiB and takes out what a line of a stranger may not have.
func tidy(words string) string {
	lines := strings.Split(words, "\n")
	for i := range lines {
		lines[i] = line(lines[i], maxBio)
	}
	words = strings.TrimSpace(strings.Join(lines, "\n"))
	for strings.Contains(words, "\n\n\n") {
		words = strings.ReplaceAll(words, "\n\n\n", "\n\n")
	}
	if len(words) <= maxBio {
		return words
	}
	end := maxBio
	for !utf8.RuneStart(words[end]) {
		end--
	}
	return words[:end]
}
