package inbox_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF078QuoteRequestIsAnsweredByTheArticlesPolicy(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		for _, step := range []struct {
			policy, bram, kade string
			visibility         blog.Visibility
		}{
			{"everyone", fedtest.Accepted, fedtest.Accepted, blog.Public},
			{"everyone", fedtest.Accepted, fedtest.Accepted, blog.Unlisted},
			{"followers", fedtest.Accepted, fedtest.Rejected, blog.Public},
			{"nobody", fedtest.Rejected, fedtest.Rejected, blog.Public},
			{"everyone", fedtest.Rejected, fedtest.Rejected, blog.Followers},
		} {
			a := o.Publish(func(a *blog.Article) {
				a.Slug, a.Quotes, a.Visibility = "crossing-"+step.policy+"-"+string(step.visibility), step.policy, step.visibility
			})
			if step.visibility == blog.Followers {
				o.Until("the follower has it", func() bool { _, known := bram.Server.FindPost(o.Object(a)); return known })
			}
			for p, want := range map[*fedtest.Person]string{bram: step.bram, kade: step.kade} {
				if step.visibility == blog.Followers && p == kade {
					continue // kade cannot even ask: nobody shows him the article
				}
				sent, err := p.RequestQuote(o.Soon(), o.Object(a), "<p>Read this.</p>")
				if err != nil {
					t.Fatal(err)
				}
				state, authorization := o.WaitAnswered(p, sent.Object)
				if state != want {
					t.Errorf("%s, %s: %s is %s, want %s", step.policy, step.visibility, p.Name, state, want)
				}
				if state != fedtest.Accepted {
					continue
				}
				code, doc := o.JSON(authorization)
				if code != http.StatusOK || doc["type"] != "QuoteAuthorization" ||
					doc["attributedTo"] != o.Site.ActorID(o.Ilse.ID) ||
					doc["interactingObject"] != sent.Object || doc["interactionTarget"] != o.Object(a) {
					t.Errorf("the authorization %s is %d %v", authorization, code, doc)
				}
			}
		}
	})
}

func TestF078QuoteRequestIsAnsweredTheSameTwice(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		sent, err := bram.RequestQuote(o.Soon(), o.Object(a), "<p>Read this.</p>")
		if err != nil {
			t.Fatal(err)
		}
		_, authorization := o.WaitAnswered(bram, sent.Object)
		// by address alone
		again := map[string]any{"id": bram.ID + "/asks/again", "type": "QuoteRequest", "object": o.Object(a),
			"instrument": sent.Object}
		o.Receive(bram, again)
		delivery, err := bram.Server.WaitFor(o.Soon(),
			func(l fedtest.Delivery) bool { return l.Type == "Accept" && l.Object == again["id"] })
		if err != nil {
			t.Fatalf("no answer to a request that names its post by address: %v", err)
		}
		if got := delivery.JSON()["result"]; got != authorization {
			t.Errorf("the second authorization is %v, want the first, %s", got, authorization)
		}
	})
}

func TestOneActorMayQuoteAnArticleInAHundredPosts(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a, other := o.Publish(), o.PublishNumbered(2)
		ask := func(a blog.Article) (note, state, authorization string) {
			t.Helper()
			sent, err := bram.RequestQuote(o.Soon(), o.Object(a), "<p>Read this.</p>")
			if err != nil {
				t.Fatal(err)
			}
			state, authorization = o.WaitAnswered(bram, sent.Object)
			return sent.Object, state, authorization
		}
		first, _, given := ask(a)
		for i := range 98 {
			old := blog.Authorization{ID: blog.NewID(time.Now()), Kind: blog.QuoteAuthorization, ArticleID: a.ID,
				Target: o.Object(a), Instrument: fmt.Sprint(bram.ID, "/notes/old-", i), ActorID: bram.ID,
				RequestID: fmt.Sprint(bram.ID, "/asks/old-", i), Requested: true, State: blog.AuthorizationGiven, At: time.Now()}
			if err := o.Store.SaveAuthorization(o.Soon(), old); err != nil {
				t.Fatal(err)
			}
		}
		for i, want := range []string{fedtest.Accepted, fedtest.Rejected} {
			if _, state, _ := ask(a); state != want {
				t.Errorf("post %d is %s, want %s", 100+i, state, want)
			}
		}
		if _, state, _ := ask(other); state != fedtest.Accepted {
			t.Errorf("a post that quotes another article is %s", state)
		}
		again := map[string]any{"id": bram.ID + "/asks/again", "type": "QuoteRequest", "object": o.Object(a),
			"instrument": first}
		o.Receive(bram, again)
		answer, err := bram.Server.WaitFor(o.Soon(), func(l fedtest.Delivery) bool {
			return l.Object == again["id"]
		})
		if err != nil || answer.Type != "Accept" || answer.JSON()["result"] != given {
			t.Errorf("the first post is asked for again: %s, %v", answer.Body, err)
		}
	})
}

