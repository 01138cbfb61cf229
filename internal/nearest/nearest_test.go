package nearest

import "testing"

func TestWord(t *testing.T) {
	for _, test := range []struct{ name, word, want string }{
		{"a letter missing", "sumary", "summary"},
		{"a letter too many", "titlle", "title"},
		{"a wrong letter", "sories", "series"},
		{"two letters exchanged", "atgs", "tags"},
		{"capitals do not count", "Title", "title"},
		{"the word itself", "tags", "tags"},
		{"the earlier of two equally near", "xart", "part"},
		{"nothing is near enough", "mastodon", ""},
		{"no word", "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			if got := Word(test.word, []string{"title", "summary", "series", "tags", "part", "wart"}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}

func TestTwoExchangedLettersAreOneError(t *testing.T) {
	if got := Word("lgo", []string{"url", "log"}); got != "log" {
		t.Errorf("got %q", got)
	}
}

func TestLikeness(t *testing.T) {
	const slug = "four-minutes-wide"
	for name, within := range map[string][2]float64{
		slug: {1, 1}, "four-minutes": {0.6, 0.99}, "wide-four-minutes": {0.7, 0.99}, "four-minuts-wide": {0.7, 0.99},
		"the-bell": {0, 0.2}, "": {0, 0},
	} {
		if like := NewName(name).Likeness(NewName(slug)); like < within[0] || like > within[1] {
			t.Errorf("%q is like %q by %.2f, want %v", name, slug, like, within)
		}
	}
	if like := NewName("").Likeness(NewName("")); like != 0 {
		t.Errorf("no name is like none by %v", like)
	}
}
