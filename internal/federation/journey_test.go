package federation_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestAnArticleGoesOutAndTheConversationComesBack(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, noordkade := o.Server("veerhuis"), o.Server("noordkade", fedtest.GoToSocial)
		bram, nadia := veerhuis.Person("bram"), noordkade.Person("nadia")
		o.AddFollower(bram)
		o.AddFollower(nadia)
		a := o.Publish()
		ctx := o.Soon()
		if err := o.World.WaitForCount(ctx, 2, fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatalf("the article did not arrive: %v", err)
		}
		if post, ok := veerhuis.FindPost(o.Object(a)); !ok || post.Title != "Four minutes wide" {
			t.Errorf("veerhuis shows %+v", post)
		}
		reply, err := bram.Reply(ctx, o.Object(a), "<p>I crossed it <script>alert(1)</script>once.</p>")
		if err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a); got != "I crossed it once." {
			t.Errorf("comments = %q", got)
		}
		answer, err := nadia.Reply(ctx, reply.Object, "<p>Twice.</p>", fedtest.Mention(o.Site.ActorID(o.Ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		o.Until("the second round stands under the first", func() bool {
			threads := blog.Threads(o.Comments(a))
			return len(threads) == 1 && len(threads[0].Answers) == 1 && threads[0].Answers[0].Comment.Address == answer.Object
		})
		for _, act := range []func() (fedtest.Sent, error){
			func() (fedtest.Sent, error) { return bram.Like(ctx, o.Object(a)) },
			func() (fedtest.Sent, error) { return bram.Like(ctx, o.Object(a)) },
			func() (fedtest.Sent, error) { return nadia.Boost(ctx, o.Object(a)) },
		} {
			if _, err := act(); err != nil {
				t.Fatal(err)
			}
		}
		if got, want := o.Counts(a), (blog.Counts{Replies: 2, Servers: 2, Likes: 1, Boosts: 1}); got != want {
			t.Errorf("counts = %+v, want %+v", got, want)
		}
		if _, err := nadia.Unboost(ctx, o.Object(a)); err != nil {
			t.Fatal(err)
		}
		if got := o.Counts(a).Boosts; got != 0 {
			t.Errorf("boosts after the undo = %d", got)
		}
	})
}

func TestAnEditReachesThoseWhoHaveItAndAWithdrawalEverybody(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		a := o.Publish()
		ctx := o.Soon()
		if err := o.World.WaitForCount(ctx, 1, fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		latecomer := o.Server("noordkade")
		o.AddFollower(latecomer.Person("nadia"))
		edited, err := o.Store.Article(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.Title, edited.HTML = "Four minutes", "<p>It comes when it comes.</p>"
		if err := o.Outbox.Revise(ctx, &edited); err != nil {
			t.Fatal(err)
		}
		o.Until("the edit is shown", func() bool {
			post,
				_ := veerhuis.FindPost(o.Object(a))
			return post.Title == "Four minutes"
		})
		if err := o.Outbox.Withdraw(ctx, a.ID); err != nil {
			t.Fatal(err)
		}
		o.Until("the copy is gone", func() bool { post, _ := veerhuis.FindPost(o.Object(a)); return post.Gone })
		if got := len(latecomer.Received("Update")) + len(latecomer.Received("Delete")); got != 0 {
			t.Errorf("a server that never had the article got %d deliveries about it", got)
		}
		code, header, body := o.Get(strings.TrimPrefix(o.Object(a), o.Site.URL), "application/activity+json")
		if code != http.StatusGone || !strings.Contains(body, `"Tombstone"`) ||
			!strings.HasPrefix(header.Get("Content-Type"), "application/activity+json") {
			t.Errorf("the old object answers %d %s %s", code, header.Get("Content-Type"), body)
		}
		again, err := o.Outbox.Publish(ctx, a.ID)
		if err != nil {
			t.Fatal(err)
		}
		if again.ObjectID == a.ObjectID || again.Month != a.Month || again.Slug != a.Slug {
			t.Errorf("published again as %s at %s/%s, want a fresh object at the same address", again.ObjectID, again.Month,
				again.Slug)
		}
	})
}

