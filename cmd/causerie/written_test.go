package main

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"html"
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"causerie/internal/markup"
	"causerie/internal/store/storetest"
	"causerie/templates"
)

// feedEntry is what the tests read of an entry of an Atom feed.
type feedEntry struct {
	Title   string `xml:"title"`
	ID      string `xml:"id"`
	Content string `xml:"content"`
}

func (s *stage) feedOf(address string) []feedEntry {
	s.t.Helper()
	var feed struct {
		Entries []feedEntry `xml:"entry"`
	}
	_, body := s.get(address, "*/*")
	if err := xml.Unmarshal([]byte(body), &feed); err != nil {
		s.t.Fatal(err)
	}
	return feed.Entries
}

// everywhere returns the text of an article on its page, in the feed and on the wire.
func (s *stage) everywhere(a articleLine) map[string]string {
	s.t.Helper()
	texts := map[string]string{}
	_, page := s.get(a.URL, "text/html")
	_, texts["page"], _ = strings.Cut(page, "e-content")
	_, object := s.get(a.Object, mastodon)
	var wire struct{ Content string }
	if err := json.Unmarshal([]byte(object), &wire); err != nil {
		s.t.Fatalf("%v in %s", err, object)
	}
	texts["wire"] = wire.Content
	// The server hears of a command's change a moment after it.
	s.wait("the feed has the article", func() bool {
		for _, e := range s.feedOf(s.url + "/feed.xml") {
			if e.ID == a.Object {
				texts["feed"] = e.Content
				return true
			}
		}
		return false
	})
	for place, text := range texts {
		texts[place] = html.UnescapeString(text)
	}
	return texts
}

func TestT240WhatAnAuthorWroteStandsOnThePageInTheFeedAndOnTheWire(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		for i, test := range []struct{ language, text, want string }{
			{"en", "And then the tide turned&#8230;", "turned…"},
			{"en", "- price &#8364;\n", "price €<"},
			{"en", "Twice &#8220;quoted&#8221;", "“quoted”"},
			{"en", "| a |\n|---|\n| 5 &#8364; |", "5 €<"},
			{"en", "See https://quay.example/wiki/Café_Zuid here",
				`<a href="https://quay.example/wiki/Caf%C3%A9_Zuid">https://quay.example/wiki/Café_Zuid</a> here`},
			{"en", "See https://quay.example/вики/Габрово too", ">https://quay.example/вики/Габрово</a> too"},
			{"en", "See https://quay.example/渡船。", ">https://quay.example/渡船</a>。"},
			{"de", "See https://münster-quay.example/plan here",
				`<a href="https://xn--mnster-quay-thb.example/plan">https://münster-quay.example/plan</a> here`},
			{"en", "He said 'look at https://quay.example/map'.", ">https://quay.example/map</a>’."},
			{"de", "Im Sommer der '80er fuhr Hans' Boot hier.", "der ’80er fuhr Hans’ Boot"},
			{"nl", "In de jaren '80 voer Frits' boot.", "’80 voer Frits’ boot"},
			{"fr", "> — Bonjour.\n>\n> — Bonsoir.\n>\n> — Vous partez déjà ?", "<p>— Vous partez déjà ?</p>"},
			{"zh", "**重要提示（注意）：**请看。", "<strong>重要提示（注意）：</strong>请看。"},
			{"zh", "渡船每四分钟\n一班。", "渡船每四分钟一班。"},
			{"en", "Para one\r\rPara two\r\r- item\r- item two\r", "<p>Para two</p>"},
			{"en", "cafe\u0301 \x07au lait", "café au lait"},
		} {
			file := write(t, fmt.Sprintf("%d.md", i), fmt.Sprintf("---\ntitle: Title %d\nlanguage: %s\n---\n%s", i,
				test.language, test.text))
			a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
			for place, text := range s.everywhere(a) {
				if !strings.Contains(text, test.want) {
					t.Errorf("%q: the %s has no %q in %s", test.text, place, test.want, text[:min(len(text), 400)])
				}
			}
		}
		file := write(t, "table.md", "---\ntitle: Table\n---\n| a | b | c |\n|:--|:-:|--:|\n| 1 | 2 | 3 |")
		a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
		for place, want := range map[string]string{"page": `class="centre">2`, "feed": `align="center">2`,
			"wire": `align="center">2`} {
			if text := s.everywhere(a)[place]; !strings.Contains(text, want) {
				t.Errorf("the %s has no %s in %s", place, want, text)
			}
		}
	})
}

