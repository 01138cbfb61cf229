package federation_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

func TestF065ReplyToTheArticleOrItsPageIsACommentAndOneToACommentIsNested(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		ctx := o.soon()
		edited, err := o.store.Article(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		old := o.site.ArticlePage(a)
		edited.Slug = "five-minutes-wide"
		if err := o.outbox.Revise(ctx, &edited); err != nil {
			t.Fatal(err)
		}
		reply := func(name, to string) blog.Comment {
			t.Helper()
			o.hears(bram, post(bram, name, "<p>"+name+"</p>", map[string]any{"inReplyTo": to}))
			c, err := o.store.CommentByAddress(ctx, bram.ID+"/notes/"+name)
			if err != nil {
				t.Fatalf("a reply to %s: %v", to, err)
			}
			return c
		}
		for name, to := range map[string]string{"object": o.object(a), "page": o.site.ArticlePage(edited), "old-page": old, "talk": o.site.ArticlePage(edited) + "?from=feed#talk"} {
			if c := reply(name, to); c.ArticleID != a.ID || c.ParentID != "" || c.Kind != blog.Answering {
				t.Errorf("a reply to %s is %+v", to, c)
			}
		}
		first := reply("first", o.object(a))
		if second := reply("second", first.Address); second.ParentID != first.ID {
			t.Errorf("a reply to a comment hangs on %q", second.ParentID)
		}
		own, err := o.outbox.Reply(ctx, o.ilse, first.ID, "Mine.")
		if err != nil {
			t.Fatal(err)
		}
		for name, to := range map[string]string{"to-note": own.Address, "to-its-place": o.site.CommentPage(edited, own.ID)} {
			if c := reply(name, to); c.ParentID != own.ID {
				t.Errorf("a reply to %s hangs on %q", to, c.ParentID)
			}
		}
	})
}

func TestF065SamePostByEveryWayIsOneComment(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade, group := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade"), o.server("pleinen").Group("rivers")
		a := o.publish()
		ctx := o.soon()
		ready, err := bram.PrepareReply(ctx, o.object(a), "<p>Once.</p>")
		if err != nil {
			t.Fatal(err)
		}
		create := map[string]any{"type": "Create", "actor": bram.ID, "object": map[string]any{"type": "Note", "id": ready.Object, "attributedTo": bram.ID, "content": "<p>Not so.</p>", "inReplyTo": o.object(a), "to": "as:Public"}}
		steps := map[string]func(){
			"pushed": func() {
				if _, err := ready.Send(ctx); err != nil {
					t.Fatal(err)
				}
			},
			"forwarded": func() {
				create["id"] = bram.ID + "/acts/forwarded"
				if _, err := kade.Send(ctx, o.site.SharedInbox(), create); err != nil {
					t.Fatal(err)
				}
			},
			"announced": func() {
				create["id"] = bram.ID + "/acts/announced"
				o.hears(group, map[string]any{"id": group.ID + "/announces/1", "type": "Announce", "object": create})
			},
			"named": func() {
				o.hears(bram, map[string]any{"id": bram.ID + "/acts/named", "type": "Create", "object": ready.Object})
			},
			"fetched as a parent": func() {
				o.hears(kade, post(kade, "below", "<p>Below.</p>", map[string]any{"inReplyTo": ready.Object}))
			},
		}
		for name, step := range steps {
			step()
			o.settled()
			if c, err := o.store.CommentByAddress(ctx, ready.Object); err != nil || c.Plain != "Once." {
				t.Errorf("after it was %s it is %+v (%v)", name, c, err)
			}
		}
		if got := o.counts(a).Replies; got != 2 {
			t.Errorf("%d replies are counted of one post and one below it: %s", got, o.texts(a))
		}
	})
}