func TestF078InconsistentQuoteRequestIsIgnored(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		a, draft := o.Publish(), o.Draft(func(a *blog.Article) { a.Slug = "draft" })
		ctx := o.Soon()
		theirs, err := kade.Post(ctx, "<p>Mine.</p>", fedtest.Quoting(o.Object(a)))
		if err != nil {
			t.Fatal(err)
		}
		other, err := bram.Post(ctx, "<p>Of something else.</p>", fedtest.Quoting(bram.ID+"/notes/0"))
		if err != nil {
			t.Fatal(err)
		}
		embedded := func(id, author, quote string) map[string]any {
			return map[string]any{"type": "Note", "id": id, "attributedTo": author, "content": "<p>Look.</p>", "quote": quote,
				"to": "as:Public"}
		}
		for name, request := range map[string]map[string]any{
			"somebody else's post, embedded": {"object": o.Object(a),
				"instrument": embedded(theirs.Object, kade.ID, o.Object(a))},
			"somebody else's post, by address": {"object": o.Object(a), "instrument": theirs.Object},
			"a post said to be somebody else's": {"object": o.Object(a),
				"instrument": embedded(bram.ID+"/notes/1", kade.ID, o.Object(a))},
			"a post that quotes something else": {"object": o.Object(a),
				"instrument": embedded(bram.ID+"/notes/2", bram.ID, o.Object(draft))},
			"the same, by address": {"object": o.Object(a), "instrument": other.Object},
			"a post that quotes nothing": {"object": o.Object(a),
				"instrument": embedded(bram.ID+"/notes/3", bram.ID, "")},
			"a post that is not there": {"object": o.Object(a), "instrument": bram.ID + "/notes/404"},
			"an article of a server that is none": {"object": "https://elsewhere.example/1",
				"instrument": embedded(bram.ID+"/notes/6", bram.ID, "https://elsewhere.example/1")},
		} {
			request["id"], request["type"] = bram.ID+"/asks/"+name, "QuoteRequest"
			request["id"] = strings.ReplaceAll(request["id"].(string), " ", "-")
			o.Receive(bram, request)
		}
		ready, err := bram.RequestQuote(ctx, o.Object(a), "<p>And one that fits.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if state, _ := o.WaitAnswered(bram, ready.Object); state != fedtest.Accepted {
			t.Errorf("the one that fits is %s", state)
		}
		for _, s := range []*fedtest.Server{veerhuis, zilverduin} {
			if got := len(s.Received("Reject")); got != 0 {
				t.Errorf("%s got %d refusals of what is no request", s.Name, got)
			}
		}
		if got := len(veerhuis.Received("Accept")) + len(zilverduin.Received("Accept")); got != 1 {
			t.Errorf("%d authorizations were given, want that of the one that fits", got)
		}
	})
}

