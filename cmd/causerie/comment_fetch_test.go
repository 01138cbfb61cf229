package main

import (
	"strings"
	"testing"

	"causerie/internal/fedtest"
	"causerie/internal/store/storetest"
)

func TestMissingRepliesAreFetchedByCommand(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.veerhuis()
		s.ilse(bram)
		const slug = "four-minutes-wide"
		file := write(t, "ferry.md", ferry)
		published := read[articleLine](t, s.cli("article", "publish", file, "--author", "ilse", "--json", "--database",
			database))[0]
		if _, err := veerhuis.WaitFor(s.ctx, fedtest.About("Create", published.Object)); err != nil {
			t.Fatal(err)
		}
		if out := s.cli("comment", "fetch", slug); !strings.Contains(out, "asked 0 servers") {
			t.Errorf("before anybody answered it says %q", out)
		}
		said, err := bram.Reply(s.ctx, published.Object, "<p>Is it still rowed?</p>")
		if err != nil {
			t.Fatal(err)
		}
		kade := veerhuis.Person("kade")
		if _, err := kade.Reply(s.ctx, said.Object, "<p>It is.</p>"); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Reply(s.ctx, said.Object, "<p>For you.</p>", fedtest.NoteID("http://10.0.0.5/1")); err != nil {
			t.Fatal(err)
		}
		s.shows(published.URL, "Is it still rowed?", true)
		found := read[fetchLine](t, s.cli("comment", "fetch", slug, "--json"))[0]
		if found.Article != slug || found.New != 1 || found.Listed != 2 || len(found.Skipped) != 1 {
			t.Errorf("what came of it: %+v", found)
		}
		s.shows(published.URL, "It is.", true)
		if out := s.cli("comment", "fetch", slug); !strings.Contains(out, "0 new comments") ||
			!strings.Contains(out, "1 not taken: private address: give --federation-allow as the server has it (10.0.0.5)") {
			t.Errorf("for people it says %q", out)
		}
		for _, args := range [][]string{{"comment", "fetch", "nothing-of-that-name"}, {"comment", "fetch", s.draft()}} {
			if _, trouble, status := cli(s.ctx, s.args(args...), nil, ""); status != failed || !strings.Contains(trouble, "“") {
				t.Errorf("%q: %d, %q", args, status, trouble)
			}
		}
	})
}

// draft returns the id of an unpublished article.
func (s *stage) draft() string {
	s.t.Helper()
	file := write(s.t, "draft.md", strings.Replace(ferry, "Four minutes wide", "Five minutes wide", 1))
	return string(read[articleLine](s.t, s.cli("article", "draft", file, "--author", "ilse", "--json"))[0].ID)
}
