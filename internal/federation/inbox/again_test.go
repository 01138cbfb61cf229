package inbox_test

import (
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/overkant"
)

func TestF122AServerThatBeginsItsIDsAnewIsHeard(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a, b := o.Publish(), o.Publish(func(a *blog.Article) { a.Slug = "the-weir" })
		o.Receive(bram, overkant.Activity("Like", bram, o.Object(a), "1"))
		o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "one", nil), "2"))
		// Its database is lost: other activities come under the ids of before.
		for _, act := range []map[string]any{
			overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(b), "other", nil), "1"),
			overkant.Activity("Like", bram, o.Object(b), "2"),
			overkant.Activity("Follow", bram, o.Site.ActorID(o.Ilse.ID), "2"),
			overkant.Activity("Announce", bram, o.Object(b), "1"),
		} {
			o.Receive(bram, act)
		}
		if got := o.Counts(b); got.Replies != 1 || got.Likes != 1 || got.Boosts != 1 || o.CountFollowers() != 1 {
			t.Errorf("%+v, %d followers", got, o.CountFollowers())
		}
	})
}

func TestT010ACopyOfAnUndoEndsNoLaterFollow(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		ilse := o.Site.ActorID(o.Ilse.ID)
		first := overkant.Activity("Follow", bram, ilse, "1")
		undo := overkant.Activity("Undo", bram, first, "undo")
		for _, act := range []map[string]any{first, undo, overkant.Activity("Follow", bram, ilse, "2"), undo} {
			o.Receive(bram, act)
		}
		if n := o.CountFollowers(); n != 1 {
			t.Errorf("%d followers", n)
		}
	})
}

func TestF122AFollowOfLongAgoIsUndoneAndComesAgain(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		follow := overkant.Activity("Follow", bram, o.Site.ActorID(o.Ilse.ID), "1")
		o.Receive(bram, follow)
		if err := o.Store.Forget(o.Soon(), time.Now().AddDate(0, 0, 40)); err != nil {
			t.Fatal(err)
		}
		o.Receive(bram, overkant.Activity("Undo", bram, follow, "2"))
		o.Receive(bram, follow)
		if n := o.CountFollowers(); n != 1 {
			t.Errorf("%d followers", n)
		}
	})
}

func TestT009ACopyOfAReportIsNoSecondReport(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		flag := overkant.Activity("Flag", bram, []string{o.Site.ActorID(o.Ilse.ID)}, "1")
		for range 3 {
			o.Receive(bram, flag)
		}
		if n := len(o.Reports(blog.ReportOpen)); n != 1 {
			t.Errorf("%d reports", n)
		}
	})
}