func TestF067ChainThatDoesNotLeadHereStoresNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		o.publish()
		ctx := o.soon()
		root, err := bram.Post(ctx, "<p>Of something else.</p>")
		if err != nil {
			t.Fatal(err)
		}
		middle, err := bram.Reply(ctx, root.Object, "<p>About that.</p>")
		if err != nil {
			t.Fatal(err)
		}
		circle := bram.ID + "/notes/circle"
		if _, err := bram.PrepareReply(ctx, middle.Object, "<p>Round.</p>", neighbour.NoteID(circle)); err != nil {
			t.Fatal(err)
		}
		for name, to := range map[string]string{"leaf": middle.Object, "itself": bram.ID + "/notes/itself", "nowhere": bram.ID + "/notes/404"} {
			o.hears(bram, post(bram, name, "<p>Deep.</p>", map[string]any{"inReplyTo": to}))
		}
		for _, address := range []string{root.Object, middle.Object, bram.ID + "/notes/leaf", bram.ID + "/notes/itself", bram.ID + "/notes/nowhere"} {
			if c, err := o.store.CommentByAddress(ctx, address); err == nil {
				t.Errorf("stored is %+v", c)
			}
		}
	})
}

func TestF069AddressingIsUnderstoodInEveryForm(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
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
			"the object's word": {map[string]any{"to": o.site.ActorID(o.ilse.ID)}, map[string]any{"to": whole}, false},
			"nobody":            {map[string]any{"to": nil}, nil, false},
			"in bcc":            {map[string]any{"to": nil, "bto": whole, "bcc": whole}, map[string]any{"bto": whole, "bcc": whole}, false},
			"nearly":            {map[string]any{"to": "as:public"}, nil, false},
		} {
			note := map[string]any{"inReplyTo": o.object(a)}
			for k, v := range step.note {
				note[k] = v
			}
			act := post(bram, strings.ReplaceAll(name, " ", "-"), "<p>Hello.</p>", note)
			for k, v := range step.act {
				act[k] = v
			}
			before := len(o.comments(a))
			o.hears(bram, act)
			if got := len(o.comments(a)) > before; got != step.shown {
				t.Errorf("%s: shown is %t", name, got)
			}
		}
	})
}

func TestF070VoteInAPollIsIgnored(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		o.hears(bram, post(bram, "vote", "", map[string]any{"inReplyTo": o.object(a), "name": "The ferry"}))
		if got := len(o.comments(a)); got != 0 {
			t.Errorf("%d comments came of a vote", got)
		}
	})
}

func TestF071PostOfEveryKindIsACommentAndAPollIsReadAsText(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for _, kind := range []string{"Note", "Article", "Page", "Question"} {
			more := map[string]any{"type": kind, "inReplyTo": o.object(a)}
			switch kind {
			case "Question":
				more["oneOf"] = []any{map[string]any{"type": "Note", "name": "By ferry"}, map[string]any{"type": "Note", "name": "Over the <b>bridge</b>"}}
			case "Article", "Page":
				more["name"] = "On " + kind + "s"
			}
			o.hears(bram, post(bram, kind, "<p>"+kind+".</p>", more))
		}
		got := o.texts(a)
		for _, want := range []string{"Note.", "Article.", "On Articles", "Page.", "On Pages", "Question.", "By ferry", "Over the <b>bridge</b>"} {
			if !strings.Contains(got, want) {
				t.Errorf("%q is missing in %q", want, got)
			}
		}
	})
}

