package federation_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

func TestT050WhatWasDeletedIsNotRecreated(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		o.hears(bram, post(bram, "1", "<p>Regretted.</p>", map[string]any{"inReplyTo": o.object(a)}))
		o.hears(bram, map[string]any{"id": bram.ID + "/deletes/1", "type": "Delete", "object": bram.ID + "/notes/1"})
		o.hears(bram, map[string]any{"id": bram.ID + "/deletes/2", "type": "Delete", "object": bram.ID + "/notes/2"}) // before it came
		for i, name := range []string{"1", "2"} {
			again := post(bram, name, "<p>Regretted.</p>", map[string]any{"inReplyTo": o.object(a), "updated": time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)})
			for _, kind := range []string{"Create", "Update"} {
				again["id"], again["type"] = fmt.Sprintf("%s/acts/again-%s-%d", bram.ID, kind, i), kind
				o.hears(bram, again)
			}
			o.hears(kade, map[string]any{"id": fmt.Sprintf("%s/announces/%d", kade.ID, i), "type": "Announce", "object": again})
		}
		if got := o.texts(a); got != "" || o.counts(a).Replies != 0 {
			t.Errorf("it came back: %q", got)
		}
	})
}

func TestT051AnUpdateCannotGiveWordsToSomebodyElse(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		nadia := bram.Server.Person("nadia")
		a := o.publish()
		o.hears(bram, post(bram, "1", "<p>Mine.</p>", map[string]any{"inReplyTo": o.object(a)}))
		for i, step := range []struct{ by, to *neighbour.Person }{{bram, kade}, {bram, nadia}, {nadia, nadia}, {kade, kade}} {
			act := post(bram, "1", "<p>Theirs.</p>", map[string]any{"inReplyTo": o.object(a), "attributedTo": step.to.ID, "updated": time.Now().AddDate(0, 0, i+1).UTC().Format(time.RFC3339)})
			act["type"], act["id"] = "Update", fmt.Sprintf("%s/updates/%d", step.by.ID, i)
			o.hears(step.by, act)
		}
		c, err := o.store.CommentByAddress(o.soon(), bram.ID+"/notes/1")
		if err != nil || c.ActorID != bram.ID || c.Plain != "Mine." {
			t.Errorf("it is %+v (%v)", c, err)
		}
	})
}

func TestT053CountsAreOurOwn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		many := map[string]any{"type": "Collection", "totalItems": 9e18}
		reply := post(bram, "1", "<p>Popular.</p>", map[string]any{"inReplyTo": o.object(a), "likes": many, "shares": many, "replies": many})
		o.hears(bram, reply)
		o.hears(bram, map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "object": map[string]any{"id": o.object(a), "type": "Article", "likes": many, "shares": many}})
		if got := o.counts(a); got != (blog.Counts{Replies: 1, Servers: 1, Likes: 1}) {
			t.Errorf("counted are %+v", got)
		}
		counts, err := o.store.CommentCounts(o.soon(), a.ID)
		if err != nil || len(counts) != 0 {
			t.Errorf("the comment's counts are %v (%v)", counts, err)
		}
		_, doc := o.json(o.object(a))
		for name, want := range map[string]float64{"replies": 1, "likes": 1, "shares": 0} {
			if got := doc[name].(map[string]any)["totalItems"]; got != want {
				t.Errorf("%s.totalItems is %v, want %v", name, got, want)
			}
		}
	})
}

