package admin_test

import (
	"net/url"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
)

func TestAnAuthorFollowsLikesAndBoostsElsewhere(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Writer)
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		note, err := bram.Post(o.soon(), "<p>The bell hung <b>by the rope</b>.<script>alert(1)</script></p>")
		if err != nil {
			t.Fatal(err)
		}
		b := o.signIn("ilse")
		b.open("/admin/following").sees("You follow nobody yet.")
		b.press("Look up", "uri", "@bram@"+veerhuis.Host).want(200, "/authorize_interaction?").sees("Bram", veerhuis.Host)
		b.press("Follow as Ilse Verhaagen").want(200, "/authorize_interaction?").sees("The follow request is being sent")
		o.until("the yes is here", func() bool {
			f, err := o.store.Following(t.Context(), ilse.ID, bram.ID)
			return err == nil && f.State == blog.Accepted
		})
		b.open("/admin/following").sees("You follow 1 person", "Bram").press("Unfollow Bram").want(200,
			"/admin/following?").sees("You follow nobody yet.")

		b.open("/authorize_interaction?uri="+url.QueryEscape(note.Object)).sees("A post by Bram",
			"The bell hung by the rope.")
		if strings.Contains(b.source, "<script>alert") {
			t.Error("a script reached the admin")
		}
		b.press("Favourite").sees("Its writer is being told.").press("Boost").sees("Boosted.")
		o.until("bram's server has both", func() bool {
			return len(veerhuis.Received("Like")) == 1 &&
				len(veerhuis.Received("Announce")) == 1
		})
		b.press("Remove from favourites").press("Undo the boost")
		o.until("both are taken back", func() bool { return len(veerhuis.Received("Undo")) == 3 })
	})
}

func TestSomebodyWhoMovedToThisBlogIsShownAsItsAuthor(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Writer)
		tobias := o.author("tobias", "Tobias Brandt", blog.Writer)
		bram := o.server("veerhuis").Person("bram")
		b := o.signIn("ilse")
		b.open("/authorize_interaction?uri=" + url.QueryEscape(bram.ID)).press("Follow as Ilse Verhaagen")
		b.open("/admin/following").sees("You follow 1 person").lacks("Moved to this blog")
		if err := o.store.RemoveMovedFollower(t.Context(), bram.ID, o.site.ActorID(tobias.ID), time.Now()); err != nil {
			t.Fatal(err)
		}
		b.open("/admin/following").sees("You follow 1 person",
			"Moved to this blog, as Tobias Brandt: their articles are here")
	})
}

func TestAnErrorShowsNoFieldName(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		b.open("/authorize_interaction?uri=nonsense").want(422,
			"/authorize_interaction?").sees("“nonsense” is neither a handle nor an address").lacks("The uri")
		b.open("/admin/blocks/new?subject=not+a+domain").want(422,
			"/admin/blocks/new?").sees("“not a domain” is not the domain of a server").lacks("The subject")
		b.open("/admin/blocks/new?subject="+url.QueryEscape(" ")).want(422,
			"/admin/blocks/new?").sees("The domain or handle is missing")
		b.open("/admin/articles/new").press("Save", "title", "A", "text", "A.", "in-reply-to",
			"nonsense").lacks("The in reply to").sees("The address of what it answers")
	})
}

func TestAnAuthorOfThisBlogIsLookedUpWithoutAButton(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Writer)
		tobias := o.author("tobias", "Tobias Brandt", blog.Writer)
		b := o.signIn("ilse")
		for typed, name := range map[string]string{"@ilse@" + o.site.HandleDomain: "Ilse Verhaagen",
			o.site.ActorID(tobias.ID): "Tobias Brandt"} {
			b.open("/authorize_interaction?uri="+url.QueryEscape(typed)).want(200, "/authorize_interaction?")
			b.sees(name, "@"+strings.ToLower(strings.Fields(name)[0]),
				"is an author of this blog: their articles are here already").lacks("Follow as")
		}
	})
}

func TestAnAuthorAnswersAndQuotesElsewhereWithAnArticle(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Writer)
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		note, err := bram.Post(o.soon(), "<p>Who still rings the bell?</p>")
		if err != nil {
			t.Fatal(err)
		}
		b := o.signIn("ilse")
		b.open("/authorize_interaction?uri="+url.QueryEscape(note.Object)).sees("Reply with an article",
			"Quote in an article")
		b.open("/admin/articles/new?in-reply-to="+url.QueryEscape(note.Object)).press("Publish…", "title", "We do", "text",
			"We do, twice a day.", "format", "note-full").press("Publish as chosen").want(200, "/admin/articles/")
		o.until("bram is told", func() bool { return len(bram.Mentions()) == 1 })
		if got := bram.Mentions()[0]; got.InReplyTo != note.Object {
			t.Errorf("bram reads %+v", got)
		}
		a := o.only()
		b.open("/admin/articles/"+string(a.ID)).press("Save and send", "in-reply-to", "http://127.0.0.1:1/nothing").want(422,
			"/admin/articles/").sees("its server does not answer")
		if got := b.field("in-reply-to"); got != "http://127.0.0.1:1/nothing" {
			t.Errorf("the field reads %q", got)
		}
	})
}

func TestF116ComingFromElsewhereDoesNothingByItself(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Writer)
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		place := "/authorize_interaction?uri=" + url.QueryEscape(bram.ID)
		stranger := o.browser().open(place)
		stranger.want(200, "/login?to=%2Fauthorize_interaction").press("Sign in", "user", "ilse", "pass",
			"wrong").lacks("Follow as")
		stranger.press("Sign in", "user", "ilse", "pass", password).want(200,
			"/authorize_interaction?").sees("Follow as Ilse Verhaagen")
		b := o.signIn("ilse").open(place + "&do=follow&actor=" + url.QueryEscape(bram.ID))
		b.want(200, "/authorize_interaction?").sees("Follow as Ilse Verhaagen")
		form := strings.NewReader(url.Values{"uri": {bram.ID}, "do": {"follow"}}.Encode())
		b.post("/authorize_interaction", "application/x-www-form-urlencoded", form, "Origin", "https://evil.example",
			"Sec-Fetch-Site", "cross-site").want(403, "/authorize_interaction")
		if _, err := o.store.Following(t.Context(), ilse.ID, bram.ID); err == nil || len(veerhuis.Received("Follow")) > 0 {
			t.Error("looking, or another site's form, followed somebody")
		}
	})
}
