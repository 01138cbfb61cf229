package markup

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const sampleFile = `---
title: Four minutes wide
subtitle: "A ferry: the last"
slug: four-minutes-wide
summary: >
  On the last rowed ferry
  below the weir.
language: en
tags: [rivers, conversation]
series: The Low Road
part: 2
authors: ilse, tobias
guest: Nadia <https://noordkade.example/@nadia>
format: note-full
visibility: unlisted
date: 2026-11-16 17:00
updated: 2026-11-18T09:30:00Z
picture: ferry.jpg
picture-alt: A man rows.
comments: known
quotes: followers
warning:
translation-of: vier-minuten-breed
id: 01KAW0M5E8D3G6J9N2Q4T7V0XA
---

The ferry comes when you ring the bell.
`

func TestParseFrontMatterReadsEveryKey(t *testing.T) {
	zone := time.FixedZone("CET", 3600)
	got, body, err := ParseFrontMatter([]byte(sampleFile), zone)
	if err != nil {
		t.Fatal(err)
	}
	date, updated := time.Date(2026, 11, 16, 17, 0, 0, 0, zone), time.Date(2026, 11, 18, 9, 30, 0, 0, time.UTC)
	want := FrontMatter{Title: "Four minutes wide", Subtitle: "A ferry: the last", Slug: "four-minutes-wide",
		Summary: "On the last rowed ferry below the weir.", Language: "en", Tags: []string{"rivers", "conversation"},
		Series: "The Low Road", Part: 2, Authors: []string{"ilse", "tobias"},
		Guest:  "Nadia <https://noordkade.example/@nadia>",
		Format: "note-full", Visibility: "unlisted", Date: &date, Updated: &updated, Picture: "ferry.jpg",
		PictureAlt: "A man rows.",
		Comments:   "known", Quotes: "followers", TranslationOf: "vier-minuten-breed",
		ID: "01KAW0M5E8D3G6J9N2Q4T7V0XA", Lines: 25}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got)\n%s", diff)
	}
	if want := "\nThe ferry comes when you ring the bell.\n"; body != want {
		t.Errorf("body %q, want %q", body, want)
	}
}

func TestParseFrontMatterIsNotPedantic(t *testing.T) {
	for _, test := range []struct{ name, file, body string }{
		{"lines may end as on Windows", "---\r\ntitle: A\r\n---\r\nb\r\n", "b\n"},
		{"a byte order mark may stand first", "\uFEFF---\ntitle: A\n---\nb", "b"},
		{"the text may be empty", "---\ntitle: A\n---", ""},
		{"three dots may end it", "---\ntitle: A\n...\nb", "b"},
		{"a rule in the text is not its end", "---\ntitle: A\n---\nb\n\n---\n\nc", "b\n\n---\n\nc"},
		{"a number is a title", "---\ntitle: 1984\n---\nb", "b"},
		{"comments are allowed", "---\n# mine\ntitle: A # yes\n---\nb", "b"},
	} {
		t.Run(test.name, func(t *testing.T) {
			front, body, err := ParseFrontMatter([]byte(test.file), nil)
			if err != nil || body != test.body || front.Title == "" {
				t.Errorf("title %q, body %q, error %v", front.Title, body, err)
			}
		})
	}
}

