package federation_test

import (
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

// answered waits until a note's request is answered and tells how.
func (o *overkant) answered(p *neighbour.Person, note string) (state, stamp string) {
	o.t.Helper()
	o.until("the request is answered", func() bool {
		state, stamp = p.Permission(note)
		return state != neighbour.Pending
	})
	return state, stamp
}

// hears sends any activity from a person to the shared inbox, and waits until it is done with.
func (o *overkant) hears(p *neighbour.Person, activity map[string]any) {
	o.t.Helper()
	activity["actor"] = p.ID
	if _, err := p.Send(o.soon(), o.site.SharedInbox(), activity); err != nil {
		o.t.Fatalf("%v: %v", activity["type"], err)
	}
	o.settled()
}

// json asks for an ActivityPub document of ours.
func (o *overkant) json(address string) (int, map[string]any) {
	o.t.Helper()
	code, _, body := o.get(strings.TrimPrefix(address, o.site.URL), "application/activity+json")
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		o.t.Fatalf("%s: %v: %s", address, err, body)
	}
	return code, doc
}

func TestF078QuoteRequestIsAnsweredByTheArticlesPolicy(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		for _, step := range []struct {
			policy, bram, kade string
			visibility         blog.Visibility
		}{
			{"everyone", neighbour.Accepted, neighbour.Accepted, blog.Public},
			{"everyone", neighbour.Accepted, neighbour.Accepted, blog.Unlisted},
			{"followers", neighbour.Accepted, neighbour.Rejected, blog.Public},
			{"nobody", neighbour.Rejected, neighbour.Rejected, blog.Public},
			{"everyone", neighbour.Rejected, neighbour.Rejected, blog.Followers},
		} {
			a := o.publish(func(a *blog.Article) {
				a.Slug, a.Quotes, a.Visibility = "crossing-"+step.policy+"-"+string(step.visibility), step.policy, step.visibility
			})
			if step.visibility == blog.Followers {
				o.until("the follower has it", func() bool { _, known := bram.Server.Post(o.object(a)); return known })
			}
			for p, want := range map[*neighbour.Person]string{bram: step.bram, kade: step.kade} {
				if step.visibility == blog.Followers && p == kade {
					continue // kade cannot even ask: nobody shows him the article
				}
				sent, err := p.AskToQuote(o.soon(), o.object(a), "<p>Read this.</p>")
				if err != nil {
					t.Fatal(err)
				}
				state, stamp := o.answered(p, sent.Object)
				if state != want {
					t.Errorf("%s, %s: %s is %s, want %s", step.policy, step.visibility, p.Name, state, want)
				}
				if state != neighbour.Accepted {
					continue
				}
				code, doc := o.json(stamp)
				if code != http.StatusOK || doc["type"] != "QuoteAuthorization" || doc["attributedTo"] != o.site.ActorID(o.ilse.ID) ||
					doc["interactingObject"] != sent.Object || doc["interactionTarget"] != o.object(a) {
					t.Errorf("the stamp %s is %d %v", stamp, code, doc)
				}
			}
		}
	})
}

func TestF078QuoteRequestIsAnsweredTheSameTwice(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		sent, err := bram.AskToQuote(o.soon(), o.object(a), "<p>Read this.</p>")
		if err != nil {
			t.Fatal(err)
		}
		_, stamp := o.answered(bram, sent.Object)
		again := map[string]any{"id": bram.ID + "/asks/again", "type": "QuoteRequest", "object": o.object(a), "instrument": sent.Object} // by address alone
		o.hears(bram, again)
		letter, err := bram.Server.WaitFor(o.soon(), func(l neighbour.Letter) bool { return l.Type == "Accept" && l.Object == again["id"] })
		if err != nil {
			t.Fatalf("no answer to a request that names its post by address: %v", err)
		}
		if got := letter.JSON()["result"]; got != stamp {
			t.Errorf("the second stamp is %v, want the first, %s", got, stamp)
		}
	})
}

