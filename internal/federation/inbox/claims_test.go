package inbox_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestT050WhatWasDeletedIsNotRecreated(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		o.Receive(bram, overkant.CreateNote(bram, "1", "<p>Regretted.</p>", map[string]any{"inReplyTo": o.Object(a)}))
		o.Receive(bram, map[string]any{"id": bram.ID + "/deletes/1", "type": "Delete", "object": bram.ID + "/notes/1"})
		// before it came
		o.Receive(bram, map[string]any{"id": bram.ID + "/deletes/2", "type": "Delete", "object": bram.ID + "/notes/2"})
		for i, name := range []string{"1", "2"} {
			again := overkant.CreateNote(bram, name, "<p>Regretted.</p>",
				map[string]any{"inReplyTo": o.Object(a), "updated": time.Now().AddDate(0, 0, 1).UTC().Format(time.RFC3339)})
			for _, kind := range []string{"Create", "Update"} {
				again["id"], again["type"] = fmt.Sprintf("%s/acts/again-%s-%d", bram.ID, kind, i), kind
				o.Receive(bram, again)
			}
			o.Receive(kade, map[string]any{"id": fmt.Sprintf("%s/announces/%d", kade.ID, i), "type": "Announce",
				"object": again})
		}
		if got := o.CommentTexts(a); got != "" || o.Counts(a).Replies != 0 {
			t.Errorf("it came back: %q", got)
		}
	})
}

func TestT051AnUpdateCannotChangeTheAuthor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		nadia := bram.Server.Person("nadia")
		a := o.Publish()
		o.Receive(bram, overkant.CreateNote(bram, "1", "<p>Mine.</p>", map[string]any{"inReplyTo": o.Object(a)}))
		for i, step := range []struct{ by, to *fedtest.Person }{{bram, kade}, {bram, nadia}, {nadia, nadia}, {kade, kade}} {
			act := overkant.CreateNote(bram, "1", "<p>Theirs.</p>",
				map[string]any{"inReplyTo": o.Object(a), "attributedTo": step.to.ID,
					"updated": time.Now().AddDate(0, 0, i+1).UTC().Format(time.RFC3339)})
			act["type"], act["id"] = "Update", fmt.Sprintf("%s/updates/%d", step.by.ID, i)
			o.Receive(step.by, act)
		}
		c, err := o.Store.CommentByAddress(o.Soon(), bram.ID+"/notes/1")
		if err != nil || c.ActorID != bram.ID || c.Plain != "Mine." {
			t.Errorf("it is %+v (%v)", c, err)
		}
	})
}

func TestT053CountsAreOurOwn(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		many := map[string]any{"type": "Collection", "totalItems": 9e18}
		reply := overkant.CreateNote(bram, "1", "<p>Popular.</p>",
			map[string]any{"inReplyTo": o.Object(a), "likes": many, "shares": many, "replies": many})
		o.Receive(bram, reply)
		o.Receive(bram, map[string]any{"id": bram.ID + "/likes/1", "type": "Like",
			"object": map[string]any{"id": o.Object(a), "type": "Article", "likes": many, "shares": many}})
		if got := o.Counts(a); got != (blog.Counts{Replies: 1, Servers: 1, Likes: 1}) {
			t.Errorf("counted are %+v", got)
		}
		counts, err := o.Store.ReactionCounts(o.Soon(), []blog.ID{o.Comments(a)[0].ID})
		if err != nil || len(counts) != 0 {
			t.Errorf("the comment's counts are %v (%v)", counts, err)
		}
		_, doc := o.JSON(o.Object(a))
		for name, want := range map[string]float64{"replies": 1, "likes": 1, "shares": 0} {
			if got := doc[name].(map[string]any)["totalItems"]; got != want {
				t.Errorf("%s.totalItems is %v, want %v", name, got, want)
			}
		}
	})
}