func TestF072ForeignOldAndNarrowingUpdates(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		update := func(p *neighbour.Person, text, at string, change map[string]any) {
			t.Helper()
			note := map[string]any{"id": bram.ID + "/notes/1", "inReplyTo": o.object(a), "updated": at}
			for k, v := range change {
				note[k] = v
			}
			act := post(p, "1", "<p>"+text+"</p>", note)
			act["type"], act["id"] = "Update", fmt.Sprintf("%s/updates/%d", p.ID, time.Now().UnixNano())
			o.hears(p, act)
		}
		today := time.Now()
		day := func(n int) string { return today.AddDate(0, 0, n).UTC().Format(time.RFC3339) }
		o.hears(bram, post(bram, "1", "<p>First.</p>", map[string]any{"inReplyTo": o.object(a)}))
		update(bram, "Second.", day(2), nil)
		for _, step := range []struct {
			p    *neighbour.Person
			at   string
			more map[string]any
		}{{kade, day(3), nil}, {kade, day(3), map[string]any{"attributedTo": bram.ID}}, {bram, day(1), nil}, {bram, day(2), nil}} {
			update(step.p, "Refused.", step.at, step.more)
		}
		if got := o.texts(a); got != "Second." {
			t.Errorf("after foreign and old updates it says %q", got)
		}
		update(bram, "For friends.", day(4), map[string]any{"to": bram.Followers()})
		if got := o.texts(a); got != "" || o.counts(a).Replies != 0 {
			t.Errorf("after it was narrowed it still stands: %q", got)
		}
	})
}

func TestF073DeleteWorksInEveryFormAndForItsWriterAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		neighbourly := bram.Server.Person("nadia") // on the same server
		a := o.publish()
		for i, form := range []func(id string) any{
			func(id string) any { return id },
			func(id string) any { return map[string]any{"id": id, "type": "Tombstone"} },
			func(id string) any {
				return map[string]any{"id": id, "type": "Note", "attributedTo": bram.ID, "content": "x"}
			},
		} {
			name := fmt.Sprint(i)
			o.hears(bram, post(bram, name, "<p>Here.</p>", map[string]any{"inReplyTo": o.object(a)}))
			for _, p := range []*neighbour.Person{kade, neighbourly} {
				o.hears(p, map[string]any{"id": p.ID + "/deletes/" + name, "type": "Delete", "object": form(bram.ID + "/notes/" + name)})
			}
			if got := o.texts(a); !strings.HasSuffix(got, "Here.") {
				t.Errorf("form %d: others removed it", i)
			}
			o.hears(bram, map[string]any{"id": bram.ID + "/deletes/" + name, "type": "Delete", "object": form(bram.ID + "/notes/" + name)})
			if got := o.counts(a).Replies; got != 0 {
				t.Errorf("form %d: its writer did not remove it", i)
			}
		}
	})
}

func TestF075EmojiAreKeptAsSuchAndUndone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade", neighbour.Misskey).Person("nadia")
		a := o.publish()
		ctx := o.soon()
		emojis := func() string {
			list, err := o.store.Emojis(ctx, a.ID, 10)
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
		for p, emoji := range map[*neighbour.Person]string{bram: "⛴️", nadia: ":ferry:"} { // an EmojiReact, and a Like with content
			if _, err := p.React(ctx, o.object(a), emoji); err != nil {
				t.Fatal(err)
			}
		}
		o.settled()
		if got := emojis(); got != ":ferry: 1, ⛴️ 1" || o.counts(a).Likes != 2 {
			t.Errorf("the reactions are %q, counted %d", got, o.counts(a).Likes)
		}
		if _, err := bram.Unreact(ctx, o.object(a)); err != nil {
			t.Fatal(err)
		}
		// Undone by what it was about alone, as it comes from servers that keep no ids of likes.
		o.hears(nadia, map[string]any{"id": nadia.ID + "/undos/1", "type": "Undo", "object": map[string]any{"type": "Like", "actor": nadia.ID, "object": o.object(a)}})
		if got := emojis(); got != "" || o.counts(a).Likes != 0 {
			t.Errorf("after the undo the reactions are %q, counted %d", got, o.counts(a).Likes)
		}
	})
}

func TestF076BoostCountsOncePerActorAndACopyIsNotBelieved(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		for i := range 3 {
			o.hears(bram, map[string]any{"id": fmt.Sprintf("%s/boosts/%d", bram.ID, i), "type": "Announce", "object": o.object(a)})
		}
		o.hears(kade, map[string]any{"id": kade.ID + "/boosts/1", "type": "Announce", "object": map[string]any{"type": "Note", "id": bram.ID + "/notes/copy",
			"attributedTo": bram.ID, "inReplyTo": o.object(a), "content": "<p>Forged.</p>", "to": "as:Public"}})
		if got := o.counts(a); got != (blog.Counts{Boosts: 1}) {
			t.Errorf("counted are %+v", got)
		}
	})
}

