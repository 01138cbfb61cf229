package main

import (
	"net/http"
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

// The blog recommends its authors when a command beside the running server says so.
func TestF121TerminalSwitchesTheCollectionOfTheAuthors(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		s.ilse()
		if _, trouble, status := cli(s.ctx, s.args("site", "authors", "on"), nil, ""); status != failed ||
			!strings.Contains(trouble, "site voice on") {
			t.Errorf("without a voice: %d %s", status, trouble)
		}
		voice := read[voiceLine](t, s.cli("site", "voice", "on", "--handle", "overkant", "--json"))[0]
		s.follow(voice.Handle, bram)
		if out := s.cli("site", "authors", "on"); !strings.Contains(out, "recommends its authors now") {
			t.Errorf("switched on: %s", out)
		}
		collection := voice.Object + "/collections/authors"
		told := func(kind string) {
			t.Helper()
			if _, err := veerhuis.WaitFor(s.ctx, fedtest.About(kind, collection)); err != nil {
				t.Errorf("the follower gets no %s: %v", kind, err)
			}
		}
		told("Add")
		status, body := s.get(collection, "application/activity+json")
		if status != http.StatusOK || !strings.Contains(body, `"totalItems":1`) {
			t.Errorf("the collection is %d %s", status, body)
		}
		lines := read[featureLine](t, s.cli("author", "feature", "ilse", "list", "--json"))
		if len(lines) != 1 || lines[0].State != "featured" || lines[0].Object != collection || lines[0].Name != voice.Name ||
			lines[0].URL != s.url+"/about#authors" || lines[0].Owner != "" {
			t.Errorf("the author is in %+v", lines)
		}
		s.cli("author", "feature", "ilse", "leave", collection)
		s.wait("the collection is empty", func() bool {
			_, body := s.get(collection, "application/activity+json")
			return strings.Contains(body, `"totalItems":0`)
		})
		if out := s.cli("site", "authors", "off"); !strings.Contains(out, "no longer recommends") {
			t.Errorf("switched off: %s", out)
		}
		told("Remove")
		s.wait("the collection is gone", func() bool {
			status, _ := s.get(collection, "application/activity+json")
			return status == http.StatusNotFound
		})
	})
}
