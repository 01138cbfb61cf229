package blog

import "golang.org/x/text/language"

// UnknownLanguageText is the Problem of an Invalid for a tag that Language rejects.
const UnknownLanguageText = "is not one that is known: write its code, such as “en”, “nl” or “pt-BR”"

// Language is a BCP 47 tag in its canonical form. It returns false for a tag that is no language.
func Language(tag string) (string, bool) {
	known, err := language.Parse(tag)
	if err != nil || tag == "" {
		return "", false
	}
	return known.String(), true
}
