package inbox_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestBadRequestsGetOneClearAnswer(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		shared, own := o.Site.SharedInbox(), o.Site.ActorID(o.Ilse.ID)+"/inbox"
		like := func() map[string]any {
			return map[string]any{"id": fmt.Sprintf("%s/likes/%d", bram.ID, time.Now().UnixNano()), "type": "Like",
				"actor": bram.ID, "object": o.Site.ActorID(o.Ilse.ID)}
		}
		for name, delivery := range map[string]struct {
			inbox    string
			activity any
			twists   []fedtest.SendOption
			want     int
		}{
			"a good one":                     {shared, like(), nil, 202},
			"a good one to a personal inbox": {own, like(), nil, 202},
			"a kind that nobody knows": {shared,
				map[string]any{"id": bram.ID + "/x/1", "type": "Levitate", "actor": bram.ID}, nil, 202},
			"not JSON":   {shared, []byte(`{"type":`), nil, 400},
			"two values": {shared, []byte(`{}{}`), nil, 400},
			"no actor":   {shared, map[string]any{"type": "Like"}, nil, 400},
			"two actors": {shared,
				map[string]any{"type": "Like", "actor": []string{bram.ID, o.Site.ActorID(o.Ilse.ID)}}, nil, 400},
			"an actor of ours": {shared, map[string]any{"type": "Like", "actor": o.Site.ActorID(o.Ilse.ID)},
				nil, 403},
			"too large": {shared,
				append([]byte(`{"type":"Like","actor":"x","content":"`), bytes.Repeat([]byte("a"), 1<<20)...), nil, 413},
			"a picture's type":            {shared, like(), []fedtest.SendOption{fedtest.ContentType("image/png")}, 415},
			"unsigned":                    {shared, like(), []fedtest.SendOption{fedtest.Unsigned()}, 401},
			"changed on the way":          {shared, like(), []fedtest.SendOption{fedtest.Tampered()}, 401},
			"without a digest":            {shared, like(), []fedtest.SendOption{fedtest.WithoutDigest()}, 401},
			"signed with a key of nobody": {shared, like(), []fedtest.SendOption{bram.WrongKey()}, 401},
			"signed half a day too early": {shared, like(),
				[]fedtest.SendOption{fedtest.SignedAt(time.Now().Add(-13 * time.Hour))}, 401},
			"signed in the future": {shared, like(),
				[]fedtest.SendOption{fedtest.SignedAt(time.Now().Add(2 * time.Hour))}, 401},
			"meant for another host": {shared, like(),
				[]fedtest.SendOption{fedtest.SignedForHost("elsewhere.example")}, 401},
			"for somebody who does not live here": {o.Site.ActorID(blog.NewID(time.Now())) + "/inbox", like(), nil, 404},
		} {
			answer, err := bram.Send(o.Soon(), delivery.inbox, delivery.activity, delivery.twists...)
			if got := overkant.StatusOf(err); got != delivery.want {
				t.Errorf("%s: %d (%v), want %d", name, got, err, delivery.want)
			}
			if delivery.want != 202 && !strings.Contains(string(answer.Body), `"error"`) {
				t.Errorf("%s: answered without a reason: %q", name, answer.Body)
			}
		}
	})
}

func TestF092ANewKeyIsTrustedAfterOneFetch(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		a := o.Publish()
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>Before.</p>"); err != nil {
			t.Fatal(err)
		}
		bram.RotateKeys()
		if _, err := bram.Reply(o.Soon(), o.Object(a), "<p>After.</p>"); err != nil {
			t.Fatal(err)
		}
		before := len(veerhuis.Requests())
		if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": bram.ID + "/1", "type": "Like", "actor": bram.ID, "object": o.Object(a)},
			bram.WrongKey()); overkant.StatusOf(err) != 401 {
			t.Errorf("a wrong key after a rotation: %v, want 401", err)
		}
		if got := len(veerhuis.Requests()) - before; got != 0 {
			t.Errorf("a wrong key made us ask %d times within five minutes", got)
		}
		if got := o.CommentTexts(a); got != "Before.|After." {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestT060AForwardedActivityIsOnlyAHint(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		a := o.Publish()
		ctx := o.Soon()
		real, err := bram.Post(ctx, "<p>Real.</p>", fedtest.NoteID(bram.ID+"/notes/real"))
		if err != nil {
			t.Fatal(err)
		}
		forged := map[string]any{"id": bram.ID + "/acts/1", "type": "Create", "actor": bram.ID,
			"object": map[string]any{"type": "Note", "id": real.Object,
				"attributedTo": bram.ID, "inReplyTo": o.Object(a), "content": "<p>Forged.</p>", "to": "as:Public"}}
		if _, err := kade.Send(ctx, o.Site.SharedInbox(), forged); err != nil {
			t.Fatal(err)
		}
		reply, err := bram.PrepareReply(ctx, o.Object(a), "<p>Carried by kade.</p>")
		if err != nil {
			t.Fatal(err)
		}
		carried := map[string]any{"id": bram.ID + "/acts/2", "type": "Create", "actor": bram.ID,
			"object": map[string]any{"type": "Note", "id": reply.Object, "content": "<p>Changed by kade.</p>"}}
		if _, err := kade.Send(ctx, o.Site.SharedInbox(), carried); err != nil {
			t.Fatal(err)
		}
		o.Until("both forwarded activities are handled", func() bool { n, _, _ := o.Store.CountWaiting(ctx); return n == 0 })
		if got := o.CommentTexts(a); got != "Carried by kade." {
			t.Errorf("comments = %q, want the carried one as its origin tells it", got)
		}
		if _, err := reply.Send(ctx); err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a); got != "Carried by kade." {
			t.Errorf("after the real one came: %q", got)
		}
	})
}