func TestT241AFileThatCannotBeReadIsRefusedWithItsLine(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		for text, want := range map[string]string{
			"---\ntitle: Latin\n---\nDer sch\xf6ne Weg": "line 4 is not in UTF-8: save the file in the encoding UTF-8",
			"---\ntitle: sch\xf6n\n---\nDer Weg":        "line 2 is not in UTF-8",
			"---\ntitle: Ferry: wide\n---\nx":           "line 2 is not “key: value”; put a text with a colon",
			"---\nslug: a\ntitle: [Draft] notes\n---\n": "line 3 is not “key: value”; put a text with a colon",
			"---\ntitle: [Draft]\n---\nx":               "title on line 2 must be a single text, not a list; put it in quotes",
			"---\ntitle: #1 ferry\n---\nx":              "title on line 2 begins with #: put it in quotes",
		} {
			file := write(t, "a.md", text)
			_, trouble, status := cli(s.ctx, s.args("article", "publish", file), nil, "")
			if status != failed || !strings.Contains(trouble, want) || strings.Count(trouble, "\n") != 1 {
				t.Errorf("%q: %d, %q", text, status, trouble)
			}
		}
		s.tells("no articles", "article", "list")
	})
}

func TestT243TheDescriptionOfAPageIsItsFirstParagraph(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		long := "渡船" + strings.Repeat("每四分钟一班", 60)
		for text, want := range map[string]string{
			"## Timetable\n\n| from |\n|---|\n| 6:00 |\n\n```\ncode\n```\n\n" +
				"The ferry leaves.[^1]\n\n[^1]: Except.": "The ferry leaves.",
			long: string([]rune(long)[:199]) + "…",
		} {
			file := write(t, "a.md", "---\ntitle: "+fmt.Sprint(len(text))+"\n---\n"+text)
			a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
			_, page := s.get(a.URL, "text/html")
			for _, name := range []string{`name="description"`, `property="og:description"`} {
				if !strings.Contains(page, `<meta `+name+` content="`+want+`">`) {
					t.Errorf("the page of %q has no %s %q", text, name, want)
				}
			}
		}
	})
}

// idsOf returns the ids of a page, in order.
func idsOf(page string) (ids []string) {
	for _, part := range strings.Split(page, ` id="`)[1:] {
		id, _, _ := strings.Cut(part, `"`)
		ids = append(ids, id)
	}
	return ids
}

func TestT242NoHeadingHasAnIDOfThePage(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		_, bram := s.veerhuis()
		first := read[articleLine](t, s.cli("article", "publish",
			write(t, "a.md", "---\ntitle: Before\nseries: Low\npart: 1\ntags: [a]\n---\n# Next\n\nWords.[^1]\n\n[^1]: Note."),
			"--json"))[0]
		if _, err := bram.Reply(s.ctx, first.Object, "Yes."); err != nil {
			t.Fatal(err)
		}
		s.shows(first.URL, "Yes.", true)
		// All ids that pages have become headings, as words and written.
		ids := slices.Compact(slices.Sorted(slices.Values(idsOf(templatesText(t)))))
		_, page := s.get(first.URL, "text/html")
		ids = append(ids, idsOf(page)...)
		var text strings.Builder
		for _, id := range ids {
			if !strings.Contains(id, "{") {
				fmt.Fprintf(&text, "## %s\n\n## x {#%s}\n\nWords.[^1]\n\n", id, id)
			}
		}
		second := read[articleLine](t, s.cli("article", "publish", write(t, "b.md",
			"---\ntitle: Heading\nseries: Low\npart: 2\ntags: [a]\n---\n"+text.String()+"[^1]: Note."), "--json"))[0]
		if _, err := bram.Reply(s.ctx, second.Object, "No."); err != nil {
			t.Fatal(err)
		}
		s.shows(second.URL, "No.", true)
		_, page = s.get(second.URL, "text/html")
		known := map[string]bool{}
		for _, id := range idsOf(page) {
			if known[id] {
				t.Errorf("the id %q stands twice", id)
			}
			known[id] = true
		}
		if !known["next"] || !known["s-next"] || !known["talk"] {
			t.Errorf("the page has the ids %v", known)
		}
	})
}

