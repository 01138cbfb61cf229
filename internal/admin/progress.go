package admin

import "causerie/internal/store"

// progress is how far the letters of an article have come, ready to be drawn: the bar repeats what the words say.
type progress struct {
	store.Progress
	Bar []string // a class for each piece of the bar
}

const barPieces = 48

func progressOf(p store.Progress) progress {
	return progress{Progress: p, Bar: bar(p.Total,
		piece{"", p.Delivered}, piece{"again", p.Retrying}, piece{"wait", p.Waiting}, piece{"no", p.Refused}, piece{"gone", p.Gone + p.GivenUp})}
}

type piece struct {
	class string
	n     int
}

// bar shares out the pieces of a bar: one for each thing where there are few, else in proportion, and whatever is there
// at all is seen.
func bar(total int, kinds ...piece) []string {
	if total <= 0 {
		return nil
	}
	var list []string
	for _, kind := range kinds {
		n := kind.n
		if total > barPieces && n > 0 {
			n = max(1, n*barPieces/total)
		}
		for range n {
			list = append(list, kind.class)
		}
	}
	return list
}