func TestF079RevokedAuthorizationIsDeletedAndFoundNowhere(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia")
		a := o.Publish()
		ctx := o.Soon()
		quote := func(text string) (note, authorization string, c blog.Comment) {
			t.Helper()
			sent, err := bram.RequestQuote(ctx, o.Object(a), text)
			if err != nil {
				t.Fatal(err)
			}
			_, authorization = o.WaitAnswered(bram, sent.Object)
			if _, err := bram.SendCreate(ctx, sent.Object, o.Site.SharedInbox()); err != nil {
				t.Fatal(err)
			}
			o.WaitSettled()
			if c, err = o.Store.CommentByAddress(ctx, sent.Object); err != nil || c.Kind != blog.Quoting ||
				c.State != blog.CommentShown {
				t.Fatalf("the quote is %+v (%v)", c, err)
			}
			return sent.Object, authorization, c
		}
		revoked := func(how, note, authorization string) {
			t.Helper()
			o.Until(how+": the quoter's server knows",
				func() bool { state, _ := bram.Permission(note); return state == fedtest.Revoked })
			if code, _ := o.JSON(authorization); code != http.StatusNotFound {
				t.Errorf("%s: the authorization answers %d", how, code)
			}
			if got := o.Counts(a).Mentions; got != 0 {
				t.Errorf("%s: %d quotes are counted", how, got)
			}
		}
		note, authorization, c := quote("<p>One.</p>")
		o.Receive(nadia, map[string]any{"id": nadia.ID + "/boosts/1", "type": "Announce", "object": note})
		if err := o.Outbox.RevokeQuote(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		revoked("in the admin", note, authorization)
		if _, err := nadia.Server.WaitFor(ctx, func(l fedtest.Delivery) bool {
			return l.Accepted() && l.Type == "Delete" && l.Object == authorization
		}); err != nil {
			t.Errorf("who shared the quote is not told: %v", err)
		}
		if err := o.Outbox.RevokeQuote(ctx, c.ID); overkant.StatusOf(err) == http.StatusAccepted {
			t.Error("a permission was taken back twice")
		}
		o.Receive(bram, map[string]any{"id": bram.ID + "/asks/again", "type": "QuoteRequest", "object": o.Object(a),
			"instrument": note})
		if _, err := bram.Server.WaitFor(ctx, func(l fedtest.Delivery) bool {
			return l.Type == "Reject" &&
				l.Object == bram.ID+"/asks/again"
		}); err != nil {
			t.Errorf("who asks again after it was taken back is not refused: %v", err)
		}

		note, authorization, c = quote("<p>Two.</p>")
		if err := o.Outbox.DeleteReply(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		revoked("removed by moderation", note, authorization)

		note, authorization, _ = quote("<p>Three.</p>")
		if _, err := bram.Delete(ctx, note); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if code, _ := o.JSON(authorization); code != http.StatusNotFound {
			t.Errorf("its post is gone and the authorization answers %d", code)
		}

		note, authorization, _ = quote("<p>Four.</p>")
		if err := o.Outbox.Withdraw(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
		if code, _ := o.JSON(authorization); code != http.StatusNotFound {
			t.Errorf("the article is withdrawn and the authorization of %s answers %d", note, code)
		}
	})
}

func TestF082ReplyRequestIsAnsweredWhenItIsDecided(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		sluis := o.Server("sluiswachter", fedtest.GoToSocial)
		wim, follower := sluis.Person("wim"), o.Server("veerhuis").Person("bram")
		o.AddFollower(follower)
		ctx := o.Soon()
		ask := func(p *fedtest.Person, a blog.Article, text string) string {
			t.Helper()
			sent, err := p.RequestReply(ctx, o.Object(a), text)
			if err != nil {
				t.Fatal(err)
			}
			o.WaitSettled()
			return sent.Object
		}
		article := func(policy blog.Policy) blog.Article {
			return o.Publish(func(a *blog.Article) { a.Slug, a.Comments = "crossing-"+string(policy), policy })
		}
		waits := func(p *fedtest.Person, note string) blog.Comment {
			t.Helper()
			c, err := o.Store.CommentByAddress(ctx, note)
			if state, _ := p.Permission(note); err != nil || c.State != blog.CommentWaiting || state != fedtest.Pending {
				t.Fatalf("%s is %s here and %s there (%v), want it to wait", note, c.State, state, err)
			}
			return c
		}

		open := article(blog.Open)
		note := ask(wim, open, "<p>Open.</p>")
		state, authorization := o.WaitAnswered(wim, note)
		if code, doc := o.JSON(authorization); state != fedtest.Accepted || code != http.StatusOK ||
			doc["type"] != "ReplyAuthorization" || doc["interactingObject"] != note ||
			doc["interactionTarget"] != o.Object(open) {
			t.Errorf("under an open article the answer is %s, the authorization %d %v", state, code, doc)
		}
		if got := o.CommentTexts(open); got != "Open." {
			t.Errorf("under the open article stands %q", got)
		}

		known := article(blog.Known)
		if state, _ := o.WaitAnswered(follower, ask(follower, known, "<p>Known.</p>")); state != fedtest.Accepted {
			t.Errorf("a follower is %s", state)
		}

		approve := article(blog.Approve)
		first, second, third := ask(wim, approve, "<p>Yes.</p>"), ask(wim, approve, "<p>No.</p>"),
			ask(wim, approve, "<p>Never.</p>")
		for text, step := range map[string]struct {
			note  string
			state blog.CommentState
			want  string
		}{"approved": {first, blog.CommentShown, fedtest.Accepted}, "hidden": {second, blog.CommentHidden, fedtest.Rejected},
			"deleted": {third, blog.CommentRemoved, fedtest.Rejected}} {
			c := waits(wim, step.note)
			if err := o.Outbox.Moderate(ctx, c.ID, step.state); err != nil {
				t.Fatal(err)
			}
			if state, _ := o.WaitAnswered(wim, step.note); state != step.want {
				t.Errorf("%s: its server has it as %s, want %s", text, state, step.want)
			}
		}

		closed := article(blog.Closed)
		if state, _ := o.WaitAnswered(wim, ask(wim, closed, "<p>Closed.</p>")); state != fedtest.Rejected {
			t.Errorf("under a closed article the answer is %s", state)
		}
		if got := o.CommentTexts(closed); got != "" {
			t.Errorf("under the closed article stands %q", got)
		}

		c, err := o.Store.CommentByAddress(ctx, note)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.DeleteReply(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		o.Until("the authorization of a deleted comment is taken back",
			func() bool { state, _ := wim.Permission(note); return state == fedtest.Revoked })
		if code, _ := o.JSON(authorization); code != http.StatusNotFound {
			t.Errorf("its authorization answers %d", code)
		}
	})
}

