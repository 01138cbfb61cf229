package documents_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func TestT126WhatAnEditRemovedIsServedNowhere(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish(func(a *blog.Article) { a.HTML = "<p>The key lies under the canary.</p>" })
		edited, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.HTML, edited.Visibility = "<p>The ferry comes.</p>", blog.Unlisted
		if err := o.Outbox.Revise(o.Soon(), &edited); err != nil {
			t.Fatal(err)
		}
		outbox := "/ap/actors/" + string(o.Ilse.ID) + "/outbox?cursor="
		_, page := o.Document(outbox)
		if len(page.OrderedItems) != 1 {
			t.Fatalf("the outbox tells %d things", len(page.OrderedItems))
		}
		said, err := o.Store.Activities(o.Soon(), a.ObjectID)
		if err != nil || len(said) != 2 {
			t.Fatalf("said %d, %v", len(said), err)
		}
		for _, path := range []string{outbox, o.Path(o.Site.ActivityID(said[0].ID)), o.Path(o.Site.ActivityID(said[1].ID)),
			o.Path(o.Object(a))} {
			code, _, body := o.Get(path, overkant.AsMastodon)
			if code != 200 || strings.Contains(body, "canary") || !strings.Contains(body, "The ferry comes.") {
				t.Errorf("%s: %d %s", path, code, body)
			}
			if strings.Contains(body, `"to":["https://www.w3.org/ns/activitystreams#Public"]`) {
				t.Errorf("%s is still said to everybody: %s", path, body)
			}
		}
	})
}

func TestRepliesUnderAWithdrawnArticleAreServedNowhere(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		reply, err := bram.Reply(o.Soon(), o.Object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		comment, err := o.Store.CommentByAddress(o.Soon(), reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.Outbox.Reply(o.Soon(), o.Ilse, comment.ID, "Four minutes.")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.Soon(), answer.Address, "<p>Thank you.</p>"); err != nil {
			t.Fatal(err)
		}
		said, err := o.Store.Activities(o.Soon(), answer.ID)
		if err != nil || len(said) != 1 {
			t.Fatalf("said %d, %v", len(said), err)
		}
		note, act, outbox := o.Path(answer.Address), o.Path(o.Site.ActivityID(said[0].ID)),
			"/ap/actors/"+string(o.Ilse.ID)+"/outbox"
		paths := []string{note, note + "/replies", note + "/replies?cursor=", note + "/likes", act}
		for _, path := range paths {
			if code, _, _ := o.Get(path, overkant.AsMastodon); code != 200 {
				t.Errorf("%s before: %d", path, code)
			}
		}
		if err := o.Outbox.Withdraw(o.Soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if code, _, body := o.Get(path, overkant.AsMastodon); code != 404 {
				t.Errorf("%s afterwards: %d %s", path, code, body)
			}
		}
		if _, doc := o.Document(outbox); doc.TotalItems != 0 {
			t.Errorf("the outbox counts %d", doc.TotalItems)
		}
		if usage, err := o.Store.Usage(o.Soon()); err != nil || usage.Comments != 0 || usage.Articles != 0 {
			t.Errorf("NodeInfo counts %+v, %v", usage, err)
		}
	})
}

func TestADeletedArticleThatWasNeverPublicIsNotFound(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		planned, err := o.Outbox.Schedule(o.Soon(), o.Draft(func(a *blog.Article) { a.Slug = "planned" }).ID,
			time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		kept := o.Publish(func(a *blog.Article) { a.Slug, a.Visibility = "among-us", blog.Followers })
		page := o.Site.ArticlePath(planned)
		for _, a := range []blog.Article{planned, kept} {
			if err := o.Outbox.Delete(o.Soon(), a.ID); err != nil {
				t.Fatal(err)
			}
			if code, _, _ := o.Get(o.Site.ArticlePath(a), overkant.AsMastodon); code != 404 {
				t.Errorf("%s: %d, want 404", page, code)
			}
		}
	})
}

func TestPagesOfRepliesEndWhateverIsRemovedMeanwhile(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		list := o.FillComments(a, 130)
		_, cover := o.Document(o.Path(o.Object(a)) + "/replies")
		var first overkant.Document
		if err := json.Unmarshal(cover.First, &first); err != nil || cover.TotalItems != 130 || len(first.Items) != 60 {
			t.Fatalf("the first page has %d of %d, %v", len(first.Items), cover.TotalItems, err)
		}
		if err := o.Outbox.Moderate(o.Soon(), list[59].ID, blog.CommentHidden); err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for next, pages := first.Next, 0; next != ""; pages++ {
			if pages == 5 {
				t.Fatal("the pages do not end")
			}
			var page overkant.Document
			_, page = o.Document(o.Path(next))
			for _, id := range page.Items {
				if told[id] {
					t.Fatalf("%s is told twice", id)
				}
				told[id] = true
			}
			next = page.Next
		}
		if len(told) != 70 {
			t.Errorf("%d replies were told after the first page, want 70", len(told))
		}
	})
}

