// Package markup turns text into HTML that is safe to print, and HTML back into text.
//
// Text has two sources. Authors write Markdown: [Article] renders it for our own pages and returns what it found on
// the way (headings, pictures, mentions, and what had to be left out). Other servers send HTML: [Clean] keeps what
// Mastodon keeps and drops the rest. [Federated] goes the other way and turns the HTML of our page into what other
// servers can show. [ParseFrontMatter] reads the settings at the head of an article file.
//
// All HTML that leaves the package passes one sanitiser (policy.go), and only that makes a [SafeHTML]. So there is
// one type that templates print unescaped, and one file to read when in doubt about it.
//
// The package does no I/O and limits its work. What is too large or too complex is refused with [ErrTooLarge] or
// [ErrTooComplex] when an author wrote it, and is cut and flattened when another server sent it. It never panics.
package markup

import (
	"errors"
	"html"
	"html/template"
	"strings"
)

// SafeHTML is HTML that went through this package and may be printed unescaped. The zero value is empty and safe.
type SafeHTML string

// HTML returns the text in the type that html/template prints unescaped.
func (h SafeHTML) HTML() template.HTML { return template.HTML(h) }

// Focusable returns a comment whose code blocks people can reach by keyboard, to scroll them. label names such a block
// to screen readers.
func Focusable(comment SafeHTML, label string) SafeHTML {
	// The sanitiser wrote the comment: "<" begins an element, and no other one that it keeps begins with "pre".
	return SafeHTML(strings.ReplaceAll(string(comment), "<pre",
		`<pre tabindex="0" role="group" aria-label="`+html.EscapeString(label)+`"`))
}

// Trusted converts HTML that this package made earlier. It is for the HTML of articles, translations, comments and
// mentions, which the database keeps as plain strings. Text from a request, a file or another server is never
// trusted; it goes through [Article] or [Clean].
func Trusted(s string) SafeHTML { return SafeHTML(s) }

// The limits of what is taken in.
const (
	// MaxArticle is the longest Markdown text that [Article] accepts, in bytes.
	MaxArticle = 1 << 20
	// MaxComment is how much HTML of another server [Clean] reads, in bytes; the rest is cut off.
	MaxComment = 64 << 10
	// MaxName is the longest name that [CleanName] returns, in runes.
	MaxName = 200
)

var (
	// ErrTooLarge says that a text is longer than its limit.
	ErrTooLarge = errors.New("text too long")
	// ErrTooComplex says that a text has a permitted length, but is so complex (deeply nested, thousands of unfinished
	// links, an enormous table) that rendering it would take too long. No article that was written to be read comes
	// near.
	ErrTooComplex = errors.New("text too complicated")
)
