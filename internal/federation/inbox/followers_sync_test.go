package inbox_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

func TestF104FollowersAreListedToTheirOwnServerAlone(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin", fedtest.GoToSocial)
		bram, maud, kade := veerhuis.Person("bram"), veerhuis.Person("maud"), zilverduin.Person("kade")
		for _, p := range []*fedtest.Person{bram, maud, kade} {
			o.AddFollower(p)
		}
		list := o.Site.ActorID(o.Ilse.ID) + "/followers_synchronization"
		if code, _, body := o.Get(o.Path(list), overkant.AsMastodon); code != http.StatusUnauthorized ||
			strings.Contains(body, bram.ID) {
			t.Errorf("to nobody in particular: %d %s", code, body)
		}
		listed := func(p *fedtest.Person) []string {
			body, err := p.Fetch(o.Soon(), list)
			if err != nil {
				t.Fatalf("%s asks: %v", p.Handle(), err)
			}
			var doc struct {
				ID, Type     string
				OrderedItems []string
			}
			if err := json.Unmarshal(body, &doc); err != nil || doc.ID != list || doc.Type != "OrderedCollection" {
				t.Fatalf("%s, %v", body, err)
			}
			return doc.OrderedItems
		}
		if got := strings.Join(listed(kade), " "); got != kade.ID {
			t.Errorf("to kade: %s", got)
		}
		there := listed(veerhuis.Person("nobody"))
		if len(there) != 2 || !strings.HasPrefix(there[0], veerhuis.URL+"/") ||
			!strings.HasPrefix(there[1], veerhuis.URL+"/") {
			t.Errorf("to veerhuis: %s", there)
		}
		o.Publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Create"))
		if err != nil {
			t.Fatal(err)
		}
		said, ok := activity.ParseSynchronization(delivery.Header.Get("Collection-Synchronization"))
		if !ok || said.URL != list || said.Collection != o.Site.ActorID(o.Ilse.ID)+"/followers" ||
			said.Digest != activity.FollowersDigest([]string{maud.ID, bram.ID}) {
			t.Errorf("beside words for followers: %q", delivery.Header.Get("Collection-Synchronization"))
		}
		if !strings.Contains(delivery.Header.Get("Signature"), `digest collection-synchronization"`) {
			t.Errorf("it is not signed: %s", delivery.Header.Get("Signature"))
		}
		b := o.Publish(func(a *blog.Article) { a.Slug = "public" })
		delivery, err = veerhuis.WaitFor(o.Soon(), fedtest.About("Create", o.Object(b)))
		if err != nil || delivery.Header.Get("Collection-Synchronization") != "" {
			t.Errorf("beside public words: %q, %v", delivery.Header.Get("Collection-Synchronization"), err)
		}
		if err := o.Outbox.Block(o.Soon(), blog.Block{Kind: blog.BlockServer, Subject: strings.Split(zilverduin.Host, ":")[0],
			Level: blog.Refuse}); err != nil {
			t.Fatal(err)
		}
		var refused *fedtest.StatusError
		if _, err := kade.Fetch(o.Soon(), list); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			t.Errorf("to the blocked: %v", err)
		}
	})
}

