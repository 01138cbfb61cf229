package inbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

// replyHTML receives a reply with these members and returns its HTML, without the attributes of links.
func replyHTML(o *overkant.Blog, name string, members map[string]any) string {
	o.T.Helper()
	tube := o.Server("red").Person("tube")
	a := o.Publish(func(a *blog.Article) { a.Slug += name })
	o.Receive(tube, overkant.Activity("Create", tube, overkant.ReplyNote(tube, o.Object(a), name, members), name))
	c, err := o.Store.CommentByAddress(o.Soon(), tube.ID+"/notes/"+name)
	if err != nil {
		o.T.Fatalf("%s: %v", name, err)
	}
	return strings.ReplaceAll(c.HTML, ` rel="nofollow ugc noopener"`, "")
}

func TestF129WordsAndLinesOfATextThatIsNoHTMLAreKept(t *testing.T) {
	const sent = "One **bold** if a <b and c> d & e\n\nsecond paragraph\nthird line"
	const plain = `<p>One **bold** if a &lt;b and c&gt; d &amp; e</p><p>second paragraph<br>third line</p>`
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, try := range []struct {
			members map[string]any
			want    string
		}{
			{map[string]any{"mediaType": "text/markdown", "content": sent}, plain},
			{map[string]any{"mediaType": "text/plain", "content": sent}, plain},
			{map[string]any{"mediaType": "Text/Plain; charset=utf-8", "content": sent}, plain},
			{map[string]any{"mediaType": "text/x.misskeymarkdown", "content": sent}, plain},
			{map[string]any{"mediaType": "text/gemini", "content": strings.ReplaceAll(sent, "\n", "\r\n")}, plain},
			{map[string]any{"mediaType": "text/markdown", "content": nil, "contentMap": map[string]any{"en": sent}}, plain},
			{map[string]any{"type": "Video", "mediaType": "text/markdown", "content": sent}, plain},
			{map[string]any{"mediaType": "text/html", "content": "<p>One <b>bold</b></p>"}, "<p>One <b>bold</b></p>"},
			{map[string]any{"content": "<p>One <b>bold</b></p>"}, "<p>One <b>bold</b></p>"},
			{map[string]any{"type": "Audio", "mediaType": "audio/ogg", "content": "<p>One</p>"}, "<p>One</p>"},
			{map[string]any{"mediaType": "text/plain", "content": "<script>alert(1)</script>"},
				"<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>"},
		} {
			if got := replyHTML(o, fmt.Sprint("words", i), try.members); got != try.want {
				t.Errorf("%v:\n%s\nwant\n%s", try.members, got, try.want)
			}
		}
	})
}

func TestF130AnAttachmentIsNamedByItsDescription(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		links := []any{map[string]any{"type": "Link", "href": "https://pics.example/a.jpg", "mediaType": "image/jpeg"},
			map[string]any{"type": "Link", "href": "https://pics.example/a.avif", "mediaType": "image/avif"}}
		hidden := `<span class="invisible">https://</span>`
		for i, try := range []struct {
			attachment map[string]any
			want       string
		}{
			{map[string]any{"name": "pier.jpg", "summary": "A pier in fog", "url": links}, "A pier in fog"},
			{map[string]any{"summary": "A pier in fog", "url": links[0]}, "A pier in fog"},
			{map[string]any{"name": "A pier", "summary": "Fog", "url": "https://pics.example/a.jpg"}, "A pier"},
			{map[string]any{"name": "pier.jpg", "url": links}, hidden + "pics.example/a.jpg"},
			{map[string]any{"name": "pier.jpg", "summaryMap": map[string]any{"en": "A pier in fog"}, "url": links},
				"A pier in fog"},
			{map[string]any{"name": " ", "url": links}, "Document"},
			{map[string]any{"name": "\u200b", "type": nil, "url": links}, "https://pics.example/a.jpg"},
			{map[string]any{"name": "", "type": "\u200b", "href": "https://pics.example/a.jpg"}, "https://pics.example/a.jpg"},
		} {
			if _, given := try.attachment["type"]; !given {
				try.attachment["type"] = "Document"
			}
			want := `<p>One</p><p><a href="https://pics.example/a.jpg">` + try.want + "</a></p>"
			got := replyHTML(o, fmt.Sprint("picture", i), map[string]any{"content": "<p>One</p>",
				"context": "data:,harbour-abc", "attachment": []any{try.attachment}})
			if got != want {
				t.Errorf("%v:\n%s\nwant\n%s", try.attachment, got, want)
			}
		}
	})
}

