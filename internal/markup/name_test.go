package markup

import (
	"fmt"
	"strings"
	"testing"
)

func TestAWordIsAHashtagUnlessItIsANumberOrAColour(t *testing.T) {
	for word, want := range map[string]bool{"quay": true, "FFaa00": false, "ffaa0080": false, "00FF00": false,
		"eee": false, "aaaaaa": false, "12": false, "2026_11": false, "2fa": true, "b2b": true, "facade": true,
		"deadbeef": true, "face": true, "low_ferry": true, "a11y": true, "ad2026x": true, "καφές": true} {
		rendered, err := Article("Under #"+word+".", Options{})
		if got := len(rendered.Hashtags) == 1 && rendered.Hashtags[0] == word; err != nil || got != want ||
			strings.Contains(string(rendered.HTML), `rel="tag"`) != want {
			t.Errorf("#%s is a hashtag: %v, %v: %s", word, got, err, rendered.HTML)
		}
	}
}

func TestATextHasAtMostFiftyHashtags(t *testing.T) {
	var words strings.Builder
	for i := range 60 {
		fmt.Fprintf(&words, "#tag%d ", i)
	}
	rendered, err := Article(words.String()+"#TAG0", Options{})
	if n := strings.Count(string(rendered.HTML), `rel="tag"`); err != nil || len(rendered.Hashtags) != 50 || n != 51 {
		t.Errorf("%d hashtags, %d links, %v", len(rendered.Hashtags), n, err)
	}
}

func TestTheHostOfAMentionMayHaveAPort(t *testing.T) {
	for text, want := range map[string]string{"@bram@veerhuis.example:8443.": "@bram@veerhuis.example:8443",
		"@bram@veerhuis.example: 8443": "@bram@veerhuis.example", "@bram@veerhuis.example:8a": "@bram@veerhuis.example",
		"@bram@veerhuis.example.:80": "@bram@veerhuis.example", "@bram@veerhuis.example:123456": "@bram@veerhuis.example"} {
		rendered, err := Article(text, Options{})
		if err != nil || len(rendered.Mentions) != 1 || rendered.Mentions[0] != want {
			t.Errorf("%s mentions %q, %v", text, rendered.Mentions, err)
		}
	}
}