func TestF077WhatAGroupAnnouncesIsFetchedFromItsOrigin(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, group := o.server("veerhuis").Person("bram"), o.server("pleinen").Group("rivers")
		a := o.publish()
		ctx := o.soon()
		n := 0
		announce := func(kind string, object any) {
			t.Helper()
			n++
			o.hears(group, map[string]any{"id": fmt.Sprintf("%s/announces/%d", group.ID, n), "type": "Announce", "to": "as:Public",
				"object": map[string]any{"id": fmt.Sprintf("%s/acts/%d", bram.ID, n), "type": kind, "actor": bram.ID, "object": object}})
		}
		ready, err := bram.Post(ctx, "<p>As its origin tells it.</p>", neighbour.Answering(o.object(a))) // which bram's server tells nobody
		if err != nil {
			t.Fatal(err)
		}
		forged := map[string]any{"type": "Note", "id": ready.Object, "attributedTo": bram.ID, "inReplyTo": o.object(a), "content": "<p>Forged.</p>", "to": "as:Public",
			"updated": time.Now().AddDate(1, 0, 0).UTC().Format(time.RFC3339)}
		announce("Create", forged)
		announce("Create", forged)
		if got := o.texts(a); got != "As its origin tells it." {
			t.Fatalf("after an announced Create: %q", got)
		}
		announce("Update", forged)
		announce("Delete", ready.Object)
		announce("Like", o.object(a))
		announce("Undo", map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "actor": bram.ID, "object": o.object(a)})
		announce("Create", map[string]any{"type": "Note", "id": bram.ID + "/notes/404", "attributedTo": bram.ID, "inReplyTo": o.object(a), "content": "<p>Never was.</p>", "to": "as:Public"})
		if got := o.texts(a); got != "As its origin tells it." || o.counts(a) != (blog.Counts{Replies: 1, Servers: 1}) {
			t.Errorf("what a group said alone had an effect: %q, %+v", got, o.counts(a))
		}
		if _, err := bram.Edit(ctx, ready.Object, "<p>Edited at its origin.</p>"); err != nil {
			t.Fatal(err)
		}
		announce("Update", ready.Object)
		if got := o.texts(a); got != "Edited at its origin." {
			t.Errorf("after an announced Update: %q", got)
		}
		if _, err := bram.Delete(ctx, ready.Object); err != nil {
			t.Fatal(err)
		}
		announce("Delete", ready.Object)
		if got := o.counts(a).Replies; got != 0 {
			t.Errorf("after an announced Delete: %q", o.texts(a))
		}
	})
}

func TestF083WhatLiesOnSeveralHostsIsNotStored(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		reply := map[string]any{"inReplyTo": o.object(a)}
		foreignAct := post(bram, "1", "<p>One.</p>", reply)
		foreignAct["id"] = kade.ID + "/acts/1"
		foreignObject := post(bram, "2", "<p>Two.</p>", map[string]any{"inReplyTo": o.object(a), "id": kade.ID + "/notes/2"})
		foreignAuthor := post(bram, "3", "<p>Three.</p>", map[string]any{"inReplyTo": o.object(a), "attributedTo": kade.ID})
		ours := post(bram, "4", "<p>Four.</p>", map[string]any{"inReplyTo": o.object(a), "id": o.site.NoteID(blog.NewID(time.Now()))})
		for _, act := range []map[string]any{foreignAct, foreignObject, foreignAuthor, ours} {
			o.hears(bram, act)
		}
		like := map[string]any{"id": kade.ID + "/likes/1", "type": "Like", "object": o.object(a)}
		o.hears(bram, like)
		if got := o.texts(a); got != "" || o.counts(a) != (blog.Counts{}) {
			t.Errorf("stored are %q, counted %+v", got, o.counts(a))
		}
	})
}
