package federation_test

import (
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/overkant"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// twoBlogs runs a test with two real blogs, each with its own database: De Overkant with Ilse, and another with
// Tobias.
func twoBlogs(t *testing.T, test func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		there := overkant.Start(t, storetest.Open(t))
		test(t, overkant.Start(t, s), there, there.AddAuthor("tobias", "Tobias Brandt"))
	})
}

func TestTwoBlogsFollowEachOtherAndReply(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		here.Follow(here.Ilse, there, tobias)
		there.Follow(tobias, here, here.Ilse)
		for _, o := range []*overkant.Blog{here, there} {
			if _, _, body := o.Get("/ap/actors/"+string(map[*overkant.Blog]blog.ID{here: here.Ilse.ID, there: tobias.ID}[o])+
				"/followers", "application/activity+json"); !strings.Contains(body, `"totalItems":1`) {
				t.Errorf("followers at %s: %s", o.Site.HandleDomain, body)
			}
		}
		ferry := here.Publish()
		reply := there.PublishNote(tobias, "The bell is older",
			func(a *blog.Article) { a.Answers.Address = here.Site.ArticlePage(ferry) })
		if reply.Answers.Address != here.Object(ferry) || reply.Answers.ActorID != here.Site.ActorID(here.Ilse.ID) {
			t.Errorf("it answers %+v", reply.Answers)
		}
		here.Until("the answer stands under the article",
			func() bool { return strings.HasPrefix(here.CommentTexts(ferry), "The bell is older.") })
		comment := here.Comments(ferry)[0]
		if _, err := here.Outbox.Reply(here.Soon(), here.Ilse, comment.ID, "Older than the *boat*?"); err != nil {
			t.Fatal(err)
		}
		there.Until("the second round stands under the answer",
			func() bool { return strings.HasSuffix(there.CommentTexts(reply), "Older than the boat?") })

		edited := reply
		edited.Markdown, edited.HTML = "The bell is younger.", "<p>The bell is younger.</p>"
		if err := there.Outbox.Revise(there.Soon(), &edited); err != nil {
			t.Fatal(err)
		}
		here.Until("the edit is here", func() bool {
			return strings.HasPrefix(here.CommentTexts(ferry),
				"The bell is younger.")
		})
		if err := there.Outbox.Withdraw(there.Soon(), reply.ID); err != nil {
			t.Fatal(err)
		}
		here.Until("the answer is gone", func() bool {
			list := here.Comments(ferry)
			return len(list) == 2 && list[0].State == blog.CommentRemoved && list[0].Plain == ""
		})
	})
}

func TestAQuoteFromBlogToBlogShowsOnlyItsOwnText(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		ferry := here.Publish()
		for title, format := range map[string]blog.Format{"Older": blog.FullNote, "Younger": blog.FullArticle} {
			there.PublishNote(tobias, title, func(a *blog.Article) {
				a.Format, a.Quoted.Address = format, here.Site.ArticlePage(ferry)
			})
		}
		here.Until("both quotes stand there", func() bool { return strings.Count(here.CommentKinds(ferry), "[quote]") == 2 })
		for _, c := range here.Comments(ferry) {
			if strings.Contains(c.HTML, "RE:") || strings.Contains(c.HTML, here.Object(ferry)) ||
				!strings.Contains(c.Plain, "er.") {
				t.Errorf("a quote says %s", c.HTML)
			}
		}
	})
}

func TestLikesAndBoostsGoFromBlogToBlogAndBack(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		ferry := here.Publish()
		for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
			if err := there.Outbox.React(there.Soon(), tobias, kind, here.Site.ArticlePage(ferry)); err != nil {
				t.Fatal(err)
			}
		}
		here.Until("both are counted", func() bool { n := here.Counts(ferry); return n.Likes == 1 && n.Boosts == 1 })
		if err := there.Outbox.React(there.Soon(), tobias, blog.Like, here.Object(ferry)); err == nil {
			t.Error("a second like is taken")
		}
		for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
			if err := there.Outbox.Unreact(there.Soon(), tobias, kind, here.Object(ferry)); err != nil {
				t.Fatal(err)
			}
		}
		here.Until("both are taken back", func() bool { n := here.Counts(ferry); return n.Likes == 0 && n.Boosts == 0 })
	})
}