func TestT054ManyAccountsOfOneServerCountForAHundred(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia")
		a := o.Publish()
		o.Receive(bram, map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "object": o.Object(a)})
		o.Receive(nadia, map[string]any{"id": nadia.ID + "/boosts/1", "type": "Announce", "object": o.Object(a)})
		// A thousand keys would cost this test too much time, so the accounts are saved without the inbox.
		// Not in one transaction: PostgreSQL keeps each version of a count until the commit, and reads past all of them.
		for first := 0; first < 1000; first += 100 {
			ctx := o.Soon()
			err := o.Store.InTx(ctx, func(s *store.Store) error {
				for i := first; i < first+100; i++ {
					id := fmt.Sprintf("https://mint.example/users/%d", i)
					if err := s.SaveActor(ctx, blog.Actor{ID: id, Type: "Person", Handle: fmt.Sprintf("u%d@mint.example", i),
						Host: "mint.example", URL: id, Inbox: id + "/inbox", FetchedAt: time.Now()}); err != nil {
						return err
					}
					for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
						r := blog.Reaction{ID: blog.NewID(time.Now()), Address: id + "#" + string(kind), Kind: kind, ActorID: id,
							ArticleID: a.ID, At: time.Now()}
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
		}
		if got := o.Counts(a); got.Likes != 101 || got.Boosts != 101 {
			t.Errorf("counted are %+v, want a hundred of the mint's and one of somebody's", got)
		}
		_, doc := o.JSON(o.Object(a))
		_, likes := o.JSON(o.Object(a) + "/likes")
		if got := doc["likes"].(map[string]any)["totalItems"]; got != float64(101) || likes["totalItems"] != got {
			t.Errorf("other servers are told of %v and %v likes", got, likes["totalItems"])
		}
		o.Block(blog.BlockServer, "mint.example", blog.Limit)
		if got := o.Counts(a); got.Likes != 1 || got.Boosts != 1 {
			t.Errorf("with the mint limited, counted are %+v", got)
		}
	})
}

func TestT056AReplyToWhatIsNotThereIsAnsweredLikeAnyOther(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia")
		draft := o.Draft(func(a *blog.Article) { a.Slug = "draft" })
		gone := o.Publish(func(a *blog.Article) { a.Slug = "gone" })
		live := o.Publish(func(a *blog.Article) { a.Slug = "live" })
		if err := o.Outbox.Delete(o.Soon(), gone.ID); err != nil {
			t.Fatal(err)
		}
		answers := map[string]string{}
		for name, to := range map[string]string{"live": o.Object(live), "draft": o.Site.ArticleID(draft.ID),
			"draft's page": o.Site.URL + "/2026/11/" + draft.Slug,
			"deleted":      o.Object(gone), "never": o.Site.ArticleID(blog.NewID(time.Now())),
			"odd": o.Site.URL + "/ap/articles/x", "foreign": nadia.ID + "/notes/404"} {
			act := overkant.CreateNote(bram, strings.ReplaceAll(name, " ", "-"), "<p>Probe.</p>",
				map[string]any{"inReplyTo": to})
			act["actor"] = bram.ID
			answer, err := bram.Send(o.Soon(), o.Site.SharedInbox(), act)
			if err != nil {
				t.Fatalf("%s: %v", name, err)
			}
			answers[name] = fmt.Sprint(answer.Status, " ", string(answer.Body))
		}
		o.WaitSettled()
		for name, got := range answers {
			if got != answers["live"] {
				t.Errorf("%s is answered %q, a published article %q", name, got, answers["live"])
			}
		}
		list, err := o.Store.Comments(o.Soon(), store.CommentFilter{})
		if err != nil || len(list) != 1 || list[0].ArticleID != live.ID {
			t.Errorf("stored are %+v (%v)", list, err)
		}
	})
}

func TestT058ForeignArticlesAreNeverOurs(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		ilse := o.Site.ActorID(o.Ilse.ID)
		for i, authors := range []any{[]any{bram.ID, ilse}, []any{ilse, bram.ID}, ilse,
			[]any{map[string]any{"id": bram.ID}, map[string]any{"id": ilse}}} {
			o.Receive(bram, overkant.CreateNote(bram, fmt.Sprint(i), "<p>Canary.</p>",
				map[string]any{"type": "Article", "name": "Canary", "attributedTo": authors}))
		}
		articles, err := o.Store.Articles(o.Soon(), store.ArticleFilter{Voice: o.Ilse.ID})
		if err != nil || len(articles) != 0 {
			t.Errorf("Ilse's articles are %+v (%v)", articles, err)
		}
		for _, path := range []string{"", "/outbox", "/outbox?cursor="} {
			if _, doc := o.JSON(ilse + path); strings.Contains(fmt.Sprint(doc), "Canary") {
				t.Errorf("%s of hers tells of somebody else's article", path)
			}
		}
	})
}

