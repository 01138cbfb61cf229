package federation_test

import (
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// twoBlogs runs a test with two real blogs: De Overkant with Ilse, and another with Tobias, each with a database of its own.
func twoBlogs(t *testing.T, test func(t *testing.T, here, there *overkant, tobias blog.Voice)) {
	t.Helper()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		there := start(t, storetest.Open(t))
		test(t, start(t, s), there, there.addVoice("tobias", "Tobias Brandt"))
	})
}

// follow lets a voice of one blog follow a voice of another, and waits for the yes.
func (o *overkant) follow(voice blog.Voice, at *overkant, whom blog.Voice) {
	o.t.Helper()
	if _, err := o.outbox.Follow(o.soon(), voice, "@"+whom.Handle+"@"+at.site.HandleDomain); err != nil {
		o.t.Fatal(err)
	}
	o.until("the yes is here", func() bool {
		f, err := o.store.Following(o.t.Context(), voice.ID, at.site.ActorID(whom.ID))
		return err == nil && f.State == blog.Accepted
	})
}

// answer writes and publishes an article by a voice, made by a change.
func (o *overkant) writes(voice blog.Voice, title string, change func(*blog.Article)) blog.Article {
	o.t.Helper()
	return o.publish(func(a *blog.Article) {
		a.VoiceID, a.Format, a.Title, a.Slug = voice.ID, blog.FullNote, title, strings.ReplaceAll(strings.ToLower(title), " ", "-")
		a.Markdown, a.HTML, a.Plain = title+".", "<p>"+title+".</p>", title+"."
		change(a)
	})
}

func TestTwoBlogsFollowEachOtherAndTalk(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		here.follow(here.ilse, there, tobias)
		there.follow(tobias, here, here.ilse)
		for _, o := range []*overkant{here, there} {
			if _, _, body := o.get("/ap/actors/"+string(map[*overkant]blog.ID{here: here.ilse.ID, there: tobias.ID}[o])+"/followers", "application/activity+json"); !strings.Contains(body, `"totalItems":1`) {
				t.Errorf("followers at %s: %s", o.site.HandleDomain, body)
			}
		}
		ferry := here.publish()
		reply := there.writes(tobias, "The bell is older", func(a *blog.Article) { a.Answers.Address = here.site.ArticlePage(ferry) })
		if reply.Answers.Address != here.object(ferry) || reply.Answers.ActorID != here.site.ActorID(here.ilse.ID) {
			t.Errorf("it answers %+v", reply.Answers)
		}
		here.until("the answer stands under the article", func() bool { return strings.HasPrefix(here.texts(ferry), "The bell is older.") })
		comment := here.comments(ferry)[0]
		if _, err := here.outbox.Reply(here.soon(), here.ilse, comment.ID, "Older than the *boat*?"); err != nil {
			t.Fatal(err)
		}
		there.until("the second round stands under the answer", func() bool { return strings.HasSuffix(there.texts(reply), "Older than the boat?") })

		edited := reply
		edited.Markdown, edited.HTML = "The bell is younger.", "<p>The bell is younger.</p>"
		if err := there.outbox.Revise(there.soon(), &edited); err != nil {
			t.Fatal(err)
		}
		here.until("the edit is here", func() bool { return strings.HasPrefix(here.texts(ferry), "The bell is younger.") })
		if err := there.outbox.Withdraw(there.soon(), reply.ID); err != nil {
			t.Fatal(err)
		}
		here.until("the answer is gone", func() bool {
			list := here.comments(ferry)
			return len(list) == 2 && list[0].State == blog.CommentRemoved && list[0].Plain == ""
		})
	})
}

func TestAQuoteFromBlogToBlogShowsItsOwnWordsAlone(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		ferry := here.publish()
		for title, format := range map[string]blog.Format{"Older": blog.FullNote, "Younger": blog.FullArticle} {
			there.writes(tobias, title, func(a *blog.Article) {
				a.Format, a.Quoted.Address = format, here.site.ArticlePage(ferry)
			})
		}
		here.until("both quotes stand there", func() bool { return strings.Count(here.kinds(ferry), "[quote]") == 2 })
		for _, c := range here.comments(ferry) {
			if strings.Contains(c.HTML, "RE:") || strings.Contains(c.HTML, here.object(ferry)) || !strings.Contains(c.Plain, "er.") {
				t.Errorf("a quote says %s", c.HTML)
			}
		}
	})
}

