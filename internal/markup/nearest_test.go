package markup

import "testing"

func TestNearest(t *testing.T) {
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
			if got := Nearest(test.word, []string{"title", "summary", "series", "tags", "part", "wart"}); got != test.want {
				t.Errorf("got %q, want %q", got, test.want)
			}
		})
	}
}