func TestF066ReplyUnderAnUnknownParentBringsItsParentAlong(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, noordkade, dijla := o.Server("veerhuis"), o.Server("noordkade"), o.Server("dijla")
		bram, nadia, deniz := veerhuis.Person("bram"), noordkade.Person("nadia"), dijla.Person("deniz")
		a := o.Publish()
		ctx := o.Soon()
		// Bram's and Nadia's servers do not tell us of their replies; Deniz' does.
		first, err := bram.PrepareReply(ctx, o.Object(a), "<p>One.</p>")
		if err != nil {
			t.Fatal(err)
		}
		second, err := nadia.PrepareReply(ctx, first.Object, "<p>Two.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := deniz.Reply(ctx, second.Object, "<p>Three.</p>",
			fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err != nil {
			t.Fatal(err)
		}
		o.Until("all three stand there", func() bool { return len(o.Comments(a)) == 3 })
		threads := blog.Threads(o.Comments(a))
		if len(threads) != 1 || threads[0].Comment.Plain != "One." || len(threads[0].Answers) != 1 ||
			len(threads[0].Answers[0].Answers) != 1 {
			t.Errorf("threads = %+v", threads)
		}
		if threads[0].Comment.Origin != blog.Fetched {
			t.Errorf("the parent's origin is %q", threads[0].Comment.Origin)
		}
	})
}

func TestF066TheWalkToTheParentsEnds(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.Publish()
		ctx := o.Soon()
		above := bram.ID + "/notes/0"
		if _, err := bram.Post(ctx, "<p>The root of something else.</p>", fedtest.NoteID(above)); err != nil {
			t.Fatal(err)
		}
		for i := range 40 {
			ready, err := bram.PrepareReply(ctx, above, "<p>Deeper.</p>",
				fedtest.NoteID(fmt.Sprintf("%s/notes/%d", bram.ID, i+1)))
			if err != nil {
				t.Fatal(err)
			}
			above = ready.Object
		}
		before := len(veerhuis.Requests())
		if _, err := bram.Reply(ctx, above, "<p>Deepest.</p>", fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err != nil {
			t.Fatal(err)
		}
		o.Until("the arrival is done with", func() bool { n, _, _ := o.Store.CountWaiting(ctx); return n == 0 })
		if got := len(veerhuis.Requests()) - before; got > 18 { // 16, and the actor with its key
			t.Errorf("%d questions were asked for one activity", got)
		}
	})
}

func TestModerationDecidesWhatIsShown(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		for _, step := range []struct {
			policy blog.Policy
			want   string
		}{{blog.Known, "bram"}, {blog.Approve, ""}, {blog.Closed, ""}, {blog.Open, "bram|kade"}} {
			policy, want := step.policy, step.want
			a := o.Publish(func(a *blog.Article) { a.Slug, a.Comments = "crossing-"+string(policy), policy })
			for _, p := range []*fedtest.Person{bram, kade} {
				if _, err := p.Reply(o.Soon(), o.Object(a), "<p>"+p.Name+"</p>"); err != nil {
					t.Errorf("%s: %s: %v, want 202", policy, p.Name, err)
				}
			}
			if got := o.CommentTexts(a); got != want {
				t.Errorf("%s: shown %q, want %q", policy, got, want)
			}
		}
		a, _ := o.Store.ArticleBySlug(o.Soon(), "crossing-approve")
		for _, c := range o.WaitingComments(a) {
			if err := o.Outbox.Moderate(o.Soon(), c.ID, blog.CommentShown); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.CommentTexts(a); got != "bram|kade" {
			t.Errorf("after approval: %q", got)
		}
	})
}

// Under an article for people who are known, being shown elsewhere on the blog makes nobody known: there, everybody is
// shown at once. The yes of a person does, and their no takes it back.
func TestT245WhoWasOnlyShownIsNotKnown(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		known := o.Publish(func(a *blog.Article) { a.Comments = blog.Known })
		open := o.Publish(func(a *blog.Article) { a.Slug = "open" })
		bram, tess := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("tess")
		say := func(p *fedtest.Person, under blog.Article, text string) blog.ID {
			t.Helper()
			reply, err := p.Reply(o.Soon(), o.Object(under), "<p>"+text+"</p>")
			if err != nil {
				t.Fatal(err)
			}
			c, err := o.Store.CommentByAddress(t.Context(), reply.Object)
			if err != nil {
				t.Fatal(err)
			}
			return c.ID
		}
		want := func(shown string, waiting int) {
			t.Helper()
			if got, n := o.CommentTexts(known), len(o.WaitingComments(known)); got != shown || n != waiting {
				t.Errorf("%q is shown and %d wait, want %q and %d", got, n, shown, waiting)
			}
		}
		first := say(bram, known, "One.")
		say(bram, open, "Two.")
		if got := o.CommentTexts(open); got != "Two." {
			t.Errorf("under the open article: %q", got)
		}
		say(bram, known, "Three.")
		want("", 2)
		if err := o.Outbox.Moderate(o.Soon(), first, blog.CommentShown); err != nil {
			t.Fatal(err)
		}
		say(bram, known, "Four.")
		want("One.|Four.", 1)
		if err := o.Outbox.Moderate(o.Soon(), first, blog.CommentHidden); err != nil {
			t.Fatal(err)
		}
		say(bram, known, "Five.") // shown as the one who was known, which is no yes to the next
		want("Four.", 2)
		say(tess, open, "Six.")
		say(tess, known, "Seven.")
		want("Four.", 3)
	})
}