func TestLikesAndBoostsGoFromBlogToBlogAndBack(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		ferry := here.publish()
		for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
			if err := there.outbox.Gesture(there.soon(), tobias, kind, here.site.ArticlePage(ferry)); err != nil {
				t.Fatal(err)
			}
		}
		here.until("both are counted", func() bool { n := here.counts(ferry); return n.Likes == 1 && n.Boosts == 1 })
		if err := there.outbox.Gesture(there.soon(), tobias, blog.Like, here.object(ferry)); err == nil {
			t.Error("a second like is taken")
		}
		for _, kind := range []blog.ReactionKind{blog.Like, blog.Boost} {
			if err := there.outbox.TakeGestureBack(there.soon(), tobias, kind, here.object(ferry)); err != nil {
				t.Fatal(err)
			}
		}
		here.until("both are taken back", func() bool { n := here.counts(ferry); return n.Likes == 0 && n.Boosts == 0 })
	})
}

func TestAFollowIsTakenBack(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		there.follow(tobias, here, here.ilse)
		if err := there.outbox.Unfollow(there.soon(), tobias, here.site.ActorID(here.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		here.until("nobody follows", func() bool {
			n, err := here.store.CountFollowers(t.Context(), here.ilse.ID)
			return err == nil && n.Accepted == 0
		})
		if _, err := there.store.Following(t.Context(), tobias.ID, here.site.ActorID(here.ilse.ID)); err == nil {
			t.Error("still following")
		}
		if _, err := here.outbox.Follow(here.soon(), here.ilse, "@ilse@"+here.site.HandleDomain); err == nil {
			t.Error("one follows oneself")
		}
	})
}

func TestAFollowerWhoIsSentAwayLearnsIt(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		there.follow(tobias, here, here.ilse)
		if err := here.outbox.RejectFollower(here.soon(), here.ilse.ID, there.site.ActorID(tobias.ID)); err != nil {
			t.Fatal(err)
		}
		there.until("the no is there", func() bool {
			_, err := there.store.Following(t.Context(), tobias.ID, here.site.ActorID(here.ilse.ID))
			return err != nil
		})
	})
}

func TestAnAnswerToNothingIsRefusedInWords(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		for address, want := range map[string]string{
			"http://127.0.0.1:1/nothing":    "its server does not answer",
			o.site.URL + "/2026/11/own":     "is a post of this blog",
			o.site.ActorID(o.ilse.ID) + "x": "is a post of this blog",
			"https://10.0.0.5/private":      "is no post that can be read from here",
			"gopher://veerhuis.example/1":   "is no post that can be read from here",
		} {
			a := o.draft(func(a *blog.Article) { a.Slug = strings.ToLower(string(blog.NewID(o.base.Now()))) })
			a.Quoted.Address = address
			err := o.store.SaveArticle(t.Context(), &a, o.base.Now())
			if err == nil {
				_, err = o.outbox.Publish(o.soon(), a.ID)
			}
			if err == nil || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v", address, err)
			}
		}
	})
}

func TestAQuoteIsAskedForAllowedShownAndTakenBack(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		ferry := here.publish()
		quote := there.writes(tobias, "On a narrow ferry", func(a *blog.Article) { a.Quoted.Address = here.object(ferry) })
		consent := func() blog.Source {
			a, err := there.store.Article(t.Context(), quote.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a.Quoted
		}
		there.until("the quote is allowed", func() bool { return consent().Consent == blog.ConsentGiven })
		_, _, body := there.get(there.path(there.object(quote)), "application/activity+json")
		if !strings.Contains(body, `"quote":"`+here.object(ferry)+`"`) || !strings.Contains(body, `"quoteAuthorization":"`+consent().Stamp+`"`) {
			t.Errorf("the quoting article reads %s", body)
		}
		if code, _, stamp := here.get(here.path(consent().Stamp), "application/activity+json"); code != 200 || !strings.Contains(stamp, there.object(quote)) {
			t.Errorf("the stamp answers %d %s", code, stamp)
		}
		here.until("the quote stands there", func() bool { return strings.Contains(here.texts(ferry), "On a narrow ferry.") })
		if err := here.outbox.Moderate(here.soon(), here.comments(ferry)[0].ID, blog.CommentRemoved); err != nil {
			t.Fatal(err)
		}
		there.until("it is allowed no more", func() bool { return consent().Consent == blog.ConsentRefused && consent().Stamp == "" })
		there.until("the quoting article names it no more", func() bool {
			_, _, body := there.get(there.path(there.object(quote)), "application/activity+json")
			return !strings.Contains(body, "quoteAuthorization\":\"")
		})
	})
}

