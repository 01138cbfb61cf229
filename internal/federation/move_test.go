package federation_test

import (
	"encoding/json"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
)

// later is the blog's outbox some time from now.
func (o *overkant) later(d time.Duration) *federation.Outbox {
	base := o.base
	base.Now = func() time.Time { return time.Now().Add(d) }
	return &federation.Outbox{Base: base, Wake: o.courier.Wake}
}

func (o *overkant) voice(id blog.ID) blog.Voice {
	o.t.Helper()
	v, err := o.store.Voice(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return v
}

// read asks for a document that is there, whole, by its path or its address.
func (o *overkant) read(path string) map[string]any {
	o.t.Helper()
	code, _, body := o.get(o.path(path), asMastodon)
	var doc map[string]any
	if err := json.Unmarshal([]byte(body), &doc); err != nil || code != http.StatusOK {
		o.t.Fatalf("%s answers %d %s", path, code, body)
	}
	return doc
}

func (o *overkant) followers() int {
	o.t.Helper()
	n, err := o.store.CountFollowers(o.t.Context(), o.ilse.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	return n.Accepted
}

// problem is what an Invalid says.
func problem(err error) string {
	var invalid blog.Invalid
	if !errors.As(err, &invalid) {
		return ""
	}
	return invalid.Problem
}

func TestF080AFollowerWhoMovesIsFollowedOnlyWithTheReverseClaim(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, dijla := o.server("veerhuis"), o.server("dijla")
		old, fresh := veerhuis.Person("bram"), dijla.Person("bram")
		o.befriend(old)
		a := o.publish()
		reply, err := old.Reply(o.soon(), o.object(a), "<p>Still mine.</p>")
		if err != nil {
			t.Fatal(err)
		}
		fresh.AlsoKnownAs(old.ID)
		if _, err := old.Move(o.soon(), fresh.ID); err != nil {
			t.Fatal(err)
		}
		o.until("the old follower is gone", func() bool { return o.followers() == 0 })
		o.befriend(fresh)
		if got := o.followers(); got != 1 {
			t.Errorf("followers after the new Follow: %d", got)
		}
		comment, err := o.store.CommentByAddress(o.soon(), reply.Object)
		if err != nil || comment.ActorID != old.ID || o.texts(a) != "Still mine." {
			t.Errorf("the old comment is %q by %s (%v)", o.texts(a), comment.ActorID, err)
		}
		if actor, err := o.store.Actor(o.soon(), old.ID); err != nil || actor.MovedTo != fresh.ID {
			t.Errorf("moved to %q (%v)", actor.MovedTo, err)
		}
	})
}

func TestT048AMoveToOneWhoDoesNotPointBackChangesNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, zilverduin := o.server("veerhuis"), o.server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		o.befriend(bram)
		if _, err := bram.Move(o.soon(), kade.ID); err != nil { // Kade never said that he is Bram
			t.Fatal(err)
		}
		o.settled()
		if got := o.followers(); got != 1 {
			t.Errorf("after a move to somebody unrelated: %d followers, want 1", got)
		}
		kade.AlsoKnownAs(bram.ID) // now he says so, and moves him himself
		_, err := kade.Send(o.soon(), o.site.SharedInbox(), map[string]any{"id": kade.ID + "#move", "type": "Move", "actor": kade.ID, "object": bram.ID, "target": kade.ID})
		if err != nil {
			t.Fatal(err)
		}
		o.settled()
		if got := o.followers(); got != 1 {
			t.Errorf("after a move by somebody else: %d followers, want 1", got)
		}
	})
}