func TestT059UnknownTypesAreAcceptedAndDropped(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for i := range 200 {
			kind := fmt.Sprintf("Levitate%d", i)
			act := map[string]any{"id": fmt.Sprintf("%s/acts/%d", bram.ID, i), "type": kind, "actor": bram.ID,
				"object": o.Object(a)}
			if i%2 == 0 {
				act = overkant.CreateNote(bram, kind, "<p>What is this?</p>",
					map[string]any{"type": kind, "inReplyTo": o.Object(a), "quote": o.Object(a)})
				act["actor"] = bram.ID
			}
			if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(), act); err != nil {
				t.Fatalf("%s: %v, want 202", kind, err)
			}
		}
		o.WaitSettled()
		if list, err := o.Store.Comments(o.Soon(), store.CommentFilter{}); err != nil || len(list) != 0 ||
			o.Counts(a) != (blog.Counts{}) {
			t.Errorf("stored are %+v (%v), counted %+v", list, err, o.Counts(a))
		}
	})
}

func TestT094RecipientsElsewhereAreNotLookedUp(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, crowd := o.Server("veerhuis").Person("bram"), o.Server("noordkade")
		a := o.Publish()
		// bram himself is known now
		o.Receive(bram, map[string]any{"id": bram.ID + "/likes/1", "type": "Like", "object": o.Object(a)})
		before := o.CountRequests(bram.Server)
		for n, want := range map[int]int{900: 202, 5000: 400} {
			var cc, tags []any
			for i := range n {
				id := crowd.URL + fmt.Sprintf("/users/u%d", i)
				cc, tags = append(cc, id), append(tags, map[string]any{"type": "Mention", "href": id, "name": "@u"})
			}
			act := overkant.CreateNote(bram, fmt.Sprint(n), "<p>All of you.</p>",
				map[string]any{"inReplyTo": o.Object(a), "cc": cc, "tag": tags[:min(n, 900)]})
			act["actor"], act["cc"] = bram.ID, cc
			if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(), act); overkant.StatusOf(err) != want {
				t.Errorf("%d recipients: %v, want %d", n, err, want)
			}
		}
		o.WaitSettled()
		if got := o.CommentTexts(a); got != "All of you." {
			t.Errorf("the comments are %q", got)
		}
		if got := o.CountRequests(crowd) + o.CountRequests(bram.Server) - before; got != 0 {
			t.Errorf("%d questions were asked", got)
		}
	})
}

func TestT121RestrictedPostsAreInNoCollection(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		ctx := o.Soon()
		own := o.Publish(func(a *blog.Article) { a.Slug, a.Title, a.Visibility = "for-followers", "canary", blog.Followers })
		o.Draft(func(a *blog.Article) { a.Slug, a.Title = "draft", "canary" })
		for name, to := range map[string]any{"friends": bram.Followers(), "ilse": o.Site.ActorID(o.Ilse.ID),
			"both": []any{bram.Followers(), o.Site.ActorID(o.Ilse.ID)}} {
			o.Receive(bram, overkant.CreateNote(bram, "canary-"+name, "<p>canary</p>",
				map[string]any{"inReplyTo": o.Object(a), "to": to}))
			o.Receive(bram, overkant.CreateNote(bram, "canary-quote-"+name, "<p>canary</p>",
				map[string]any{"quote": o.Object(a), "to": to}))
		}
		private, err := o.Store.Comments(ctx, store.CommentFilter{Private: true})
		if err != nil || len(private) != 4 {
			t.Fatalf("private words are %d (%v)", len(private), err)
		}
		answer, err := o.Outbox.Reply(ctx, o.Ilse, private[0].ID, "canary as well")
		if err != nil {
			t.Fatal(err)
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		for _, address := range []string{o.Object(a), o.Object(a) + "/replies", o.Object(a) + "/replies?cursor=",
			o.Object(a) + "/context", o.Object(a) + "/context?cursor=", o.Object(a) + "/likes", o.Object(a) + "/shares",
			o.Object(own), o.Object(own) + "/replies", o.Object(own) + "/context", o.Object(own) + "/likes",
			answer.Address, answer.Address + "/replies", answer.Address + "/likes",
			ilse, ilse + "/outbox", ilse + "/outbox?cursor=", ilse + "/featured", ilse + "/tags", ilse + "/followers",
			ilse + "/following", ilse + "/likes", ilse + "/liked"} {
			code, doc := o.JSON(address)
			if text := fmt.Sprint(doc); strings.Contains(text, "canary") || strings.Contains(text, string(answer.ID)) &&
				!strings.Contains(address, string(answer.ID)) || strings.Contains(text, bram.Server.Host) {
				t.Errorf("%s is %d and tells: %s", address, code, text)
			}
		}
		_, doc := o.JSON(o.Object(a) + "/replies")
		if doc["totalItems"] != float64(0) {
			t.Errorf("%v replies are counted", doc["totalItems"])
		}
	})
}

