package main

import (
	"strings"
	"testing"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

// The collections that feature an author are listed and answered by commands beside a running server.
func TestF120TerminalListsAndAnswersCollections(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		_, bram := s.veerhuis()
		ilse := s.ilse(bram)
		state := func(collection string) string {
			state, _ := bram.Featured(collection, ilse.Object)
			return state
		}
		if out := s.cli("author", "feature", "ilse"); !strings.Contains(out, "Who may feature ilse: everyone.") ||
			!strings.Contains(out, "No collection features ilse") {
			t.Errorf("at first it says %q", out)
		}
		if out := s.cli("author", "feature", "ilse", "--by", "ask"); !strings.Contains(out, "Who may feature ilse: ask.") {
			t.Errorf("changing who may says %q", out)
		}
		water, shop := bram.MakeCollection("By the water", "rivers"), bram.MakeCollection("Buy \x1b[31mnow", "")
		for _, collection := range []string{water, shop} {
			if _, err := bram.Feature(s.ctx, collection, ilse.Object); err != nil {
				t.Fatal(err)
			}
		}
		list := func() map[string]featureLine {
			lines := map[string]featureLine{}
			for _, line := range read[featureLine](t, s.cli("author", "feature", "ilse", "list", "--json")) {
				lines[line.Object] = line
			}
			return lines
		}
		s.wait("both wait", func() bool { return len(list()) == 2 })
		if l := list()[water]; l.State != "waiting" || l.Name != "By the water" || l.Topic != "rivers" ||
			l.Owner != "@"+bram.Handle() || !strings.HasPrefix(l.URL, bram.Server.URL) || l.Since == "" {
			t.Errorf("the collection that waits is %+v", l)
		}
		if out := s.cli("author", "feature", "ilse", "refuse", shop); strings.Contains(out, "\x1b") {
			t.Errorf("a name reaches the terminal as %q", out)
		}
		s.cli("author", "feature", "ilse", "accept", water)
		s.wait("both are answered", func() bool {
			return state(water) == fedtest.Accepted && state(shop) == fedtest.Rejected
		})
		s.cli("author", "feature", "ilse", "leave", water)
		s.wait("the owner is told", func() bool { return state(water) == fedtest.Revoked })
		if l := list(); l[water].State != "left" || l[shop].State != "refused" {
			t.Errorf("at the end: %+v", l)
		}
		s.cli("author", "feature", "ilse", "forget", water, shop)
		if l := list(); len(l) != 0 {
			t.Errorf("after both are forgotten: %+v", l)
		}
		for _, wrong := range []struct{ args, says string }{
			{"leave " + water, "has to do with ilse"},
			{"accept", "then the address of the collection"},
			{"leav " + water, "did you mean “leave”?"},
			{"list --by whoever", "write everyone, followers, ask, nobody or default"},
		} {
			_, trouble, status := cli(s.ctx, s.args(append([]string{"author", "feature", "ilse"},
				strings.Fields(wrong.args)...)...), nil, "")
			if status == 0 || !strings.Contains(trouble, wrong.says) {
				t.Errorf("%s: %d %s", wrong.args, status, trouble)
			}
		}
		if out := s.cli("author", "feature", "ilse", "--by", "default"); !strings.Contains(out, "everyone.") {
			t.Errorf("changing it back says %q", out)
		}
	})
}
