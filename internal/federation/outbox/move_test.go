package outbox_test

import (
	"encoding/json"
	"errors"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
)

// problem is what an Invalid says.
func problem(err error) string {
	var invalid blog.Invalid
	if !errors.As(err, &invalid) {
		return ""
	}
	return invalid.Problem
}

func TestF080AFollowerWhoMovesIsFollowedOnlyWithTheReverseClaim(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, dijla := o.Server("veerhuis"), o.Server("dijla")
		old, fresh := veerhuis.Person("bram"), dijla.Person("bram")
		o.AddFollower(old)
		a := o.Publish()
		reply, err := old.Reply(o.Soon(), o.Object(a), "<p>Still mine.</p>")
		if err != nil {
			t.Fatal(err)
		}
		fresh.SetAlsoKnownAs(old.ID)
		if _, err := old.Move(o.Soon(), fresh.ID); err != nil {
			t.Fatal(err)
		}
		o.Until("the old follower is gone", func() bool { return o.CountFollowers() == 0 })
		o.AddFollower(fresh)
		if got := o.CountFollowers(); got != 1 {
			t.Errorf("followers after the new Follow: %d", got)
		}
		comment, err := o.Store.CommentByAddress(o.Soon(), reply.Object)
		if err != nil || comment.ActorID != old.ID || o.CommentTexts(a) != "Still mine." {
			t.Errorf("the old comment is %q by %s (%v)", o.CommentTexts(a), comment.ActorID, err)
		}
		if actor, err := o.Store.Actor(o.Soon(), old.ID); err != nil || actor.MovedTo != fresh.ID {
			t.Errorf("moved to %q (%v)", actor.MovedTo, err)
		}
	})
}

func TestT048AMoveToAnActorWithoutTheAliasChangesNothing(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, zilverduin := o.Server("veerhuis"), o.Server("zilverduin")
		bram, kade := veerhuis.Person("bram"), zilverduin.Person("kade")
		o.AddFollower(bram)
		if _, err := bram.Move(o.Soon(), kade.ID); err != nil { // Kade never said that he is Bram
			t.Fatal(err)
		}
		o.WaitSettled()
		if got := o.CountFollowers(); got != 1 {
			t.Errorf("after a move to somebody unrelated: %d followers, want 1", got)
		}
		kade.SetAlsoKnownAs(bram.ID) // now he says so, and moves him himself
		_, err := kade.Send(o.Soon(), o.Site.SharedInbox(),
			map[string]any{"id": kade.ID + "#move", "type": "Move", "actor": kade.ID, "object": bram.ID, "target": kade.ID})
		if err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if got := o.CountFollowers(); got != 1 {
			t.Errorf("after a move by somebody else: %d followers, want 1", got)
		}
	})
}

func TestAMoveIsFollowedOnceAWeek(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram, second, third := o.Server("veerhuis").Person("bram"), o.Server("dijla").Person("bram"),
			o.Server("noordkade").Person("bram")
		o.AddFollower(bram)
		second.SetAlsoKnownAs(bram.ID)
		third.SetAlsoKnownAs(bram.ID)
		if _, err := bram.Move(o.Soon(), second.ID); err != nil {
			t.Fatal(err)
		}
		o.Until("the first move is followed", func() bool { return o.CountFollowers() == 0 })
		o.AddFollower(bram) // comes back
		if _, err := bram.Move(o.Soon(), third.ID); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if got := o.CountFollowers(); got != 1 {
			t.Errorf("after a second move within a week: %d followers, want 1", got)
		}
	})
}

func TestAMoveOfAStrangerCausesNoRequest(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		bram, dijla := o.Server("veerhuis").Person("bram"), o.Server("dijla")
		if _, err := bram.Like(o.Soon(), o.Object(a)); err != nil {
			t.Fatal(err)
		}
		if _, err := bram.Move(o.Soon(), dijla.Person("bram").ID); err != nil {
			t.Fatal(err)
		}
		o.WaitSettled()
		if n := len(dijla.Requests()); n != 0 {
			t.Errorf("the target was asked %d times for one who follows nobody here", n)
		}
	})
}