func TestF082BareReplyOfAServerThatWaitsIsAnsweredWhenItIsDecided(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		sluis := o.Server("sluiswachter", fedtest.GoToSocial)
		wim, nadia := sluis.Person("wim"), sluis.Person("nadia")
		o.AddFollower(nadia)
		article := func(policy blog.Policy) blog.Article {
			return o.Publish(func(a *blog.Article) { a.Slug, a.Comments = "crossing-"+string(policy), policy })
		}
		reply := func(p *fedtest.Person, a blog.Article, text string) blog.Comment {
			t.Helper()
			sent, err := p.Reply(o.Soon(), o.Object(a), text)
			if err != nil {
				t.Fatal(err)
			}
			o.WaitSettled()
			c, err := o.Store.CommentByAddress(o.Soon(), sent.Object)
			if err != nil {
				t.Fatal(err)
			}
			return c
		}

		open := reply(wim, article(blog.Open), "<p>Open.</p>")
		if state, _ := wim.Permission(open.Address); state != "" {
			t.Errorf("under an open article its server has it as %s, want it to wait for nothing", state)
		}

		known := article(blog.Known)
		c := reply(nadia, known, "<p>A follower.</p>")
		state, authorization := o.WaitAnswered(nadia, c.Address)
		if code, doc := o.JSON(authorization); state != fedtest.Accepted || code != http.StatusOK ||
			doc["interactingObject"] != c.Address || doc["interactionTarget"] != o.Object(known) {
			t.Errorf("a follower's server has it as %s, the authorization is %d %v", state, code, doc)
		}

		approve := article(blog.Approve)
		for decided, want := range map[blog.CommentState]string{blog.CommentShown: fedtest.Accepted,
			blog.CommentHidden: fedtest.Rejected, blog.CommentRemoved: fedtest.Rejected} {
			c := reply(wim, approve, "<p>Waits.</p>")
			if state, _ := wim.Permission(c.Address); c.State != blog.CommentWaiting || state != fedtest.Pending {
				t.Fatalf("it is %s here and %s there, want it to wait", c.State, state)
			}
			if err := o.Outbox.Moderate(o.Soon(), c.ID, decided); err != nil {
				t.Fatal(err)
			}
			if state, _ := o.WaitAnswered(wim, c.Address); state != want {
				t.Errorf("%s: its server has it as %s, want %s", decided, state, want)
			}
		}
		if slices.ContainsFunc(sluis.Deliveries(), func(l fedtest.Delivery) bool { return l.Object == open.Address }) {
			t.Error("a delivery came about the reply that waits for nothing")
		}
	})
}

