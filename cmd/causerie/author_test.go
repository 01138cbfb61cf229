package main

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"causerie/internal/federation/neighbour"
	"causerie/internal/store/storetest"
)

// The life of an author at the terminal, beside a running server: another handle, an old account that comes over, a move
// away and the end.
func TestAnAuthorIsRenamedMovesAndLeaves(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		veerhuis, bram := s.village()
		ilse := s.ilse(bram)
		s.say("author", "add", "tobias", "--name", "Tobias Renkema", "--role", "admin")
		published := read[articleLine](t, s.say("article", "publish", write(t, "ferry.md", ferry), "--author", "ilse", "--json"))[0]

		if out := s.say("author", "rename", "ilse", "verhaagen"); !strings.Contains(out, "is @verhaagen@") {
			t.Errorf("renaming says %q", out)
		}
		s.shows(s.url+"/@ilse", "@verhaagen@", true) // the old page leads to the new one
		there := veerhuis.Person("ilse")
		if aliases := read[aliasLine](t, s.say("author", "alias", "verhaagen", "add", "@"+there.Handle(), "--json")); len(aliases) != 1 || aliases[0].Object != there.ID {
			t.Errorf("the aliases are %+v", aliases)
		}
		if out := s.say("author", "alias", "verhaagen", "remove", there.ID); !strings.Contains(out, "has no alias") {
			t.Errorf("without alias: %q", out)
		}
		if _, trouble, status := say(s.ctx, s.args("author", "move", "verhaagen", "--to", "@"+there.Handle()), nil, ""); status != failed ||
			!strings.Contains(trouble, "does not list @verhaagen@") || strings.Count(strings.TrimSpace(trouble), "\n") != 0 {
			t.Errorf("moving to one who does not point back: %d %s", status, trouble)
		}
		there.AlsoKnownAs(ilse.Object)
		if out := s.say("author", "move", "verhaagen", "--to", "@"+there.Handle()); !strings.Contains(out, "until then --cancel calls it off") {
			t.Errorf("planning says %q", out)
		}
		if out := s.say("author", "move", "verhaagen", "--cancel"); !strings.Contains(out, "was called off") {
			t.Errorf("calling off says %q", out)
		}
		s.say("author", "move", "verhaagen", "--to", "@"+there.Handle(), "--wait", "0s")
		s.wait("bram has gone over", func() bool {
			m := read[moveLine](t, s.say("author", "move", "verhaagen", "--json"))[0]
			return m.Status == "moved" && m.Told == 1 && m.Gone == 1 && m.Followers == 1
		})
		s.shows(s.url+"/@verhaagen", there.ID, true)

		if out := s.say("author", "delete", "verhaagen"); !strings.Contains(out, "will be deleted on") {
			t.Errorf("planning says %q", out)
		}
		if _, trouble, status := say(s.ctx, s.args("author", "delete", "tobias"), nil, ""); status != failed || !strings.Contains(trouble, "last admin") {
			t.Errorf("deleting the last admin who stays: %d %s", status, trouble)
		}
		s.say("author", "delete", "verhaagen", "--cancel")
		s.say("author", "delete", "verhaagen", "--now")
		if _, err := veerhuis.WaitFor(s.ctx, neighbour.About("Delete", ilse.Object)); err != nil {
			t.Fatal(err)
		}
		for _, address := range []string{ilse.Object, ilse.URL, s.url + "/@verhaagen", published.URL, published.Object} {
			if status, _ := s.get(address, "application/activity+json"); status != http.StatusGone {
				t.Errorf("%s answers %d", address, status)
			}
		}
		if status, body := s.get(published.URL, "text/html"); status != http.StatusGone || strings.Contains(body, "ring the bell") {
			t.Errorf("the page of the article answers %d", status)
		}
		if out := s.say("author", "list"); strings.Contains(out, "Ilse") {
			t.Errorf("the list still says\n%s", out)
		}
		for _, handle := range []string{"ilse", "verhaagen"} {
			if _, trouble, status := say(s.ctx, s.args("author", "add", handle, "--name", "Another"), nil, ""); status != failed || !strings.Contains(trouble, "taken") {
				t.Errorf("the handle %s is free again: %d %s", handle, status, trouble)
			}
		}
	})
}

func TestTheFilesOfADeletedAuthorAreTakenOffTheDisk(t *testing.T) {
	s := open(t, storetest.SQLite(t))
	s.ilse()
	s.say("author", "add", "tobias", "--name", "Tobias Renkema", "--role", "admin")
	var picture bytes.Buffer
	if err := drawFerry(&picture); err != nil {
		t.Fatal(err)
	}
	file := write(t, "ferry.md", "---\ntitle: Wide\npicture: ferry.jpg\npicture-alt: A ferry.\n---\n\nWide.\n")
	if err := os.WriteFile(filepath.Join(filepath.Dir(file), "ferry.jpg"), picture.Bytes(), 0o600); err != nil {
		t.Fatal(err)
	}
	s.say("article", "draft", file, "--author", "ilse")
	folder := ""
	for i, setting := range s.settings {
		if setting == "--data" {
			folder = filepath.Join(s.settings[i+1], "media")
		}
	}
	files := func() []string {
		list, err := filepath.Glob(filepath.Join(folder, "*.jpg"))
		if err != nil {
			t.Fatal(err)
		}
		return list
	}
	if len(files()) == 0 {
		t.Fatalf("no picture in %s", folder)
	}
	s.say("author", "delete", "ilse", "--now")
	if left := files(); len(left) != 0 {
		t.Errorf("left are %v", left)
	}
}