func TestAliasesAreLookedUpShownAndSent(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		old, older := o.Server("dijla").Person("ilse"), o.Server("noordkade", fedtest.GoToSocial).Person("ilse")
		if _, err := o.Outbox.AddAlias(o.Soon(), o.Ilse, "@"+old.Handle()); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.AddAlias(o.Soon(), o.StoredVoice(o.Ilse.ID), older.ID); err != nil {
			t.Fatal(err)
		}
		want := []any{old.ID, older.ID}
		if got, _ := o.ReadDocument("/ap/actors/" + string(o.Ilse.ID))["alsoKnownAs"].([]any); !slices.Equal(got, want) {
			t.Errorf("alsoKnownAs is %v, want %v", got, want)
		}
		for name, wants := range map[string]string{"@nobody@" + old.Server.Host: "check the spelling",
			"just words": "neither a handle", o.Site.ActorID(o.Ilse.ID): "this account itself",
			"@ilse@" + o.Site.HandleDomain: "this account itself"} {
			if _, err := o.Outbox.AddAlias(o.Soon(), o.StoredVoice(o.Ilse.ID), name); !strings.Contains(problem(err), wants) {
				t.Errorf("the alias %s: %v, want %q", name, err, wants)
			}
		}
		if err := o.OutboxIn(6 * time.Minute).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Update"))
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := delivery.JSON()["object"].(map[string]any); !slices.Equal(object["alsoKnownAs"].([]any), want) {
			t.Errorf("the followers were told %v", object["alsoKnownAs"])
		}
		if err := o.Outbox.RemoveAlias(o.Soon(), o.StoredVoice(o.Ilse.ID), "@"+older.Handle()); err != nil {
			t.Fatal(err)
		}
		if got := o.StoredVoice(o.Ilse.ID).AlsoKnownAs; !slices.Equal(got, blog.Strings{old.ID}) {
			t.Errorf("left are %v", got)
		}
	})
}

func TestF053AMoveNeedsTheTargetsAliasAndTheProfileNamesItFirst(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis, dijla := o.Server("veerhuis"), o.Server("dijla")
		bram, there := veerhuis.Person("bram"), dijla.Person("ilse")
		o.AddFollower(bram)
		self := o.Site.ActorID(o.Ilse.ID)
		_, err := o.Outbox.Move(o.Soon(), o.Ilse, "@"+there.Handle(), 0)
		if got := problem(err); !strings.Contains(got, "does not list @ilse@"+o.Site.HandleDomain+" among its aliases") {
			t.Fatalf("moving to one who does not point back: %v", err)
		}
		if v := o.StoredVoice(o.Ilse.ID); v.MovedTo != "" || len(veerhuis.Received("Move")) != 0 {
			t.Fatalf("it moved all the same: %q", v.MovedTo)
		}
		there.SetAlsoKnownAs(self)
		m, err := o.Outbox.Move(o.Soon(), o.Ilse, "@"+there.Handle(), time.Hour)
		if err != nil || !m.Planned() {
			t.Fatalf("planned %+v, %v", m, err)
		}
		if err := o.Outbox.MoveDueVoices(o.Soon()); err != nil || o.StoredVoice(o.Ilse.ID).MovedTo != "" {
			t.Fatalf("it did not wait: %v", err)
		}
		if _, err := o.Outbox.Move(o.Soon(), o.Ilse, "@"+there.Handle(), time.Hour); !strings.Contains(problem(err),
			"cancel that move first") {
			t.Errorf("a second plan: %v", err)
		}
		if err := o.OutboxIn(2 * time.Hour).MoveDueVoices(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if doc := o.ReadDocument("/ap/actors/" + string(o.Ilse.ID)); doc["movedTo"] != there.ID || doc["type"] != "Person" {
			t.Errorf("the actor says movedTo %v, type %v", doc["movedTo"], doc["type"])
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Move"))
		if err != nil {
			t.Fatal(err)
		}
		if delivery.Object != self || delivery.JSON()["target"] != there.ID {
			t.Errorf("the Move is %s", delivery.Body)
		}
		updates := veerhuis.Received("Update")
		if len(updates) != 1 || updates[0].JSON()["object"].(map[string]any)["movedTo"] != there.ID {
			t.Errorf("the profile was told %d times before", len(updates))
		}
		o.Until("bram follows there and no longer here",
			func() bool { return bram.FollowState(there.ID) == fedtest.Accepted && o.CountFollowers() == 0 })
		last, err := o.Store.LastMove(o.Soon(), o.Ilse.ID)
		if err != nil {
			t.Fatal(err)
		}
		p, err := o.Store.MoveProgress(o.Soon(), last)
		if err != nil || p.Servers != 1 || p.Accepted != 1 || p.Remaining != 0 || last.Followers != 1 {
			t.Errorf("progress %+v of %+v, %v", p, last, err)
		}
	})
}

