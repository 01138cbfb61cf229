package text

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func TestNumbers(t *testing.T) {
	for _, test := range []struct {
		n                      int
		english, dutch, spoken string
	}{
		{0, "0", "0", "no"}, {1, "1", "1", "one"}, {12, "12", "12", "twelve"}, {13, "13", "13", "13"},
		{999, "999", "999", "999"}, {1000, "1,000", "1.000", "1,000"}, {1204, "1,204", "1.204", "1,204"},
		{1234567, "1,234,567", "1.234.567", "1,234,567"},
		{-3, "-3", "-3", "-3"}, {-1204, "-1,204", "-1.204", "-1,204"},
	} {
		english, dutch, spoken := Number(test.n), NumberIn("nl", test.n), InWords(test.n)
		if english != test.english || dutch != test.dutch || spoken != test.spoken {
			t.Errorf("%d is %q, in Dutch %q, in words %q", test.n, english, dutch, spoken)
		}
	}
	for _, unknown := range []string{"", "xx", "not a language"} {
		if got := NumberIn(unknown, 1204); !strings.HasPrefix(got, "1") || !strings.HasSuffix(got, "204") {
			t.Errorf("in language %q: %q", unknown, got)
		}
	}
}

func TestPlural(t *testing.T) {
	for n, want := range map[int][2]string{
		0: {"0 replies", "no replies"}, 1: {"1 reply", "one reply"}, 2: {"2 replies", "two replies"},
		1001: {"1,001 replies", "1,001 replies"},
	} {
		if got := [2]string{Plural(n, "reply", "replies"), PluralInWords(n, "reply", "replies")}; got != want {
			t.Errorf("%d: %q, want %q", n, got, want)
		}
	}
}

func TestExcerpt(t *testing.T) {
	for _, test := range []struct {
		name, text string
		limit      int
		want       string
	}{
		{"a short text stays", "The bell.", 20, "The bell."},
		{"lines become one", "a\n\n b", 20, "a b"},
		{"a long one is cut between words", "The ferry comes when you ring", 16, "The ferry comes…"},
		{"no comma before the ellipsis", "The ferry, slow", 12, "The ferry…"},
		{"a word too long is cut inside", "Überfahrtsgesellschaft", 6, "Überf…"},
		{"no room", "abc", 0, ""},
		{"less than no room", "abc", -1, ""},
		{"room for one", "abc", 1, "…"},
		{"half a rune is left out", "a\xc3b", 9, "ab"},
		{"a text without spaces is cut between characters", "渡船 每四分钟开一班每四分钟开一班", 10, "渡船 每四分钟开一…"},
		{"a letter keeps its accent", "abcde\u0301f\u0301", 6, "abcd…"},
		{"a flag stays whole", "abc🇳🇱🇧🇪🇩🇪", 7, "abc🇳🇱…"},
		{"a family stays whole", "ab👨‍👩‍👧cd", 5, "ab…"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Excerpt(test.text, test.limit); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func FuzzExcerpt(f *testing.F) {
	f.Add("The ferry, slow", 12)
	f.Add("« Le\u00a0bac »\xff", 3)
	f.Fuzz(func(t *testing.T, text string, limit int) {
		limit = min(limit, 1000)
		got := Excerpt(text, limit)
		if !utf8.ValidString(got) || utf8.RuneCountInString(got) > max(0, limit) || OneLine(got) != got {
			t.Errorf("%q cut to %d: %q", text, limit, got)
		}
	})
}