func TestParseFrontMatterSaysWhatIsWrong(t *testing.T) {
	for _, test := range []struct{ name, head, want string }{
		{"an unknown key names the known one", "title: A\nsumary: b",
			`front matter: unknown key “sumary” on line 3; did you mean “summary”?`},
		{"a key like no other lists all", "title: A\nmastodon: b",
			`front matter: unknown key “mastodon” on line 3; known are title, subtitle, slug, summary, language, tags, ` +
				`series, part, authors, guest, format, visibility, date, updated, picture, picture-alt, comments, quotes, ` +
				`warning, in-reply-to, quoting, translation-of, id`},
		{"an id like no other", "title: A\nid: four-minutes-wide", `front matter: id on line 3 must be the id ` +
			`of an article, which “causerie article show” prints, not “four-minutes-wide”`},
		{"the title is missing", "slug: a", `front matter: title is missing`},
		{"the title is empty", "title: ''", `front matter: title is missing`},
		{"nothing is there", "", `front matter: title is missing`},
		{"a key twice", "title: A\ntitle: B", `front matter: title is given twice, the second time on line 3`},
		{"a list where a text belongs", "title: [a, b]", `front matter: title on line 2 must be a single text, not a ` +
			`list; put it in quotes when it begins with a bracket`},
		{"a colon that makes a structure", "title:\n  Ferry: the last",
			`front matter: title on line 2 must be a single text; put it in quotes when it contains a colon`},
		{"an alias", "title: A\nslug: &a a\nsummary: *a", "front matter: slug on line 3 begins with ! or &: put it in " +
			"quotes\nfront matter: summary on line 4 must be a plain text, not an alias"},
		{"a foolish slug", "title: A\nslug: Four Minutes",
			`front matter: slug on line 3 must be only lowercase letters, digits and hyphens between them, not “Four ` +
				`Minutes”`},
		{"a foolish language", "title: A\nlanguage: Dutch, really",
			`front matter: language on line 3 is not one that is known: write its code, such as “en”, “nl” or ` +
				`“pt-BR”, not ` +
				`“Dutch, really”`},
		{"a language of a story", "title: A\nlanguage: klingon",
			`front matter: language on line 3 is not one that is known: write its code, such as “en”, “nl” or ` +
				`“pt-BR”, not ` +
				`“klingon”`},
		{"a part that is no number", "title: A\npart: two",
			`front matter: part on line 3 must be a number from 1 to 9999, not “two”`},
		{"a part below one", "title: A\npart: 0", `front matter: part on line 3 must be a number from 1 to 9999, not ` +
			`“0”`},
		{"an unknown format", "title: A\nformat: note-ful",
			`front matter: format on line 3 must be article, note-full or note-teaser, not “note-ful”; did you mean ` +
				`“note-full”?`},
		{"an unknown visibility", "title: A\nvisibility: secret",
			`front matter: visibility on line 3 must be public, unlisted, followers or local, not “secret”`},
		{"a date that is none", "title: A\ndate: 30 February",
			`front matter: date on line 3 must be a date such as “2026-11-16”, “2026-11-16 17:00” or ` +
				`“2026-11-16T17:00:00+01:00”, not “30 February”`},
		{"tags that are a structure", "title: A\ntags:\n  a: b",
			`front matter: tags on line 3 must be a list such as [rivers, ferries]`},
		{"two mistakes at once", "titel: A\npart: x",
			"front matter: unknown key “titel” on line 2; did you mean “title”?\nfront matter: part on line 3 " +
				"must be a " +
				"number from 1 to 9999, not “x”"},
		{"a title with a colon", "title: Ferry: four minutes wide", broken(2)},
		{"a title that begins with a bracket", "title: [Draft] notes", broken(2)},
		{"a title that begins with a brace", "title: {Draft} notes", broken(2)},
		{"a title with a word in quotes", `title: "Ferry" is wide`, broken(2)},
		{"a title that begins with an apostrophe", "title: 'tis wide", broken(2)},
		{"a title that begins with a mention", "title: @ilse is wide", broken(2)},
		{"a title that begins with a star", "title: *wide", broken(2)},
		{"a quotation mark without its end", "title: \"Ferry\ntags: [a]", broken(2)},
		{"a bracket in the middle", "title: A\nsummary: [x] y\ntags:\n- a\n- b\n", broken(3)},
		{"a list without its end", "title: A\n\nslug: a\ntags: [a, b\nseries: c", broken(5)},
		{"a title that begins with a hash", "title: #1 on the river",
			"front matter: title on line 2 begins with #: put it in quotes"},
		{"tags that are hashtags", "title: A\ntags: #rivers, #ferries",
			"front matter: tags on line 3 begins with #: put it in quotes"},
		{"a title that begins with an exclamation mark", "title: !wide open",
			"front matter: title on line 2 begins with ! or &: put it in quotes"},
		{"no settings at all", "just words", `front matter: not a list of settings: write lines like “title: Four ` +
			`minutes ` +
			`wide”`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := ParseFrontMatter([]byte("---\n"+test.head+"\n---\nb"), nil)
			if err == nil {
				t.Fatal("no error")
			}
			if diff := cmp.Diff(test.want, err.Error()); diff != "" {
				t.Errorf("(-want +got)\n%s", diff)
			}
		})
	}
}

// broken is the error for a line that YAML cannot read.
func broken(line int) string {
	return fmt.Sprintf("front matter: line %d is not “key: value”; put a text with a colon or brackets in "+
		"quotes", line)
}