func TestF049TheAuthorsReplyIsThreadedAndNotifies(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram") // follows nobody: he must be told all the same
		a := o.Publish()
		ctx := o.Soon()
		reply, err := bram.Reply(ctx, o.Object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		comment, err := o.Store.CommentByAddress(ctx, reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.Outbox.Reply(ctx, o.Ilse, comment.ID, "Four *minutes*.")
		if err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(ctx, fedtest.About("Create", answer.Address))
		if err != nil {
			t.Fatal(err)
		}
		var sent struct {
			Object struct{ InReplyTo, Content string }
		}
		if err := json.Unmarshal(delivery.Body, &sent); err != nil {
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
		if c, err := o.Store.CommentByAddress(ctx, again.Object); err != nil || c.ParentID != answer.ID {
			t.Errorf("the answer to the answer: parent %q, %v", c.ParentID, err)
		}
		if err := o.Outbox.EditReply(ctx, answer.ID, "Five."); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(ctx, fedtest.About("Update", answer.Address)); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.DeleteReply(ctx, answer.ID); err != nil {
			t.Fatal(err)
		}
		o.Until("the answer is gone there", func() bool { post, _ := veerhuis.FindPost(answer.Address); return post.Gone })
	})
}

func TestF068ARestrictedReplyIsShownNowhereInPublic(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		ctx := o.Soon()
		for _, how := range []fedtest.NoteOption{fedtest.Direct(), fedtest.FollowersOnly()} {
			if _, err := bram.Reply(ctx, o.Object(a), "<p>Between us: secret.</p>", how); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.Counts(a).Replies + len(o.Comments(a)); got != 0 {
			t.Errorf("restricted words were counted or listed: %d", got)
		}
		for _, path := range []string{"", "/replies", "/context"} {
			if _, _, body := o.Get(strings.TrimPrefix(o.Object(a), o.Site.URL)+path,
				"application/activity+json"); strings.Contains(body, "secret") || strings.Contains(body, bram.Server.Host) {
				t.Errorf("%s tells of restricted words: %s", path, body)
			}
		}
		private, err := o.Store.Comments(ctx, store.CommentFilter{Private: true})
		if err != nil || len(private) != 2 {
			t.Errorf("the author sees %d private words, %v; want both", len(private), err)
		}
	})
}

func TestOnlyTheAuthorChangesAndRemovesAComment(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		a := o.Publish()
		ctx := o.Soon()
		reply, err := bram.Reply(ctx, o.Object(a), "<p>First.</p>")
		if err != nil {
			t.Fatal(err)
		}
		forged := map[string]any{"type": "Note", "id": reply.Object, "attributedTo": kade.ID, "inReplyTo": o.Object(a),
			"content": "<p>Forged.</p>",
			"to":      "as:Public", "updated": time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}
		for kind, object := range map[string]any{"Update": forged, "Delete": reply.Object, "Create": forged} {
			if _, err := kade.Send(ctx, o.Site.SharedInbox(),
				map[string]any{"id": kade.ID + "/acts/" + kind, "type": kind, "actor": kade.ID, "object": object}); err != nil {
				t.Errorf("%s of somebody else's words: %v, want 202", kind, err)
			}
		}
		time.Sleep(100 * time.Millisecond)
		if got := o.CommentTexts(a); got != "First." {
			t.Errorf("after the forgeries: %q", got)
		}
		if _, err := bram.Edit(ctx, reply.Object, "<p>Second.</p>"); err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a); got != "Second." {
			t.Errorf("after the edit: %q", got)
		}
		if _, err := bram.Delete(ctx, reply.Object); err != nil {
			t.Fatal(err)
		}
		if got := o.CommentTexts(a) + o.Comments(a)[0].HTML; got != "" {
			t.Errorf("after the removal: %q", got)
		}
		if got := o.Counts(a).Replies; got != 0 {
			t.Errorf("replies after the removal: %d", got)
		}
	})
}

