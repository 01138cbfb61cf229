package blog

import "golang.org/x/text/language"

// UnknownLanguage is what is said of a language that Language does not know.
const UnknownLanguage = "is not one that is known: write its code, such as “en”, “nl” or “pt-BR”"

// Language is a BCP 47 tag as it is kept; false when no language has it.
func Language(tag string) (string, bool) {
	known, err := language.Parse(tag)
	if err != nil || tag == "" {
		return "", false
	}
	return known.String(), true
}
