package admin

import (
	"strings"

	"causerie/internal/blog"
	"causerie/internal/text"
)

// maxPlaces limits the blocks of a text that the editor lists.
const maxPlaces = 200

// place is a block of a Markdown text, such as a paragraph, after which something can be put.
type place struct {
	Begins string // its first words, by which it is found again in a text that was changed meanwhile
	end    int    // where it ends, in bytes
}

// places returns the blocks of a text between which there are empty lines, at most maxPlaces. Empty lines in a block of
// code do not end it.
func places(markdown string) []place {
	var list []place
	fence, begins, end, at := "", "", 0, 0
	finish := func() {
		if begins != "" {
			list = append(list, place{begins, end})
		}
		begins = ""
	}
	for line := range strings.Lines(markdown) {
		words := strings.TrimSpace(line)
		switch {
		case fence != "":
			if strings.HasPrefix(words, fence) {
				fence = ""
			}
		case strings.HasPrefix(words, "```"):
			fence = "```"
		case strings.HasPrefix(words, "~~~"):
			fence = "~~~"
		}
		if words == "" && fence == "" {
			finish()
		} else if begins == "" && len(list) < maxPlaces {
			begins = text.Excerpt(strings.Join(strings.Fields(words), " "), 60)
		}
		at += len(line)
		if words != "" {
			end = at - len(line) + len(strings.TrimRight(line, "\r\n"))
		}
	}
	finish()
	return list
}

// insertBlock puts a block after the one that begins with some words, or at the end of a text when there is none.
func insertBlock(markdown, after, block string) string {
	for _, p := range places(markdown) {
		if p.Begins == after {
			return markdown[:p.end] + "\n\n" + block + markdown[p.end:]
		}
	}
	return blog.TrimEnd(markdown) + "\n\n" + block + "\n"
}
