// Package nearest finds the most similar known name: of a mistyped word by its letters, of an article by the words in
// its name.
package nearest

import "strings"

// Word returns the known word that is nearest to a mistyped one: the one with the fewest typing errors (a letter wrong,
// missing, too many, or two exchanged), the first of equals. It is "" when more than half of the letters are wrong.
func Word(word string, known []string) string {
	best, nearest := -1, ""
	word = strings.ToLower(word)
	for _, candidate := range known {
		d := slips(word, strings.ToLower(candidate))
		if 2*d > max(len(word), len(candidate)) {
			continue
		}
		if best < 0 || d < best {
			best, nearest = d, candidate
		}
	}
	return nearest
}

// longestWord is as much of a word as is compared.
const longestWord = 64

// slips is the Damerau-Levenshtein distance in its optimal string alignment form. The package agnivade/levenshtein
// counts two exchanged letters as two slips, so that "lgo" would not be near "log".
func slips(a, b string) int {
	a, b = a[:min(len(a), longestWord)], b[:min(len(b), longestWord)]
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
		before, row, next = row, next, before
	}
	return row[len(b)]
}

// Name is a name of several words, such as the slug of an article, ready to be compared with others.
type Name struct{ trigrams map[string]bool } // its runs of three letters

// NewName reads a name. Capitals count.
func NewName(name string) Name {
	runes := []rune(" " + name + " ")
	set := map[string]bool{}
	for i := 0; i+3 <= len(runes); i++ {
		set[string(runes[i:i+3])] = true
	}
	return Name{set}
}

// Likeness is Dice's measure of the trigrams that two names share: 1 for the same, 0 for nothing in common. The order
// of words hardly matters, and a word that is missing costs no more than its share, unlike in the distance of [Word].
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
