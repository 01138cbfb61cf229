// Package nearest finds the most similar known name: for a mistyped word by its letters, for an article by the words
// of its slug.
package nearest

import "strings"

// Word returns the known word with the fewest typing errors (a letter wrong, missing, added, or two exchanged), and
// the first of several. It returns "" when more than half of the letters are wrong.
func Word(word string, known []string) string {
	best, nearest := -1, ""
	word = strings.ToLower(word)
	for _, candidate := range known {
		d := distance(word, strings.ToLower(candidate))
		if 2*d > max(len(word), len(candidate)) {
			continue
		}
		if best < 0 || d < best {
			best, nearest = d, candidate
		}
	}
	return nearest
}

// maxCompared is the most bytes of a word that are compared.
const maxCompared = 64

// distance is the Damerau-Levenshtein distance in its optimal string alignment form. The package agnivade/levenshtein
// counts two exchanged letters as two errors, so that "lgo" would not be near "log".
func distance(a, b string) int {
	// The work grows with the product of both lengths.
	a, b = a[:min(len(a), maxCompared)], b[:min(len(b), maxCompared)]
	before, row, next := make([]int, len(b)+1), make([]int, len(b)+1), make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range a {
		next[0] = i + 1
		for j := range b {
			cost := 1
			if a[i] == b[j] {
				cost = 0
			}
			next[j+1] = min(row[j+1]+1, next[j]+1, row[j]+cost)
			if i > 0 && j > 0 && a[i] == b[j-1] && a[i-1] == b[j] {
				next[j+1] = min(next[j+1], before[j-1]+1)
			}
		}
		// Three rows are enough: an exchange looks two rows back.
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// Name is a name of several words, such as a slug, prepared to be compared.
type Name struct{ trigrams map[string]bool } // its runs of three letters

// NewName prepares a name. Case counts.
func NewName(name string) Name {
	// The blanks make trigrams of the first and last letters as well.
	runes := []rune(" " + name + " ")
	set := map[string]bool{}
	for i := 0; i+3 <= len(runes); i++ {
		set[string(runes[i:i+3])] = true
	}
	return Name{set}
}

// Likeness is Dice's coefficient of the trigrams of two names: 1 for the same, 0 for nothing in common. Unlike [Word]
// it hardly depends on the order of the words, and a missing word costs only its share.
func (n Name) Likeness(other Name) float64 {
	if len(n.trigrams)+len(other.trigrams) == 0 {
		return 0
	}
	common := 0
	for run := range n.trigrams {
		if other.trigrams[run] {
			common++
		}
	}
	return 2 * float64(common) / float64(len(n.trigrams)+len(other.trigrams))
}
