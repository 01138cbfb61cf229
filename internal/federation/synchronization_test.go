package federation_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"testing"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/federation/neighbour"
)

func TestF104FollowersAreListedToTheirOwnServerAlone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin", neighbour.GoToSocial)
		bram, maud, kade := veerhuis.Person("bram"), veerhuis.Person("maud"), zilverduin.Person("kade")
		for _, p := range []*neighbour.Person{bram, maud, kade} {
			o.befriend(p)
		}
		list := o.site.ActorID(o.ilse.ID) + "/followers_synchronization"
		if code, _, body := o.get(o.path(list), asMastodon); code != http.StatusUnauthorized || strings.Contains(body, bram.ID) {
			t.Errorf("to nobody in particular: %d %s", code, body)
		}
		listed := func(p *neighbour.Person) []string {
			body, err := p.Fetch(o.soon(), list)
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
		if len(there) != 2 || !strings.HasPrefix(there[0], veerhuis.URL+"/") || !strings.HasPrefix(there[1], veerhuis.URL+"/") {
			t.Errorf("to veerhuis: %s", there)
		}
		o.publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Create"))
		if err != nil {
			t.Fatal(err)
		}
		said, ok := activity.ParseSynchronization(letter.Header.Get("Collection-Synchronization"))
		if !ok || said.URL != list || said.Collection != o.site.ActorID(o.ilse.ID)+"/followers" || said.Digest != activity.FollowersDigest([]string{maud.ID, bram.ID}) {
			t.Errorf("beside words for followers: %q", letter.Header.Get("Collection-Synchronization"))
		}
		if !strings.Contains(letter.Header.Get("Signature"), `digest collection-synchronization"`) {
			t.Errorf("it is not signed: %s", letter.Header.Get("Signature"))
		}
		b := o.publish(func(a *blog.Article) { a.Slug = "public" })
		letter, err = veerhuis.WaitFor(o.soon(), neighbour.About("Create", o.object(b)))
		if err != nil || letter.Header.Get("Collection-Synchronization") != "" {
			t.Errorf("beside public words: %q, %v", letter.Header.Get("Collection-Synchronization"), err)
		}
		if err := o.outbox.Block(o.soon(), blog.Block{Kind: blog.BlockServer, Subject: strings.Split(zilverduin.Host, ":")[0], Level: blog.Refuse}); err != nil {
			t.Fatal(err)
		}
		var refused *neighbour.Refused
		if _, err := kade.Fetch(o.soon(), list); !errors.As(err, &refused) || refused.Status != http.StatusNotFound {
			t.Errorf("to the blocked: %v", err)
		}
	})
}

// heed lets a voice of ours follow somebody, with their yes.
func (o *overkant) heed(voice blog.Voice, p *neighbour.Person) {
	o.t.Helper()
	if _, err := o.outbox.Follow(o.soon(), voice, p.Handle()); err != nil {
		o.t.Fatal(err)
	}
	o.until("the yes is heard", func() bool { return o.heeds(voice, p) == blog.Accepted })
}

func (o *overkant) heeds(voice blog.Voice, p *neighbour.Person) blog.FollowState {
	o.t.Helper()
	f, err := o.store.Following(o.t.Context(), voice.ID, p.ID)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		o.t.Fatal(err)
	}
	return f.State
}