func TestAFileThatIsNotUTF8IsRefusedWithItsLine(t *testing.T) {
	for name, test := range map[string]struct {
		file string
		line int
	}{
		"Latin-1 in the text":       {"---\ntitle: A\n---\nDer sch\xf6ne Weg", 4},
		"Latin-1 in the title":      {"---\ntitle: sch\xf6n\n---\nDer", 2},
		"Windows quotation marks":   {"---\r\ntitle: A\r\n---\r\n\r\n\x84Ja\x93", 5},
		"a surrogate":               {"---\ntitle: A\n---\n\xed\xa0\x80", 4},
		"UTF-16":                    {"\xff\xfe-\x00-\x00-\x00\n\x00", 1},
		"UTF-8 cut within a letter": {"---\ntitle: A\n---\ncaf\xc3", 4},
	} {
		_, _, err := ParseFrontMatter([]byte(test.file), nil)
		want := fmt.Sprintf("line %d is not in UTF-8: save the file in the encoding UTF-8", test.line)
		if err == nil || err.Error() != want {
			t.Errorf("%s: %v, want %s", name, err, want)
		}
	}
}

func TestTextsOfAFileAreInTheirWrittenForm(t *testing.T) {
	file := "---\ntitle: \"Ferry\\vlog \\x07 cafe\\u0301\"\nsubtitle: |\n  Two\n  lines\n" +
		"slug: u\u0308ber\ntags: [\"cafe\u0301\", \"a\\nb\"]\nseries: \"a\\tb\"\n" +
		"---\rText \x07here\x00.\r\rcafe\u0301\r\n"
	front, body, err := ParseFrontMatter([]byte(file), nil)
	want := FrontMatter{Title: "Ferry log café", Subtitle: "Two lines", Slug: "über", Tags: []string{"café", "a b"},
		Series: "a b", Lines: 9}
	if diff := cmp.Diff(want, front); err != nil || diff != "" || body != "Text here.\n\ncafé\n" {
		t.Errorf("%v, %q (-want +got)\n%s", err, body, diff)
	}
}

func TestParseFrontMatterNeedsItsDashes(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"none at all", "The ferry", "front matter: missing"},
		{"an empty file", "", "front matter: missing"},
		{"no end", "---\ntitle: A\n", "front matter: not closed"},
		{"an end too far away", "---\ntitle: A\n" + strings.Repeat("# x\n", maxFrontMatter) + "---\n",
			"front matter: not closed"},
		{"broken YAML", "---\ntitle: \"A\n---\n", "front matter: line 2 is not “key: value”; put a text with a " +
			"colon or "},
		{"a colon in a text", "---\ntitle: A\nsummary: The ferry: the last\n---\n",
			"front matter: line 3 is not “key: value”; put a text with a colon or brackets in quotes"},
		{"a bomb of aliases", "---\na: &a [x,x]\nb: &b [*a,*a]\nc: [*b,*b]\n---\n", `unknown key “a” on line 2`},
	} {
		t.Run(test.name, func(t *testing.T) {
			_, _, err := ParseFrontMatter([]byte(test.file), nil)
			if err == nil || !strings.Contains(err.Error(), test.want) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
}

func TestFrontMatterBombsAreReadInTime(t *testing.T) {
	for _, head := range []string{"[", "{", "- ", "? ", "a: ", "&a ", "*a ", "!a ", "'", "\"\\", "a\n", "a: b\n",
		"- - a\n", "|\n", "#", "%", "{a: ", "[a, ", "\t", " "} {
		start := time.Now()
		_, _, _ = ParseFrontMatter([]byte("---\n"+repeat(head, maxFrontMatter-100)+"\n---\n"), nil)
		if took := time.Since(start); took > testTimeLimit {
			t.Errorf("%q took %v", head, took)
		}
	}
}

func FuzzParseFrontMatter(f *testing.F) {
	f.Add([]byte(sampleFile))
	f.Add([]byte("---\n? [a]\n: b\n---\n"))
	f.Add([]byte("---\ntitle: !!binary x\n---\n"))
	f.Add([]byte("---\n- a\n---\n"))
	f.Fuzz(func(t *testing.T, file []byte) {
		front, _, err := ParseFrontMatter(file, nil)
		if err == nil && front.Title == "" {
			t.Error("accepted without a title")
		}
	})
}
