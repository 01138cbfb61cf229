package federation_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

// path is where an address of the blog's lies on it.
func (o *overkant) path(address string) string { return strings.TrimPrefix(address, o.site.URL) }

// document asks for a document and reads the members that tests look at.
func (o *overkant) document(path string) (code int, doc document) {
	o.t.Helper()
	code, _, body := o.get(path, asMastodon)
	if err := json.Unmarshal([]byte(body), &doc); err != nil {
		o.t.Fatalf("%s: %v in %s", path, err, body)
	}
	return code, doc
}

type document struct {
	ID           string
	TotalItems   int
	Next         string
	Items        []string
	OrderedItems []json.RawMessage
	First        json.RawMessage
}

func TestT126WhatAnEditTookOutIsToldNowhere(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish(func(a *blog.Article) { a.HTML = "<p>The key lies under the canary.</p>" })
		edited, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.HTML, edited.Visibility = "<p>The ferry comes.</p>", blog.Unlisted
		if err := o.outbox.Revise(o.soon(), &edited); err != nil {
			t.Fatal(err)
		}
		outbox := "/ap/actors/" + string(o.ilse.ID) + "/outbox?cursor="
		_, page := o.document(outbox)
		if len(page.OrderedItems) != 1 {
			t.Fatalf("the outbox tells %d things", len(page.OrderedItems))
		}
		said, err := o.store.Activities(o.soon(), a.ObjectID)
		if err != nil || len(said) != 2 {
			t.Fatalf("said %d, %v", len(said), err)
		}
		for _, path := range []string{outbox, o.path(o.site.ActivityID(said[0].ID)), o.path(o.site.ActivityID(said[1].ID)), o.path(o.object(a))} {
			code, _, body := o.get(path, asMastodon)
			if code != 200 || strings.Contains(body, "canary") || !strings.Contains(body, "The ferry comes.") {
				t.Errorf("%s: %d %s", path, code, body)
			}
			if strings.Contains(body, `"to":["https://www.w3.org/ns/activitystreams#Public"]`) {
				t.Errorf("%s is still said to everybody: %s", path, body)
			}
		}
	})
}

func TestWhatStandsUnderAWithdrawnArticleIsToldNowhere(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		reply, err := bram.Reply(o.soon(), o.object(a), "<p>How wide?</p>")
		if err != nil {
			t.Fatal(err)
		}
		comment, err := o.store.CommentByAddress(o.soon(), reply.Object)
		if err != nil {
			t.Fatal(err)
		}
		answer, err := o.outbox.Reply(o.soon(), o.ilse, comment.ID, "Four minutes.")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Reply(o.soon(), answer.Address, "<p>Thank you.</p>"); err != nil {
			t.Fatal(err)
		}
		said, err := o.store.Activities(o.soon(), answer.ID)
		if err != nil || len(said) != 1 {
			t.Fatalf("said %d, %v", len(said), err)
		}
		note, act, outbox := o.path(answer.Address), o.path(o.site.ActivityID(said[0].ID)), "/ap/actors/"+string(o.ilse.ID)+"/outbox"
		paths := []string{note, note + "/replies", note + "/replies?cursor=", note + "/likes", act}
		for _, path := range paths {
			if code, _, _ := o.get(path, asMastodon); code != 200 {
				t.Errorf("%s before: %d", path, code)
			}
		}
		if err := o.outbox.Withdraw(o.soon(), a.ID); err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			if code, _, body := o.get(path, asMastodon); code != 404 {
				t.Errorf("%s afterwards: %d %s", path, code, body)
			}
		}
		if _, doc := o.document(outbox); doc.TotalItems != 0 {
			t.Errorf("the outbox counts %d", doc.TotalItems)
		}
		if usage, err := o.store.Usage(o.soon()); err != nil || usage.Comments != 0 || usage.Articles != 0 {
			t.Errorf("NodeInfo counts %+v, %v", usage, err)
		}
	})
}

func TestAnArticleThatWasNeverPublicIsNotMissed(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		planned, err := o.outbox.Schedule(o.soon(), o.draft(func(a *blog.Article) { a.Slug = "planned" }).ID, time.Now().Add(time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		kept := o.publish(func(a *blog.Article) { a.Slug, a.Visibility = "among-us", blog.Followers })
		page := o.site.ArticlePath(planned)
		for _, a := range []blog.Article{planned, kept} {
			if err := o.outbox.Delete(o.soon(), a.ID); err != nil {
				t.Fatal(err)
			}
			if code, _, _ := o.get(o.site.ArticlePath(a), asMastodon); code != 404 {
				t.Errorf("%s: %d, want 404", page, code)
			}
		}
	})
}