func TestDifferentListsOfFollowersAreAligned(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		maud := o.AddAuthor("maud", "Maud Terpstra")
		bram := o.Server("veerhuis").Person("bram")
		o.FollowPerson(o.Ilse, bram)
		speak := func(digest string, twists ...fedtest.SendOption) {
			t.Helper()
			twists = append([]fedtest.SendOption{bram.FollowersSync(digest)}, twists...)
			if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
				map[string]any{"id": bram.ID + "#" + string(blog.NewID(time.Now())), "type": "Create", "actor": bram.ID,
					"to": bram.Followers(), "object": bram.ID + "/1"}, twists...); err != nil {
				t.Fatal(err)
			}
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		bram.SetFollower(ilse, "", false)
		bram.SetFollower(o.Site.ActorID(maud.ID), o.Site.SharedInbox(), true)
		bram.SetFollower(o.Site.URL+"/ap/actors/01KAW0M5E8D3G6J9N2Q4T7V0XA", "", true)
		bram.SetFollower("https://elsewhere.example/kade", "", true)
		none := activity.FollowersDigest(nil)
		// what we have as well
		speak(activity.FollowersDigest([]string{ilse}))
		// not signed
		speak(none, fedtest.Covering("(request-target)", "host", "date", "digest"))
		// not there
		speak(none, fedtest.EditHeader(func(h http.Header) { h["Collection-Synchronization"] = nil }),
			fedtest.Covering("(request-target)", "host", "date", "digest"))
		if o.FollowingState(o.Ilse, bram) != blog.Accepted {
			t.Error("what nobody signed was believed")
		}
		speak(none)
		o.Until("what bram does not have is ended", func() bool { return o.FollowingState(o.Ilse, bram) == "" })
		undo, err := bram.Server.WaitFor(o.Soon(), fedtest.OfType("Undo"))
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := undo.JSON()["object"].(map[string]any); undo.Actor != o.Site.ActorID(maud.ID) ||
			object["type"] != "Follow" || object["object"] != bram.ID || object["actor"] != undo.Actor {
			t.Errorf("what bram has and we do not is taken back as %s", undo.Body)
		}
		if n := len(bram.Server.Received("Undo")); n != 1 {
			t.Errorf("%d of them", n)
		}
	})
}

func TestALostAcceptIsFoundInTheList(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		if _, err := bram.Like(o.Soon(), o.Object(o.Publish())); err != nil { // so that he is known
			t.Fatal(err)
		}
		if err := o.Store.AddFollowing(o.Soon(),
			blog.Following{VoiceID: o.Ilse.ID, ActorID: bram.ID, FollowID: o.Site.ActivityID("01KAW0M5E8D3G6J9N2Q4T7V0XA"),
				State: blog.Pending, Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		bram.SetFollower(ilse, o.Site.SharedInbox(), true)
		if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": bram.ID + "#1", "type": "Create", "actor": bram.ID, "to": bram.Followers(),
				"object": bram.ID + "/1"},
			bram.FollowersSync(activity.FollowersDigest([]string{ilse}))); err != nil {
			t.Fatal(err)
		}
		o.Until("it counts as accepted", func() bool { return o.FollowingState(o.Ilse, bram) == blog.Accepted })
	})
}

// followedBy saves that Ilse follows a person, or asked to.
func followedBy(o *overkant.Blog, p *fedtest.Person, state blog.FollowState) {
	o.T.Helper()
	if err := o.Store.SaveActor(o.Soon(), blog.Actor{ID: p.ID, Type: "Person", Host: p.Server.Host, Inbox: p.Inbox(),
		FetchedAt: time.Now()}); err != nil {
		o.T.Fatal(err)
	}
	if err := o.Store.AddFollowing(o.Soon(), blog.Following{VoiceID: o.Ilse.ID, ActorID: p.ID,
		FollowID: o.Site.ActivityID(blog.NewID(time.Now())), State: state, Since: time.Now()}); err != nil {
		o.T.Fatal(err)
	}
}

func TestAListOfFollowersHasAtMostAThousandOfOurs(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a, veerhuis := o.Publish(), o.Server("veerhuis")
		bram, maud, nadia := veerhuis.Person("bram"), veerhuis.Person("maud"), veerhuis.Person("nadia")
		list := func(p *fedtest.Person, pages ...int) {
			at := "/followers_synchronization"
			for i, n := range pages {
				items, next := make([]string, n), fmt.Sprint("/page-", i+1)
				for k := range items {
					items[k] = o.Site.ActorID(blog.NewID(time.Now()))
				}
				page := map[string]any{"type": "OrderedCollection", "orderedItems": items}
				if i == 0 {
					items[0] = o.Site.ActorID(o.Ilse.ID)
				}
				if i+1 < len(pages) {
					page["next"] = p.ID + next
				}
				veerhuis.ServeDocument(strings.TrimPrefix(p.ID, veerhuis.URL)+at, page)
				at = next
			}
		}
		list(bram, 999, 2)
		list(maud, 999, 1, 1)
		list(nadia, 999, 1)
		// Lists are compared one after another, so that the first two are done when the last one is.
		for _, p := range []*fedtest.Person{bram, maud, nadia} {
			followedBy(o, p, blog.Pending)
			if _, err := p.Send(o.Soon(), o.Site.SharedInbox(), overkant.Activity("Like", p, o.Object(a), "1"),
				p.FollowersSync(activity.FollowersDigest([]string{"of more than we know"}))); err != nil {
				t.Fatal(err)
			}
		}
		o.Until("a list of a thousand is believed", func() bool { return o.FollowingState(o.Ilse, nadia) == blog.Accepted })
		for _, p := range []*fedtest.Person{bram, maud} {
			if state := o.FollowingState(o.Ilse, p); state != blog.Pending {
				t.Errorf("a list of 1,001 by %s is believed: %q", p.Name, state)
			}
		}
	})
}