func TestAFollowIsUndone(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		there.Follow(tobias, here, here.Ilse)
		if err := there.Outbox.Unfollow(there.Soon(), tobias, here.Site.ActorID(here.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		here.Until("nobody follows", func() bool {
			n, err := here.Store.CountFollowers(t.Context(), here.Ilse.ID)
			return err == nil && n.Accepted == 0
		})
		if _, err := there.Store.Following(t.Context(), tobias.ID, here.Site.ActorID(here.Ilse.ID)); err == nil {
			t.Error("still following")
		}
		if _, err := here.Outbox.Follow(here.Soon(), here.Ilse, "@ilse@"+here.Site.HandleDomain); err == nil {
			t.Error("one follows oneself")
		}
	})
}

func TestARemovedFollowerIsTold(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		there.Follow(tobias, here, here.Ilse)
		if err := here.Outbox.RejectFollower(here.Soon(), here.Ilse.ID, there.Site.ActorID(tobias.ID)); err != nil {
			t.Fatal(err)
		}
		there.Until("the no is there", func() bool {
			_, err := there.Store.Following(t.Context(), tobias.ID, here.Site.ActorID(here.Ilse.ID))
			return err != nil
		})
	})
}

func TestAReplyToNothingIsRefusedWithAReason(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for address, want := range map[string]string{
			"http://127.0.0.1:1/nothing":    "its server does not answer",
			o.Site.URL + "/2026/11/own":     "is a post of this blog",
			o.Site.ActorID(o.Ilse.ID) + "x": "is a post of this blog",
			"https://10.0.0.5/private":      "is not a post that can be read from here",
			"gopher://veerhuis.example/1":   "is not a post that can be read from here",
		} {
			a := o.Draft(func(a *blog.Article) { a.Slug = strings.ToLower(string(blog.NewID(o.Core.Now()))) })
			a.Quoted.Address = address
			err := o.Store.SaveArticle(t.Context(), &a, o.Core.Now())
			if err == nil {
				_, err = o.Outbox.Publish(o.Soon(), a.ID)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}

func TestAQuoteIsRequestedAllowedShownAndRevoked(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		ferry := here.Publish()
		quote := there.PublishNote(tobias, "On a narrow ferry",
			func(a *blog.Article) { a.Quoted.Address = here.Object(ferry) })
		consent := func() blog.Source {
			a, err := there.Store.Article(t.Context(), quote.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a.Quoted
		}
		there.Until("the quote is allowed", func() bool { return consent().Consent == blog.ConsentGiven })
		_, _, body := there.Get(there.Path(there.Object(quote)), "application/activity+json")
		if !strings.Contains(body, `"quote":"`+here.Object(ferry)+`"`) ||
			!strings.Contains(body, `"quoteAuthorization":"`+consent().Authorization+`"`) {
			t.Errorf("the quoting article reads %s", body)
		}
		if code, _, authorization := here.Get(here.Path(consent().Authorization), "application/activity+json"); code != 200 ||
			!strings.Contains(authorization, there.Object(quote)) {
			t.Errorf("the authorization answers %d %s", code, authorization)
		}
		here.Until("the quote stands there", func() bool {
			return strings.Contains(here.CommentTexts(ferry),
				"On a narrow ferry.")
		})
		if err := here.Outbox.Moderate(here.Soon(), here.Comments(ferry)[0].ID, blog.CommentRemoved); err != nil {
			t.Fatal(err)
		}
		there.Until("it is allowed no more", func() bool {
			return consent().Consent == blog.ConsentRefused &&
				consent().Authorization == ""
		})
		there.Until("the quoting article names it no more", func() bool {
			_, _, body := there.Get(there.Path(there.Object(quote)), "application/activity+json")
			return !strings.Contains(body, "quoteAuthorization\":\"")
		})
	})
}

func TestAQuoteIsRefusedWhereNobodyMayQuote(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		ferry := here.Publish(func(a *blog.Article) { a.Quotes = "nobody" })
		quote := there.PublishNote(tobias, "On a narrow ferry",
			func(a *blog.Article) { a.Quoted.Address = here.Object(ferry) })
		there.Until("the no is there", func() bool {
			a, err := there.Store.Article(t.Context(), quote.ID)
			return err == nil && a.Quoted.Consent == blog.ConsentRefused
		})
	})
}