func TestAnOldAddressStillLeadsToTheArticle(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		edited, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.Slug = "five-minutes-wide"
		if err := o.outbox.Revise(o.soon(), &edited); err != nil {
			t.Fatal(err)
		}
		if code, doc := o.document(o.site.ArticlePath(a)); code != 200 || doc.ID != o.object(a) {
			t.Errorf("the old address answers %d %s", code, doc.ID)
		}
	})
}

// fill writes n public comments under an article, straight into the store.
func (o *overkant) fill(a blog.Article, n int) []blog.Comment {
	o.t.Helper()
	nadia := o.server("noordkade").Person("nadia")
	actor := blog.Actor{ID: nadia.ID, Type: "Person", Host: nadia.Server.Host, Inbox: nadia.Inbox(), FetchedAt: time.Now()}
	list := make([]blog.Comment, n)
	err := o.store.InTx(o.soon(), func(s *store.Store) error {
		if err := s.SaveActor(o.t.Context(), actor); err != nil {
			return err
		}
		for i := range list {
			at := time.Now().Add(time.Duration(i-n) * time.Second)
			list[i] = blog.Comment{ID: blog.NewID(at), Address: fmt.Sprintf("%s/notes/%d", nadia.ID, i), ArticleID: a.ID, ActorID: nadia.ID, Origin: blog.Pushed,
				Visibility: blog.PublicComment, State: blog.CommentShown, PublishedAt: at, SortedAt: at, ArrivedAt: at}
			if err := s.AddComment(o.t.Context(), list[i]); err != nil {
				return err
			}
		}
		return nil
	})
	if err != nil {
		o.t.Fatal(err)
	}
	return list
}