func TestF082ServerThatDoesNotAskGetsNoAnswer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		a := o.Publish(func(a *blog.Article) { a.Comments = blog.Approve })
		for _, state := range []blog.CommentState{blog.CommentShown, blog.CommentHidden, blog.CommentRemoved} {
			sent, err := bram.Reply(o.Soon(), o.Object(a), "<p>Waits.</p>")
			if err != nil {
				t.Fatal(err)
			}
			c, err := o.Store.CommentByAddress(o.Soon(), sent.Object)
			if err != nil || c.State != blog.CommentWaiting {
				t.Fatalf("it is %+v (%v)", c, err)
			}
			if err := o.Outbox.Moderate(o.Soon(), c.ID, state); err != nil {
				t.Fatal(err)
			}
		}
		if _, deliveries, err := o.Store.CountWaiting(o.Soon()); err != nil || deliveries+len(veerhuis.Deliveries()) != 0 {
			t.Errorf("%d deliveries wait, %d came (%v)", deliveries, len(veerhuis.Deliveries()), err)
		}
	})
}

func TestF082AuthorizationOfOursShowsAReply(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish(func(a *blog.Article) { a.Comments = blog.Approve })
		ctx := o.Soon()
		sent, err := bram.RequestReply(ctx, o.Object(a), "<p>Allowed.</p>")
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.Store.CommentByAddress(ctx, sent.Object)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.Moderate(ctx, c.ID, blog.CommentShown); err != nil {
			t.Fatal(err)
		}
		_, authorization := o.WaitAnswered(bram, sent.Object)
		reply := func(p *fedtest.Person, name, claim, word string) map[string]any {
			return map[string]any{"id": p.ID + "/acts/" + name, "type": "Create",
				"object": map[string]any{"type": "Note", "id": p.ID + "/notes/" + name,
					"attributedTo": p.ID, "inReplyTo": o.Object(a), "content": "<p>" + name + "</p>", "to": "as:Public", word: claim}}
		}
		// A authorization is for one post alone, and only ours count.
		o.Receive(kade, reply(kade, "borrowed", authorization, "replyAuthorization"))
		o.Receive(kade, reply(kade, "made-up", o.Site.URL+"/ap/authorizations/"+string(blog.NewID(time.Now())), "approvedBy"))
		o.Receive(kade, reply(kade, "own", kade.ID+"/stamps/1", "replyAuthorization"))
		if got := o.CommentTexts(a); got != "Allowed." {
			t.Errorf("shown are %q", got)
		}
		if got := len(o.WaitingComments(a)); got != 3 {
			t.Errorf("%d wait, want three", got)
		}
		// What was allowed before it came stands at once, under both spellings.
		for _, word := range []string{"replyAuthorization", "approvedBy"} {
			post := kade.ID + "/notes/" + word
			actor, err := o.Store.Actor(ctx, kade.ID)
			if err != nil {
				t.Fatal(err)
			}
			given := blog.Authorization{ID: blog.NewID(time.Now()), Kind: blog.ReplyAuthorization, ArticleID: a.ID,
				Target: o.Object(a), Instrument: post, ActorID: actor.ID, State: blog.AuthorizationGiven, At: time.Now()}
			if err := o.Store.SaveAuthorization(ctx, given); err != nil {
				t.Fatal(err)
			}
			o.Receive(kade, reply(kade, word, o.Site.URL+"/ap/authorizations/"+string(given.ID), word))
		}
		if got := o.CommentTexts(a); got != "Allowed.|replyAuthorization|approvedBy" {
			t.Errorf("shown are %q", got)
		}
	})
}

