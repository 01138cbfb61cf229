package markup

import "strings"

// language is what depends on the language of an article: punctuation, and the words that rendering adds.
type language struct {
	double, single [2]string // quotation marks
	elisions       []string  // words whose beginning was swallowed, and which an apostrophe replaces
	notes, note    string
	back           string
	code, table    string
	done, open     string
}

var english = language{
	double: [2]string{"“", "”"}, single: [2]string{"‘", "’"},
	elisions: []string{"twas", "tis", "til", "em", "cause", "n", "round", "bout", "cos", "tude"},
	notes:    "Notes", note: "Note", back: "Back to reference",
	code: "Code", table: "Table", done: "done", open: "to do",
}

var dutch = language{
	double: [2]string{"“", "”"}, single: [2]string{"‘", "’"},
	elisions: []string{"s", "t", "n", "k", "m", "r", "ns", "ie", "er", "em"},
	notes:    "Noten", note: "Noot", back: "Terug naar verwijzing",
	code: "Code", table: "Tabel", done: "gedaan", open: "te doen",
}

// languageOf picks by the first subtag. A language of which only the quotation marks are known uses the English
// words.
func languageOf(tag string) language {
	first, _, _ := strings.Cut(strings.ToLower(tag), "-")
	l := english
	switch first {
	case "nl", "fy", "af":
		return dutch
	case "de":
		l.elisions = []string{"s", "n", "ne", "nem", "nen", "ner", "nes", "ran", "rauf", "raus", "rein", "rum", "runter",
			"rüber", "türlich", "mal", "ist"}
		l.double, l.single = [2]string{"„", "“"}, [2]string{"‚", "‘"}
	case "cs", "sk", "sl", "lt":
		l.double, l.single = [2]string{"„", "“"}, [2]string{"‚", "‘"}
	case "pl", "ro", "hu":
		l.double, l.single = [2]string{"„", "”"}, [2]string{"‚", "’"}
	case "fr":
		l.elisions = []string{"tit", "tite", "ti", "core", "suis", "zêtes"}
		l.double = [2]string{"«\u202F", "\u202F»"}
	case "es", "it", "pt", "el", "ru", "uk", "no", "nb", "nn":
		l.double = [2]string{"«", "»"}
	case "sv", "fi":
		l.double, l.single = [2]string{"”", "”"}, [2]string{"’", "’"}
	}
	return l
}