func TestAQuoteIsRefusedWhereNobodyMayQuote(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		ferry := here.publish(func(a *blog.Article) { a.Quotes = "nobody" })
		quote := there.writes(tobias, "On a narrow ferry", func(a *blog.Article) { a.Quoted.Address = here.object(ferry) })
		there.until("the no is there", func() bool {
			a, err := there.store.Article(t.Context(), quote.ID)
			return err == nil && a.Quoted.Consent == blog.ConsentRefused
		})
	})
}

func TestWhoFollowsAnAuthorThatMovesToTheirOwnBlogKeepsTheFollow(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		salma := there.addVoice("salma", "Salma Idrissi")
		there.follow(salma, here, here.ilse)
		if _, err := there.outbox.AddAlias(there.soon(), tobias, "@ilse@"+here.site.HandleDomain); err != nil {
			t.Fatal(err)
		}
		if _, err := here.outbox.Move(here.soon(), here.ilse, "@tobias@"+there.site.HandleDomain, 0); err != nil {
			t.Fatal(err)
		}
		var f blog.Following
		there.until("the move is known there", func() (known bool) {
			var err error
			f, err = there.store.Following(t.Context(), salma.ID, here.site.ActorID(here.ilse.ID))
			return err != nil || f.Actor.MovedAt != nil
		})
		if f.State != blog.Accepted || f.Actor.MovedTo != there.site.ActorID(tobias.ID) {
			t.Errorf("salma's follow is %+v", f)
		}
		if n, err := here.store.CountFollowers(t.Context(), here.ilse.ID); err != nil || n.Accepted != 1 {
			t.Errorf("there follow %+v, %v", n, err)
		}
	})
}

func TestAnAuthorMovesFromBlogToBlogAndWhoFollowsGoesAlong(t *testing.T) {
	twoBlogs(t, func(t *testing.T, here, there *overkant, tobias blog.Voice) {
		bram := here.server("veerhuis").Person("bram")
		here.befriend(bram)
		third := start(t, storetest.Open(t))
		salma := third.addVoice("salma", "Salma Idrissi")
		third.follow(salma, here, here.ilse)
		if _, err := here.outbox.Move(here.soon(), here.ilse, "@tobias@"+there.site.HandleDomain, 0); err == nil {
			t.Fatal("a move to one who does not point back is made")
		}
		if _, err := there.outbox.AddAlias(there.soon(), tobias, "@ilse@"+here.site.HandleDomain); err != nil {
			t.Fatal(err)
		}
		if _, err := here.outbox.Move(here.soon(), here.ilse, "@tobias@"+there.site.HandleDomain, 0); err != nil {
			t.Fatal(err)
		}
		third.until("salma follows on, there", func() bool {
			f, err := third.store.Following(t.Context(), salma.ID, there.site.ActorID(tobias.ID))
			return err == nil && f.State == blog.Accepted
		})
		for o, want := range map[*overkant]int{here: 0, there: 2} { // bram goes along by himself
			voice := map[*overkant]blog.ID{here: here.ilse.ID, there: tobias.ID}[o]
			o.until("both followers are over there", func() bool {
				n, err := o.store.CountFollowers(t.Context(), voice)
				return err == nil && n.Accepted == want
			})
		}
		if _, _, body := here.get("/ap/actors/"+string(here.ilse.ID), "application/activity+json"); !strings.Contains(body, `"movedTo":"`+there.site.ActorID(tobias.ID)+`"`) {
			t.Errorf("the old profile reads %s", body)
		}
		if _, err := third.outbox.Follow(third.soon(), salma, here.site.ActorID(here.ilse.ID)); err != nil {
			t.Fatal(err)
		}
		third.until("a new follower is refused", func() bool {
			_, err := third.store.Following(t.Context(), salma.ID, here.site.ActorID(here.ilse.ID))
			return err != nil
		})
	})
}