func TestF079AuthorizationOfABlockedActorIsRevoked(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		a := o.Publish()
		authorizations := map[*fedtest.Person]string{}
		notes := map[*fedtest.Person]string{}
		for _, p := range []*fedtest.Person{bram, kade} {
			sent, err := p.RequestQuote(o.Soon(), o.Object(a), "<p>Read this.</p>")
			if err != nil {
				t.Fatal(err)
			}
			_, authorizations[p] = o.WaitAnswered(p, sent.Object)
			notes[p] = sent.Object
		}
		o.Block(blog.BlockPerson, kade.ID, blog.Refuse)
		o.Until("kade's server knows", func() bool {
			state,
				_ := kade.Permission(notes[kade])
			return state == fedtest.Revoked
		})
		if err := o.Store.Unblock(o.Soon(), blog.BlockPerson, kade.ID); err != nil {
			t.Fatal(err)
		}
		o.Receive(kade, map[string]any{"id": kade.ID + "/asks/again", "type": "QuoteRequest", "object": o.Object(a),
			"instrument": notes[kade]})
		if _, err := kade.Server.WaitFor(o.Soon(),
			func(l fedtest.Delivery) bool { return l.Type == "Reject" && l.Object == kade.ID+"/asks/again" }); err != nil {
			t.Errorf("a permission that was taken back is given again: %v", err)
		}
		for p, want := range map[*fedtest.Person]int{bram: http.StatusOK, kade: http.StatusNotFound} {
			if code, _ := o.JSON(authorizations[p]); code != want {
				t.Errorf("the authorization of %s answers %d, want %d", p.Name, code, want)
			}
		}
	})
}

func TestAReplyHasTheArticlesPolicyAndIsQuotedByIt(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		ilse := o.Site.ActorID(o.Ilse.ID)
		for quotes, want := range map[string]map[*fedtest.Person]string{"everyone": {bram: fedtest.Accepted,
			kade: fedtest.Accepted},
			"followers": {bram: fedtest.Accepted, kade: fedtest.Rejected},
			"nobody":    {bram: fedtest.Rejected, kade: fedtest.Rejected}} {
			a := o.Publish(func(a *blog.Article) { a.Slug, a.Quotes, a.Comments = "crossing-"+quotes, quotes, blog.Open })
			if _, err := kade.Reply(o.Soon(), o.Object(a), "<p>Is it deep?</p>"); err != nil {
				t.Fatal(err)
			}
			answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, o.Comments(a)[0].ID, "It is.")
			if err != nil {
				t.Fatal(err)
			}
			_, note := o.JSON(answer.Address)
			policy, _ := note["interactionPolicy"].(map[string]any)
			rule, _ := policy["canQuote"].(map[string]any)
			who := map[string]string{"everyone": "https://www.w3.org/ns/activitystreams#Public",
				"followers": ilse + "/followers", "nobody": ilse}[quotes]
			if list, _ := rule["automaticApproval"].([]any); len(list) != 1 || list[0] != who || policy["canReply"] == nil {
				t.Errorf("%s: the answer says %v", quotes, policy)
			}
			for p, want := range want {
				sent, err := p.RequestQuote(o.Soon(), answer.Address, "<p>Read this.</p>")
				if err != nil {
					t.Fatal(err)
				}
				if state, _ := o.WaitAnswered(p, sent.Object); state != want {
					t.Errorf("%s: %s may quote the answer: %s, want %s", quotes, p.Name, state, want)
				}
			}
		}
	})
}