func TestDifferentListsOfFollowersAreBroughtInLine(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		maud := o.addVoice("maud", "Maud Terpstra")
		bram := o.server("veerhuis").Person("bram")
		o.heed(o.ilse, bram)
		speak := func(digest string, twists ...neighbour.Twist) {
			t.Helper()
			twists = append([]neighbour.Twist{bram.Synchronizing(digest)}, twists...)
			if _, err := bram.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": bram.ID + "#" + string(blog.NewID(time.Now())), "type": "Create", "actor": bram.ID,
				"to": bram.Followers(), "object": bram.ID + "/1"}, twists...); err != nil {
				t.Fatal(err)
			}
		}
		ilse := o.site.ActorID(o.ilse.ID)
		bram.TakeForFollower(ilse, "", false)
		bram.TakeForFollower(o.site.ActorID(maud.ID), o.site.SharedInbox(), true)
		bram.TakeForFollower(o.site.URL+"/ap/actors/01KAW0M5E8D3G6J9N2Q4T7V0XA", "", true)
		bram.TakeForFollower("https://elsewhere.example/kade", "", true)
		none := activity.FollowersDigest(nil)
		speak(activity.FollowersDigest([]string{ilse}))                                                                                                                    // what we have as well
		speak(none, neighbour.Covering("(request-target)", "host", "date", "digest"))                                                                                      // not signed
		speak(none, neighbour.WithHeader(func(h http.Header) { h["Collection-Synchronization"] = nil }), neighbour.Covering("(request-target)", "host", "date", "digest")) // not there
		if o.heeds(o.ilse, bram) != blog.Accepted {
			t.Error("what nobody signed was believed")
		}
		speak(none)
		o.until("what bram does not have is ended", func() bool { return o.heeds(o.ilse, bram) == "" })
		undo, err := bram.Server.WaitFor(o.soon(), neighbour.OfType("Undo"))
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := undo.JSON()["object"].(map[string]any); undo.Actor != o.site.ActorID(maud.ID) || object["type"] != "Follow" || object["object"] != bram.ID || object["actor"] != undo.Actor {
			t.Errorf("what bram has and we do not is taken back as %s", undo.Body)
		}
		if n := len(bram.Server.Received("Undo")); n != 1 {
			t.Errorf("%d of them", n)
		}
	})
}

func TestAYesThatWasLostIsTakenFromTheList(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		if _, err := bram.Like(o.soon(), o.object(o.publish())); err != nil { // so that he is known
			t.Fatal(err)
		}
		if err := o.store.AddFollowing(o.soon(), blog.Following{VoiceID: o.ilse.ID, ActorID: bram.ID, FollowID: o.site.ActivityID("01KAW0M5E8D3G6J9N2Q4T7V0XA"), State: blog.Pending, Since: time.Now()}); err != nil {
			t.Fatal(err)
		}
		ilse := o.site.ActorID(o.ilse.ID)
		bram.TakeForFollower(ilse, o.site.SharedInbox(), true)
		if _, err := bram.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": bram.ID + "#1", "type": "Create", "actor": bram.ID, "to": bram.Followers(), "object": bram.ID + "/1"},
			bram.Synchronizing(activity.FollowersDigest([]string{ilse}))); err != nil {
			t.Fatal(err)
		}
		o.until("it counts as accepted", func() bool { return o.heeds(o.ilse, bram) == blog.Accepted })
	})
}

func TestT039AnswersToWhatWasNeverAskedHaveNoEffect(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		maud := o.addVoice("maud", "Maud Terpstra")
		veerhuis := o.server("veerhuis")
		bram, kade := veerhuis.Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		o.heed(o.ilse, bram)
		asked, err := o.store.Following(o.soon(), o.ilse.ID, bram.ID)
		if err != nil {
			t.Fatal(err)
		}
		ilse := o.site.ActorID(o.ilse.ID)
		answers := map[string]any{
			"the id of another's question":     asked.FollowID,
			"a question nobody put":            o.site.ActivityID("01KAW0M5E8D3G6J9N2Q4T7V0XA"),
			"a question by somebody else":      map[string]any{"id": "x", "type": "Follow", "actor": o.site.ActorID(maud.ID), "object": kade.ID},
			"a question to somebody else":      map[string]any{"id": asked.FollowID, "type": "Follow", "actor": ilse, "object": bram.ID},
			"the follow of one who follows us": map[string]any{"type": "Follow", "actor": bram.ID, "object": ilse},
		}
		for name, object := range answers {
			for _, kind := range []string{"Accept", "Reject"} {
				if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": kade.ID + "#" + string(blog.NewID(time.Now())), "type": kind, "actor": kade.ID, "object": object}); status(err) != http.StatusAccepted {
					t.Errorf("%s of %s: %v", kind, name, err)
				}
			}
		}
		if o.heeds(o.ilse, bram) != blog.Accepted || o.heeds(maud, kade) != "" || o.heeds(o.ilse, kade) != "" {
			t.Error("an answer to nothing had an effect")
		}
		if f, err := o.store.Follower(o.soon(), o.ilse.ID, bram.ID); err != nil || f.State != blog.Accepted {
			t.Errorf("bram follows as %+v, %v", f, err)
		}
		if _, err := bram.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": bram.ID + "#no", "type": "Reject", "actor": bram.ID, "object": asked.FollowID}); err != nil {
			t.Fatal(err)
		}
		o.until("a no of whom we asked is heard", func() bool { return o.heeds(o.ilse, bram) == "" })
	})
}

