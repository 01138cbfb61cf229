package inbox_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF065ReplyToTheArticleOrItsPageIsACommentAndOneToACommentIsNested(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		ctx := o.Soon()
		edited, err := o.Store.Article(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		old := o.Site.ArticlePage(a)
		edited.Slug = "five-minutes-wide"
		if err := o.Outbox.Revise(ctx, &edited); err != nil {
			t.Fatal(err)
		}
		reply := func(name, to string) blog.Comment {
			t.Helper()
			o.Receive(bram, overkant.CreateNote(bram, name, "<p>"+name+"</p>", map[string]any{"inReplyTo": to}))
			c, err := o.Store.CommentByAddress(ctx, bram.ID+"/notes/"+name)
			if err != nil {
				t.Fatalf("a reply to %s: %v", to, err)
			}
			return c
		}
		for name, to := range map[string]string{"object": o.Object(a), "page": o.Site.ArticlePage(edited), "old-page": old,
			"talk": o.Site.ArticlePage(edited) + "?from=feed#talk"} {
			if c := reply(name, to); c.ArticleID != a.ID || c.ParentID != "" || c.Kind != blog.Answering {
				t.Errorf("a reply to %s is %+v", to, c)
			}
		}
		first := reply("first", o.Object(a))
		if second := reply("second", first.Address); second.ParentID != first.ID {
			t.Errorf("a reply to a comment hangs on %q", second.ParentID)
		}
		own, err := o.Outbox.Reply(ctx, o.Ilse, first.ID, "Mine.")
		if err != nil {
			t.Fatal(err)
		}
		for name, to := range map[string]string{"to-note": own.Address, "to-its-place": o.Site.CommentPage(edited, own.ID)} {
			if c := reply(name, to); c.ParentID != own.ID {
				t.Errorf("a reply to %s hangs on %q", to, c.ParentID)
			}
		}
	})
}

func TestF065SamePostByEveryWayIsOneComment(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade, group := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade"),
			o.Server("pleinen").Group("rivers")
		a := o.Publish()
		ctx := o.Soon()
		ready, err := bram.PrepareReply(ctx, o.Object(a), "<p>Once.</p>")
		if err != nil {
			t.Fatal(err)
		}
		create := map[string]any{"type": "Create", "actor": bram.ID,
			"object": map[string]any{"type": "Note", "id": ready.Object, "attributedTo": bram.ID, "content": "<p>Not so.</p>",
				"inReplyTo": o.Object(a), "to": "as:Public"}}
		steps := map[string]func(){
			"pushed": func() {
				if _, err := ready.Send(ctx); err != nil {
					t.Fatal(err)
				}
			},
			"forwarded": func() {
				create["id"] = bram.ID + "/acts/forwarded"
				if _, err := kade.Send(ctx, o.Site.SharedInbox(), create); err != nil {
					t.Fatal(err)
				}
			},
			"announced": func() {
				create["id"] = bram.ID + "/acts/announced"
				o.Receive(group, map[string]any{"id": group.ID + "/announces/1", "type": "Announce", "object": create})
			},
			"named": func() {
				o.Receive(bram, map[string]any{"id": bram.ID + "/acts/named", "type": "Create", "object": ready.Object})
			},
			"fetched as a parent": func() {
				o.Receive(kade, overkant.CreateNote(kade, "below", "<p>Below.</p>", map[string]any{"inReplyTo": ready.Object}))
			},
		}
		for name, step := range steps {
			step()
			o.WaitSettled()
			if c, err := o.Store.CommentByAddress(ctx, ready.Object); err != nil || c.Plain != "Once." {
				t.Errorf("after it was %s it is %+v (%v)", name, c, err)
			}
		}
		if got := o.Counts(a).Replies; got != 2 {
			t.Errorf("%d replies are counted of one post and one below it: %s", got, o.CommentTexts(a))
		}
	})
}

