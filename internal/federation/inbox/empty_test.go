package inbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

func TestAReplyWithoutWordsIsNeitherShownNorCounted(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		picture := map[string]any{"type": "Image", "mediaType": "image/png", "url": bram.Server.URL + "/ferry.png"}
		tag := map[string]any{"type": "Mention", "href": o.Site.ActorID(o.Ilse.ID)}
		for i, c := range []struct {
			more map[string]any
			want int
		}{
			{map[string]any{"content": ""}, 0},
			{map[string]any{"content": "<p></p>"}, 0},
			{map[string]any{"content": "<p> <br>&nbsp;</p>"}, 0},
			{map[string]any{"content": "<p>\u200b\u2060\ufeff\u3164</p>"}, 0},
			{map[string]any{"content": "<script>alert(1)</script><style>p{}</style>"}, 0},
			{map[string]any{"content": `<p><a href="https://example.org/"></a></p>`}, 0},
			{map[string]any{"content": "<p></p>", "tag": tag}, 0},
			{map[string]any{"content": nil}, 0},
			{map[string]any{"content": "<p>.</p>"}, 1},
			{map[string]any{"content": "<p>⛴</p>"}, 1},
			{map[string]any{"content": "", "attachment": picture}, 1},
			{map[string]any{"content": `<img src="` + bram.Server.URL + `/ferry.png" alt="A ferry">`}, 1},
			{map[string]any{"content": "", "summary": "The ferry sank"}, 1},
			{map[string]any{"content": "", "type": "Question",
				"oneOf": []any{map[string]any{"type": "Note", "name": "Ferry"}}}, 1},
		} {
			a := o.Publish(func(a *blog.Article) { a.Slug = fmt.Sprint("empty-", i) })
			o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), fmt.Sprint("n", i), c.more),
				fmt.Sprint("c", i)))
			code, doc := o.JSON(o.Object(a) + "/replies")
			if got := o.Counts(a).Replies; got != c.want || strings.Count(fmt.Sprint(doc), "/notes/n") != c.want || code != 200 {
				t.Errorf("%v: counted %d, %d %v, want %d", c.more, got, code, doc, c.want)
			}
			for _, comment := range o.Comments(a) {
				if (comment.State == blog.CommentShown) != (c.want == 1) {
					t.Errorf("%v: %s", c.more, comment.State)
				}
			}
		}
	})
}

func TestAReplyReturnsWithItsWords(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		for _, first := range []string{"", "<p>Words.</p>"} {
			a := o.Publish(func(a *blog.Article) { a.Slug = fmt.Sprint("words-", len(first)) })
			n := writePost(o, bram, fmt.Sprint("reply", len(first)), "", map[string]any{"inReplyTo": o.Object(a)})
			n.edit(first, 1)
			n.send("Create", n.doc)
			// An answer hangs on it, whatever becomes of its words.
			o.Receive(bram, overkant.Activity("Create", bram,
				overkant.ReplyNote(bram, n.doc["id"].(string), fmt.Sprint("below", len(first)), nil), fmt.Sprint("b", len(first))))
			check := func(want string, replies int) {
				t.Helper()
				if got := o.CommentKinds(a); !strings.Contains(got, "below") || strings.Contains(got, "Words") != (want != "") ||
					o.Counts(a).Replies != replies {
					t.Errorf("%q: %q, %d replies, want %q", first, got, o.Counts(a).Replies, want)
				}
			}
			for second := 2; second < 6; second += 2 {
				n.edit("<p></p>", second)
				n.send("Update", n.doc)
				check("", 1)
				n.edit("<p>Words.</p>", second+1)
				n.send("Update", n.doc)
				check("Words.", 2)
			}
			// What a moderator hid comes back hidden.
			id := o.FetchComment(n.doc["id"].(string)).ID
			if err := o.Outbox.Moderate(o.Soon(), id, blog.CommentHidden); err != nil {
				t.Fatal(err)
			}
			for i, words := range []string{"", "<p>Words.</p>"} {
				n.edit(words, 6+i)
				n.send("Update", n.doc)
				check("", 1)
			}
			if err := o.Outbox.Moderate(o.Soon(), id, blog.CommentShown); err != nil {
				t.Fatal(err)
			}
			check("Words.", 2)
		}
	})
}

func TestWordsThatComeBackNeedApprovalWhereWordsDo(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish(func(a *blog.Article) { a.Comments = blog.Approve })
		n := writePost(o, bram, "reply", "", map[string]any{"inReplyTo": o.Object(a)})
		n.edit("", 1)
		n.send("Create", n.doc)
		if got := len(o.WaitingComments(a)); got != 0 {
			t.Errorf("%d wait for approval", got)
		}
		n.edit("<p>Words.</p>", 2)
		n.send("Update", n.doc)
		if got := o.WaitingComments(a); len(got) != 1 || o.CommentKinds(a) != "" {
			t.Errorf("waiting: %v, shown: %q", got, o.CommentKinds(a))
		}
	})
}

func TestAnEmptyPostIsNoMention(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		to := map[string]any{"cc": []string{o.Site.ActorID(o.Ilse.ID)}}
		o.Receive(bram, overkant.CreateNote(bram, "empty", "<p></p>", to))
		if got := o.MentionTexts(); len(got) != 0 {
			t.Errorf("mentions: %q", got)
		}
		to["updated"] = time.Now().UTC().Format(time.RFC3339)
		edited := overkant.CreateNote(bram, "empty", "<p>Ahoy.</p>", to)["object"]
		o.Receive(bram, overkant.Activity("Update", bram, edited, "2"))
		if got := o.MentionTexts(); len(got) != 1 {
			t.Errorf("mentions: %q", got)
		}
	})
}
