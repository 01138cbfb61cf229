package federation_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

func TestAnArticleGoesOutAndTheConversationComesBack(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, noordkade := o.server("veerhuis"), o.server("noordkade", neighbour.GoToSocial)
		bram, nadia := veerhuis.Person("bram"), noordkade.Person("nadia")
		o.befriend(bram)
		o.befriend(nadia)
		a := o.publish()
		ctx := o.soon()
		if err := o.world.Wait(ctx, 2, neighbour.About("Create", o.object(a))); err != nil {
			t.Fatalf("the article did not arrive: %v", err)
		}
		if post, ok := veerhuis.Post(o.object(a)); !ok || post.Title != "Four minutes wide" {
			t.Errorf("veerhuis shows %+v", post)
		}
		reply, err := bram.Reply(ctx, o.object(a), "<p>I crossed it <script>alert(1)</script>once.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if got := o.texts(a); got != "I crossed it once." {
			t.Errorf("comments = %q", got)
		}
		answer, err := nadia.Reply(ctx, reply.Object, "<p>Twice.</p>", neighbour.Mention(o.site.ActorID(o.ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		o.until("the second round stands under the first", func() bool {
			threads := blog.Threads(o.comments(a))
			return len(threads) == 1 && len(threads[0].Answers) == 1 && threads[0].Answers[0].Comment.Address == answer.Object
		})
		for _, act := range []func() (neighbour.Sent, error){
			func() (neighbour.Sent, error) { return bram.Like(ctx, o.object(a)) },
			func() (neighbour.Sent, error) { return bram.Like(ctx, o.object(a)) },
			func() (neighbour.Sent, error) { return nadia.Boost(ctx, o.object(a)) },
		} {
			if _, err := act(); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := o.counts(a), (blog.Counts{Replies: 2, Servers: 2, Likes: 1, Boosts: 1}); got != want {
			t.Errorf("counts = %+v, want %+v", got, want)
		}
		if _, err := nadia.Unboost(ctx, o.object(a)); err != nil {
			t.Fatal(err)
		}
		if got := o.counts(a).Boosts; got != 0 {
			t.Errorf("boosts after the undo = %d", got)
		}
	})
}

func TestAnEditReachesThoseWhoHoldItAndAWithdrawalEveryone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		a := o.publish()
		ctx := o.soon()
		if err := o.world.Wait(ctx, 1, neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		latecomer := o.server("noordkade")
		o.befriend(latecomer.Person("nadia"))
		edited, err := o.store.Article(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.Title, edited.HTML = "Four minutes", "<p>It comes when it comes.</p>"
		if err := o.outbox.Revise(ctx, &edited); err != nil {
			t.Fatal(err)
		}
		o.until("the edit is shown", func() bool { post, _ := veerhuis.Post(o.object(a)); return post.Title == "Four minutes" })
		if err := o.outbox.Withdraw(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
		o.until("the copy is gone", func() bool { post, _ := veerhuis.Post(o.object(a)); return post.Gone })
		if got := len(latecomer.Received("Update")) + len(latecomer.Received("Delete")); got != 0 {
			t.Errorf("a server that never had the article got %d letters about it", got)
		}
		code, header, body := o.get(strings.TrimPrefix(o.object(a), o.site.URL), "application/activity+json")
		if code != http.StatusGone || !strings.Contains(body, `"Tombstone"`) || !strings.HasPrefix(header.Get("Content-Type"), "application/activity+json") {
			t.Errorf("the old object answers %d %s %s", code, header.Get("Content-Type"), body)
		}
		again, err := o.outbox.Publish(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again.ObjectID == a.ObjectID || again.Month != a.Month || again.Slug != a.Slug {
			t.Errorf("published again as %s at %s/%s, want a fresh object at the same address", again.ObjectID, again.Month, again.Slug)
		}
	})
}

func TestF049TheAuthorsAnswerIsThreadedAndNotifies(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram") // follows nobody: he must be told all the same
		a := o.publish()
		ctx := o.soon()
		reply, err := bram.Reply(ctx, o.object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		comment, err := o.store.CommentByAddress(ctx, reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.outbox.Reply(ctx, o.ilse, comment.ID, "Four *minutes*.")
		if err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(ctx, neighbour.About("Create", answer.Address))
		if err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Object struct{ InReplyTo, Content string }
		}
		if err := json.Unmarshal(letter.Body, &sent); err != nil {
			t.Fatal(err)
		}
		if sent.Object.InReplyTo != reply.Object || !strings.Contains(sent.Object.Content, "<em>minutes</em>") {
			t.Errorf("the answer says %+v", sent.Object)
		}
		if got := bram.Mentions(); len(got) != 1 {
			t.Errorf("bram was notified %d times, want once", len(got))
		}
		again, err := bram.Reply(ctx, answer.Address, "<p>Thank you.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if c, err := o.store.CommentByAddress(ctx, again.Object); err != nil || c.ParentID != answer.ID {
			t.Errorf("the answer to the answer: parent %q, %v", c.ParentID, err)
		}
		if err := o.outbox.EditReply(ctx, answer.ID, "Five."); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(ctx, neighbour.About("Update", answer.Address)); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.DeleteReply(ctx, answer.ID); err != nil {
			t.Fatal(err)
		}
		o.until("the answer is gone there", func() bool { post, _ := veerhuis.Post(answer.Address); return post.Gone })
	})
}

func TestF068RestrictedWordsReachNoPublicPlace(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		ctx := o.soon()
		for _, how := range []neighbour.Option{neighbour.Direct(), neighbour.FollowersOnly()} {
			if _, err := bram.Reply(ctx, o.object(a), "<p>Between us: secret.</p>", how); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.counts(a).Replies + len(o.comments(a)); got != 0 {
			t.Errorf("restricted words were counted or listed: %d", got)
		}
		for _, path := range []string{"", "/replies", "/context"} {
			if _, _, body := o.get(strings.TrimPrefix(o.object(a), o.site.URL)+path, "application/activity+json"); strings.Contains(body, "secret") || strings.Contains(body, bram.Server.Host) {
				t.Errorf("%s tells of restricted words: %s", path, body)
			}
		}
		private, err := o.store.Comments(ctx, store.CommentList{Private: true})
		if err != nil || len(private) != 2 {
			t.Errorf("the author sees %d private words, %v; want both", len(private), err)
		}
	})
}

func TestTheWriterAloneChangesAndRemovesAComment(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		a := o.publish()
		ctx := o.soon()
		reply, err := bram.Reply(ctx, o.object(a), "<p>First.</p>")
		if err != nil {
			t.Fatal(err)
		}
		forged := map[string]any{"type": "Note", "id": reply.Object, "attributedTo": kade.ID, "inReplyTo": o.object(a), "content": "<p>Forged.</p>",
			"to": "as:Public", "updated": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
		for kind, object := range map[string]any{"Update": forged, "Delete": reply.Object, "Create": forged} {
			if _, err := kade.Send(ctx, o.site.SharedInbox(), map[string]any{"id": kade.ID + "/acts/" + kind, "type": kind, "actor": kade.ID, "object": object}); err != nil {
				t.Errorf("%s of somebody else's words: %v, want 202", kind, err)
			}
		}
		time.Sleep(100 * time.Millisecond)
		if got := o.texts(a); got != "First." {
			t.Errorf("after the forgeries: %q", got)
		}
		if _, err := bram.Edit(ctx, reply.Object, "<p>Second.</p>"); err != nil {
			t.Fatal(err)
		}
		if got := o.texts(a); got != "Second." {
			t.Errorf("after the edit: %q", got)
		}
		if _, err := bram.Delete(ctx, reply.Object); err != nil {
			t.Fatal(err)
		}
		if got := o.texts(a) + o.comments(a)[0].HTML; got != "" {
			t.Errorf("after the removal: %q", got)
		}
		if got := o.counts(a).Replies; got != 0 {
			t.Errorf("replies after the removal: %d", got)
		}
	})
}