func TestF140AReplyThatIsHiddenLosesItsAuthorizationUntilItIsShownAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish(func(a *blog.Article) { a.Comments = blog.Approve })
		bram := o.Server("veerhuis", fedtest.GoToSocial).Person("bram")
		asked, err := bram.RequestReply(o.Soon(), o.Object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		o.Until("the reply waits", func() bool { return len(o.WaitingComments(a)) == 1 })
		reply := o.WaitingComments(a)[0]
		for _, how := range []blog.CommentState{blog.CommentHidden, blog.CommentSpam, blog.CommentHidden} {
			moderate := func(state blog.CommentState, want string, code int) {
				t.Helper()
				if err := o.Outbox.Moderate(o.Soon(), reply.ID, state); err != nil {
					t.Fatal(err)
				}
				o.Until("its server knows", func() bool {
					said, _ := bram.Permission(asked.Object)
					return said == want
				})
				_, authorization := bram.Permission(asked.Object)
				if got, _, _ := o.Get(o.Path(authorization), "*/*"); got != code {
					t.Errorf("%s: the authorization answers %d, want %d", state, got, code)
				}
			}
			moderate(blog.CommentShown, fedtest.Accepted, 200)
			o.WaitSettled()
			moderate(how, fedtest.Revoked, 404)
			o.WaitSettled()
		}
	})
}

func TestF141ARequestForAPageIsAnsweredUnderTheAddressThatItAsksFor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		old := o.Site.ArticlePage(a)
		a = o.Revise(a, func(a *blog.Article) { a.Slug = "wider-now" })
		closed := o.Publish(func(a *blog.Article) { a.Slug, a.Quotes, a.Comments = "closed", "nobody", blog.Closed })
		for i, try := range []struct {
			kind, object, names string // names is what the post itself says
			want                string
		}{
			{"QuoteRequest", o.Site.ArticlePage(a), o.Site.ArticlePage(a), "Accept"},
			{"QuoteRequest", old, old, "Accept"},
			{"QuoteRequest", o.Site.ArticlePage(a), o.Object(a), "Accept"},
			{"QuoteRequest", o.Object(a), o.Site.ArticlePage(a), "Accept"},
			{"ReplyRequest", o.Site.ArticlePage(a), o.Site.ArticlePage(a), "Accept"},
			{"ReplyRequest", old, o.Object(a), "Accept"},
			{"QuoteRequest", o.Site.ArticlePage(closed), o.Site.ArticlePage(closed), "Reject"},
			{"ReplyRequest", o.Site.ArticlePage(closed), o.Site.ArticlePage(closed), "Reject"},
			{"QuoteRequest", o.Site.ArticlePage(a), o.Site.ArticlePage(closed), ""}, // it does not fit together
			{"ReplyRequest", o.Site.ArticlePage(a), o.Site.ArticlePage(closed), ""},
		} {
			property := map[string]string{"QuoteRequest": "quote", "ReplyRequest": "inReplyTo"}[try.kind]
			note := overkant.CreateNote(bram, fmt.Sprint("note", i), "<p>Words.</p>", map[string]any{property: try.names})
			request := overkant.Activity(try.kind, bram, try.object, fmt.Sprint("ask", i))
			request["instrument"] = note["object"]
			o.Receive(bram, request)
			var said string
			for _, l := range bram.Server.Deliveries() {
				if l.Object == request["id"] {
					said = l.Type
				}
				if result, _ := l.JSON()["result"].(string); l.Object == request["id"] && result != "" {
					if stamp := o.ReadDocument(result); stamp["interactionTarget"] != try.object {
						t.Errorf("%+v: the authorization says %v", try, stamp)
					}
				}
			}
			if said != try.want {
				t.Errorf("%+v: answered %q", try, said)
			}
		}
	})
}

