package browser_test

import (
	"path/filepath"
	"strings"
	"testing"

	"causerie/internal/browser"
	"causerie/internal/rig"
)

// shows fails the test if a page does not have these words, or is no page at all.
func shows(t *testing.T, p browser.Page, words ...string) {
	t.Helper()
	for _, w := range words {
		if p.Status != 200 || !strings.Contains(string(p.Source), w) {
			t.Fatalf("the page answers %d and does not say %q:\n%s", p.Status, w, p.Source)
		}
	}
}

func TestAnAuthorNeedsNoScripts(t *testing.T) {
	s := open(t)
	s.begin()
	tab := s.chrome.Stranger(t)
	tab.Scripts(false)

	tab.Open(s.program.URL + "/admin/articles/new")
	tab.Type("#user", "ana")
	tab.Type("#pass", "three words by the river")
	if p := tab.Press("form .btn.first"); p.Status != 422 && p.Status != 401 {
		t.Fatalf("a wrong password answers %d", p.Status)
	}
	tab.Type("#pass", password)
	shows(t, tab.Press("form .btn.first"), "Write here.")

	tab.Type("#title", "Four minutes wide")
	tab.Type("#text", "The ferry comes when you ring the bell.\n\nNobody keeps silent.")
	shows(t, tab.Press(`button[value="save"]`), "Saved", "Nobody keeps silent.")
	shows(t, tab.Press(`button[value="publish"]`), "Publish as chosen")
	tab.Press("main form .btn.first")
	reader := s.chrome.Stranger(t)
	reader.Scripts(false)
	shows(t, reader.Open(s.program.URL+"/"), "Four minutes wide")
	shows(t, reader.Press(".contents h3 a, .lead h2 a, main h2 a"), "Nobody keeps silent.")

	tab.Open(s.program.URL + "/admin/pictures")
	tab.Choose("#upload", filepath.Join(s.folder, "portrait.jpg"))
	tab.Type("#alt", "A tall post in the water.")
	shows(t, tab.Press("form .btn.first.slim"), "A tall post in the water.")

	s.ana = printed[article](s, "author", "list", "--json")[0].Object
	held := s.file("warned.md")
	bram := rig.People(t, s.world, 1)[0]
	_, err := bram.Reply(s.ctx, held.Object, "<p>May I say this?</p>")
	s.must(err)
	shows(t, tab.Open(s.program.URL+"/admin/comments"), "May I say this?")
	if p := reader.Open(held.URL); strings.Contains(string(p.Source), "May I say this?") {
		t.Fatal("a comment is shown before it was approved")
	}
	tab.Press(`button[name="state"][value="shown"]`)
	shows(t, reader.Open(held.URL), "May I say this?")
}

// readWithoutScripts does what readers can do on the furnished blog.
func (s *stage) readWithoutScripts(t *testing.T) {
	t.Helper()
	tab := s.chrome.Stranger(t)
	tab.Scripts(false)
	t.Run("the appearance is chosen and stays", func(t *testing.T) {
		tab := tab.For(t)
		tab.Screen(browser.Screen{Width: 768})
		for _, choice := range []string{"dark", "light", "auto"} {
			tab.Open(s.talk.URL)
			if p := tab.Press(`button[name="theme"][value="` + choice + `"]`); p.Status != 200 {
				t.Fatalf("the choice of %s answers %d", choice, p.Status)
			}
			for _, address := range []string{s.talk.URL, s.program.URL + "/"} {
				tab.Open(address)
				if dark := tab.Lightness() < .5; dark != (choice == "dark") {
					t.Errorf("%s is dark: %v, although %s was chosen", address, dark, choice)
				}
			}
		}
	})
	t.Run("a long conversation continues on another page", func(t *testing.T) {
		tab := tab.For(t)
		shows(t, tab.Open(s.talk.URL), "Answer 0,")
		p := tab.Press(`.talk .pager a[rel="next"]`)
		shows(t, p, "Answer 249,")
		if strings.Contains(string(p.Source), "Answer 0,") {
			t.Error("the second page has the beginning again")
		}
		shows(t, tab.Press(`.talk .pager a[rel="prev"]`), "Answer 0,")
	})
	t.Run("an unknown server is said to be unknown", func(t *testing.T) {
		tab := tab.For(t)
		tab.Open(s.talk.URL)
		tab.Press(".acts .btn.first")
		tab.Type("#you", "@kim@nobody.example")
		p := tab.Press("main form .btn.first")
		s.sources.add("reply from an unknown server", p.Source)
		if !strings.Contains(string(p.Source), `id="you-error"`) {
			t.Errorf("it answers %d: %s", p.Status, p.Source)
		}
	})
}
