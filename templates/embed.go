// Package templates holds what pages are made of, embedded in the program: layouts, a file per page under web/
// (readers) and admin/ (the admin pages), the words of the interface per language, and the static files. Package page
// reads it.
package templates

import "embed"

// Federation is what developers of other servers should know, in Markdown: the README's chapter of that name, from
// which it is made by “go test ./templates -update”.
//
//go:embed federation.md
var Federation string

// FS is this folder.
//
//go:embed layout web admin static words
var FS embed.FS
