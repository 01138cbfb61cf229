package browser_test

import (
	"cmp"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"causerie/internal/browser"
)

// place is a page that somebody opens.
type place struct {
	name, path string
	status     int64 // 0 is 200
	bar        bool  // whether it has the bar of the admin, which a narrow screen shows at its bottom
}

// Screens on which every page must fit. The large text is that of a reader who set it to 200 %.
var screens = []browser.Screen{
	{Width: 320}, {Width: 768}, {Width: 1280},
	{Width: 320, Large: true}, {Width: 768, Large: true}, {Width: 1280, Large: true},
	{Width: 320, Right: true}, {Width: 1280, Right: true},
}

// looks are the screens that axe sees.
var looks = []browser.Screen{{Width: 320}, {Width: 320, Dark: true}, {Width: 1280, Dark: true}, {Width: 1280}}

// sources has each page that was opened, as the server sent it.
type sources struct {
	sync.Mutex
	pages map[string][]byte
}

func (s *sources) add(name string, source []byte) {
	s.Lock()
	defer s.Unlock()
	if s.pages == nil {
		s.pages = map[string][]byte{}
	}
	s.pages[name] = source
}

// look opens a page and looks at it on all screens.
func look(t *testing.T, tab *browser.Tab, blog string, at place) browser.Page {
	t.Helper()
	tab.Screen(browser.Screen{Width: 320})
	p := tab.Open(blog + at.path)
	if want := cmp.Or(at.status, http.StatusOK); p.Status != want {
		t.Fatalf("%s answers %d, want %d", at.path, p.Status, want)
	}
	for _, complaint := range p.Console {
		t.Errorf("the console says: %s", complaint)
	}
	for _, r := range p.Requests {
		if !strings.HasPrefix(r.URL, blog+"/") && !strings.HasPrefix(r.URL, "data:") {
			t.Errorf("it asks another host: %s", r.URL)
		}
	}
	if shift := tab.Shift(); shift > 0 {
		t.Errorf("its parts move while it is loaded: %f", shift)
	}
	for _, screen := range screens {
		tab.Screen(screen)
		if wide := tab.Sideways(); len(wide) > 0 {
			t.Errorf("it scrolls sideways on %+v:\n\t%s", screen, strings.Join(wide, "\n\t"))
		}
		if at.bar && screen.Width == 320 {
			if out := tab.Beyond(".rail nav"); out != 0 {
				t.Errorf("the bar at the bottom is %.0f px outside the screen on %+v", out, screen)
			}
		}
	}
	for _, screen := range looks {
		tab.Screen(screen)
		scheme := "light"
		if screen.Dark {
			scheme = "dark"
		}
		tab.Picture(fmt.Sprintf("%s, %d, %s", at.name, screen.Width, scheme))
		for _, found := range tab.Axe(screen.Dark) {
			t.Errorf("axe at %d px, %s: %s", screen.Width, scheme, found)
		}
	}
	return p
}

// lookAround looks at places, each in a subtest, and keeps their sources.
func (s *stage) lookAround(t *testing.T, tab *browser.Tab, places []place) {
	t.Helper()
	for _, at := range places {
		t.Run(at.name, func(t *testing.T) { s.sources.add(at.name, look(t, tab.For(t), s.program.URL, at).Source) })
	}
}

// Every page is looked at by a browser, with all that can make a page wide, ugly or wrong on it. It fits the screen and
// moves nothing, asks nobody but the blog, and axe and the HTML checker find nothing.
func TestPagesInABrowser(t *testing.T) {
	s := open(t)
	s.begin()
	s.furnish()
	reader := s.chrome.Stranger(t)
	s.admin.Scripts(true)
	t.Run("pages", func(t *testing.T) {
		t.Run("readers", func(t *testing.T) {
			t.Parallel()
			s.lookAround(t, reader, s.readerPlaces())
		})
		t.Run("authors", func(t *testing.T) {
			t.Parallel()
			s.lookAround(t, s.admin, s.adminPlaces())
		})
	})
	t.Run("without scripts", s.readWithoutScripts)
	t.Run("HTML", func(t *testing.T) {
		for name, found := range browser.CheckHTML(t, s.sources.pages) {
			t.Errorf("%s:\n\t%s", name, strings.Join(found, "\n\t"))
		}
	})
}