func TestF062FollowsAreAcceptedOrWaitAndAskedAgainAreAnsweredAnew(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		o.befriend(bram)
		first, err := o.store.Follower(o.soon(), o.ilse.ID, bram.ID)
		if err != nil || first.State != blog.Accepted {
			t.Fatalf("%+v, %v", first, err)
		}
		ilse := o.site.ActorID(o.ilse.ID)
		again, err := bram.Follow(o.soon(), ilse)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Server.WaitFor(o.soon(), neighbour.About("Accept", again.Activity)); err != nil {
			t.Fatal(err)
		}
		if f, err := o.store.Follower(o.soon(), o.ilse.ID, bram.ID); err != nil || f.FollowID != again.Activity || f.FollowID == first.FollowID || !f.Since.Equal(first.Since) {
			t.Errorf("asked again: %+v, %v", f, err)
		}
		slow := o.ilse
		slow.ApprovesFollowers = true
		if err := o.store.SaveVoice(o.soon(), slow); err != nil {
			t.Fatal(err)
		}
		var ids []string
		for range 2 {
			asked, err := kade.Follow(o.soon(), ilse)
			if err != nil {
				t.Fatal(err)
			}
			ids = append(ids, asked.Activity)
			o.until("the question waits", func() bool {
				f, err := o.store.Follower(o.t.Context(), o.ilse.ID, kade.ID)
				return err == nil && f.State == blog.Pending && f.FollowID == asked.Activity
			})
		}
		if n := len(kade.Server.Received("Accept")); n != 0 {
			t.Errorf("%d yeses before it was said", n)
		}
		if err := o.outbox.AcceptFollower(o.soon(), o.ilse.ID, kade.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Server.WaitFor(o.soon(), neighbour.About("Accept", ids[1])); err != nil {
			t.Fatal(err)
		}
	})
}

func TestF063UndoBeforeTheFollowLeavesNoFollower(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram := o.server("veerhuis").Person("bram")
		ilse := o.site.ActorID(o.ilse.ID)
		for _, embedded := range []bool{true, false} {
			id := bram.ID + "/follows/" + string(blog.NewID(time.Now()))
			follow := map[string]any{"id": id, "type": "Follow", "actor": bram.ID, "object": ilse}
			var object any = follow
			if !embedded {
				object = id
			}
			for _, act := range []map[string]any{{"id": id + "/undo", "type": "Undo", "actor": bram.ID, "object": object}, follow} {
				if _, err := bram.Send(o.soon(), o.site.SharedInbox(), act); err != nil {
					t.Fatal(err)
				}
			}
			if n, err := o.store.CountFollowers(o.soon(), o.ilse.ID); err != nil || n.Accepted+n.Pending != 0 {
				t.Errorf("embedded %t: %+v, %v", embedded, n, err)
			}
		}
		o.befriend(bram) // a later one counts
	})
}

func TestT135WhoeverWaitsForAYesGetsNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		slow := o.ilse
		slow.ApprovesFollowers = true
		if err := o.store.SaveVoice(o.soon(), slow); err != nil {
			t.Fatal(err)
		}
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		ilse := o.site.ActorID(o.ilse.ID)
		for _, p := range []*neighbour.Person{bram, kade} {
			asked, err := p.Follow(o.soon(), ilse)
			if err != nil {
				t.Fatal(err)
			}
			for _, act := range []map[string]any{ // they let themselves in
				{"id": p.ID + "#a", "type": "Accept", "actor": p.ID, "object": asked.Activity},
				{"id": p.ID + "#b", "type": "Accept", "actor": p.ID, "object": map[string]any{"id": asked.Activity, "type": "Follow", "actor": p.ID, "object": ilse}},
				{"id": p.ID + "#c", "type": "Follow", "actor": p.ID, "object": ilse},
			} {
				if _, err := p.Send(o.soon(), o.site.SharedInbox(), act); err != nil {
					t.Fatal(err)
				}
			}
		}
		if err := o.outbox.AcceptFollower(o.soon(), o.ilse.ID, kade.ID); err != nil {
			t.Fatal(err)
		}
		a := o.publish(func(a *blog.Article) { a.Visibility = blog.Followers })
		if _, err := kade.Server.WaitFor(o.soon(), neighbour.About("Create", o.object(a))); err != nil {
			t.Fatal(err)
		}
		o.until("all letters are out", func() bool { _, letters, err := o.store.CountWaiting(o.soon()); return err == nil && letters == 0 })
		if n := len(bram.Server.Letters()); n != 0 {
			t.Errorf("%d letters to one who waits", n)
		}
		if _, err := bram.Fetch(o.soon(), o.object(a)); err == nil {
			t.Error("one who waits may read it")
		}
		if n, err := o.store.CountFollowers(o.soon(), o.ilse.ID); err != nil || n.Accepted != 1 || n.Pending != 1 {
			t.Errorf("%+v, %v", n, err)
		}
	})
}

func TestT047OurOwnAddressesAreLookedUpAtHomeOnly(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		kade := o.server("zilverduin").Person("kade")
		own := o.site.NoteID("01KAW0M5E8D3G6J9N2Q4T7V0XA")
		ilse := o.site.ActorID(o.ilse.ID)
		for name, object := range map[string]any{
			"an object with an id of ours": map[string]any{"id": own, "type": "Note", "attributedTo": kade.ID, "inReplyTo": o.object(a), "to": "as:Public", "content": "forged"},
			"an object of an author's":     map[string]any{"id": kade.ID + "/1", "type": "Note", "attributedTo": ilse, "inReplyTo": o.object(a), "to": "as:Public", "content": "forged"},
			"an address of ours":           own,
			"an answer to what is not":     map[string]any{"id": kade.ID + "/2", "type": "Note", "attributedTo": kade.ID, "inReplyTo": own, "to": "as:Public", "content": "forged"},
		} {
			if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": kade.ID + "#" + string(blog.NewID(time.Now())), "type": "Create", "actor": kade.ID, "object": object}); status(err) != http.StatusAccepted {
				t.Errorf("%s: %v", name, err)
			}
		}
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": ilse + "#1", "type": "Create", "actor": ilse, "object": own}); status(err) != http.StatusForbidden {
			t.Errorf("an actor of ours: %v", err)
		}
		if _, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": kade.ID + "#k", "type": "Like", "actor": kade.ID, "object": o.object(a)}, neighbour.As(ilse+"#main-key")); status(err) != http.StatusUnauthorized {
			t.Errorf("a key of ours: %v", err)
		}
		o.until("the arrivals are done with", func() bool { n, _, err := o.store.CountWaiting(o.soon()); return err == nil && n == 0 })
		if got := o.texts(a); got != "" || o.counts(a).Likes != 0 {
			t.Errorf("under the article: %q", got)
		}
		if known, err := o.store.KnowsActor(o.soon(), ilse); err != nil || known {
			t.Errorf("our own actor stands among the strangers: %t, %v", known, err)
		}
	})
}
