package markup

import (
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
		Comments:   "known", Quotes: "followers", TranslationOf: "vier-minuten-breed"}
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
				`warning, in-reply-to, quoting, translation-of`},
		{"the title is missing", "slug: a", `front matter: title is missing`},
		{"the title is empty", "title: ''", `front matter: title is missing`},
		{"nothing is there", "", `front matter: title is missing`},
		{"a key twice", "title: A\ntitle: B", `front matter: title is given twice, the second time on line 3`},
		{"a list where a text belongs", "title: [a, b]", `front matter: title on line 2 must be a single text, not a list`},
		{"a colon that makes a structure", "title:\n  Ferry: the last",
			`front matter: title on line 2 must be a single text; put it in quotes when it contains a colon`},
		{"an alias", "title: &a A\nsummary: *a", `front matter: summary on line 3 must be a plain text, not an alias`},
		{"a foolish slug", "title: A\nslug: Four Minutes",
			`front matter: slug on line 3 must be only lowercase letters, digits and hyphens between them, not “Four Minutes”`},
		{"a foolish language", "title: A\nlanguage: Dutch, really",
			`front matter: language on line 3 is not one that is known: write its code, such as “en”, “nl” or “pt-BR”, not ` +
				`“Dutch, really”`},
		{"a language of a story", "title: A\nlanguage: klingon",
			`front matter: language on line 3 is not one that is known: write its code, such as “en”, “nl” or “pt-BR”, not ` +
				`“klingon”`},
		{"a part that is no number", "title: A\npart: two",
			`front matter: part on line 3 must be a number from 1 to 9999, not “two”`},
		{"a part below one", "title: A\npart: 0", `front matter: part on line 3 must be a number from 1 to 9999, not “0”`},
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
			"front matter: unknown key “titel” on line 2; did you mean “title”?\nfront matter: part on line 3 must be a " +
				"number from 1 to 9999, not “x”"},
		{"no settings at all", "just words", `front matter: not a list of settings: write lines like “title: Four minutes ` +
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

func TestParseFrontMatterNeedsItsDashes(t *testing.T) {
	for _, test := range []struct{ name, file, want string }{
		{"none at all", "The ferry", "front matter: missing"},
		{"an empty file", "", "front matter: missing"},
		{"no end", "---\ntitle: A\n", "front matter: not closed"},
		{"an end too far away", "---\ntitle: A\n" + strings.Repeat("# x\n", maxFrontMatter) + "---\n",
			"front matter: not closed"},
		{"broken YAML", "---\ntitle: \"A\n---\n", "front matter: line 2 is not “key: value”; put a text with a colon or "},
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