func TestAMoveIsFollowedOnceAWeek(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		bram, second, third := o.server("veerhuis").Person("bram"), o.server("dijla").Person("bram"), o.server("noordkade").Person("bram")
		o.befriend(bram)
		second.AlsoKnownAs(bram.ID)
		third.AlsoKnownAs(bram.ID)
		if _, err := bram.Move(o.soon(), second.ID); err != nil {
			t.Fatal(err)
		}
		o.until("the first move is followed", func() bool { return o.followers() == 0 })
		o.befriend(bram) // comes back
		if _, err := bram.Move(o.soon(), third.ID); err != nil {
			t.Fatal(err)
		}
		o.settled()
		if got := o.followers(); got != 1 {
			t.Errorf("after a second move within a week: %d followers, want 1", got)
		}
	})
}

func TestAMoveOfAStrangerIsNotLookedInto(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		bram, dijla := o.server("veerhuis").Person("bram"), o.server("dijla")
		if _, err := bram.Like(o.soon(), o.object(a)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Move(o.soon(), dijla.Person("bram").ID); err != nil {
			t.Fatal(err)
		}
		o.settled()
		if n := len(dijla.Visits()); n != 0 {
			t.Errorf("the target was asked %d times for one who follows nobody here", n)
		}
	})
}

func TestAliasesAreLookedUpShownAndTold(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		old, older := o.server("dijla").Person("ilse"), o.server("noordkade", neighbour.GoToSocial).Person("ilse")
		if _, err := o.outbox.AddAlias(o.soon(), o.ilse, "@"+old.Handle()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.AddAlias(o.soon(), o.voice(o.ilse.ID), older.ID); err != nil {
			t.Fatal(err)
		}
		want := []any{old.ID, older.ID}
		if got, _ := o.read("/ap/actors/" + string(o.ilse.ID))["alsoKnownAs"].([]any); !slices.Equal(got, want) {
			t.Errorf("alsoKnownAs is %v, want %v", got, want)
		}
		for name, wants := range map[string]string{"@nobody@" + old.Server.Host: "check the spelling", "just words": "neither a handle", o.site.ActorID(o.ilse.ID): "this very account",
			"@ilse@" + o.site.HandleDomain: "this very account"} {
			if _, err := o.outbox.AddAlias(o.soon(), o.voice(o.ilse.ID), name); !strings.Contains(problem(err), wants) {
				t.Errorf("the alias %s: %v, want %q", name, err, wants)
			}
		}
		if err := o.later(6 * time.Minute).IntroduceDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Update"))
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := letter.JSON()["object"].(map[string]any); !slices.Equal(object["alsoKnownAs"].([]any), want) {
			t.Errorf("the followers were told %v", object["alsoKnownAs"])
		}
		if err := o.outbox.RemoveAlias(o.soon(), o.voice(o.ilse.ID), "@"+older.Handle()); err != nil {
			t.Fatal(err)
		}
		if got := o.voice(o.ilse.ID).AlsoKnownAs; !slices.Equal(got, blog.Words{old.ID}) {
			t.Errorf("left are %v", got)
		}
	})
}

