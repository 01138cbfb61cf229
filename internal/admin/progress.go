package admin

import (
	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/text"
)

// progress is how other servers stand with an article, ready to be drawn: the bar repeats what the words say.
type progress struct {
	blog.Tally
	Sent     bool   // to anybody
	Holders  string // how many servers have it; "" when it went to nobody
	Sentence string // all of it, as its report says it; "" where no server is to be spoken of
	Class    string // the shape beside the words
	Bar      []string
	Key      []keyLine
}

func (req *request) progress(letters []blog.DeliveryRow) progress {
	standings := blog.ServerStates(letters)
	t := blog.Count(standings)
	p := progress{Tally: t, Sent: len(standings) > 0, Holders: deliverytext.Tally(t),
		Sentence: deliverytext.Summary(standings, req.since), Class: "again"}
	switch {
	case t.Newest == t.Servers:
		p.Class = "done"
	case t.Deliveries[blog.Waiting] > 0:
		p.Class = "wait"
	}
	p.Bar, p.Key = drawn(t)
	return p
}

// keyLine is one entry of a bar's key: a shape, a number, a word.
type keyLine struct{ Class, Words string }

// drawn makes a bar of what became of the deliveries that decide, and its key.
func drawn(t blog.Tally) ([]string, []keyLine) {
	var key []keyLine
	for _, k := range []struct {
		class, words string
		status       blog.DeliveryStatus
	}{{"done", "delivered", blog.Delivered}, {"again", "trying again", blog.Retrying}, {"wait", "waiting", blog.Waiting},
		{"no", "refused", blog.Refused}, {"no", "given up", blog.GivenUp}, {"gone", "gone", blog.GoneAway}} {
		if n := t.Deliveries[k.status]; n > 0 {
			key = append(key, keyLine{k.class, text.Number(n) + " " + k.words})
		}
	}
	return bar(t.Servers, piece{"", t.Deliveries[blog.Delivered]}, piece{"again", t.Deliveries[blog.Retrying]},
		piece{"wait", t.Deliveries[blog.Waiting]},
		piece{"no", t.Deliveries[blog.Refused] + t.Deliveries[blog.GivenUp]}, piece{"gone", t.Deliveries[blog.GoneAway]}), key
}

const barPieces = 48

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
