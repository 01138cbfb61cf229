package inbox_test

import (
	"fmt"
	"slices"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

// crowd is a list of n addresses elsewhere, and one more at its end.
func crowd(n int, last any, as func(address string) any) []any {
	var list []any
	for i := range n {
		list = append(list, as(fmt.Sprintf("https://crowd.example/users/%d", i)))
	}
	return append(list, last)
}

func TestF159WhatConcernsUsIsFoundAtTheEndOfALongList(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, ilse := o.Server("veerhuis").Person("bram"), o.Site.ActorID(o.Ilse.ID)
		address := func(a string) any { return a }
		mention := func(a string) any { return map[string]any{"type": "Mention", "href": a, "name": "@somebody"} }
		for name, try := range map[string]struct {
			members map[string]any
			want    blog.CommentVisibility
		}{
			"public-to": {map[string]any{"to": crowd(400, "as:Public", address), "cc": nil}, blog.PublicComment},
			"public-cc": {map[string]any{"to": crowd(400, ilse, address), "cc": crowd(400, "as:Public", address)},
				blog.UnlistedComment},
			"restricted": {map[string]any{"to": crowd(400, ilse, address), "cc": nil}, blog.RestrictedComment},
		} {
			a := o.Publish(func(a *blog.Article) { a.Slug = name })
			o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), name, try.members), name))
			if c := stored(o, bram.ID+"/notes/"+name); c.Visibility != try.want {
				t.Errorf("%s: %q, want %q", name, c.Visibility, try.want)
			}
		}
		note := overkant.ReplyNote(bram, "", "mention", map[string]any{"tag": crowd(400, mention(ilse), mention)})
		delete(note, "inReplyTo")
		o.Receive(bram, overkant.Activity("Create", bram, note, "mention"))
		if got := o.MentionTexts(); !slices.Contains(got, "public mention") {
			t.Errorf("the mentions are %q", got)
		}
	})
}

func TestF070AVoteWithEmptyMarkupIsNoComment(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		for i, content := range []any{"<br>", "<p></p>", " ", "\u200b", "<p><br></p>", nil, ""} {
			name := fmt.Sprint("vote", i)
			note := overkant.ReplyNote(bram, o.Object(a), name, map[string]any{"name": "The ferry", "content": content})
			o.Receive(bram, overkant.Activity("Create", bram, note, name))
			o.Receive(bram, overkant.Activity("Update", bram, note, name+"u"))
		}
		if got := len(o.Comments(a)); got != 0 {
			t.Errorf("%d comments came of votes", got)
		}
	})
}

func TestF160APostWithoutAnAuthorIsThatOfWhoeverSendsIt(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		other := bram.Server.Person("mallory")
		cases := map[string]struct {
			members map[string]any
			want    bool
		}{
			"absent": {map[string]any{"attributedTo": nil}, true}, "empty": {map[string]any{"attributedTo": []any{}}, true},
			"actor":   {map[string]any{"attributedTo": nil, "actor": bram.ID}, true},
			"another": {map[string]any{"attributedTo": nil, "actor": other.ID}, false},
			"useless": {map[string]any{"attributedTo": "nobody"}, false},
			"several": {map[string]any{"attributedTo": []any{bram.ID, "https://elsewhere.example/1"}}, false},
		}
		for name, try := range cases {
			note := overkant.ReplyNote(bram, o.Object(a), name, try.members)
			if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(), overkant.Activity("Create", bram, note, name)); err != nil {
				t.Fatal(err)
			}
		}
		o.WaitSettled()
		for name, try := range cases {
			c, err := o.Store.CommentByAddress(o.Soon(), bram.ID+"/notes/"+name)
			if (err == nil) != try.want || err == nil && c.ActorID != bram.ID {
				t.Errorf("%s: %+v, %v", name, c, err)
			}
		}
		// what somebody else wrote does not change hands
		o.Receive(other, overkant.Activity("Update", other, map[string]any{"id": bram.ID + "/notes/absent", "type": "Note",
			"content": "<p>forged</p>", "inReplyTo": o.Object(a), "to": "as:Public"}, "forged"))
		if c := stored(o, bram.ID+"/notes/absent"); c.Plain != "absent" || c.ActorID != bram.ID {
			t.Errorf("%q by %s", c.Plain, c.ActorID)
		}
	})
}

func TestF161TheLanguageOfAPostIsReadWhereverItIsSaid(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		context := func(language string) []any {
			return []any{"https://www.w3.org/ns/activitystreams", map[string]any{"@language": language}}
		}
		for i, try := range []struct {
			members, activity map[string]any
			want              string
		}{
			{map[string]any{"contentMap": map[string]any{"nl": "<p>Woorden.</p>"}}, nil, "nl"},
			{map[string]any{"language": map[string]any{"identifier": "nl", "name": "Nederlands"}}, nil, "nl"},
			{map[string]any{"language": "nl"}, nil, "nl"}, {map[string]any{"@context": context("nl")}, nil, "nl"},
			{nil, map[string]any{"@context": context("nl")}, "nl"},
			{map[string]any{"@context": context("de")}, map[string]any{"@context": context("nl")}, "de"},
			{map[string]any{"language": "fr"}, map[string]any{"@context": context("nl")}, "fr"},
			{nil, map[string]any{"@context": context("und")}, ""}, {map[string]any{"language": "no such language"}, nil, ""},
		} {
			name := fmt.Sprint("language", i)
			note := overkant.ReplyNote(bram, o.Object(a), name, try.members)
			note["content"] = "<p>Woorden.</p>"
			act := overkant.Activity("Create", bram, note, name)
			for key, value := range try.activity {
				act[key] = value
			}
			o.Receive(bram, act)
			if c := stored(o, bram.ID+"/notes/"+name); c.Language != try.want {
				t.Errorf("%v in %v: %q, want %q", try.members, try.activity, c.Language, try.want)
			}
		}
	})
}

func TestF162AnObjectLinkThatTheTextCallsAQuoteIsOne(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, a := o.Server("veerhuis").Person("bram"), o.Publish()
		const linked = `application/ld+json; profile="https://www.w3.org/ns/activitystreams"`
		for i, try := range []struct {
			tag  map[string]any
			want string
		}{
			{map[string]any{"mediaType": linked, "name": "RE: " + o.Object(a)}, "quote"},
			{map[string]any{"mediaType": "application/activity+json", "name": "re:" + o.Object(a)}, "quote"},
			{map[string]any{"rel": "https://misskey-hub.net/ns#_misskey_quote"}, "quote"},
			{map[string]any{"mediaType": "text/html", "name": "RE: a page"}, ""},
			{map[string]any{"mediaType": linked, "name": "more on this"}, ""},
		} {
			name := fmt.Sprint("link", i)
			try.tag["type"], try.tag["href"] = "Link", o.Object(a)
			note := overkant.ReplyNote(bram, "", name, map[string]any{"tag": []any{try.tag}})
			delete(note, "inReplyTo")
			o.Receive(bram, overkant.Activity("Create", bram, note, name))
			c, err := o.Store.CommentByAddress(o.Soon(), bram.ID+"/notes/"+name)
			if (err == nil) != (try.want != "") || err == nil && c.Kind != blog.Quoting {
				t.Errorf("%v: %q, %v", try.tag, c.Kind, err)
			}
		}
	})
}