func TestAShownListOfFollowersComesInPages(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		open := o.Ilse
		open.ShowsFollowers = true
		if err := o.Outbox.SaveProfile(o.Soon(), open); err != nil {
			t.Fatal(err)
		}
		err := o.Store.InTx(o.Soon(), func(s *store.Store) error {
			for i := range 130 {
				id := fmt.Sprintf("https://veerhuis.example/users/%d", i)
				if err := s.SaveActor(t.Context(), blog.Actor{ID: id, Type: "Person", Host: "veerhuis.example",
					Inbox: id + "/inbox", FetchedAt: time.Now()}); err != nil {
					return err
				}
				if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: open.ID, ActorID: id, FollowID: id + "#f",
					State: blog.Accepted, Since: time.Now()}); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
		path := "/ap/actors/" + string(open.ID) + "/followers"
		var first string
		_, cover := o.Document(path)
		if err := json.Unmarshal(cover.First, &first); err != nil || cover.TotalItems != 130 {
			t.Fatalf("%d followers, %v", cover.TotalItems, err)
		}
		told := map[string]bool{}
		for next := first; next != ""; {
			_, page := o.Document(o.Path(next))
			for _, item := range page.OrderedItems {
				told[string(item)] = true
			}
			next = page.Next
			if len(page.OrderedItems) == 0 || len(told) > 130 {
				t.Fatal("the pages do not end")
			}
		}
		if len(told) != 130 {
			t.Errorf("%d followers were told", len(told))
		}
		open.ShowsFollowers = false
		if err := o.Outbox.SaveProfile(o.Soon(), open); err != nil {
			t.Fatal(err)
		}
		if code, _, body := o.Get(o.Path(first), overkant.AsMastodon); code != 404 || strings.Contains(body, "veerhuis") {
			t.Errorf("a page of the hidden list: %d %s", code, body)
		}
	})
}

func TestADeletedAuthorServesNothingMore(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		o.Publish()
		if err := o.Store.EraseVoice(o.Soon(), o.Ilse, time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"", "/outbox", "/outbox?cursor=", "/followers", "/following", "/featured"} {
			if code, _, _ := o.Get("/ap/actors/"+string(o.Ilse.ID)+path, overkant.AsMastodon); code != 410 {
				t.Errorf("%s: %d, want 410", path, code)
			}
		}
	})
}

func TestPostsToSomebodyElseAreNotSaved(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for name, to := range map[string][]string{"followers": {bram.Followers()},
			"a friend": {"https://noordkade.example/users/nadia"}, "nobody": {}, "ilse": {o.Site.ActorID(o.Ilse.ID)}} {
			note := bram.ID + "/notes/" + strings.ReplaceAll(name, " ", "-")
			_, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
				map[string]any{"id": note + "#create", "type": "Create", "actor": bram.ID, "to": to,
					"object": map[string]any{"id": note, "type": "Note", "attributedTo": bram.ID, "inReplyTo": o.Object(a),
						"content": "<p>" + name + "</p>", "to": to}})
			if err != nil {
				t.Fatal(err)
			}
		}
		o.Until("all arrivals are done with", func() bool { n, _, _ := o.Store.CountWaiting(o.Soon()); return n == 0 })
		private, err := o.Store.Comments(o.Soon(), store.CommentFilter{Private: true})
		if err != nil || len(private) != 1 || private[0].Plain != "ilse" {
			t.Errorf("kept %v, %v; want only what was said to Ilse", private, err)
		}
	})
}

func TestAnEditOfAFollowersOnlyArticleReachesOnlyFollowers(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin, steiger := o.Server("veerhuis"), o.Server("zilverduin"), o.Server("steiger")
		bram, kade, joost := veerhuis.Person("bram"), zilverduin.Person("kade"), steiger.Person("joost")
		o.AddFollower(bram)
		o.AddFollower(joost)
		a := o.Publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		for _, server := range []*fedtest.Server{veerhuis, steiger} {
			if _, err := server.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
				t.Fatal(err)
			}
		}
		note := kade.ID + "/notes/1" // who has heard of the id of what was said among friends
		_, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": note + "#create", "type": "Create", "actor": kade.ID,
				"object": map[string]any{"id": note, "type": "Note", "attributedTo": kade.ID, "inReplyTo": o.Object(a),
					"content": "<p>Me too.</p>", "to": "as:Public"}})
		if err != nil {
			t.Fatal(err)
		}
		o.Until("kade's words are there", func() bool {
			_,
				err := o.Store.CommentByAddress(o.Soon(), note)
			return err == nil
		})
		if err := o.Outbox.RejectFollower(o.Soon(), o.Ilse.ID, joost.ID); err != nil {
			t.Fatal(err)
		}
		edited, err := o.Store.Article(o.Soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.Title = "Five minutes wide"
		if err := o.Outbox.Revise(o.Soon(), &edited); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.Soon(), fedtest.About("Update", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		for host, r := range o.DeliveryRows(a) {
			if r.Kind == "Update" && host != veerhuis.Host {
				t.Errorf("%s is told of the edit", host)
			}
		}
	})
}

func TestTheOutboxIsServedToItsEnd(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i := range 25 {
			o.Publish(func(a *blog.Article) { a.Slug, a.Title = fmt.Sprint("crossing-", i), fmt.Sprintf("Crossing (%d)", i) })
		}
		path := "/ap/actors/" + string(o.Ilse.ID) + "/outbox"
		told := func(page overkant.Document) (titles []string) {
			for _, item := range page.OrderedItems {
				var said struct{ Object struct{ Name string } }
				if err := json.Unmarshal(item, &said); err != nil {
					t.Fatal(err)
				}
				titles = append(titles, said.Object.Name)
			}
			return titles
		}
		_, first := o.Document(path + "?cursor=")
		_, second := o.Document(o.Path(first.Next))
		all := append(told(first), told(second)...)
		if len(all) != 25 || all[0] != "Crossing (24)" || all[24] != "Crossing (0)" || second.Next != "" {
			t.Errorf("from the first page on: %v", all)
		}
		_, last := o.Document(path + "?cursor=0")
		if list := told(last); len(list) != 20 || list[19] != "Crossing (0)" || last.Next != "" {
			t.Errorf("the last page: %v, next %q", list, last.Next)
		}
	})
}
