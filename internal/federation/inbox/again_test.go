package inbox_test

import (
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
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

func TestF143ADislikeTakesBackTheLikeOfTheSamePerson(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		vote, bram := o.Server("lemmy").Person("vote"), o.Server("veerhuis").Person("bram")
		a := o.Publish()
		o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, o.Object(a), "reply", nil), "reply"))
		reply := o.Comments(a)[0]
		for target, id := range map[string]blog.ID{o.Object(a): a.ID, o.Site.ArticlePage(a): a.ID, reply.Address: reply.ID} {
			act := func(kind string, by *fedtest.Person) {
				o.Receive(by, overkant.Activity(kind, by, target, kind+string(id)))
			}
			for _, step := range []struct {
				kind  string
				by    *fedtest.Person
				likes int
			}{{"Like", vote, 1}, {"Like", bram, 2}, {"Announce", vote, 2}, {"Dislike", vote, 1}, {"Dislike", vote, 1},
				{"Like", vote, 2}, {"Dislike", vote, 1}, {"Dislike", bram, 0}} {
				act(step.kind, step.by)
				counts, err := o.Store.ReactionCounts(o.Soon(), []blog.ID{id})
				if got := counts[id].Likes; err != nil || got != step.likes {
					t.Errorf("%s after the %s by %s: %d likes, want %d (%v)", target, step.kind, step.by.Name, got, step.likes, err)
				}
				if boosted := counts[id].Boosts == 1; step.kind == "Dislike" && !boosted {
					t.Errorf("%s: the boost is gone", target)
				}
			}
		}
	})
}
