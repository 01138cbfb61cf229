package admin_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
)

func TestAnAuthorNamesOldAccountsAndTakesAnotherHandle(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		old := o.server("veerhuis").Person("ilse")
		b := o.signIn("ilse").open("/admin/profile").sees("add earlier accounts").open("/admin/identity").sees("@ilse@" +
			o.site.HandleDomain)
		b.press("Add it", "alias", "@nobody@"+old.Server.Host).want(422,
			"/admin/identity/aliases").sees("is not known at its server.", "Check the spelling.")
		if b.field("alias") != "@nobody@"+old.Server.Host {
			t.Error("the form lost what was typed")
		}
		b.press("Add it", "alias", "@"+old.Handle()).want(200, "/admin/identity").sees("@"+old.Handle(),
			"told within five minutes")
		if got, err := o.store.Voice(t.Context(), ilse.ID); err != nil ||
			!slices.Equal(got.AlsoKnownAs, blog.Strings{old.ID}) {
			t.Errorf("aliases %v (%v)", got.AlsoKnownAs, err)
		}
		b.press("Remove").want(200, "/admin/identity").lacks("@" + old.Handle())
		b.press("Change the handle", "handle", "Ilse V").want(422,
			"/admin/identity/handle").sees("The handle may have 1 to 30")
		b.press("Change the handle", "handle", "verhaagen").want(200,
			"/admin/identity").sees("@verhaagen@"+o.site.HandleDomain, "The handle is changed.")
		o.author("tobias", "Tobias Renkema", blog.Writer)
		o.signIn("tobias").open("/admin/identity").press("Change the handle", "handle", "ilse").want(422,
			"/admin/identity/handle").sees("belongs to somebody, or did before.")
	})
}

func TestAnAuthorMovesAwayAndSeesTheProgress(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis := o.server("veerhuis")
		bram, there := veerhuis.Person("bram"), o.server("dijla").Person("ilse")
		o.befriend(bram, "ilse")
		b := o.signIn("ilse").open("/admin/identity")
		b.press("Move tomorrow", "to", "@"+there.Handle(), "move-handle", "bram").want(422,
			"/admin/identity/move").sees("That is not your handle.")
		b.press("Move tomorrow", "move-handle", "ilse").want(422,
			"/admin/identity/move").sees("does not list @ilse@"+o.site.HandleDomain+" among its aliases",
			"Add it to the profile there")
		if b.field("to") != "@"+there.Handle() {
			t.Error("the form lost what was typed")
		}
		there.SetAlsoKnownAs(o.site.ActorID(ilse.ID))
		plan := func() {
			t.Helper()
			b.open("/admin/identity").press("Move tomorrow", "to", "@"+there.Handle(), "move-handle", "@ilse").want(200,
				"/admin/identity").sees("You move to @"+there.Handle(), "tomorrow")
		}
		plan()
		b.press("Cancel the move").want(200, "/admin/identity").sees("Cancelled.").lacks("You move to")
		plan()
		base := o.outbox.Core
		base.Now = func() time.Time { return time.Now().Add(25 * time.Hour) }
		if err := (&outbox.Outbox{Core: base, Wake: o.outbox.Wake}).MoveDueVoices(o.soon()); err != nil {
			t.Fatal(err)
		}
		o.until("bram has moved", func() bool {
			return strings.Contains(b.open("/admin/identity").text(), "Told: 1 of 1 server. Moved: 1 of 1 follower.")
		})
	})
}

func TestAnAuthorLeaves(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/identity")
		b.press("Delete me in thirty days", "leave-handle", "ilse").want(422, "/admin/identity/leave").sees("last admin",
			"Make somebody else an admin first.")
		o.author("tobias", "Tobias Renkema", blog.Admin)
		b.open("/admin/identity").press("Delete me in thirty days", "leave-handle", "tobias").want(422,
			"/admin/identity/leave").sees("Type “ilse”")
		b.press("Delete me in thirty days", "leave-handle", "ilse").want(200,
			"/admin/identity").sees("You will be deleted on")
		b.press("Stay").want(200, "/admin/identity").sees("Cancelled.").lacks("You will be deleted")
		b.press("Delete me in thirty days", "leave-handle", "ilse")
		base := o.outbox.Core
		base.Now = func() time.Time { return time.Now().Add(blog.LeaveWait + time.Hour) }
		if err := (&outbox.Outbox{Core: base, Wake: o.outbox.Wake}).DeleteDueAuthors(o.soon()); err != nil {
			t.Fatal(err)
		}
		if got, err := o.store.Voice(t.Context(), ilse.ID); err != nil || got.RetiredAt == nil {
			t.Errorf("still here: %+v (%v)", got, err)
		}
		b.open("/admin/identity").want(200, "/login")
	})
}
