package inbox_test

import (
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

func TestAnActorWhoReturnsAfterADeleteIsANewPerson(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		ilse, a := o.Site.ActorID(o.Ilse.ID), o.Publish()
		link := `<p><a href="` + o.Site.ArticlePage(a) + `">A link.</a></p>`
		o.AddFollower(bram)
		o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "old", nil), "old"))
		o.Receive(bram, overkant.CreateNote(bram, "strayed", link, nil))
		strayed := overkant.CreateNote(bram, "strayed", "<p>No link.</p>",
			map[string]any{"updated": time.Now().Add(time.Second).UTC().Format(time.RFC3339)})["object"]
		o.Receive(bram, overkant.Activity("Update", bram, strayed, "strays"))
		if _, err := bram.DeleteAccount(o.Soon()); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		bram.RotateKeys()
		bram.Return()
		bram.Server.ForgetActors()
		if _, err := bram.Follow(o.Soon(), ilse); err != nil {
			t.Fatal(err)
		}
		if err := bram.WaitAccepted(o.Soon(), ilse); err != nil || o.CountFollowers() != 1 {
			t.Errorf("the Follow is not accepted: %v", err)
		}
		o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "new", nil), "new"))
		// What was erased stays so, whatever is said of it now.
		later := map[string]any{"updated": time.Now().Add(time.Minute).UTC().Format(time.RFC3339)}
		for _, kind := range []string{"Create", "Update"} {
			o.Receive(bram, overkant.Activity(kind, bram, overkant.ReplyNote(bram, o.Object(a), "old", later), kind+"again"))
			o.Receive(bram, overkant.Activity(kind, bram, overkant.CreateNote(bram, "strayed", link, later)["object"],
				kind+"strayed"))
		}
		if got := strings.Trim(o.CommentTexts(a), "|"); got != "new" {
			t.Errorf("comments: %q", got)
		}
		if back := o.StoredActor(bram.ID); back.GoneAt != nil || back.Name == "" || back.KeyMark == "" {
			t.Errorf("remembered as %+v", back)
		}
		// They are a person like others, who may leave again.
		if _, err := bram.DeleteAccount(o.Soon()); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if o.CountFollowers() != 0 || strings.Trim(o.CommentTexts(a), "|") != "" || o.StoredActor(bram.ID).GoneAt == nil {
			t.Errorf("%d followers, %q", o.CountFollowers(), o.CommentTexts(a))
		}
	})
}

func TestTheOldKeyBringsAnActorBackAfterADay(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for name, gone := range map[string]time.Duration{"bram": time.Minute, "kade": 25 * time.Hour} {
			p := o.Server(name).Person(name)
			o.AddFollower(p)
			// Their server may serve the actor for a while after the Delete, and send late what was said before.
			if err := o.Store.RemoveActor(o.Soon(), p.ID, time.Now().Add(-gone)); err != nil {
				t.Fatal(err)
			}
			o.Receive(p, overkant.Activity("Create", p, overkant.ReplyNote(p, o.Object(a), name, nil), "1"))
			o.Receive(p, overkant.Activity("Like", p, o.Object(a), "2"))
		}
		if got := o.CommentTexts(a); got != "kade" || o.Counts(a).Likes != 1 {
			t.Errorf("comments %q, %d likes", got, o.Counts(a).Likes)
		}
	})
}

func TestAnActorWhoReturnedIsFoundByEveryDoor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		veerhuis := o.Server("veerhuis")
		bram, nadia := veerhuis.Person("bram"), veerhuis.Person("nadia")
		for _, p := range []string{bram.ID, nadia.ID} {
			actor := blog.Actor{ID: p, Host: veerhuis.Host, Inbox: p + "/inbox", Handle: "x@" + veerhuis.Host, Type: "Person",
				FetchedAt: time.Now().AddDate(0, -2, 0)}
			if err := o.Store.SaveActor(o.Soon(), actor); err != nil {
				t.Fatal(err)
			}
			if err := o.Store.RemoveActor(o.Soon(), p, time.Now().AddDate(0, -1, 0)); err != nil {
				t.Fatal(err)
			}
		}
		// An author follows one, and the post of the other is fetched.
		o.FollowPerson(o.Ilse, bram)
		note := overkant.ReplyNote(nadia, o.Object(a), "fetched", nil)
		veerhuis.ServeDocument(strings.TrimPrefix(note["id"].(string), veerhuis.URL), note)
		o.FetchComment(note["id"].(string))
		for _, p := range []string{bram.ID, nadia.ID} {
			if o.StoredActor(p).GoneAt != nil {
				t.Errorf("%s is still taken for gone", p)
			}
		}
	})
}