func TestF078QuoteRequestThatDoesNotFitTogetherIsIgnored(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		a, draft := o.publish(), o.draft(func(a *blog.Article) { a.Slug = "draft" })
		ctx := o.soon()
		theirs, err := kade.Post(ctx, "<p>Mine.</p>", neighbour.Quoting(o.object(a)))
		if err != nil {
			t.Fatal(err)
		}
		other, err := bram.Post(ctx, "<p>Of something else.</p>", neighbour.Quoting(bram.ID+"/notes/0"))
		if err != nil {
			t.Fatal(err)
		}
		embedded := func(id, author, quote string) map[string]any {
			return map[string]any{"type": "Note", "id": id, "attributedTo": author, "content": "<p>Look.</p>", "quote": quote, "to": "as:Public"}
		}
		for name, request := range map[string]map[string]any{
			"somebody else's post, embedded":      {"object": o.object(a), "instrument": embedded(theirs.Object, kade.ID, o.object(a))},
			"somebody else's post, by address":    {"object": o.object(a), "instrument": theirs.Object},
			"a post said to be somebody else's":   {"object": o.object(a), "instrument": embedded(bram.ID+"/notes/1", kade.ID, o.object(a))},
			"a post that quotes something else":   {"object": o.object(a), "instrument": embedded(bram.ID+"/notes/2", bram.ID, o.object(draft))},
			"the same, by address":                {"object": o.object(a), "instrument": other.Object},
			"a post that quotes nothing":          {"object": o.object(a), "instrument": embedded(bram.ID+"/notes/3", bram.ID, "")},
			"a post that is not there":            {"object": o.object(a), "instrument": bram.ID + "/notes/404"},
			"an article that is not there":        {"object": o.site.ArticleID(blog.NewID(time.Now())), "instrument": embedded(bram.ID+"/notes/4", bram.ID, o.site.ArticleID(blog.NewID(time.Now())))},
			"one of ours, who is no article":      {"object": o.site.ActorID(o.ilse.ID), "instrument": embedded(bram.ID+"/notes/5", bram.ID, o.site.ActorID(o.ilse.ID))},
			"an article of a server that is none": {"object": "https://elsewhere.example/1", "instrument": embedded(bram.ID+"/notes/6", bram.ID, "https://elsewhere.example/1")},
		} {
			request["id"], request["type"] = bram.ID+"/asks/"+name, "QuoteRequest"
			request["id"] = strings.ReplaceAll(request["id"].(string), " ", "-")
			o.hears(bram, request)
		}
		ready, err := bram.AskToQuote(ctx, o.object(a), "<p>And one that fits.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if state, _ := o.answered(bram, ready.Object); state != neighbour.Accepted {
			t.Errorf("the one that fits is %s", state)
		}
		for _, s := range []*neighbour.Server{veerhuis, zilverduin} {
			if got := len(s.Received("Reject")); got != 0 {
				t.Errorf("%s got %d refusals of what is no request", s.Name, got)
			}
		}
		if got := len(veerhuis.Received("Accept")) + len(zilverduin.Received("Accept")); got != 1 {
			t.Errorf("%d stamps were given, want that of the one that fits", got)
		}
	})
}

