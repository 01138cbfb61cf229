package authoring

import (
	"strings"

	"github.com/gosimple/slug"

	"causerie/internal/blog"
)

const maxSlug = 80 // bytes

// Slug makes the last part of an article's or a series' address from its title: "Four minutes wide" becomes
// "four-minutes-wide". It has at most 80 bytes and is never empty: a title without letters gives blog.Untitled.
func Slug(title, lang string) string {
	// The language decides how letters are written: "ä" becomes "ae" in German, "a" in English.
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	made := slug.MakeLang(title, base)
	made = strings.Trim(strings.ReplaceAll(made, "_", "-"), "-")
	for strings.Contains(made, "--") {
		made = strings.ReplaceAll(made, "--", "-")
	}
	if len(made) > maxSlug {
		made = made[:maxSlug]
		// At the end of a word, unless that would cut off more than half.
		if at := strings.LastIndexByte(made, '-'); at > maxSlug/2 {
			made = made[:at]
		}
		made = strings.Trim(made, "-")
	}
	if made == "" {
		return blog.Untitled
	}
	return made
}