func TestF064WhatIsTakenBackBeforeItCameNeverComes(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		ctx := o.soon()
		send := func(activity map[string]any) {
			t.Helper()
			activity["actor"] = bram.ID
			if _, err := bram.Send(ctx, o.site.SharedInbox(), activity); err != nil {
				t.Fatalf("%v: %v", activity["type"], err)
			}
		}
		note, follow := bram.ID+"/notes/1", bram.ID+"/follows/1"
		send(map[string]any{"id": note + "#delete", "type": "Delete", "object": note})
		send(map[string]any{"id": note + "#create", "type": "Create", "object": map[string]any{"type": "Note", "id": note, "attributedTo": bram.ID,
			"inReplyTo": o.object(a), "content": "late", "to": "as:Public"}})
		act := map[string]any{"id": follow, "type": "Follow", "actor": bram.ID, "object": o.site.ActorID(o.ilse.ID)}
		send(map[string]any{"id": follow + "#undo", "type": "Undo", "object": act})
		send(act)
		if got := o.texts(a); got != "" {
			t.Errorf("a deleted note came: %q", got)
		}
		if n, err := o.store.CountFollowers(ctx, o.ilse.ID); err != nil || n.Accepted != 0 {
			t.Errorf("an undone follow came: %+v, %v", n, err)
		}
	})
}