func TestF064ADeleteBeforeItsCreateLeavesNoComment(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		ctx := o.Soon()
		send := func(activity map[string]any) {
			t.Helper()
			activity["actor"] = bram.ID
			if _, err := bram.Send(ctx, o.Site.SharedInbox(), activity); err != nil {
				t.Fatalf("%v: %v", activity["type"], err)
			}
		}
		note, follow := bram.ID+"/notes/1", bram.ID+"/follows/1"
		send(map[string]any{"id": note + "#delete", "type": "Delete", "object": note})
		send(map[string]any{"id": note + "#create", "type": "Create",
			"object": map[string]any{"type": "Note", "id": note, "attributedTo": bram.ID,
				"inReplyTo": o.Object(a), "content": "late", "to": "as:Public"}})
		act := map[string]any{"id": follow, "type": "Follow", "actor": bram.ID, "object": o.Site.ActorID(o.Ilse.ID)}
		send(map[string]any{"id": follow + "#undo", "type": "Undo", "object": act})
		send(act)
		if got := o.CommentTexts(a); got != "" {
			t.Errorf("a deleted note came: %q", got)
		}
		if n, err := o.Store.CountFollowers(ctx, o.Ilse.ID); err != nil || n.Accepted != 0 {
			t.Errorf("an undone follow came: %+v, %v", n, err)
		}
	})
}

func TestTheSameActivityTwiceCountsOnce(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		ready, err := bram.PrepareReply(o.Soon(), o.Object(a), "<p>Once.</p>")
		if err != nil {
			t.Fatal(err)
		}
		for range 5 {
			if _, err := ready.Send(o.Soon()); err != nil {
				t.Fatal(err)
			}
		}
		if got := o.CommentTexts(a); got != "Once." {
			t.Errorf("comments = %q", got)
		}
	})
}

func TestARemarkToTheAuthorElsewhereIsNoComment(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, nadia := o.Server("veerhuis").Person("bram"), o.Server("noordkade").Person("nadia")
		o.Publish()
		ctx := o.Soon()
		above, err := nadia.Post(ctx, "<p>Has anybody read this?</p>")
		if err != nil {
			t.Fatal(err)
		}
		unrelated, err := bram.Reply(ctx, above.Object, "<p>Not under the article.</p>",
			fedtest.Mention(o.Site.ActorID(o.Ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		o.Until("the arrival is done with", func() bool { n, _, _ := o.Store.CountWaiting(ctx); return n == 0 })
		if _, err := o.Store.CommentByAddress(ctx, unrelated.Object); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("a reply to something else was kept: %v", err)
		}
	})
}

func TestAFollowIsPendingWhereTheAuthorApprovesFollowers(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		careful := o.Ilse
		careful.ApprovesFollowers = true
		if err := o.Outbox.SaveProfile(t.Context(), careful); err != nil {
			t.Fatal(err)
		}
		veerhuis := o.Server("veerhuis")
		bram, joost := veerhuis.Person("bram"), veerhuis.Person("joost")
		ctx := o.Soon()
		for _, p := range []*fedtest.Person{bram, joost} {
			if _, err := p.Follow(ctx, o.Site.ActorID(o.Ilse.ID)); err != nil {
				t.Fatal(err)
			}
		}
		if n, err := o.Store.CountFollowers(ctx, o.Ilse.ID); err != nil || n.Pending != 2 || n.Accepted != 0 {
			t.Fatalf("followers = %+v, %v", n, err)
		}
		if err := o.Outbox.AcceptFollower(ctx, o.Ilse.ID, bram.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.Outbox.RejectFollower(ctx, o.Ilse.ID, joost.ID); err != nil {
			t.Fatal(err)
		}
		if err := bram.WaitAccepted(ctx, o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		o.Until("joost is told", func() bool { return joost.FollowState(o.Site.ActorID(o.Ilse.ID)) == fedtest.Rejected })
		if _, err := bram.Unfollow(ctx, o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if n, _ := o.Store.CountFollowers(ctx, o.Ilse.ID); n != (store.FollowerCounts{}) {
			t.Errorf("followers at the end = %+v", n)
		}
	})
}