func TestWhoFollowsAnAuthorThatMovesToTheirOwnBlogKeepsTheFollow(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		salma := there.AddAuthor("salma", "Salma Idrissi")
		there.Follow(salma, here, here.Ilse)
		if _, err := there.Outbox.AddAlias(there.Soon(), tobias, "@ilse@"+here.Site.HandleDomain); err != nil {
			t.Fatal(err)
		}
		if _, err := here.Outbox.Move(here.Soon(), here.Ilse, "@tobias@"+there.Site.HandleDomain, 0); err != nil {
			t.Fatal(err)
		}
		var f blog.Following
		there.Until("the move is known there", func() (known bool) {
			var err error
			f, err = there.Store.Following(t.Context(), salma.ID, here.Site.ActorID(here.Ilse.ID))
			return err != nil || f.Actor.MovedAt != nil
		})
		if f.State != blog.Accepted || f.Actor.MovedTo != there.Site.ActorID(tobias.ID) {
			t.Errorf("salma's follow is %+v", f)
		}
		if n, err := here.Store.CountFollowers(t.Context(), here.Ilse.ID); err != nil || n.Accepted != 1 {
			t.Errorf("there follow %+v, %v", n, err)
		}
	})
}

func TestAnAuthorMovesFromBlogToBlogAndTheFollowersMoveAlong(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant.Blog, tobias blog.Voice) {
		bram := here.Server("veerhuis").Person("bram")
		here.AddFollower(bram)
		third := overkant.Start(t, storetest.Open(t))
		salma := third.AddAuthor("salma", "Salma Idrissi")
		third.Follow(salma, here, here.Ilse)
		if _, err := here.Outbox.Move(here.Soon(), here.Ilse, "@tobias@"+there.Site.HandleDomain, 0); err == nil {
			t.Fatal("a move to one who does not point back is made")
		}
		if _, err := there.Outbox.AddAlias(there.Soon(), tobias, "@ilse@"+here.Site.HandleDomain); err != nil {
			t.Fatal(err)
		}
		if _, err := here.Outbox.Move(here.Soon(), here.Ilse, "@tobias@"+there.Site.HandleDomain, 0); err != nil {
			t.Fatal(err)
		}
		third.Until("salma follows on, there", func() bool {
			f, err := third.Store.Following(t.Context(), salma.ID, there.Site.ActorID(tobias.ID))
			return err == nil && f.State == blog.Accepted
		})
		for o, want := range map[*overkant.Blog]int{here: 0, there: 2} { // bram goes along by himself
			voice := map[*overkant.Blog]blog.ID{here: here.Ilse.ID, there: tobias.ID}[o]
			o.Until("both followers are over there", func() bool {
				n, err := o.Store.CountFollowers(t.Context(), voice)
				return err == nil && n.Accepted == want
			})
		}
		if _, _, body := here.Get("/ap/actors/"+string(here.Ilse.ID), "application/activity+json"); !strings.Contains(body,
			`"movedTo":"`+there.Site.ActorID(tobias.ID)+`"`) {
			t.Errorf("the old profile reads %s", body)
		}
		if _, err := third.Outbox.Follow(third.Soon(), salma, here.Site.ActorID(here.Ilse.ID)); err != nil {
			t.Fatal(err)
		}
		third.Until("a new follower is refused", func() bool {
			_, err := third.Store.Following(t.Context(), salma.ID, here.Site.ActorID(here.Ilse.ID))
			return err != nil
		})
	})
}