func TestSixtyFourListsOfFollowersWaitAndTheNextOneComesAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		world := fedtest.New(fedtest.Config{KeyPool: 2})
		defer world.Close()
		server, err := world.AddServer("veerhuis", fedtest.Mastodon)
		if err != nil {
			t.Fatal(err)
		}
		in := o.AnotherInbox(o.Core)
		// speak sends a like with the digest of an empty list. Ilse follows the sender, so that the lists differ.
		speak := func(p *fedtest.Person, name string) {
			like, err := p.Prepare(o.Site.SharedInbox(), overkant.Activity("Like", p, o.Object(a), name),
				p.FollowersSync(activity.FollowersDigest(nil)))
			if err != nil {
				t.Fatal(err)
			}
			r, w := httptest.NewRequestWithContext(o.Soon(), http.MethodPost, like.URL, bytes.NewReader(like.Body)),
				httptest.NewRecorder()
			maps.Copy(r.Header, like.Header)
			in.ServeHTTP(w, r)
			if w.Code != http.StatusAccepted {
				t.Fatalf("%s: %d %s", p.Name, w.Code, w.Body)
			}
		}
		var people []*fedtest.Person
		for i := range 65 {
			p := server.Person(fmt.Sprint("u", i))
			followedBy(o, p, blog.Accepted)
			speak(p, "1")
			people = append(people, p)
		}
		followed := func() (n int) {
			for _, p := range people {
				if o.FollowingState(o.Ilse, p) == blog.Accepted {
					n++
				}
			}
			return n
		}
		ctx, stop := context.WithCancel(t.Context())
		ended := make(chan struct{})
		go func() { defer close(ended); in.Run(ctx) }()
		defer func() { stop(); <-ended }()
		o.Until("the lists that wait are compared", func() bool { return followed() <= 1 })
		time.Sleep(200 * time.Millisecond) // one more would be compared by now
		last := people[64]
		if state := o.FollowingState(o.Ilse, last); state != blog.Accepted {
			t.Errorf("the list for which there was no room is compared: %q", state)
		}
		speak(last, "2")
		o.Until("it is compared when it comes again", func() bool { return followed() == 0 })
	})
}