func TestAfterAMoveNewFollowersAreRejectedAndASecondMoveWaits(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		there, nadia := o.Server("dijla").Person("ilse"), o.Server("noordkade").Person("nadia")
		there.SetAlsoKnownAs(o.Site.ActorID(o.Ilse.ID))
		if _, err := o.Outbox.Move(o.Soon(), o.Ilse, there.ID, 0); err != nil {
			t.Fatal(err)
		}
		if _, err := nadia.Follow(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		if err := nadia.WaitAccepted(o.Soon(), o.Site.ActorID(o.Ilse.ID)); err == nil ||
			!strings.Contains(err.Error(), "rejected") {
			t.Errorf("following one who moved: %v, want a Reject", err)
		}
		if _, err := o.Outbox.Move(o.Soon(), o.StoredVoice(o.Ilse.ID), there.ID, 0); !strings.Contains(problem(err),
			"thirty days after the first") {
			t.Errorf("a second move at once: %v", err)
		}
		if _, err := o.OutboxIn(31*24*time.Hour).Move(o.Soon(), o.StoredVoice(o.Ilse.ID), there.ID, 0); err != nil {
			t.Errorf("a second move after a month: %v", err)
		}
	})
}

func TestAPlannedMoveCanBeCancelledAndEndsWhenTheTargetRemovesTheAlias(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		there := o.Server("dijla").Person("ilse")
		plan := func() {
			there.SetAlsoKnownAs(o.Site.ActorID(o.Ilse.ID))
			if _, err := o.Outbox.Move(o.Soon(), o.Ilse, there.ID, blog.MoveWait); err != nil {
				t.Fatal(err)
			}
		}
		plan()
		if err := o.Outbox.CancelMove(o.Soon(), o.Ilse.ID); err != nil {
			t.Fatal(err)
		}
		if err := o.OutboxIn(25 * time.Hour).MoveDueVoices(o.Soon()); err != nil || o.StoredVoice(o.Ilse.ID).MovedTo != "" {
			t.Errorf("moved though it was called off: %v", err)
		}
		plan()
		if err := there.Server.SetBehaviour(fedtest.Closed()); err != nil {
			t.Fatal(err)
		}
		if err := o.OutboxIn(25 * time.Hour).MoveDueVoices(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if m, err := o.Store.LastMove(o.Soon(), o.Ilse.ID); err != nil || !m.Planned() ||
			!strings.Contains(m.Reason, "does not answer") {
			t.Errorf("while the other server is silent: %+v, %v", m, err)
		}
		if err := o.OutboxIn(5 * 24 * time.Hour).MoveDueVoices(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if m, err := o.Store.LastMove(o.Soon(), o.Ilse.ID); err != nil || m.EndedAt == nil ||
			o.StoredVoice(o.Ilse.ID).MovedTo != "" {
			t.Errorf("after days of silence: %+v, %v", m, err)
		}
	})
}

