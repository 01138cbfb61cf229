package admin

import (
	"causerie/internal/blog"
	"causerie/internal/deliverytext"
	"causerie/internal/text"
)

// progress shows how many servers have an article, as a sentence and as a bar.
type progress struct {
	blog.Tally
	Sent     bool   // there are deliveries
	Holders  string // how many servers have it; "" when it went to nobody
	Sentence string // as on the page of its deliveries; "" if no server has it
	Class    string // the CSS class of Sentence
	Bar      []string
	Legend   []legendEntry
}

// progress summarises delivery rows.
func (req *request) progress(rows []blog.DeliveryRow) progress {
	states := blog.ServerStates(rows)
	t := blog.Count(states)
	p := progress{Tally: t, Sent: len(states) > 0, Holders: deliverytext.Tally(t),
		Sentence: deliverytext.Summary(states, req.since), Class: "again"}
	switch {
	case t.Newest == t.Servers:
		p.Class = "done"
	case t.Deliveries[blog.Waiting] > 0:
		p.Class = "wait"
	}
	p.Bar, p.Legend = barAndLegend(t)
	return p
}

// legendEntry is one entry of the legend below a bar.
type legendEntry struct{ Class, Words string }

// barAndLegend returns the CSS classes of the bar's pieces, and the legend.
func barAndLegend(t blog.Tally) ([]string, []legendEntry) {
	var legend []legendEntry
	for _, k := range []struct {
		class, words string
		status       blog.DeliveryStatus
	}{{"done", "delivered", blog.Delivered}, {"again", "trying again", blog.Retrying}, {"wait", "waiting", blog.Waiting},
		{"no", "refused", blog.Refused}, {"no", "given up", blog.GivenUp}, {"gone", "gone", blog.GoneAway}} {
		if n := t.Deliveries[k.status]; n > 0 {
			legend = append(legend, legendEntry{k.class, text.Number(n) + " " + k.words})
		}
	}
	return bar(t.Servers, piece{"", t.Deliveries[blog.Delivered]}, piece{"again", t.Deliveries[blog.Retrying]},
		piece{"wait", t.Deliveries[blog.Waiting]},
		piece{"no", t.Deliveries[blog.Refused] + t.Deliveries[blog.GivenUp]},
		piece{"gone", t.Deliveries[blog.GoneAway]}), legend
}

const barPieces = 48

type piece struct {
	class string
	n     int
}

// bar returns the CSS class of each piece of a bar: one piece per server, or shares of barPieces if there are more
// servers.
func bar(total int, kinds ...piece) []string {
	if total <= 0 {
		return nil
	}
	var list []string
	for _, kind := range kinds {
		n := kind.n
		if total > barPieces && n > 0 {
			// One refusal among a thousand deliveries must still be visible.
			n = max(1, n*barPieces/total)
		}
		for range n {
			list = append(list, kind.class)
		}
	}
	return list
}
