package inbox_test

import (
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// Each of these shapes broke some other server.
func TestActivitiesAreUnderstoodInTheShapesOfOtherServers(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, ilse := o.Publish(), o.Site.ActorID(o.Ilse.ID)
		bram := o.Server("veerhuis").Person("bram")
		send := func(act map[string]any, twists ...fedtest.SendOption) {
			t.Helper()
			if answer, err := bram.Send(o.Soon(), o.Site.SharedInbox(), act, twists...); answer.Status != 202 {
				t.Errorf("%v: %d, %v", act["type"], answer.Status, err)
			}
		}
		post := func(name string, members map[string]any) map[string]any {
			return overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), name, members), name)
		}
		// one value where others have a list, in all members at once
		send(post("single", map[string]any{"to": "as:Public", "cc": ilse,
			"tag":        map[string]any{"type": "Mention", "href": ilse, "name": "@ilse"},
			"attachment": map[string]any{"type": "Document", "url": "https://pics.example/a.jpg", "name": "A boat"},
			"inReplyTo":  map[string]any{"id": o.Object(a), "type": "Article"}}))
		// pictures without a type, without an address, or with nothing but a blur
		send(post("pictures", map[string]any{"attachment": []any{map[string]any{"type": "Document", "blurhash": "LEHV6nWB"},
			map[string]any{"type": "Image", "url": "https://pics.example/b.jpg", "mediaType": nil, "name": nil}, nil, 5}}))
		// the whole profile in place of the actor's id
		embedded := post("embedded", nil)
		embedded["actor"] = map[string]any{"type": "Person", "id": bram.ID, "inbox": bram.Inbox(), "name": "Bram"}
		send(embedded)
		// more headers signed than we ask for
		send(post("headers", nil), fedtest.Covering("(request-target)", "content-type", "date", "digest", "host"))
		if got := o.CommentTexts(a); strings.Count(got, "|") != 3 || !strings.Contains(got, "single\n\nA boat") ||
			!strings.Contains(got, "pictures\n\nImage") {
			t.Errorf("the comments are %q", got)
		}

		// a reaction without times or audience; a boost of the page, with a copy of the article
		send(map[string]any{"id": bram.ID + "#likes/1", "type": "Like", "actor": bram.ID, "object": o.Object(a),
			"content": "❤", "published": nil, "to": nil})
		send(map[string]any{"type": "Announce", "actor": bram.ID, "id": bram.ID + "#boost",
			"object": map[string]any{"id": o.Object(a), "type": "Article", "content": "forged", "attributedTo": bram.ID}})
		if got := o.Counts(a); got.Likes != 1 || got.Boosts != 1 {
			t.Errorf("counted are %+v", got)
		}
		send(map[string]any{"type": "Undo", "actor": bram.ID, "object": map[string]any{"type": "Announce", "actor": bram.ID,
			"object": o.Site.ArticlePage(a)}})
		if got := o.Counts(a); got.Likes != 1 || got.Boosts != 0 {
			t.Errorf("after the undo are counted %+v", got)
		}

		// a Delete with the whole post, or with what it was
		send(overkant.Activity("Delete", bram, map[string]any{"id": bram.ID + "/notes/single", "type": "Note",
			"attributedTo": bram.ID, "content": "x"}, "delete-1"))
		send(overkant.Activity("Delete", bram, map[string]any{"id": bram.ID + "/notes/pictures", "type": "Tombstone",
			"formerType": "Note", "deleted": "2026-11-30 06:00:00"}, "delete-2"))
		send(overkant.Activity("Delete", bram, []any{bram.ID + "/notes/embedded"}, "delete-3"))
		send(overkant.Activity("Delete", bram, map[string]any{"id": bram.ID + "/notes/unknown", "type": "Tombstone"}, "4"))
		for name, want := range map[string]blog.CommentState{"single": blog.CommentRemoved, "pictures": blog.CommentRemoved,
			"embedded": blog.CommentRemoved, "headers": blog.CommentShown} {
			if c := stored(o, bram.ID+"/notes/"+name); c.State != want {
				t.Errorf("%s is %s, want %s", name, c.State, want)
			}
		}
	})
}

// Friendica writes the number of a row as the id of the Follow, Mitra the id alone, Misskey no id.
func TestAnAnswerNamesOurFollowInEachWay(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		ilse, veerhuis := o.Site.ActorID(o.Ilse.ID), o.Server("veerhuis")
		for name, object := range map[string]func(asked string, p *fedtest.Person) any{
			"number": func(_ string, p *fedtest.Person) any {
				return map[string]any{"id": "9", "type": "Follow", "actor": ilse, "object": p.ID}
			},
			"id":   func(asked string, _ *fedtest.Person) any { return asked },
			"list": func(asked string, _ *fedtest.Person) any { return []any{asked} },
			"none": func(_ string, p *fedtest.Person) any {
				return map[string]any{"type": "Follow", "actor": ilse, "object": p.ID}
			},
			"actors": func(_ string, p *fedtest.Person) any {
				return map[string]any{"type": "Follow", "actor": map[string]any{"id": ilse, "type": "Person"},
					"object": map[string]any{"id": p.ID, "type": "Person"}}
			},
		} {
			p := veerhuis.Person(name)
			followedBy(o, p, blog.Pending)
			asked, err := o.Store.Following(o.Soon(), o.Ilse.ID, p.ID)
			if err != nil {
				t.Fatal(err)
			}
			for _, step := range []struct {
				answer string
				want   blog.FollowState
			}{{"Accept", blog.Accepted}, {"Reject", ""}} {
				o.Receive(p, overkant.Activity(step.answer, p, object(asked.FollowID, p), step.answer))
				if got := o.FollowingState(o.Ilse, p); got != step.want {
					t.Errorf("%s by %s: %q, want %q", step.answer, name, got, step.want)
				}
			}
		}
	})
}