func TestF156SignsThatStandHigherOrLowerKeepTheirPlace(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		tube, a := o.Server("red").Person("tube"), o.Publish()
		for i, try := range []struct{ content, html, plain string }{
			{"<p>10<sup>2</sup> m<sup>3</sup></p>", "<p>10<sup>2</sup> m<sup>3</sup></p>", "10² m³"},
			{"<p>H<sub>2</sub>O</p>", "<p>H<sub>2</sub>O</p>", "H₂O"},
			{`<p>x<sup lang="en" class="big" onclick="x()">n</sup></p>`, `<p>x<sup lang="en">n</sup></p>`, "xn"},
			{"<p>She said <q>no</q>.</p>", "<p>She said “no”.</p>", "She said “no”."},
			{"<p>One</p><hr><p>Two</p>", "<p>One</p><p>* * *</p><p>Two</p>", "One\n\n* * *\n\nTwo"},
			{"<p>One<hr/>two</p>", "<p>One</p><p>* * *</p>two", "One\n\n* * *\n\ntwo"},
		} {
			name := fmt.Sprint("high", i)
			o.Receive(tube, overkant.Activity("Create", tube,
				overkant.ReplyNote(tube, o.Object(a), name, map[string]any{"content": try.content}), name))
			if c := stored(o, tube.ID+"/notes/"+name); c.HTML != try.html || c.Plain != try.plain {
				t.Errorf("%s:\n%s %q, want\n%s %q", try.content, c.HTML, c.Plain, try.html, try.plain)
			}
		}
	})
}

func TestF157ATimeIsReadInEachFormThatServersWrite(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		tube, a := o.Server("red").Person("tube"), o.Publish()
		at := time.Date(2026, 11, 29, 12, 34, 56, 0, time.UTC)
		for i, written := range []string{"2026-11-29T12:34:56Z", "2026-11-29 12:34:56", "2026-11-29T12:34:56",
			"2026-11-29T12:34:56+0000", "2026-11-29T13:34:56+0100", "2026-11-29t12:34:56z", "2026-11-29T12:34:56.000",
			"2026-11-29 12:34:56 UTC", "2026-11-29 12:34:56 +0000 UTC", "2026-11-29 12:34:56.000000+00:00",
			" 2026-11-29T12:34:56Z "} {
			name := fmt.Sprint("time", i)
			note := overkant.ReplyNote(tube, o.Object(a), name, map[string]any{"published": written})
			o.Receive(tube, overkant.Activity("Create", tube, note, name))
			if c := stored(o, tube.ID+"/notes/"+name); !c.PublishedAt.Equal(at) {
				t.Errorf("published %q: %s", written, c.PublishedAt)
			}
			// an edit that came late does not replace a newer one
			for n, second := range []string{":58", ":57"} {
				note["updated"] = strings.ReplaceAll(written, ":56", second)
				note["content"] = fmt.Sprint("<p>edit ", n, "</p>")
				o.Receive(tube, overkant.Activity("Update", tube, note, fmt.Sprint(name, "-", n)))
			}
			if c := stored(o, tube.ID+"/notes/"+name); c.Plain != "edit 0" {
				t.Errorf("updated %q: %q is the newest", written, c.Plain)
			}
		}
		for i, written := range []any{"0000-01-01T00:00:00Z", "57171-08-04T06:31:30Z", "yesterday", 1764419696, nil, ""} {
			name := fmt.Sprint("odd", i)
			o.Receive(tube, overkant.Activity("Create", tube,
				overkant.ReplyNote(tube, o.Object(a), name, map[string]any{"published": written}), name))
			if c := stored(o, tube.ID+"/notes/"+name); time.Since(c.PublishedAt) > time.Minute {
				t.Errorf("published %v: %s", written, c.PublishedAt)
			}
		}
	})
}