func TestF079RevokedStampIsDeletedAndFoundNowhere(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia")
		a := o.publish()
		ctx := o.soon()
		quote := func(text string) (note, stamp string, c blog.Comment) {
			t.Helper()
			sent, err := bram.AskToQuote(ctx, o.object(a), text)
			if err != nil {
				t.Fatal(err)
			}
			_, stamp = o.answered(bram, sent.Object)
			if _, err := bram.Tell(ctx, sent.Object, o.site.SharedInbox()); err != nil {
				t.Fatal(err)
			}
			o.settled()
			if c, err = o.store.CommentByAddress(ctx, sent.Object); err != nil || c.Kind != blog.Quoting || c.State != blog.CommentShown {
				t.Fatalf("the quote is %+v (%v)", c, err)
			}
			return sent.Object, stamp, c
		}
		revoked := func(how, note, stamp string) {
			t.Helper()
			o.until(how+": the quoter's server knows", func() bool { state, _ := bram.Permission(note); return state == neighbour.Revoked })
			if code, _ := o.json(stamp); code != http.StatusNotFound {
				t.Errorf("%s: the stamp answers %d", how, code)
			}
			if got := o.counts(a).Mentions; got != 0 {
				t.Errorf("%s: %d quotes are counted", how, got)
			}
		}
		note, stamp, c := quote("<p>One.</p>")
		o.hears(nadia, map[string]any{"id": nadia.ID + "/boosts/1", "type": "Announce", "object": note})
		if err := o.outbox.RevokeQuote(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		revoked("at the desk", note, stamp)
		if _, err := nadia.Server.WaitFor(ctx, func(l neighbour.Letter) bool { return l.Accepted() && l.Type == "Delete" && l.Object == stamp }); err != nil {
			t.Errorf("who shared the quote is not told: %v", err)
		}
		if err := o.outbox.RevokeQuote(ctx, c.ID); status(err) == http.StatusAccepted {
			t.Error("a permission was taken back twice")
		}
		o.hears(bram, map[string]any{"id": bram.ID + "/asks/again", "type": "QuoteRequest", "object": o.object(a), "instrument": note})
		if _, err := bram.Server.WaitFor(ctx, func(l neighbour.Letter) bool { return l.Type == "Reject" && l.Object == bram.ID+"/asks/again" }); err != nil {
			t.Errorf("who asks again after it was taken back is not refused: %v", err)
		}

		note, stamp, c = quote("<p>Two.</p>")
		if err := o.outbox.DeleteReply(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		revoked("removed by moderation", note, stamp)

		note, stamp, _ = quote("<p>Three.</p>")
		if _, err := bram.Delete(ctx, note); err != nil {
			t.Fatal(err)
		}
		o.settled()
		if code, _ := o.json(stamp); code != http.StatusNotFound {
			t.Errorf("its post is gone and the stamp answers %d", code)
		}

		note, stamp, _ = quote("<p>Four.</p>")
		if err := o.outbox.Withdraw(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
		if code, _ := o.json(stamp); code != http.StatusNotFound {
			t.Errorf("the article is withdrawn and the stamp of %s answers %d", note, code)
		}
	})
}

func TestF082ReplyRequestIsAnsweredWhenItIsDecided(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		sluis := o.server("sluiswachter", neighbour.GoToSocial)
		wim, follower := sluis.Person("wim"), o.server("veerhuis").Person("bram")
		o.befriend(follower)
		ctx := o.soon()
		ask := func(p *neighbour.Person, a blog.Article, text string) string {
			t.Helper()
			sent, err := p.AskToReply(ctx, o.object(a), text)
			if err != nil {
				t.Fatal(err)
			}
			o.settled()
			return sent.Object
		}
		article := func(policy blog.Policy) blog.Article {
			return o.publish(func(a *blog.Article) { a.Slug, a.Comments = "crossing-"+string(policy), policy })
		}
		waits := func(p *neighbour.Person, note string) blog.Comment {
			t.Helper()
			c, err := o.store.CommentByAddress(ctx, note)
			if state, _ := p.Permission(note); err != nil || c.State != blog.CommentWaiting || state != neighbour.Pending {
				t.Fatalf("%s is %s here and %s there (%v), want it to wait", note, c.State, state, err)
			}
			return c
		}

		open := article(blog.Open)
		note := ask(wim, open, "<p>Open.</p>")
		state, stamp := o.answered(wim, note)
		if code, doc := o.json(stamp); state != neighbour.Accepted || code != http.StatusOK || doc["type"] != "ReplyAuthorization" || doc["interactingObject"] != note || doc["interactionTarget"] != o.object(open) {
			t.Errorf("under an open article the answer is %s, the stamp %d %v", state, code, doc)
		}
		if got := o.texts(open); got != "Open." {
			t.Errorf("under the open article stands %q", got)
		}

		known := article(blog.Known)
		if state, _ := o.answered(follower, ask(follower, known, "<p>Known.</p>")); state != neighbour.Accepted {
			t.Errorf("a follower is %s", state)
		}

		approve := article(blog.Approve)
		first, second, third := ask(wim, approve, "<p>Yes.</p>"), ask(wim, approve, "<p>No.</p>"), ask(wim, approve, "<p>Never.</p>")
		for text, step := range map[string]struct {
			note  string
			state blog.CommentState
			want  string
		}{"approved": {first, blog.CommentShown, neighbour.Accepted}, "hidden": {second, blog.CommentHidden, neighbour.Rejected}, "deleted": {third, blog.CommentRemoved, neighbour.Rejected}} {
			c := waits(wim, step.note)
			if err := o.outbox.Moderate(ctx, c.ID, step.state); err != nil {
				t.Fatal(err)
			}
			if state, _ := o.answered(wim, step.note); state != step.want {
				t.Errorf("%s: its server has it as %s, want %s", text, state, step.want)
			}
		}

		closed := article(blog.Closed)
		if state, _ := o.answered(wim, ask(wim, closed, "<p>Closed.</p>")); state != neighbour.Rejected {
			t.Errorf("under a closed article the answer is %s", state)
		}
		if got := o.texts(closed); got != "" {
			t.Errorf("under the closed article stands %q", got)
		}

		c, err := o.store.CommentByAddress(ctx, note)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.DeleteReply(ctx, c.ID); err != nil {
			t.Fatal(err)
		}
		o.until("the stamp of a deleted comment is taken back", func() bool { state, _ := wim.Permission(note); return state == neighbour.Revoked })
		if code, _ := o.json(stamp); code != http.StatusNotFound {
			t.Errorf("its stamp answers %d", code)
		}
	})
}