func TestF053AMoveWantsTheTargetsWordAndIsShownBeforeItIsTold(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis, dijla := o.server("veerhuis"), o.server("dijla")
		bram, there := veerhuis.Person("bram"), dijla.Person("ilse")
		o.befriend(bram)
		self := o.site.ActorID(o.ilse.ID)
		_, err := o.outbox.Move(o.soon(), o.ilse, "@"+there.Handle(), 0)
		if got := problem(err); !strings.Contains(got, "does not list @ilse@"+o.site.HandleDomain+" among its aliases") {
			t.Fatalf("moving to one who does not point back: %v", err)
		}
		if v := o.voice(o.ilse.ID); v.MovedTo != "" || len(veerhuis.Received("Move")) != 0 {
			t.Fatalf("it moved all the same: %q", v.MovedTo)
		}
		there.AlsoKnownAs(self)
		m, err := o.outbox.Move(o.soon(), o.ilse, "@"+there.Handle(), time.Hour)
		if err != nil || !m.Planned() {
			t.Fatalf("planned %+v, %v", m, err)
		}
		if err := o.outbox.MoveDue(o.soon()); err != nil || o.voice(o.ilse.ID).MovedTo != "" {
			t.Fatalf("it did not wait: %v", err)
		}
		if _, err := o.outbox.Move(o.soon(), o.ilse, "@"+there.Handle(), time.Hour); !strings.Contains(problem(err), "call that move off first") {
			t.Errorf("a second plan: %v", err)
		}
		if err := o.later(2 * time.Hour).MoveDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		if doc := o.read("/ap/actors/" + string(o.ilse.ID)); doc["movedTo"] != there.ID || doc["type"] != "Person" {
			t.Errorf("the actor says movedTo %v, type %v", doc["movedTo"], doc["type"])
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Move"))
		if err != nil {
			t.Fatal(err)
		}
		if letter.Object != self || letter.JSON()["target"] != there.ID {
			t.Errorf("the Move is %s", letter.Body)
		}
		updates := veerhuis.Received("Update")
		if len(updates) != 1 || updates[0].JSON()["object"].(map[string]any)["movedTo"] != there.ID {
			t.Errorf("the profile was told %d times before", len(updates))
		}
		o.until("bram follows there and no longer here", func() bool { return bram.Follows(there.ID) == neighbour.Accepted && o.followers() == 0 })
		last, err := o.store.LastMove(o.soon(), o.ilse.ID)
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.store.MoveProgress(o.soon(), last)
		if err != nil || p.Servers != 1 || p.Told != 1 || p.Stayed != 0 || last.Followers != 1 {
			t.Errorf("progress %+v of %+v, %v", p, last, err)
		}
	})
}

func TestAfterAMoveNewFollowersAreSentAwayAndASecondMoveWaits(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		there, nadia := o.server("dijla").Person("ilse"), o.server("noordkade").Person("nadia")
		there.AlsoKnownAs(o.site.ActorID(o.ilse.ID))
		if _, err := o.outbox.Move(o.soon(), o.ilse, there.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := nadia.Follow(o.soon(), o.site.ActorID(o.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if err := nadia.WaitAccepted(o.soon(), o.site.ActorID(o.ilse.ID)); err == nil || !strings.Contains(err.Error(), "rejected") {
			t.Errorf("following one who moved: %v, want a Reject", err)
		}
		if _, err := o.outbox.Move(o.soon(), o.voice(o.ilse.ID), there.ID, 0); !strings.Contains(problem(err), "thirty days after the first") {
			t.Errorf("a second move at once: %v", err)
		}
		if _, err := o.later(31*24*time.Hour).Move(o.soon(), o.voice(o.ilse.ID), there.ID, 0); err != nil {
			t.Errorf("a second move after a month: %v", err)
		}
	})
}

func TestAPlannedMoveCanBeCalledOffAndEndsWhenTheTargetThinksAnew(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		there := o.server("dijla").Person("ilse")
		plan := func() {
			there.AlsoKnownAs(o.site.ActorID(o.ilse.ID))
			if _, err := o.outbox.Move(o.soon(), o.ilse, there.ID, blog.MoveWait); err != nil {
				t.Fatal(err)
			}
		}
		plan()
		if err := o.outbox.CallOffMove(o.soon(), o.ilse.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.later(25 * time.Hour).MoveDue(o.soon()); err != nil || o.voice(o.ilse.ID).MovedTo != "" {
			t.Errorf("moved though it was called off: %v", err)
		}
		plan()
		if err := there.Server.Be(neighbour.Closed()); err != nil {
			t.Fatal(err)
		}
		if err := o.later(25 * time.Hour).MoveDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		if m, err := o.store.LastMove(o.soon(), o.ilse.ID); err != nil || !m.Planned() || !strings.Contains(m.Trouble, "does not answer") {
			t.Errorf("while the other server is silent: %+v, %v", m, err)
		}
		if err := o.later(5 * 24 * time.Hour).MoveDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		if m, err := o.store.LastMove(o.soon(), o.ilse.ID); err != nil || m.EndedAt == nil || o.voice(o.ilse.ID).MovedTo != "" {
			t.Errorf("after days of silence: %+v, %v", m, err)
		}
	})
}