func TestTheSameTwiceIsTheSameAsOnce(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		ready, err := bram.PrepareReply(o.soon(), o.object(a), "<p>Once.</p>")
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := ready.Send(o.soon()); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.texts(a); got != "Once." {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestARemarkToTheAuthorElsewhereIsNoComment(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, nadia := o.server("veerhuis").Person("bram"), o.server("noordkade").Person("nadia")
		o.publish()
		ctx := o.soon()
		above, err := nadia.Post(ctx, "<p>Has anybody read this?</p>")
		if err != nil {
			t.Fatal(err)
		}
		unrelated, err := bram.Reply(ctx, above.Object, "<p>Not under the article.</p>", neighbour.Mention(o.site.ActorID(o.ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		o.until("the arrival is done with", func() bool { n, _, _ := o.store.CountWaiting(ctx); return n == 0 })
		if _, err := o.store.CommentByAddress(ctx, unrelated.Object); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("a reply to something else was kept: %v", err)
		}
	})
}

func TestAFollowWaitsForAYesWhereTheAuthorWantsIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		careful := o.ilse
		careful.ApprovesFollowers = true
		if err := o.outbox.Introduce(t.Context(), careful); err != nil {
			t.Fatal(err)
		}
		veerhuis := o.server("veerhuis")
		bram, joost := veerhuis.Person("bram"), veerhuis.Person("joost")
		ctx := o.soon()
		for _, p := range []*neighbour.Person{bram, joost} {
			if _, err := p.Follow(ctx, o.site.ActorID(o.ilse.ID)); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := o.store.CountFollowers(ctx, o.ilse.ID); err != nil || n.Pending != 2 || n.Accepted != 0 {
			t.Fatalf("followers = %+v, %v", n, err)
		}
		if err := o.outbox.AcceptFollower(ctx, o.ilse.ID, bram.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.outbox.RejectFollower(ctx, o.ilse.ID, joost.ID); err != nil {
			t.Fatal(err)
		}
		if err := bram.WaitAccepted(ctx, o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.until("joost is told", func() bool { return joost.Follows(o.site.ActorID(o.ilse.ID)) == neighbour.Rejected })
		if _, err := bram.Unfollow(ctx, o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if n, _ := o.store.CountFollowers(ctx, o.ilse.ID); n != (store.FollowerCounts{}) {
			t.Errorf("followers at the end = %+v", n)
		}
	})
}