func TestF067ChainThatDoesNotLeadHereStoresNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		o.Publish()
		ctx := o.Soon()
		root, err := bram.Post(ctx, "<p>Of something else.</p>")
		if err != nil {
			t.Fatal(err)
		}
		middle, err := bram.Reply(ctx, root.Object, "<p>About that.</p>")
		if err != nil {
			t.Fatal(err)
		}
		circle := bram.ID + "/notes/circle"
		if _, err := bram.PrepareReply(ctx, middle.Object, "<p>Round.</p>", fedtest.NoteID(circle)); err != nil {
			t.Fatal(err)
		}
		for name, to := range map[string]string{"leaf": middle.Object, "itself": bram.ID + "/notes/itself",
			"nowhere": bram.ID + "/notes/404"} {
			o.Receive(bram, overkant.CreateNote(bram, name, "<p>Deep.</p>", map[string]any{"inReplyTo": to}))
		}
		for _, address := range []string{root.Object, middle.Object, bram.ID + "/notes/leaf", bram.ID + "/notes/itself",
			bram.ID + "/notes/nowhere"} {
			if c, err := o.Store.CommentByAddress(ctx, address); err == nil {
				t.Errorf("stored is %+v", c)
			}
		}
	})
}

func TestF069AddressingIsUnderstoodInEveryForm(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		whole := "https://www.w3.org/ns/activitystreams#Public"
		for name, step := range map[string]struct {
			note, act map[string]any
			shown     bool
		}{
			"whole":             {map[string]any{"to": []any{whole}}, nil, true},
			"as a text":         {map[string]any{"to": whole}, nil, true},
			"as:Public":         {map[string]any{"to": "as:Public"}, nil, true},
			"Public":            {map[string]any{"to": "Public"}, nil, true},
			"in cc":             {map[string]any{"to": bram.Followers(), "cc": []any{"as:Public"}}, nil, true},
			"on the activity":   {map[string]any{"to": nil}, map[string]any{"to": whole}, true},
			"the object's word": {map[string]any{"to": o.Site.ActorID(o.Ilse.ID)}, map[string]any{"to": whole}, false},
			"nobody":            {map[string]any{"to": nil}, nil, false},
			"in bcc": {map[string]any{"to": nil, "bto": whole, "bcc": whole},
				map[string]any{"bto": whole, "bcc": whole}, false},
			"nearly": {map[string]any{"to": "as:public"}, nil, false},
		} {
			note := map[string]any{"inReplyTo": o.Object(a)}
			for k, v := range step.note {
				note[k] = v
			}
			act := overkant.CreateNote(bram, strings.ReplaceAll(name, " ", "-"), "<p>Hello.</p>", note)
			for k, v := range step.act {
				act[k] = v
			}
			before := len(o.Comments(a))
			o.Receive(bram, act)
			if got := len(o.Comments(a)) > before; got != step.shown {
				t.Errorf("%s: shown is %t", name, got)
			}
		}
	})
}

func TestF070VoteInAPollIsIgnored(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		o.Receive(bram, overkant.CreateNote(bram, "vote", "", map[string]any{"inReplyTo": o.Object(a), "name": "The ferry"}))
		if got := len(o.Comments(a)); got != 0 {
			t.Errorf("%d comments came of a vote", got)
		}
	})
}

func TestF071PostOfEveryKindIsACommentAndAPollIsReadAsText(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for _, kind := range []string{"Note", "Article", "Page", "Question"} {
			more := map[string]any{"type": kind, "inReplyTo": o.Object(a)}
			switch kind {
			case "Question":
				more["oneOf"] = []any{map[string]any{"type": "Note", "name": "By ferry"},
					map[string]any{"type": "Note", "name": "Over the <b>bridge</b>"}}
			case "Article", "Page":
				more["name"] = "On " + kind + "s"
			}
			o.Receive(bram, overkant.CreateNote(bram, kind, "<p>"+kind+".</p>", more))
		}
		got := o.CommentTexts(a)
		for _, want := range []string{"Note.", "Article.", "On Articles", "Page.", "On Pages", "Question.", "By ferry",
			"Over the <b>bridge</b>"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in %q", want, got)
			}
		}
	})
}