func TestF082BareReplyOfAServerThatWaitsIsAnsweredWhenItIsDecided(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		sluis := o.server("sluiswachter", neighbour.GoToSocial)
		wim, nadia := sluis.Person("wim"), sluis.Person("nadia")
		o.befriend(nadia)
		article := func(policy blog.Policy) blog.Article {
			return o.publish(func(a *blog.Article) { a.Slug, a.Comments = "crossing-"+string(policy), policy })
		}
		reply := func(p *neighbour.Person, a blog.Article, text string) blog.Comment {
			t.Helper()
			sent, err := p.Reply(o.soon(), o.object(a), text)
			if err != nil {
				t.Fatal(err)
			}
			o.settled()
			c, err := o.store.CommentByAddress(o.soon(), sent.Object)
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
		state, stamp := o.answered(nadia, c.Address)
		if code, doc := o.json(stamp); state != neighbour.Accepted || code != http.StatusOK || doc["interactingObject"] != c.Address || doc["interactionTarget"] != o.object(known) {
			t.Errorf("a follower's server has it as %s, the stamp is %d %v", state, code, doc)
		}

		approve := article(blog.Approve)
		for decided, want := range map[blog.CommentState]string{blog.CommentShown: neighbour.Accepted, blog.CommentHidden: neighbour.Rejected, blog.CommentRemoved: neighbour.Rejected} {
			c := reply(wim, approve, "<p>Waits.</p>")
			if state, _ := wim.Permission(c.Address); c.State != blog.CommentWaiting || state != neighbour.Pending {
				t.Fatalf("it is %s here and %s there, want it to wait", c.State, state)
			}
			if err := o.outbox.Moderate(o.soon(), c.ID, decided); err != nil {
				t.Fatal(err)
			}
			if state, _ := o.answered(wim, c.Address); state != want {
				t.Errorf("%s: its server has it as %s, want %s", decided, state, want)
			}
		}
		if slices.ContainsFunc(sluis.Letters(), func(l neighbour.Letter) bool { return l.Object == open.Address }) {
			t.Error("a letter came about the reply that waits for nothing")
		}
	})
}

func TestF082PeerThatAsksNothingIsToldNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		a := o.publish(func(a *blog.Article) { a.Comments = blog.Approve })
		for _, state := range []blog.CommentState{blog.CommentShown, blog.CommentHidden, blog.CommentRemoved} {
			sent, err := bram.Reply(o.soon(), o.object(a), "<p>Waits.</p>")
			if err != nil {
				t.Fatal(err)
			}
			c, err := o.store.CommentByAddress(o.soon(), sent.Object)
			if err != nil || c.State != blog.CommentWaiting {
				t.Fatalf("it is %+v (%v)", c, err)
			}
			if err := o.outbox.Moderate(o.soon(), c.ID, state); err != nil {
				t.Fatal(err)
			}
		}
		if _, letters, err := o.store.CountWaiting(o.soon()); err != nil || letters+len(veerhuis.Letters()) != 0 {
			t.Errorf("%d letters wait, %d came (%v)", letters, len(veerhuis.Letters()), err)
		}
	})
}

func TestF082StampOfOursLetsAReplyIn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish(func(a *blog.Article) { a.Comments = blog.Approve })
		ctx := o.soon()
		sent, err := bram.AskToReply(ctx, o.object(a), "<p>Allowed.</p>")
		if err != nil {
			t.Fatal(err)
		}
		c, err := o.store.CommentByAddress(ctx, sent.Object)
		if err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.Moderate(ctx, c.ID, blog.CommentShown); err != nil {
			t.Fatal(err)
		}
		_, stamp := o.answered(bram, sent.Object)
		reply := func(p *neighbour.Person, name, claim, word string) map[string]any {
			return map[string]any{"id": p.ID + "/acts/" + name, "type": "Create", "object": map[string]any{"type": "Note", "id": p.ID + "/notes/" + name,
				"attributedTo": p.ID, "inReplyTo": o.object(a), "content": "<p>" + name + "</p>", "to": "as:Public", word: claim}}
		}
		// A stamp is for one post alone, and only ours count.
		o.hears(kade, reply(kade, "borrowed", stamp, "replyAuthorization"))
		o.hears(kade, reply(kade, "made-up", o.site.URL+"/ap/authorizations/"+string(blog.NewID(time.Now())), "approvedBy"))
		o.hears(kade, reply(kade, "own", kade.ID+"/stamps/1", "replyAuthorization"))
		if got := o.texts(a); got != "Allowed." {
			t.Errorf("shown are %q", got)
		}
		if got := len(o.waiting(a)); got != 3 {
			t.Errorf("%d wait, want three", got)
		}
		// What was allowed before it came stands at once, under both spellings.
		for _, word := range []string{"replyAuthorization", "approvedBy"} {
			post := kade.ID + "/notes/" + word
			actor, err := o.store.Actor(ctx, kade.ID)
			if err != nil {
				t.Fatal(err)
			}
			given := blog.Stamp{ID: blog.NewID(time.Now()), Kind: blog.ReplyStamp, ArticleID: a.ID, Target: o.object(a), Instrument: post, ActorID: actor.ID,
				State: blog.StampGiven, At: time.Now()}
			if err := o.store.SaveStamp(ctx, given); err != nil {
				t.Fatal(err)
			}
			o.hears(kade, reply(kade, word, o.site.URL+"/ap/authorizations/"+string(given.ID), word))
		}
		if got := o.texts(a); got != "Allowed.|replyAuthorization|approvedBy" {
			t.Errorf("shown are %q", got)
		}
	})
}

