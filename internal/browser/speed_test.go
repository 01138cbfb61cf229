package browser_test

import (
	"bufio"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/cdproto/network"

	"causerie/internal/browser"
	"causerie/internal/rig"
)

// proseOf returns so many words of true sentences: of the README.
func proseOf(t *testing.T, words int) string {
	t.Helper()
	file, err := os.Open("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	var text []string
	n := 0
	for lines := bufio.NewScanner(file); lines.Scan() && n < words; {
		line := lines.Text()
		if strings.ContainsAny(line, "|`{}#<>") || strings.HasPrefix(line, "\t") {
			continue
		}
		text = append(text, line)
		n += len(strings.Fields(line))
	}
	if n < words {
		t.Fatalf("the README has only %d words that can be read", n)
	}
	return strings.Join(text, "\n")
}

// measured is a blog with an article of fifteen hundred words and twenty comments.
func measured(t *testing.T) (s *stage, address string) {
	t.Helper()
	s = open(t)
	s.begin()
	s.ana = printed[article](s, "author", "list", "--json")[0].Object
	s.admin.Open(s.program.URL + "/admin/settings")
	s.admin.Type("#description", "Two people on two banks of one river.")
	s.admin.Press("main form .btn.first")
	a := s.write("measured", "title: Four minutes wide\nlanguage: en\nsummary: On a rowed ferry a conversation has to be "+
		"as long as the river is wide.\ntags: [rivers, ferries]", proseOf(t, 1500))
	for i := range 8 {
		s.write(fmt.Sprint("column-", i), fmt.Sprintf("title: Column %d\nlanguage: en", i), proseOf(t, 300))
	}
	people := rig.People(t, s.world, 4)
	sentences := strings.Split(proseOf(t, 1500), ". ")
	for i := range 20 {
		_, err := people[i%4].Reply(s.ctx, a.Object, "<p>"+sentences[i]+"</p>")
		s.must(err)
	}
	return s, a.URL
}

// The weight that a page may have on its first visit, in bytes on the wire.
const (
	kilobyte     = 1024
	pageWeight   = 25 * kilobyte // all of it, without pictures
	htmlWeight   = 14 * kilobyte
	sheetWeight  = 12 * kilobyte
	adminSheets  = 14 * kilobyte
	mostRequests = 5 // besides pictures
)

func TestAPageIsSmallAndComesWithFewRequests(t *testing.T) {
	s, text := measured(t)
	for name, at := range map[string]struct {
		tab     *browser.Tab
		address string
		sheets  float64
	}{
		"front":   {s.chrome.Stranger(t), s.program.URL + "/", sheetWeight},
		"article": {s.chrome.Stranger(t), text, sheetWeight},
		"admin":   {s.admin, s.program.URL + "/admin", adminSheets},
	} {
		at.tab.Cache(false)
		p := at.tab.Open(at.address)
		var all, sheets, page float64
		n := 0
		for _, r := range p.Requests {
			switch r.Kind {
			case network.ResourceTypeImage:
				continue
			case network.ResourceTypeDocument:
				page += r.Bytes
			case network.ResourceTypeStylesheet:
				sheets += r.Bytes
			case network.ResourceTypeScript:
				t.Errorf("%s: it loads a script, %s", name, r.URL)
			}
			if r.Bytes == 0 {
				t.Errorf("%s: the size of %s is not known", name, r.URL)
			}
			n++
			all += r.Bytes
		}
		t.Logf("%s: %.0f bytes in %d requests, of which the page %.0f and the style sheets %.0f", name, all, n, page, sheets)
		if page == 0 || page > htmlWeight {
			t.Errorf("%s: the page has %.0f bytes, at most %d are allowed", name, page, htmlWeight)
		}
		if sheets == 0 || sheets > at.sheets {
			t.Errorf("%s: the style sheets have %.0f bytes, at most %.0f are allowed", name, sheets, at.sheets)
		}
		if all > pageWeight {
			t.Errorf("%s: it has %.0f bytes, at most %d are allowed", name, all, pageWeight)
		}
		if n > mostRequests {
			t.Errorf("%s: it takes %d requests, at most %d are allowed: %v", name, n, mostRequests, p.Requests)
		}
	}
}

// What a slow phone may take. There are no scripts that could block it: what is left is the layout, and how slow the
// machine is that measures it.
const (
	largestPaint = time.Second
	blocked      = 200 * time.Millisecond
)

func TestLighthouseFindsNothing(t *testing.T) {
	if !browser.Required() {
		t.Skip("Lighthouse measures times: it runs only where browser is in CAUSERIE_TEST_REQUIRE")
	}
	s, text := measured(t)
	for name, address := range map[string]string{"front": s.program.URL + "/", "article": text} {
		r := browser.Lighthouse(t, address, 3)
		t.Logf("%s: %v, LCP %v, CLS %f, TBT %v", name, r.Scores, r.Paint, r.Shift, r.Busy)
		for category, score := range r.Scores {
			if score < 100 {
				t.Errorf("%s: %s has %.0f of 100: %s", name, category, score, strings.Join(r.Flaws, "; "))
			}
		}
		if r.Paint > largestPaint || r.Shift > 0 || r.Busy > blocked {
			t.Errorf("%s: LCP %v (at most %v), CLS %f (none), TBT %v (at most %v): %s", name, r.Paint, largestPaint, r.Shift,
				r.Busy, blocked, strings.Join(r.Flaws, "; "))
		}
	}
}
