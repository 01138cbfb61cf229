// Package markup turns words into HTML that is safe to print, and back into words.
//
// Words come from two kinds of people. Authors write Markdown: [Article] renders it for our own pages and tells
// what it found on the way (headings, pictures, mentions, and what had to be left out). Strangers send HTML:
// [Clean] keeps what Mastodon keeps and loses the rest. [Federated] goes the other way and makes of our page
// what other servers can show. [ParseFrontMatter] reads the block of settings at the head of an article file.
//
// Everything that leaves passes one gate (policy.go), and only the gate makes a [SafeHTML]. So there is one type
// that templates print unescaped, and one file to read when in doubt about it.
//
// The package does no I/O and bounds its work: what is too large or too tangled is refused with [ErrTooLarge] or
// [ErrTooComplex] (authors) or cut and flattened (strangers). It never panics.
package markup

import (
	"errors"
	"html/template"
)

// SafeHTML is HTML that went through this package and may be printed as it is. The zero value is empty and safe.
type SafeHTML string

// HTML gives the text in the type that html/template prints unescaped.
func (h SafeHTML) HTML() template.HTML { return template.HTML(h) }

// Trusted says that s is HTML that this package made earlier. It is for the HTML of articles, translations, comments
// and mentions, which their nouns and the database keep as plain strings. Text from a request, a file or another server
// is never trusted; it goes through [Article] or [Clean].
func Trusted(s string) SafeHTML { return SafeHTML(s) }

// The limits of what is taken in.
const (
	// MaxArticle is the longest Markdown text that [Article] accepts, in bytes.
	MaxArticle = 1 << 20
	// MaxComment is how much of a stranger's HTML [Clean] looks at, in bytes; the rest is cut off.
	MaxComment = 64 << 10
	// MaxName is the longest name that [CleanName] returns, in runes.
	MaxName = 200
)

var (
	// ErrTooLarge says that a text is longer than its limit.
	ErrTooLarge = errors.New("text too long")
	// ErrTooComplex says that a text is of a permitted length, yet so entangled (deeply nested, thousands of
	// unfinished links, an enormous table) that rendering it would take unreasonable time. No article that was
	// written to be read comes near.
	ErrTooComplex = errors.New("text too entangled")
)