func TestT054ManyAccountsOfOneServerCountForAHundred(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia")
		a := o.publish()
		ctx := o.soon()
		o.hears(bram, map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "object": o.object(a)})
		o.hears(nadia, map[string]any{"id": nadia.ID + "/boosts/1", "type": "Announce", "object": o.object(a)})
		// A thousand accounts cost their maker nothing, but this test a thousand keys: they are put where the door puts them.
		err := o.store.InTx(ctx, func(s *store.Store) error {
			for i := range 1000 {
				id := fmt.Sprintf("https://mint.example/users/%d", i)
				if err := s.SaveActor(ctx, blog.Actor{ID: id, Type: "Person", Handle: fmt.Sprintf("u%d@mint.example", i), Host: "mint.example", URL: id, Inbox: id + "/inbox", FetchedAt: time.Now()}); err != nil {
					return err
				}
				for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
					r := blog.Reaction{ID: blog.NewID(time.Now()), Address: id + "#" + string(kind), Kind: kind, ActorID: id, ArticleID: a.ID, At: time.Now()}
					if _, err := s.AddReaction(ctx, r); err != nil {
						return err
					}
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := o.counts(a); got.Likes != 101 || got.Boosts != 101 {
			t.Errorf("counted are %+v, want a hundred of the mint's and one of somebody's", got)
		}
		_, doc := o.json(o.object(a))
		_, likes := o.json(o.object(a) + "/likes")
		if got := doc["likes"].(map[string]any)["totalItems"]; got != float64(101) || likes["totalItems"] != got {
			t.Errorf("other servers are told of %v and %v likes", got, likes["totalItems"])
		}
		o.block(blog.BlockServer, "mint.example", blog.Limit)
		if got := o.counts(a); got.Likes != 1 || got.Boosts != 1 {
			t.Errorf("with the mint limited, counted are %+v", got)
		}
	})
}

func TestT056AReplyToWhatIsNotThereIsAnsweredLikeAnyOther(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia")
		draft := o.draft(func(a *blog.Article) { a.Slug = "draft" })
		gone := o.publish(func(a *blog.Article) { a.Slug = "gone" })
		live := o.publish(func(a *blog.Article) { a.Slug = "live" })
		if err := o.outbox.Delete(o.soon(), gone.ID); err != nil {
			t.Fatal(err)
		}
		answers := map[string]string{}
		for name, to := range map[string]string{"live": o.object(live), "draft": o.site.ArticleID(draft.ID), "draft's page": o.site.URL + "/2026/11/" + draft.Slug,
			"deleted": o.object(gone), "never": o.site.ArticleID(blog.NewID(time.Now())), "odd": o.site.URL + "/ap/articles/x", "foreign": nadia.ID + "/notes/404"} {
			act := post(bram, strings.ReplaceAll(name, " ", "-"), "<p>Probe.</p>", map[string]any{"inReplyTo": to})
			act["actor"] = bram.ID
			answer, err := bram.Send(o.soon(), o.site.SharedInbox(), act)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			answers[name] = fmt.Sprint(answer.Status, " ", string(answer.Body))
		}
		o.settled()
		for name, got := range answers {
			if got != answers["live"] {
				t.Errorf("%s is answered %q, a published article %q", name, got, answers["live"])
			}
		}
		list, err := o.store.Comments(o.soon(), store.CommentList{})
		if err != nil || len(list) != 1 || list[0].ArticleID != live.ID {
			t.Errorf("stored are %+v (%v)", list, err)
		}
	})
}

func TestT058ForeignArticlesAreNeverOurs(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		ilse := o.site.ActorID(o.ilse.ID)
		for i, authors := range []any{[]any{bram.ID, ilse}, []any{ilse, bram.ID}, ilse, []any{map[string]any{"id": bram.ID}, map[string]any{"id": ilse}}} {
			o.hears(bram, post(bram, fmt.Sprint(i), "<p>Canary.</p>", map[string]any{"type": "Article", "name": "Canary", "attributedTo": authors}))
		}
		if articles, err := o.store.Articles(o.soon(), store.Filter{Voice: o.ilse.ID}); err != nil || len(articles) != 0 {
			t.Errorf("Ilse's articles are %+v (%v)", articles, err)
		}
		for _, path := range []string{"", "/outbox", "/outbox?cursor="} {
			if _, doc := o.json(ilse + path); strings.Contains(fmt.Sprint(doc), "Canary") {
				t.Errorf("%s of hers tells of somebody else's article", path)
			}
		}
	})
}

