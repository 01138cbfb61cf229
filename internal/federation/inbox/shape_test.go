package inbox_test

import (
	"fmt"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

// stored returns the comment that a post became.
func stored(o *overkant.Blog, address string) blog.Comment {
	o.T.Helper()
	c, err := o.Store.CommentByAddress(o.Soon(), address)
	if err != nil {
		o.T.Errorf("%s: %v", address, err)
	}
	return c
}

func TestF138ATitleStandsAboveItsTextAndEachPictureOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram := o.Publish(), o.Server("wp").Person("bram")
		picture := func(address string) map[string]any {
			return map[string]any{"type": "Image", "url": address, "name": "A boat"}
		}
		for i, post := range []map[string]any{
			{"type": "Article", "name": "Title", "content": "<p>Words.</p>"},
			{"type": "Page", "name": "Title", "content": "<p>Words.</p>"},
			{"type": "Event", "name": "Title", "content": "<p>Words.</p>", "attachment": picture("https://wp.example/a.jpg")},
			{"type": "Article", "name": "Title", "content": "<p>Words.</p>", "quote": o.Object(a)},
			{"content": `<p>Title</p><p>Words.</p><img src="https://wp.example/a.jpg" alt="A boat">`,
				"attachment": []any{picture("https://wp.example/a.jpg")}},
			{"content": `<p>Title</p><p>Words.</p><img alt="A boat" src="https://wp.example/a-1024x768.jpg?ssl=1&amp;w=640" />`,
				"attachment": []any{picture("https://WP.example/a.jpg"), picture("https://wp.example/a-scaled.jpg")}},
			{"content": `<p>Title</p><p>Words.</p>`,
				"attachment": []any{picture("https://wp.example/a.jpg"), picture("https://wp.example/a.jpg")}},
		} {
			if post["quote"] == nil {
				post["inReplyTo"] = o.Object(a)
			}
			name := fmt.Sprint("note", i)
			note := overkant.CreateNote(bram, name, "", post)
			o.Receive(bram, note)
			c := stored(o, bram.ID+"/notes/"+name)
			title, words := strings.Index(c.Plain, "Title"), strings.Index(c.Plain, "Words.")
			if title < 0 || words < title || strings.Count(c.Plain, "Title") != 1 || strings.Count(c.HTML, "A boat") > 1 {
				t.Errorf("%v: %s", post, c.HTML)
			}
			if post["attachment"] != nil && !strings.Contains(c.HTML, "A boat") {
				t.Errorf("%v: no picture in %s", post, c.HTML)
			}
		}
		o.Receive(bram, overkant.CreateNote(bram, "two", "", map[string]any{"inReplyTo": o.Object(a),
			"content":    `<p>Two.</p><img alt="One boat" src="https://wp.example/a.jpg?id=1">`,
			"attachment": []any{picture("https://wp.example/a.jpg?id=2")}}))
		if c := stored(o, bram.ID+"/notes/two"); !strings.Contains(c.HTML, "A boat") {
			t.Errorf("another picture is left out: %s", c.HTML)
		}
	})
}

func TestF139WhatIsSensitiveIsFoldedUnderItsSummary(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, bram := o.Publish(), o.Server("wp").Person("bram")
		for i, try := range []struct {
			kind      string
			sensitive any
			want      string
		}{
			{"Article", true, "Blood"}, {"Page", true, "Blood"}, {"Event", true, "Blood"}, {"Note", true, "Blood"},
			{"Note", nil, "Blood"}, {"Question", false, "Blood"}, {"Article", nil, ""}, {"Article", false, ""},
			{"Page", "yes", ""},
		} {
			name := fmt.Sprint("note", i)
			create := overkant.CreateNote(bram, name, "<p>Words.</p>", map[string]any{"type": try.kind,
				"summary": "<p>Blood</p>", "sensitive": try.sensitive, "inReplyTo": o.Object(a)})
			o.Receive(bram, create)
			if c := stored(o, bram.ID+"/notes/"+name); c.Warning != try.want || !strings.Contains(c.Plain, "Words.") {
				t.Errorf("%+v: the warning is %q, %s", try, c.Warning, c.HTML)
			}
		}
	})
}