func TestF079StampOfTheBlockedIsTakenBack(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		a := o.publish()
		stamps := map[*neighbour.Person]string{}
		notes := map[*neighbour.Person]string{}
		for _, p := range []*neighbour.Person{bram, kade} {
			sent, err := p.AskToQuote(o.soon(), o.object(a), "<p>Read this.</p>")
			if err != nil {
				t.Fatal(err)
			}
			_, stamps[p] = o.answered(p, sent.Object)
			notes[p] = sent.Object
		}
		o.block(blog.BlockPerson, kade.ID, blog.Refuse)
		o.until("kade's server knows", func() bool { state, _ := kade.Permission(notes[kade]); return state == neighbour.Revoked })
		if err := o.store.Unblock(o.soon(), blog.BlockPerson, kade.ID); err != nil {
			t.Fatal(err)
		}
		o.hears(kade, map[string]any{"id": kade.ID + "/asks/again", "type": "QuoteRequest", "object": o.object(a), "instrument": notes[kade]})
		if _, err := kade.Server.WaitFor(o.soon(), func(l neighbour.Letter) bool { return l.Type == "Reject" && l.Object == kade.ID+"/asks/again" }); err != nil {
			t.Errorf("a permission that was taken back is given again: %v", err)
		}
		for p, want := range map[*neighbour.Person]int{bram: http.StatusOK, kade: http.StatusNotFound} {
			if code, _ := o.json(stamps[p]); code != want {
				t.Errorf("the stamp of %s answers %d, want %d", p.Name, code, want)
			}
		}
	})
}

func TestAnAnswerBearsTheArticlesPolicyAndIsQuotedByIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		ilse := o.site.ActorID(o.ilse.ID)
		for quotes, want := range map[string]map[*neighbour.Person]string{"everyone": {bram: neighbour.Accepted, kade: neighbour.Accepted},
			"followers": {bram: neighbour.Accepted, kade: neighbour.Rejected}, "nobody": {bram: neighbour.Rejected, kade: neighbour.Rejected}} {
			a := o.publish(func(a *blog.Article) { a.Slug, a.Quotes, a.Comments = "crossing-"+quotes, quotes, blog.Open })
			if _, err := kade.Reply(o.soon(), o.object(a), "<p>Is it deep?</p>"); err != nil {
				t.Fatal(err)
			}
			answer, err := o.outbox.Reply(o.soon(), o.ilse, o.comments(a)[0].ID, "It is.")
			if err != nil {
				t.Fatal(err)
			}
			_, note := o.json(answer.Address)
			policy, _ := note["interactionPolicy"].(map[string]any)
			rule, _ := policy["canQuote"].(map[string]any)
			who := map[string]string{"everyone": "https://www.w3.org/ns/activitystreams#Public", "followers": ilse + "/followers", "nobody": ilse}[quotes]
			if list, _ := rule["automaticApproval"].([]any); len(list) != 1 || list[0] != who || policy["canReply"] == nil {
				t.Errorf("%s: the answer says %v", quotes, policy)
			}
			for p, want := range want {
				sent, err := p.AskToQuote(o.soon(), answer.Address, "<p>Read this.</p>")
				if err != nil {
					t.Fatal(err)
				}
				if state, _ := o.answered(p, sent.Object); state != want {
					t.Errorf("%s: %s may quote the answer: %s, want %s", quotes, p.Name, state, want)
				}
			}
		}
	})
}