func TestF072ForeignOldAndNarrowingUpdates(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		update := func(p *fedtest.Person, text, at string, change map[string]any) {
			t.Helper()
			note := map[string]any{"id": bram.ID + "/notes/1", "inReplyTo": o.Object(a), "updated": at}
			for k, v := range change {
				note[k] = v
			}
			act := overkant.CreateNote(p, "1", "<p>"+text+"</p>", note)
			act["type"], act["id"] = "Update", fmt.Sprintf("%s/updates/%d", p.ID, time.Now().UnixNano())
			o.Receive(p, act)
		}
		today := time.Now()
		day := func(n int) string { return today.AddDate(0, 0, n).UTC().Format(time.RFC3339) }
		o.Receive(bram, overkant.CreateNote(bram, "1", "<p>First.</p>", map[string]any{"inReplyTo": o.Object(a)}))
		update(bram, "Second.", day(2), nil)
		for _, step := range []struct {
			p    *fedtest.Person
			at   string
			more map[string]any
		}{{kade, day(3), nil}, {kade, day(3), map[string]any{"attributedTo": bram.ID}}, {bram, day(1), nil},
			{bram, day(2), nil}} {
			update(step.p, "Refused.", step.at, step.more)
		}
		if got := o.CommentTexts(a); got != "Second." {
			t.Errorf("after foreign and old updates it says %q", got)
		}
		update(bram, "For friends.", day(4), map[string]any{"to": bram.Followers()})
		if got := o.CommentTexts(a); got != "" || o.Counts(a).Replies != 0 {
			t.Errorf("after it was narrowed it still stands: %q", got)
		}
	})
}

func TestF073DeleteWorksInEveryFormAndOnlyForTheAuthor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		nadia := bram.Server.Person("nadia") // on the same server
		a := o.Publish()
		for i, form := range []func(id string) any{
			func(id string) any { return id },
			func(id string) any { return map[string]any{"id": id, "type": "Tombstone"} },
			func(id string) any {
				return map[string]any{"id": id, "type": "Note", "attributedTo": bram.ID, "content": "x"}
			},
		} {
			name := fmt.Sprint(i)
			o.Receive(bram, overkant.CreateNote(bram, name, "<p>Here.</p>", map[string]any{"inReplyTo": o.Object(a)}))
			for _, p := range []*fedtest.Person{kade, nadia} {
				o.Receive(p, map[string]any{"id": p.ID + "/deletes/" + name, "type": "Delete",
					"object": form(bram.ID + "/notes/" + name)})
			}
			if got := o.CommentTexts(a); !strings.HasSuffix(got, "Here.") {
				t.Errorf("form %d: others removed it", i)
			}
			o.Receive(bram, map[string]any{"id": bram.ID + "/deletes/" + name, "type": "Delete",
				"object": form(bram.ID + "/notes/" + name)})
			if got := o.Counts(a).Replies; got != 0 {
				t.Errorf("form %d: its writer did not remove it", i)
			}
		}
	})
}

func TestF075EmojiAreKeptAsSuchAndUndone(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade", fedtest.Misskey).Person("nadia")
		a := o.Publish()
		ctx := o.Soon()
		emojis := func() string {
			list, err := o.Store.Emojis(ctx, a.ID, 10)
			if err != nil {
				t.Fatal(err)
			}
			var words []string
			for _, e := range list {
				words = append(words, fmt.Sprint(e.Emoji, " ", e.N))
			}
			slices.Sort(words)
			return strings.Join(words, ", ")
		}
		// an EmojiReact, and a Like with content
		for p, emoji := range map[*fedtest.Person]string{bram: "⛴️", nadia: ":ferry:"} {
			if _, err := p.React(ctx, o.Object(a), emoji); err != nil {
				t.Fatal(err)
			}
		}
		o.WaitSettled()
		if got := emojis(); got != ":ferry: 1, ⛴️ 1" || o.Counts(a).Likes != 2 {
			t.Errorf("the reactions are %q, counted %d", got, o.Counts(a).Likes)
		}
		if _, err := bram.Unreact(ctx, o.Object(a)); err != nil {
			t.Fatal(err)
		}
		// Undone by what it was about alone, as it comes from servers that keep no ids of likes.
		o.Receive(nadia, map[string]any{"id": nadia.ID + "/undos/1", "type": "Undo",
			"object": map[string]any{"type": "Like", "actor": nadia.ID, "object": o.Object(a)}})
		if got := emojis(); got != "" || o.Counts(a).Likes != 0 {
			t.Errorf("after the undo the reactions are %q, counted %d", got, o.Counts(a).Likes)
		}
	})
}