func TestT039AnswersToWhatWasNeverAskedHaveNoEffect(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		maud := o.AddAuthor("maud", "Maud Terpstra")
		veerhuis := o.Server("veerhuis")
		bram, kade := veerhuis.Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		o.FollowPerson(o.Ilse, bram)
		asked, err := o.Store.Following(o.Soon(), o.Ilse.ID, bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		answers := map[string]any{
			"the id of another's question": asked.FollowID,
			"a question nobody put":        o.Site.ActivityID("01KAW0M5E8D3G6J9N2Q4T7V0XA"),
			"a question by somebody else": map[string]any{"id": "x", "type": "Follow", "actor": o.Site.ActorID(maud.ID),
				"object": kade.ID},
			"a question to somebody else": map[string]any{"id": asked.FollowID, "type": "Follow", "actor": ilse,
				"object": bram.ID},
			"the follow of one who follows us": map[string]any{"type": "Follow", "actor": bram.ID, "object": ilse},
		}
		for name, object := range answers {
			for _, kind := range []string{"Accept", "Reject"} {
				if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
					map[string]any{"id": kade.ID + "#" + string(blog.NewID(time.Now())), "type": kind, "actor": kade.ID,
						"object": object}); overkant.StatusOf(err) != http.StatusAccepted {
					t.Errorf("%s of %s: %v", kind, name, err)
				}
			}
		}
		if o.FollowingState(o.Ilse, bram) != blog.Accepted || o.FollowingState(maud, kade) != "" || o.FollowingState(o.Ilse,
			kade) != "" {
			t.Error("an answer to nothing had an effect")
		}
		if f, err := o.Store.Follower(o.Soon(), o.Ilse.ID, bram.ID); err != nil || f.State != blog.Accepted {
			t.Errorf("bram follows as %+v, %v", f, err)
		}
		if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": bram.ID + "#no", "type": "Reject", "actor": bram.ID, "object": asked.FollowID}); err != nil {
			t.Fatal(err)
		}
		o.Until("a no of whom we asked is heard", func() bool { return o.FollowingState(o.Ilse, bram) == "" })
	})
}

func TestF062FollowsAreAcceptedOrPendingAndRepeatedOnesAnsweredAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		o.AddFollower(bram)
		first, err := o.Store.Follower(o.Soon(), o.Ilse.ID, bram.ID)
		if err != nil || first.State != blog.Accepted {
			t.Fatalf("%+v, %v", first, err)
		}
		ilse := o.Site.ActorID(o.Ilse.ID)
		again, err := bram.Follow(o.Soon(), ilse)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Server.WaitFor(o.Soon(), fedtest.About("Accept", again.Activity)); err != nil {
			t.Fatal(err)
		}
		if f, err := o.Store.Follower(o.Soon(), o.Ilse.ID, bram.ID); err != nil || f.FollowID != again.Activity ||
			f.FollowID == first.FollowID || !f.Since.Equal(first.Since) {
			t.Errorf("asked again: %+v, %v", f, err)
		}
		slow := o.Ilse
		slow.ApprovesFollowers = true
		if err := o.Store.SaveVoice(o.Soon(), slow); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for range 2 {
			asked, err := kade.Follow(o.Soon(), ilse)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, asked.Activity)
			o.Until("the question waits", func() bool {
				f, err := o.Store.Follower(o.T.Context(), o.Ilse.ID, kade.ID)
				return err == nil && f.State == blog.Pending && f.FollowID == asked.Activity
			})
		}
		if n := len(kade.Server.Received("Accept")); n != 0 {
			t.Errorf("%d yeses before it was said", n)
		}
		if err := o.Outbox.AcceptFollower(o.Soon(), o.Ilse.ID, kade.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Server.WaitFor(o.Soon(), fedtest.About("Accept", ids[1])); err != nil {
			t.Fatal(err)
		}
	})
}

func TestF063UndoBeforeTheFollowLeavesNoFollower(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		ilse := o.Site.ActorID(o.Ilse.ID)
		for _, embedded := range []bool{true, false} {
			id := bram.ID + "/follows/" + string(blog.NewID(time.Now()))
			follow := map[string]any{"id": id, "type": "Follow", "actor": bram.ID, "object": ilse}
			var object any = follow
			if !embedded {
				object = id
			}
			for _, act := range []map[string]any{{"id": id + "/undo", "type": "Undo", "actor": bram.ID, "object": object},
				follow} {
				if _, err := bram.Send(o.Soon(), o.Site.SharedInbox(), act); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := o.Store.CountFollowers(o.Soon(), o.Ilse.ID); err != nil || n.Accepted+n.Pending != 0 {
				t.Errorf("embedded %t: %+v, %v", embedded, n, err)
			}
		}
		o.AddFollower(bram) // a later one counts
	})
}

