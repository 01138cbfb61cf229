package blog

import "testing"

func TestAnAddressHasOneForm(t *testing.T) {
	for address, want := range map[string]string{
		"https://wp.example/\u0563\u0580/aram#main-key":  "https://wp.example/%D5%A3%D6%80/aram#main-key",
		"https://wp.example/%D5%A3%D6%80/aram":           "https://wp.example/%D5%A3%D6%80/aram",
		"https://wp.example/%d5%a3/aram?q=\u00e9#\u00e9": "https://wp.example/%d5%a3/aram?q=%C3%A9#%C3%A9",
		"https://wp.example?q=\u00e9":                    "https://wp.example?q=%C3%A9",
		"https://w\u00fc.example/\u00e9":                 "https://w\u00fc.example/%C3%A9", // a host is no path
		"https://w\u00fc.example":                        "https://w\u00fc.example",
		"https://wp.example/\xff":                        "https://wp.example/\xff",
		"\u00e9":                                         "\u00e9",
		"":                                               "",
	} {
		if got := URI(address); got != want {
			t.Errorf("%q: %q, want %q", address, got, want)
		}
	}
}
