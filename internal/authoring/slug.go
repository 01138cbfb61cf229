package authoring

import (
	"strings"

	"github.com/gosimple/slug"

	"causerie/internal/blog"
)

const maxSlug = 80

// Slug returns the last part of an article's or a series' address, made from its title: "Four minutes wide" becomes
// "four-minutes-wide". It has at most 80 letters and is never empty: blog.Untitled stands for a title without letters.
func Slug(title, lang string) string {
	base, _, _ := strings.Cut(strings.ToLower(lang), "-")
	made := slug.MakeLang(title, base)
	made = strings.Trim(strings.ReplaceAll(made, "_", "-"), "-")
	for strings.Contains(made, "--") {
		made = strings.ReplaceAll(made, "--", "-")
	}
	if len(made) > maxSlug {
		made = made[:maxSlug]
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