// templatesText returns the templates of the pages for readers.
func templatesText(t *testing.T) string {
	t.Helper()
	var all strings.Builder
	for _, folder := range []string{"web", "layout"} {
		files, err := templates.FS.ReadDir(folder)
		if err != nil {
			t.Fatal(err)
		}
		for _, file := range files {
			text, err := templates.FS.ReadFile(folder + "/" + file.Name())
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String()
}

func TestT246TextsOfFilesAndCommandsAreStoredInTheirWrittenForm(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		author := read[authorLine](t, s.cli("author", "add", "ilse", "--name", "  Ilse\n Verhe\u0301\x07 ", "--json"))[0]
		if author.Name != "Ilse Verhé" {
			t.Errorf("the author is called %q", author.Name)
		}
		// Each key is here with what readers see of it; "" for one whose value has a form of its own.
		shown := map[string]string{"title": "Café one", "subtitle": "Café two", "summary": "Café three",
			"tags": "#Café four", "series": "Café five", "guest": "Café six", "warning": "Café seven",
			"picture-alt": "", "slug": "/café", "part": "",
			"language": "", "authors": "", "format": "", "visibility": "", "date": "", "updated": "", "picture": "",
			"comments": "", "quotes": "", "in-reply-to": "", "quoting": "", "translation-of": "", "id": ""}
		for _, key := range markup.Keys() {
			if _, known := shown[key]; !known {
				t.Errorf("the key %q is not in this table", key)
			}
		}
		file := write(t, "a.md", "---\ntitle: \"Cafe\u0301\\vone\\x07\"\nsubtitle: |\n  Cafe\u0301\n  two\n"+
			"summary: |\n  Cafe\u0301\n"+
			"  three\ntags: [\"Cafe\u0301\\nfour\"]\nseries: \"Cafe\u0301\\tfive\"\npart: 1\nguest: \"Cafe\u0301  six\"\n"+
			"warning: \"Cafe\u0301\\x85seven\"\nformat: note-full\nslug: cafe\u0301\n---\n"+
			"Cafe\u0301\x00.\r\rZoe\u0308 #Cafe\u0301\n")
		a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
		address := strings.TrimSuffix(a.URL, "caf%C3%A9")
		if address == a.URL {
			t.Errorf("the article is at %s", a.URL)
		}
		_, page := s.get(a.URL, "text/html")
		for key, want := range shown {
			if key != "slug" && !strings.Contains(page, want) {
				t.Errorf("the page does not show the key %s as %q", key, want)
			}
		}
		if !strings.Contains(page, "<p>Café.</p>") || !strings.Contains(page, "Zoë") || strings.Contains(page, "\u0301") {
			t.Errorf("the text is not in its written form: %s", page)
		}
		s.tells("Café one", "article", "show", "cafe\u0301")
		for _, path := range []string{"cafe%CC%81", "caf%c3%a9", "c%61f%C3%A9"} {
			if status, body := s.get(address+path, "text/html"); status != 200 || !strings.Contains(body, "Café one") {
				t.Errorf("%s answers %d", path, status)
			}
		}
		tag := s.url + "/tags/cafe%CC%81%20four"
		if status, body := s.get(tag, "text/html"); status != 200 || !strings.Contains(body, "Café one") {
			t.Errorf("%s answers %d", tag, status)
		}
	})
}