func TestPagesOfRepliesEndWhateverIsRemovedMeanwhile(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		list := o.fill(a, 130)
		_, cover := o.document(o.path(o.object(a)) + "/replies")
		var first document
		if err := json.Unmarshal(cover.First, &first); err != nil || cover.TotalItems != 130 || len(first.Items) != 60 {
			t.Fatalf("the first page has %d of %d, %v", len(first.Items), cover.TotalItems, err)
		}
		if err := o.outbox.Moderate(o.soon(), list[59].ID, blog.CommentHidden); err != nil {
			t.Fatal(err)
		}
		told := map[string]bool{}
		for next, pages := first.Next, 0; next != ""; pages++ {
			if pages == 5 {
				t.Fatal("the pages do not end")
			}
			var page document
			_, page = o.document(o.path(next))
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
	each(t, func(t *testing.T, o *overkant) {
		open := o.ilse
		open.ShowsFollowers = true
		if err := o.outbox.Introduce(o.soon(), open); err != nil {
			t.Fatal(err)
		}
		err := o.store.InTx(o.soon(), func(s *store.Store) error {
			for i := range 130 {
				id := fmt.Sprintf("https://veerhuis.example/users/%d", i)
				if err := s.SaveActor(t.Context(), blog.Actor{ID: id, Type: "Person", Host: "veerhuis.example", Inbox: id + "/inbox", FetchedAt: time.Now()}); err != nil {
					return err
				}
				if _, err := s.Follow(t.Context(), blog.Follower{VoiceID: open.ID, ActorID: id, FollowID: id + "#f", State: blog.Accepted, Since: time.Now()}); err != nil {
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
		_, cover := o.document(path)
		if err := json.Unmarshal(cover.First, &first); err != nil || cover.TotalItems != 130 {
			t.Fatalf("%d followers, %v", cover.TotalItems, err)
		}
		told := map[string]bool{}
		for next := first; next != ""; {
			_, page := o.document(o.path(next))
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
		if err := o.outbox.Introduce(o.soon(), open); err != nil {
			t.Fatal(err)
		}
		if code, _, body := o.get(o.path(first), asMastodon); code != 404 || strings.Contains(body, "veerhuis") {
			t.Errorf("a page of the hidden list: %d %s", code, body)
		}
	})
}

func TestOneOfOursWhoLeftSaysNothingMore(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.publish()
		if err := o.store.EraseVoice(o.soon(), o.ilse, time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, path := range []string{"", "/outbox", "/outbox?cursor=", "/followers", "/following", "/featured"} {
			if code, _, _ := o.get("/ap/actors/"+string(o.ilse.ID)+path, asMastodon); code != 410 {
				t.Errorf("%s: %d, want 410", path, code)
			}
		}
	})
}

func TestWordsToSomebodyElseAreNotKept(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		a := o.publish()
		for name, to := range map[string][]string{"followers": {bram.Followers()}, "a friend": {"https://noordkade.example/users/nadia"}, "nobody": {}, "ilse": {o.site.ActorID(o.ilse.ID)}} {
			note := bram.ID + "/notes/" + strings.ReplaceAll(name, " ", "-")
			_, err := bram.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": note + "#create", "type": "Create", "actor": bram.ID, "to": to,
				"object": map[string]any{"id": note, "type": "Note", "attributedTo": bram.ID, "inReplyTo": o.object(a), "content": "<p>" + name + "</p>", "to": to}})
			if err != nil {
				t.Fatal(err)
			}
		}
		o.until("all arrivals are done with", func() bool { n, _, _ := o.store.CountWaiting(o.soon()); return n == 0 })
		private, err := o.store.Comments(o.soon(), store.CommentList{Private: true})
		if err != nil || len(private) != 1 || private[0].Plain != "ilse" {
			t.Errorf("kept %v, %v; want only what was said to Ilse", private, err)
		}
	})
}

func TestFollowersOnlyWordsAreNotToldAnewToThoseWhoAreNone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin, steiger := o.server("veerhuis"), o.server("zilverduin"), o.server("steiger")
		bram, kade, joost := veerhuis.Person("bram"), zilverduin.Person("kade"), steiger.Person("joost")
		o.befriend(bram)
		o.befriend(joost)
		a := o.publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		for _, server := range []*neighbour.Server{veerhuis, steiger} {
			if _, err := server.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
				t.Fatal(err)
			}
		}
		note := kade.ID + "/notes/1" // who has heard of the id of what was said among friends
		_, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": note + "#create", "type": "Create", "actor": kade.ID,
			"object": map[string]any{"id": note, "type": "Note", "attributedTo": kade.ID, "inReplyTo": o.object(a), "content": "<p>Me too.</p>", "to": "as:Public"}})
		if err != nil {
			t.Fatal(err)
		}
		o.until("kade's words are there", func() bool { _, err := o.store.CommentByAddress(o.soon(), note); return err == nil })
		if err := o.outbox.RejectFollower(o.soon(), o.ilse.ID, joost.ID); err != nil {
			t.Fatal(err)
		}
		edited, err := o.store.Article(o.soon(), a.ID)
		if err != nil {
			t.Fatal(err)
		}
		edited.Title = "Five minutes wide"
		if err := o.outbox.Revise(o.soon(), &edited); err != nil {
			t.Fatal(err)
		}
		if _, err := veerhuis.WaitFor(o.soon(), neighbour.About("Update", o.object(a))); err != nil {
			t.Fatal(err)
		}
		for host, r := range o.report(a) {
			if r.Kind == "Update" && host != veerhuis.Host {
				t.Errorf("%s is told of the edit", host)
			}
		}
	})
}

func TestTheOutboxIsToldToItsEnd(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		for i := range 25 {
			o.publish(func(a *blog.Article) { a.Slug, a.Title = fmt.Sprint("crossing-", i), fmt.Sprintf("Crossing (%d)", i) })
		}
		path := "/ap/actors/" + string(o.ilse.ID) + "/outbox"
		told := func(page document) (titles []string) {
			for _, item := range page.OrderedItems {
				var said struct{ Object struct{ Name string } }
				if err := json.Unmarshal(item, &said); err != nil {
					t.Fatal(err)
				}
				titles = append(titles, said.Object.Name)
			}
			return titles
		}
		_, first := o.document(path + "?cursor=")
		_, second := o.document(o.path(first.Next))
		all := append(told(first), told(second)...)
		if len(all) != 25 || all[0] != "Crossing (24)" || all[24] != "Crossing (0)" || second.Next != "" {
			t.Errorf("from the first page on: %v", all)
		}
		_, last := o.document(path + "?cursor=0")
		if list := told(last); len(list) != 20 || list[19] != "Crossing (0)" || last.Next != "" {
			t.Errorf("the last page: %v, next %q", list, last.Next)
		}
	})
}
