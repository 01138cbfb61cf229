package text

import "testing"

func TestT260NoShortTextOfOursTurnsWhatFollows(t *testing.T) {
	for typed, want := range map[string]string{
		"Invoice \u202egpj.exe": "Invoice gpj.exe", "\u2066a\u2069 \u202ab\u202c": "a b", "\ufeffTide": "Tide",
		"شهر\u200f 2026": "شهر\u200f 2026", "می\u200cخواهم": "می\u200cخواهم", "👩\u200d🚀": "👩\u200d🚀",
	} {
		if got := WrittenLine(typed); got != want {
			t.Errorf("%q became %q, want %q", typed, got, want)
		}
	}
}