func TestT247APictureIsFoundHoweverItsNameIsWritten(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		folder := t.TempDir()
		if err := os.Mkdir(filepath.Join(folder, "bilde\u0301r"), 0o700); err != nil {
			t.Fatal(err)
		}
		for i, name := range []string{"low tide.png", "caf\u00e9.png", "cafe\u0301 au lait.png",
			"100%.png", "50%25.png", "a+b.png"} {
			keep(t, filepath.Join(folder, "bilde\u0301r", name), drawn(t, i))
		}
		for i, reference := range []string{"bildér/low%20tide.png", "<bilde\u0301r/low tide.png>",
			"bild%C3%A9r/caf%C3%A9.png",
			"bildér/cafe%CC%81.png", "bildér/cafe\u0301.png", "bildér/caf\u00e9%20au%20lait.png", "./bildér/100%.png",
			"bildér/50%2525.png", "bildér/a+b.png", "bildér/low&#32;tide.png \"At low tide\""} {
			file := filepath.Join(folder, fmt.Sprintf("%d.md", i))
			keep(t, file, []byte(fmt.Sprintf("---\ntitle: Picture %d\n---\n![It](%s)\n", i, reference)))
			a := read[articleLine](t, s.cli("article", "publish", file, "--json"))[0]
			for place, text := range s.everywhere(a) {
				if !strings.Contains(text, "<img") {
					t.Errorf("the %s of %s has no picture: %s", place, reference, text[:min(len(text), 300)])
				}
			}
			// The same text works from the library, once the picture is there.
			again := write(t, fmt.Sprintf("again-%d.md", i), fmt.Sprintf("---\ntitle: Again %d\n---\n![It](%s)\n", i, reference))
			a = read[articleLine](t, s.cli("article", "publish", again, "--json"))[0]
			if !strings.Contains(s.everywhere(a)["page"], "<img") {
				t.Errorf("the library does not know %s", reference)
			}
		}
	})
}

func keep(t *testing.T, path string, content []byte) {
	t.Helper()
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

// drawn returns a small picture, another one for each number.
func drawn(t *testing.T, n int) []byte {
	t.Helper()
	p := image.NewRGBA(image.Rect(0, 0, 8+n, 8))
	for i := range p.Pix {
		p.Pix[i] = 200
	}
	var out bytes.Buffer
	if err := png.Encode(&out, p); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func TestT248AnAddressWithNeedlessEscapesIsTheSameAddress(t *testing.T) {
	storetest.EachURL(t, func(t *testing.T, database string) {
		s := open(t, database)
		s.ilse()
		a := read[articleLine](t, s.cli("article", "publish",
			write(t, "a.md", "---\ntitle: Low road\ntags: [rivers, a/b]\n---\nWords."), "--json"))[0]
		path := strings.TrimPrefix(a.URL, s.url)
		for escaped, plain := range map[string]string{"/%40ilse": "/@ilse", "/%40ilse/feed.xml": "/@ilse/feed.xml",
			"/%61bout": "/about", "/tags/%72ivers": "/tags/rivers", "/tags/a%2fb": "/tags/a%2Fb",
			strings.Replace(path, "low", "%6C%6fw", 1): path, "/.well-known/%77ebfinger?resource=acct:ilse@" +
				strings.TrimPrefix(s.url, "http://"): "/.well-known/webfinger?resource=acct:ilse@" +
				strings.TrimPrefix(s.url, "http://")} {
			for _, accept := range []string{"text/html", mastodon} {
				for range 2 { // the second is served from the cache
					status, body := s.get(s.url+escaped, accept)
					want, text := s.get(s.url+plain, accept)
					if status != want || body != text {
						t.Errorf("%s as %s: %d, and %s %d", escaped, accept, status, plain, want)
					}
				}
			}
		}
		if status, _ := s.get(s.url+"/%40ilse", "text/html"); status != 200 {
			t.Errorf("/%%40ilse answers %d", status)
		}
		if status, _ := s.get(s.url+"/tags/a/b", "text/html"); status != 404 {
			t.Errorf("/tags/a/b answers %d", status)
		}
	})
}