func TestF021ChangesWithinFiveMinutesAreOneUpdateAlsoAfterARestart(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		for _, bio := range []string{"Rows.", "Rows and writes.", "Writes."} {
			changed := o.StoredVoice(o.Ilse.ID)
			changed.Summary = bio
			if err := o.Outbox.SaveProfile(o.Soon(), changed); err != nil {
				t.Fatal(err)
			}
		}
		if err := o.OutboxIn(4 * time.Minute).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if _, deliveries, err := o.Store.CountWaiting(o.Soon()); err != nil ||
			deliveries+len(veerhuis.Received("Update")) != 0 {
			t.Errorf("something was said within four minutes (%v)", err)
		}
		// Nothing of it is in the memory of whoever noted it: another process tells.
		if err := o.OutboxIn(6 * time.Minute).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Update"))
		if err != nil {
			t.Fatal(err)
		}
		if object, _ := delivery.JSON()["object"].(map[string]any); !strings.Contains(object["summary"].(string),
			"<p>Writes.</p>") {
			t.Errorf("told was %v", object["summary"])
		}
		if err := o.OutboxIn(time.Hour).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		if n := len(veerhuis.Received("Update")); n != 1 {
			t.Errorf("%d Updates arrived, want 1", n)
		}
	})
}

func TestF020AnotherHandleKeepsIdInboxAndKeys(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		o.AddFollower(veerhuis.Person("bram"))
		path := "/ap/actors/" + string(o.Ilse.ID)
		before := o.ReadDocument(path)
		if err := o.Outbox.Rename(o.Soon(), o.Ilse, "verhaagen"); err != nil {
			t.Fatal(err)
		}
		after := o.ReadDocument(path)
		for _, same := range []string{"id", "inbox", "outbox", "followers", "publicKey", "assertionMethod"} {
			was, _ := json.Marshal(before[same])
			is, _ := json.Marshal(after[same])
			if string(was) != string(is) {
				t.Errorf("%s was %s and is %s", same, was, is)
			}
		}
		if after["preferredUsername"] != "verhaagen" || after["webfinger"] != "verhaagen@"+o.Site.HandleDomain {
			t.Errorf("the actor is called %v, %v", after["preferredUsername"], after["webfinger"])
		}
		for _, handle := range []string{"verhaagen", "ilse"} {
			finger := o.ReadDocument("/.well-known/webfinger?resource=" +
				url.QueryEscape("acct:"+handle+"@"+o.Site.HandleDomain))
			if finger["subject"] != "acct:verhaagen@"+o.Site.HandleDomain {
				t.Errorf("%s is %v", handle, finger["subject"])
			}
		}
		if found, err := veerhuis.Person("bram").LookUp(o.Soon(), "ilse@"+o.Site.HandleDomain); err != nil ||
			found.ID != o.Site.ActorID(o.Ilse.ID) {
			t.Errorf("looked up by the old handle: %v, %v", found, err)
		}
		other := o.AddAuthor("tobias", "Tobias Renkema")
		if err := o.Outbox.Rename(o.Soon(), other, "ilse"); !strings.Contains(problem(err), "belongs to somebody, or did") {
			t.Errorf("taking the old handle of somebody else: %v", err)
		}
		if err := o.Outbox.Rename(o.Soon(), other, "verhaagen"); !strings.Contains(problem(err),
			"belongs to somebody, or did") {
			t.Errorf("taking the handle of somebody else: %v", err)
		}
		if err := o.OutboxIn(6 * time.Minute).SendDueProfiles(o.Soon()); err != nil {
			t.Fatal(err)
		}
		delivery, err := veerhuis.WaitFor(o.Soon(), fedtest.OfType("Update"))
		if err != nil || delivery.JSON()["object"].(map[string]any)["preferredUsername"] != "verhaagen" {
			t.Errorf("the followers were told %s, %v", delivery.Body, err)
		}
		if err := o.Outbox.Rename(o.Soon(), o.StoredVoice(o.Ilse.ID), "ilse"); err != nil {
			t.Errorf("taking the own old handle again: %v", err)
		}
	})
}