func TestF076BoostCountsOncePerActorAndACopyIsNotTrusted(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		for i := range 3 {
			o.Receive(bram, map[string]any{"id": fmt.Sprintf("%s/boosts/%d", bram.ID, i), "type": "Announce",
				"object": o.Object(a)})
		}
		o.Receive(kade, map[string]any{"id": kade.ID + "/boosts/1", "type": "Announce",
			"object": map[string]any{"type": "Note", "id": bram.ID + "/notes/copy",
				"attributedTo": bram.ID, "inReplyTo": o.Object(a), "content": "<p>Forged.</p>", "to": "as:Public"}})
		if got := o.Counts(a); got != (blog.Counts{Boosts: 1}) {
			t.Errorf("counted are %+v", got)
		}
	})
}

func TestF077WhatAGroupAnnouncesIsFetchedFromItsOrigin(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, group := o.Server("veerhuis").Person("bram"), o.Server("pleinen").Group("rivers")
		a := o.Publish()
		ctx := o.Soon()
		n := 0
		announce := func(kind string, object any) {
			t.Helper()
			n++
			o.Receive(group, map[string]any{"id": fmt.Sprintf("%s/announces/%d", group.ID, n), "type": "Announce",
				"to": "as:Public",
				"object": map[string]any{"id": fmt.Sprintf("%s/acts/%d", bram.ID, n), "type": kind, "actor": bram.ID,
					"object": object}})
		}
		// which bram's server tells nobody
		ready, err := bram.Post(ctx, "<p>As its origin tells it.</p>", fedtest.InReplyTo(o.Object(a)))
		if err != nil {
			t.Fatal(err)
		}
		forged := map[string]any{"type": "Note", "id": ready.Object, "attributedTo": bram.ID, "inReplyTo": o.Object(a),
			"content": "<p>Forged.</p>", "to": "as:Public",
			"updated": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)}
		announce("Create", forged)
		announce("Create", forged)
		if got := o.CommentTexts(a); got != "As its origin tells it." {
			t.Fatalf("after an announced Create: %q", got)
		}
		announce("Update", forged)
		announce("Delete", ready.Object)
		announce("Like", o.Object(a))
		announce("Undo", map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "actor": bram.ID, "object": o.Object(a)})
		announce("Create", map[string]any{"type": "Note", "id": bram.ID + "/notes/404", "attributedTo": bram.ID,
			"inReplyTo": o.Object(a), "content": "<p>Never was.</p>", "to": "as:Public"})
		if got := o.CommentTexts(a); got != "As its origin tells it." || o.Counts(a) != (blog.Counts{Replies: 1,
			Servers: 1}) {
			t.Errorf("what a group said alone had an effect: %q, %+v", got, o.Counts(a))
		}
		if _, err := bram.Edit(ctx, ready.Object, "<p>Edited at its origin.</p>"); err != nil {
			t.Fatal(err)
		}
		announce("Update", ready.Object)
		if got := o.CommentTexts(a); got != "Edited at its origin." {
			t.Errorf("after an announced Update: %q", got)
		}
		if _, err := bram.Delete(ctx, ready.Object); err != nil {
			t.Fatal(err)
		}
		announce("Delete", ready.Object)
		if got := o.Counts(a).Replies; got != 0 {
			t.Errorf("after an announced Delete: %q", o.CommentTexts(a))
		}
	})
}

func TestF083ActivitiesAcrossSeveralHostsAreNotStored(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		reply := map[string]any{"inReplyTo": o.Object(a)}
		foreignAct := overkant.CreateNote(bram, "1", "<p>One.</p>", reply)
		foreignAct["id"] = kade.ID + "/acts/1"
		foreignObject := overkant.CreateNote(bram, "2", "<p>Two.</p>",
			map[string]any{"inReplyTo": o.Object(a), "id": kade.ID + "/notes/2"})
		foreignAuthor := overkant.CreateNote(bram, "3", "<p>Three.</p>",
			map[string]any{"inReplyTo": o.Object(a), "attributedTo": kade.ID})
		ours := overkant.CreateNote(bram, "4", "<p>Four.</p>",
			map[string]any{"inReplyTo": o.Object(a), "id": o.Site.NoteID(blog.NewID(time.Now()))})
		for _, act := range []map[string]any{foreignAct, foreignObject, foreignAuthor, ours} {
			o.Receive(bram, act)
		}
		like := map[string]any{"id": kade.ID + "/likes/1", "type": "Like", "object": o.Object(a)}
		o.Receive(bram, like)
		if got := o.CommentTexts(a); got != "" || o.Counts(a) != (blog.Counts{}) {
			t.Errorf("stored are %q, counted %+v", got, o.Counts(a))
		}
	})
}