func TestT135APendingFollowerGetsNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		slow := o.Ilse
		slow.ApprovesFollowers = true
		if err := o.Store.SaveVoice(o.Soon(), slow); err != nil {
			t.Fatal(err)
		}
		bram, kade := o.Server("veerhuis").Person("bram"), o.Server("zilverduin").Person("kade")
		ilse := o.Site.ActorID(o.Ilse.ID)
		for _, p := range []*fedtest.Person{bram, kade} {
			asked, err := p.Follow(o.Soon(), ilse)
			if err != nil {
				t.Fatal(err)
			}
			for _, act := range []map[string]any{ // they let themselves in
				{"id": p.ID + "#a", "type": "Accept", "actor": p.ID, "object": asked.Activity},
				{"id": p.ID + "#b", "type": "Accept", "actor": p.ID,
					"object": map[string]any{"id": asked.Activity, "type": "Follow", "actor": p.ID, "object": ilse}},
				{"id": p.ID + "#c", "type": "Follow", "actor": p.ID, "object": ilse},
			} {
				if _, err := p.Send(o.Soon(), o.Site.SharedInbox(), act); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := o.Outbox.AcceptFollower(o.Soon(), o.Ilse.ID, kade.ID); err != nil {
			t.Fatal(err)
		}
		a := o.Publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		if _, err := kade.Server.WaitFor(o.Soon(), fedtest.About("Create", o.Object(a))); err != nil {
			t.Fatal(err)
		}
		o.Until("all deliveries are out", func() bool {
			_, deliveries, err := o.Store.CountWaiting(o.Soon())
			return err == nil && deliveries == 0
		})
		if n := len(bram.Server.Deliveries()); n != 0 {
			t.Errorf("%d deliveries to one who waits", n)
		}
		if _, err := bram.Fetch(o.Soon(), o.Object(a)); err == nil {
			t.Error("one who waits may read it")
		}
		if n, err := o.Store.CountFollowers(o.Soon(), o.Ilse.ID); err != nil || n.Accepted != 1 || n.Pending != 1 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestT047OurOwnAddressesAreReadFromTheStoreOnly(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		kade := o.Server("zilverduin").Person("kade")
		own := o.Site.NoteID("01KAW0M5E8D3G6J9N2Q4T7V0XA")
		ilse := o.Site.ActorID(o.Ilse.ID)
		for name, object := range map[string]any{
			"an object with an id of ours": map[string]any{"id": own, "type": "Note", "attributedTo": kade.ID,
				"inReplyTo": o.Object(a), "to": "as:Public", "content": "forged"},
			"an object of an author's": map[string]any{"id": kade.ID + "/1", "type": "Note", "attributedTo": ilse,
				"inReplyTo": o.Object(a), "to": "as:Public", "content": "forged"},
			"an address of ours": own,
			"an answer to what is not": map[string]any{"id": kade.ID + "/2", "type": "Note", "attributedTo": kade.ID,
				"inReplyTo": own, "to": "as:Public", "content": "forged"},
		} {
			if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
				map[string]any{"id": kade.ID + "#" + string(blog.NewID(time.Now())), "type": "Create", "actor": kade.ID,
					"object": object}); overkant.StatusOf(err) != http.StatusAccepted {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": ilse + "#1", "type": "Create", "actor": ilse,
				"object": own}); overkant.StatusOf(err) != http.StatusForbidden {
			t.Errorf("an actor of ours: %v", err)
		}
		if _, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": kade.ID + "#k", "type": "Like", "actor": kade.ID, "object": o.Object(a)},
			fedtest.WithKeyID(ilse+"#main-key")); overkant.StatusOf(err) != http.StatusUnauthorized {
			t.Errorf("a key of ours: %v", err)
		}
		o.Until("the arrivals are done with", func() bool {
			n, _, err := o.Store.CountWaiting(o.Soon())
			return err == nil &&
				n == 0
		})
		if got := o.CommentTexts(a); got != "" || o.Counts(a).Likes != 0 {
			t.Errorf("under the article: %q", got)
		}
		if known, err := o.Store.KnowsActor(o.Soon(), ilse); err != nil || known {
			t.Errorf("our own actor stands among the strangers: %t, %v", known, err)
		}
	})
}