func TestT059TypesThatNobodyKnowsAreTakenAndDropped(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for i := range 200 {
			kind := fmt.Sprintf("Levitate%d", i)
			act := map[string]any{"id": fmt.Sprintf("%s/acts/%d", bram.ID, i), "type": kind, "actor": bram.ID, "object": o.object(a)}
			if i%2 == 0 {
				act = post(bram, kind, "<p>What is this?</p>", map[string]any{"type": kind, "inReplyTo": o.object(a), "quote": o.object(a)})
				act["actor"] = bram.ID
			}
			if _, err := bram.Send(o.soon(), o.site.SharedInbox(), act); err != nil {
				t.Fatalf("%s: %v, want 202", kind, err)
			}
		}
		o.settled()
		if list, err := o.store.Comments(o.soon(), store.CommentList{}); err != nil || len(list) != 0 || o.counts(a) != (blog.Counts{}) {
			t.Errorf("stored are %+v (%v), counted %+v", list, err, o.counts(a))
		}
	})
}

func TestT094RecipientsElsewhereAreNotLookedUp(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, crowd := o.server("veerhuis").Person("bram"), o.server("noordkade")
		a := o.publish()
		o.hears(bram, map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "object": o.object(a)}) // bram himself is known now
		before := o.asked(bram.Server)
		for n, want := range map[int]int{900: 202, 5000: 400} {
			var cc, tags []any
			for i := range n {
				id := crowd.URL + fmt.Sprintf("/users/u%d", i)
				cc, tags = append(cc, id), append(tags, map[string]any{"type": "Mention", "href": id, "name": "@u"})
			}
			act := post(bram, fmt.Sprint(n), "<p>All of you.</p>", map[string]any{"inReplyTo": o.object(a), "cc": cc, "tag": tags[:min(n, 900)]})
			act["actor"], act["cc"] = bram.ID, cc
			if _, err := bram.Send(o.soon(), o.site.SharedInbox(), act); status(err) != want {
				t.Errorf("%d recipients: %v, want %d", n, err, want)
			}
		}
		o.settled()
		if got := o.texts(a); got != "All of you." {
			t.Errorf("the comments are %q", got)
		}
		if got := o.asked(crowd) + o.asked(bram.Server) - before; got != 0 {
			t.Errorf("%d questions were asked", got)
		}
	})
}

func TestT121RestrictedThingsStandInNoCollection(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		ctx := o.soon()
		own := o.publish(func(a *blog.Article) { a.Slug, a.Title, a.Visibility = "for-followers", "canary", blog.Followers })
		o.draft(func(a *blog.Article) { a.Slug, a.Title = "draft", "canary" })
		for name, to := range map[string]any{"friends": bram.Followers(), "ilse": o.site.ActorID(o.ilse.ID), "both": []any{bram.Followers(), o.site.ActorID(o.ilse.ID)}} {
			o.hears(bram, post(bram, "canary-"+name, "<p>canary</p>", map[string]any{"inReplyTo": o.object(a), "to": to}))
			o.hears(bram, post(bram, "canary-quote-"+name, "<p>canary</p>", map[string]any{"quote": o.object(a), "to": to}))
		}
		private, err := o.store.Comments(ctx, store.CommentList{Private: true})
		if err != nil || len(private) != 4 {
			t.Fatalf("private words are %d (%v)", len(private), err)
		}
		answer, err := o.outbox.Reply(ctx, o.ilse, private[0].ID, "canary as well")
		if err != nil {
			t.Fatal(err)
		}
		ilse := o.site.ActorID(o.ilse.ID)
		for _, address := range []string{o.object(a), o.object(a) + "/replies", o.object(a) + "/replies?cursor=", o.object(a) + "/context", o.object(a) + "/context?cursor=", o.object(a) + "/likes", o.object(a) + "/shares",
			o.object(own), o.object(own) + "/replies", o.object(own) + "/context", o.object(own) + "/likes",
			answer.Address, answer.Address + "/replies", answer.Address + "/likes",
			ilse, ilse + "/outbox", ilse + "/outbox?cursor=", ilse + "/featured", ilse + "/tags", ilse + "/followers", ilse + "/following", ilse + "/likes", ilse + "/liked"} {
			code, doc := o.json(address)
			if text := fmt.Sprint(doc); strings.Contains(text, "canary") || strings.Contains(text, string(answer.ID)) && !strings.Contains(address, string(answer.ID)) || strings.Contains(text, bram.Server.Host) {
				t.Errorf("%s is %d and tells: %s", address, code, text)
			}
		}
		_, doc := o.json(o.object(a) + "/replies")
		if doc["totalItems"] != float64(0) {
			t.Errorf("%v replies are counted", doc["totalItems"])
		}
	})
}