func TestF141ARequestForWhatDoesNotExistIsRejected(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		gone := o.Publish(func(a *blog.Article) { a.Slug = "gone" })
		page, object := o.Site.ArticlePage(gone), o.Object(gone)
		if err := o.Outbox.Withdraw(o.Soon(), gone.ID); err != nil {
			t.Fatal(err)
		}
		draft := o.Draft(func(a *blog.Article) { a.Slug = "draft" })
		never := o.Site.ActorID(blog.NewID(time.Now()))
		ilse, self := o.Site.ActorID(o.Ilse.ID), o.Site.InstanceID()
		for i, try := range []struct{ object, by string }{
			{object, ilse}, {page, ilse},
			{strings.Replace(page, "/gone", "/never", 1), self}, {o.Site.ArticleID(blog.NewID(time.Now())), self},
			{o.Site.NoteID(blog.NewID(time.Now())), self}, {o.Site.ArticlePage(draft), self}, {never, self}, {o.Site.URL, self},
		} {
			for kind, property := range map[string]string{"QuoteRequest": "quote", "ReplyRequest": "inReplyTo"} {
				note := overkant.CreateNote(bram, fmt.Sprint(kind, i), "<p>Words.</p>", map[string]any{property: try.object})
				request := overkant.Activity(kind, bram, try.object, fmt.Sprint(kind, i))
				request["instrument"] = note["object"]
				o.Receive(bram, request)
				var answers []string
				for _, l := range bram.Server.Deliveries() {
					if l.Object == request["id"] {
						answers = append(answers, l.Type+" by "+l.Actor)
					}
				}
				if got := strings.Join(answers, ", "); got != "Reject by "+try.by {
					t.Errorf("%s for %s: answered %q, want a Reject by %s", kind, try.object, got, try.by)
				}
			}
		}
		// What is not ours is for others to answer.
		request := overkant.Activity("QuoteRequest", bram, bram.ID+"/notes/1", "foreign")
		request["instrument"] = overkant.CreateNote(bram, "foreign", "<p>Words.</p>",
			map[string]any{"quote": bram.ID})["object"]
		o.Receive(bram, request)
		for _, l := range bram.Server.Deliveries() {
			if l.Object == request["id"] {
				t.Errorf("a request that is not for us is answered: %s", l.Type)
			}
		}
	})
}

func TestF140AQuoteThatIsHiddenLosesItsAuthorizationUntilItIsShownAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		asked, err := bram.RequestQuote(o.Soon(), o.Object(a), "<p>Look.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if state, _ := o.WaitAnswered(bram, asked.Object); state != fedtest.Accepted {
			t.Fatalf("the request is %s", state)
		}
		if _, err := bram.SendCreate(o.Soon(), asked.Object, o.Site.SharedInbox()); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		quote := stored(o, asked.Object)
		if quote.Kind != blog.Quoting || quote.State != blog.CommentShown {
			t.Fatalf("the quote is %q and %s", quote.Kind, quote.State)
		}
		for _, how := range []blog.CommentState{blog.CommentHidden, blog.CommentSpam, blog.CommentHidden} {
			moderate := func(state blog.CommentState, want string, code int) {
				t.Helper()
				if err := o.Outbox.Moderate(o.Soon(), quote.ID, state); err != nil {
					t.Fatal(err)
				}
				o.Until("its server knows", func() bool {
					said, _ := bram.Permission(asked.Object)
					return said == want
				})
				o.WaitSettled()
				_, authorization := bram.Permission(asked.Object)
				if got, _, _ := o.Get(o.Path(authorization), "*/*"); got != code {
					t.Errorf("%s: the authorization answers %d, want %d", state, got, code)
				}
			}
			moderate(how, fedtest.Revoked, 404)
			moderate(blog.CommentShown, fedtest.Accepted, 200)
		}
	})
}

func TestWhoRepliesOftenMayQuote(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram := o.Server("veerhuis").Person("bram")
		o.AddFollower(bram)
		allow := func(kind blog.AuthorizationKind, n int) {
			for i := range n {
				err := o.Store.SaveAuthorization(o.Soon(), blog.Authorization{ID: blog.NewID(time.Now()), Kind: kind,
					ArticleID: a.ID, Target: o.Object(a), Instrument: fmt.Sprint(bram.ID, "/", kind, "/", i), ActorID: bram.ID,
					State: blog.AuthorizationGiven, At: time.Now()})
				if err != nil {
					t.Fatal(err)
				}
			}
		}
		for _, step := range []struct {
			kind blog.AuthorizationKind
			n    int
			want string
		}{{blog.ReplyAuthorization, 100, fedtest.Accepted}, {blog.QuoteAuthorization, 99, fedtest.Rejected}} {
			allow(step.kind, step.n)
			asked, err := bram.RequestQuote(o.Soon(), o.Object(a), "<p>Look.</p>")
			if err != nil {
				t.Fatal(err)
			}
			if state, _ := o.WaitAnswered(bram, asked.Object); state != step.want {
				t.Errorf("after %d of %s, a quote is %s", step.n, step.kind, state)
			}
		}
	})
}