func TestT127AnUpdateDoesNotWidenAnAudience(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		secret := map[string]any{"inReplyTo": o.Object(a), "to": o.Site.ActorID(o.Ilse.ID)}
		o.Receive(bram, overkant.CreateNote(bram, "1", "<p>Between us.</p>", secret))
		for i, p := range []*fedtest.Person{bram, kade} {
			act := overkant.CreateNote(bram, "1", "<p>For all.</p>",
				map[string]any{"inReplyTo": o.Object(a), "to": "as:Public",
					"updated": time.Now().AddDate(0, 0, i+1).UTC().Format(time.RFC3339)})
			act["type"], act["id"], act["to"] = "Update", fmt.Sprintf("%s/updates/%d", p.ID, i), "as:Public"
			o.Receive(p, act)
		}
		c, err := o.Store.CommentByAddress(o.Soon(), bram.ID+"/notes/1")
		if err != nil || c.Visibility != blog.RestrictedComment || len(o.Comments(a))+o.Counts(a).Replies != 0 {
			t.Errorf("it is %+v (%v), shown are %d", c, err, len(o.Comments(a)))
		}
	})
}

func TestT128WhatIsAddressedToNobodyIsNotPublic(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for name, audience := range map[string]map[string]any{
			"missing": {"to": nil}, "empty": {"to": []any{}, "cc": []any{}},
			"blind":    {"to": nil, "bcc": "as:Public", "bto": []any{"as:Public"}},
			"misspelt": {"to": []any{"as:public", "https://www.w3.org/ns/activitystreams", "#Public"}},
			"audience": {"to": nil, "audience": "as:Public"},
		} {
			for kind, more := range map[string]map[string]any{"reply": {"inReplyTo": o.Object(a)},
				"quote": {"quote": o.Object(a)}} {
				note := map[string]any{}
				for _, part := range []map[string]any{audience, more} {
					for k, v := range part {
						note[k] = v
					}
				}
				o.Receive(bram, overkant.CreateNote(bram, name+"-"+kind, "<p>"+name+"</p>", note))
			}
		}
		if got := o.CommentKinds(a); got != "" || o.Counts(a) != (blog.Counts{}) {
			t.Errorf("shown are %q, counted %+v", got, o.Counts(a))
		}
	})
}

func TestT136OthersFollowersOnlyPostsAreNotSaved(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia")
		a := o.Publish()
		for name, more := range map[string]map[string]any{"post": {}, "reply": {"inReplyTo": o.Object(a)},
			"quote": {"quote": o.Object(a)}, "elsewhere": {"inReplyTo": nadia.ID + "/notes/1"}} {
			more["to"] = bram.Followers()
			o.Receive(bram, overkant.CreateNote(bram, name, "<p>For friends.</p>", more))
		}
		o.Receive(bram, overkant.CreateNote(bram, "friend", "<p>For nadia.</p>",
			map[string]any{"inReplyTo": o.Object(a), "to": nadia.ID}))
		for _, private := range []bool{false, true} {
			if list, err := o.Store.Comments(o.Soon(), store.CommentFilter{Private: private}); err != nil || len(list) != 0 {
				t.Errorf("kept are %+v (%v)", list, err)
			}
		}
	})
}