func TestF021ChangesWithinFiveMinutesAreOneUpdateAlsoAfterARestart(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		for _, bio := range []string{"Rows.", "Rows and writes.", "Writes."} {
			changed := o.voice(o.ilse.ID)
			changed.Summary = bio
			if err := o.outbox.Introduce(o.soon(), changed); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.later(4 * time.Minute).IntroduceDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		if _, letters, err := o.store.CountWaiting(o.soon()); err != nil || letters+len(veerhuis.Received("Update")) != 0 {
			t.Errorf("something was said within four minutes (%v)", err)
		}
		// Nothing of it is in the memory of whoever noted it: another process tells.
		if err := o.later(6 * time.Minute).IntroduceDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Update"))
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := letter.JSON()["object"].(map[string]any); !strings.Contains(object["summary"].(string), "<p>Writes.</p>") {
			t.Errorf("told was %v", object["summary"])
		}
		if err := o.later(time.Hour).IntroduceDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		if n := len(veerhuis.Received("Update")); n != 1 {
			t.Errorf("%d Updates arrived, want 1", n)
		}
	})
}

func TestF020AnotherHandleKeepsIdInboxAndKeys(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"))
		path := "/ap/actors/" + string(o.ilse.ID)
		before := o.read(path)
		if err := o.outbox.Rename(o.soon(), o.ilse, "verhaagen"); err != nil {
			t.Fatal(err)
		}
		after := o.read(path)
		for _, same := range []string{"id", "inbox", "outbox", "followers", "publicKey", "assertionMethod"} {
			was, _ := json.Marshal(before[same])
			is, _ := json.Marshal(after[same])
			if string(was) != string(is) {
				t.Errorf("%s was %s and is %s", same, was, is)
			}
		}
		if after["preferredUsername"] != "verhaagen" || after["webfinger"] != "verhaagen@"+o.site.HandleDomain {
			t.Errorf("the actor is called %v, %v", after["preferredUsername"], after["webfinger"])
		}
		for _, handle := range []string{"verhaagen", "ilse"} {
			finger := o.read("/.well-known/webfinger?resource=" + url.QueryEscape("acct:"+handle+"@"+o.site.HandleDomain))
			if finger["subject"] != "acct:verhaagen@"+o.site.HandleDomain {
				t.Errorf("%s is %v", handle, finger["subject"])
			}
		}
		if found, err := veerhuis.Person("bram").LookUp(o.soon(), "ilse@"+o.site.HandleDomain); err != nil || found.ID != o.site.ActorID(o.ilse.ID) {
			t.Errorf("looked up by the old handle: %v, %v", found, err)
		}
		other := o.addVoice("tobias", "Tobias Renkema")
		if err := o.outbox.Rename(o.soon(), other, "ilse"); !strings.Contains(problem(err), "belongs to somebody, or did") {
			t.Errorf("taking the old handle of somebody else: %v", err)
		}
		if err := o.outbox.Rename(o.soon(), other, "verhaagen"); !strings.Contains(problem(err), "belongs to somebody, or did") {
			t.Errorf("taking the handle of somebody else: %v", err)
		}
		if err := o.later(6 * time.Minute).IntroduceDue(o.soon()); err != nil {
			t.Fatal(err)
		}
		letter, err := veerhuis.WaitFor(o.soon(), neighbour.OfType("Update"))
		if err != nil || letter.JSON()["object"].(map[string]any)["preferredUsername"] != "verhaagen" {
			t.Errorf("the followers were told %s, %v", letter.Body, err)
		}
		if err := o.outbox.Rename(o.soon(), o.voice(o.ilse.ID), "ilse"); err != nil {
			t.Errorf("taking the own old handle again: %v", err)
		}
	})
}
