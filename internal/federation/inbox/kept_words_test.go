package inbox_test

import (
	"fmt"
	"regexp"
	"testing"

	"causerie/internal/overkant"
)

func TestTitlesAndExcerptsAreKeptOnce(t *testing.T) {
	title := regexp.MustCompile(`<p><a href="[^"]+/notes/kept\d+">Ferry</a></p>`)
	const excerpt = "How the ferry came to be painted twice"
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, try := range []struct {
			members map[string]any
			want    string // T stands for the link of a title
		}{
			{map[string]any{"name": "Ferry", "content": "<p>It sank.</p>"}, "<p>T</p><p>It sank.</p>"},
			{map[string]any{"name": "Ferry", "content": "<p>It sank.</p>", "type": "Question",
				"oneOf": []any{map[string]any{"type": "Note", "name": "Yes"}}}, "<p>T</p><p>It sank.</p><ul><li>Yes</li></ul>"},
			{map[string]any{"nameMap": map[string]any{"en": "Ferry"}, "content": "<p>It sank.</p>"}, "<p>T</p><p>It sank.</p>"},
			// Where the name only says again how the text begins, it is no title.
			{map[string]any{"name": "Ferry", "content": "<p>Ferry</p>"}, "<p>Ferry</p>"},
			{map[string]any{"name": " the  ferry sank…", "content": "<p>The ferry <b>sank</b> at noon.</p>"},
				"<p>The ferry <b>sank</b> at noon.</p>"},
			{map[string]any{"name": "The ferry sa...", "content": "<p>The ferry sank.</p>"}, "<p>The ferry sank.</p>"},
			{map[string]any{"name": "\u200b", "content": "<p>The ferry sank.</p>"}, "<p>The ferry sank.</p>"},

			{map[string]any{"type": "Article", "name": "Ferry", "summary": excerpt, "content": "<p>It sank.</p>"},
				"<p>T</p><p>" + excerpt + "</p><p>It sank.</p>"},
			{map[string]any{"type": "Article", "name": "Ferry", "summary": "<p>" + excerpt + "</p>",
				"content": "<p>It sank.</p>"},
				"<p>T</p><p>" + excerpt + "</p><p>It sank.</p>"},
			{map[string]any{"type": "Article", "name": "Ferry", "summaryMap": map[string]any{"en": excerpt},
				"content": "<p>It sank.</p>"}, "<p>T</p><p>" + excerpt + "</p><p>It sank.</p>"},
			{map[string]any{"type": "Article", "name": "Ferry", "summary": excerpt, "content": ""},
				"<p>T</p><p>" + excerpt + "</p>"},
			{map[string]any{"type": "Page", "name": "Ferry", "summary": "Ferry", "content": nil}, "<p>T</p>"},
			// An excerpt that the text has as well is said once.
			{map[string]any{"type": "Article", "name": "Ferry", "summary": "It sank.",
				"content": "<h2>News</h2><p>It sank.</p>"},
				"<p>T</p><p><strong>News</strong></p><p>It sank.</p>"},
			{map[string]any{"type": "Article", "name": "Ferry", "summary": "<p>It sank […]</p>",
				"content": "<p>It sank at noon.</p>"},
				"<p>T</p><p>It sank at noon.</p>"},
			{map[string]any{"type": "Article", "name": "Ferry", "summary": "<img src=x>", "content": "<p>It sank.</p>"},
				"<p>T</p><p>It sank.</p>"},
			// A warning is none: it stands above the whole.
			{map[string]any{"type": "Article", "name": "Ferry", "summary": "Water", "sensitive": true,
				"content": "<p>It sank.</p>"}, "<p>T</p><p>It sank.</p>"},
			{map[string]any{"summary": "Water", "content": "<p>It sank.</p>"}, "<p>It sank.</p>"},
		} {
			got := title.ReplaceAllString(replyHTML(o, fmt.Sprint("kept", i), try.members), "<p>T</p>")
			if got != try.want {
				t.Errorf("%v:\n%s\nwant\n%s", try.members, got, try.want)
			}
		}
	})
}