func TestT127AnUpdateDoesNotWidenAnAudience(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		secret := map[string]any{"inReplyTo": o.object(a), "to": o.site.ActorID(o.ilse.ID)}
		o.hears(bram, post(bram, "1", "<p>Between us.</p>", secret))
		for i, p := range []*neighbour.Person{bram, kade} {
			act := post(bram, "1", "<p>For all.</p>", map[string]any{"inReplyTo": o.object(a), "to": "as:Public", "updated": time.Now().AddDate(0, 0, i+1).UTC().Format(time.RFC3339)})
			act["type"], act["id"], act["to"] = "Update", fmt.Sprintf("%s/updates/%d", p.ID, i), "as:Public"
			o.hears(p, act)
		}
		c, err := o.store.CommentByAddress(o.soon(), bram.ID+"/notes/1")
		if err != nil || c.Visibility != blog.RestrictedComment || len(o.comments(a))+o.counts(a).Replies != 0 {
			t.Errorf("it is %+v (%v), shown are %d", c, err, len(o.comments(a)))
		}
	})
}

func TestT128WhatIsAddressedToNobodyIsNotPublic(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for name, audience := range map[string]map[string]any{
			"missing": {"to": nil}, "empty": {"to": []any{}, "cc": []any{}}, "blind": {"to": nil, "bcc": "as:Public", "bto": []any{"as:Public"}},
			"misspelt": {"to": []any{"as:public", "https://www.w3.org/ns/activitystreams", "#Public"}}, "audience": {"to": nil, "audience": "as:Public"},
		} {
			for kind, more := range map[string]map[string]any{"reply": {"inReplyTo": o.object(a)}, "quote": {"quote": o.object(a)}} {
				note := map[string]any{}
				for _, part := range []map[string]any{audience, more} {
					for k, v := range part {
						note[k] = v
					}
				}
				o.hears(bram, post(bram, name+"-"+kind, "<p>"+name+"</p>", note))
			}
		}
		if got := o.kinds(a); got != "" || o.counts(a) != (blog.Counts{}) {
			t.Errorf("shown are %q, counted %+v", got, o.counts(a))
		}
	})
}

func TestT136OthersFollowersOnlyPostsAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia")
		a := o.publish()
		for name, more := range map[string]map[string]any{"post": {}, "reply": {"inReplyTo": o.object(a)}, "quote": {"quote": o.object(a)}, "elsewhere": {"inReplyTo": nadia.ID + "/notes/1"}} {
			more["to"] = bram.Followers()
			o.hears(bram, post(bram, name, "<p>For friends.</p>", more))
		}
		o.hears(bram, post(bram, "friend", "<p>For nadia.</p>", map[string]any{"inReplyTo": o.object(a), "to": nadia.ID}))
		for _, private := range []bool{false, true} {
			if list, err := o.store.Comments(o.soon(), store.CommentList{Private: private}); err != nil || len(list) != 0 {
				t.Errorf("kept are %+v (%v)", list, err)
			}
		}
	})
}
