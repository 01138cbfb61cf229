package admin_test

import (
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
)

// published is an article that Ilse published.
func (o *overkant) published(b *browser, policy string) blog.Article {
	o.t.Helper()
	b.open("/admin/articles/new").press("Publish…", "title", "Four minutes wide", "text", prose, "comments",
		policy).press("Publish as chosen").want(200, "/admin/articles/")
	return o.only()
}

func (o *overkant) state(id blog.ID) blog.CommentState {
	o.t.Helper()
	c, err := o.store.Comment(o.t.Context(), id)
	if err != nil {
		o.t.Fatal(err)
	}
	return c.State
}

func TestCommentsAreReadApprovedAndAnswered(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		b := o.signIn("ilse")
		b.open("/admin/comments").sees("No comment waits.")
		a := o.published(b, "approve")
		if _, err := bram.Reply(o.soon(), o.site.ArticleID(a.ObjectID),
			"<p>Is the bell still there? <script>alert(1)</script></p>"); err != nil {
			t.Fatal(err)
		}
		o.until("the comment waits", func() bool {
			return strings.Contains(b.open("/admin/comments").text(),
				"One comment waits")
		})
		b.sees("Waiting: you approve every comment on this article", "Four minutes wide", "Is the bell still there?",
			"new here", veerhuis.Host)
		if strings.Contains(b.source, "<script>alert") {
			t.Error("a script reached the admin")
		}
		list, err := o.store.PublicComments(t.Context(), a.ID)
		if err != nil || len(list) != 0 {
			t.Errorf("readers see %v (%v)", list, err)
		}
		b.open("/admin").sees("One comment waits", "Is the bell still there?")
		b.press("Approve Bram’s comment").want(200, "/admin/comments?").sees("Approved", "No comment waits.")
		list, err = o.store.PublicComments(t.Context(), a.ID)
		if err != nil || len(list) != 1 {
			t.Fatalf("readers see %v (%v)", list, err)
		}
		id := list[0].ID
		b.press("Undo").want(200, "/admin/comments?")
		if got := o.state(id); got != blog.CommentWaiting {
			t.Errorf("after the undo it is %s", got)
		}
		for _, step := range []struct {
			tab, button string
			want        blog.CommentState
		}{{"waiting", "Spam: Bram", blog.CommentSpam}, {"spam", "Show again Bram", blog.CommentShown},
			{"published", "Hide Bram", blog.CommentHidden}, {"hidden", "Show again Bram", blog.CommentShown}} {
			b.open("/admin/comments?tab="+step.tab).press(step.button).want(200, "/admin/comments?")
			if got := o.state(id); got != step.want {
				t.Errorf("%s makes it %s", step.button, got)
			}
		}
		b.open("/admin/comments?tab=published").press("Send the reply", "text", "  ").want(422,
			"/admin/comments/").sees("The text is empty.", "Write an answer.")
		b.press("Send the reply", "text", "It hangs *where it hung*.").want(200,
			"/admin/comments?").sees("Your reply is being sent")
		o.until("bram is told", func() bool { return len(bram.Mentions()) == 1 })
		b.open("/admin/comments?tab=published").sees("It hangs where it hung.", "in reply to Bram")
		threads := func() []blog.Thread {
			list, err := o.store.PublicComments(t.Context(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return blog.Threads(list)
		}
		own := threads()[0].Answers[0].Comment
		b.open("/admin/comments/"+string(own.ID)).sees("Your reply").press("Save and send", "text",
			"It hangs where it always hung.").want(200, "/admin/comments?")
		if got := threads()[0].Answers[0].Comment.Plain; got == own.Plain || !strings.Contains(got, "always") {
			t.Errorf("the answer says %q", got)
		}
		b.open("/admin/comments/"+string(own.ID)).press("Delete").want(200, "/admin/comments?")
		o.until("the answer is taken back", func() bool { return len(veerhuis.Received("Delete")) > 0 })
		b.open("/admin/comments/"+string(id)).press("Delete").want(200, "/admin/comments?")
		if got := o.state(id); got != blog.CommentRemoved {
			t.Errorf("it is %s", got)
		}
		b.post("/admin/comments/"+string(id)+"/state", "application/x-www-form-urlencoded", strings.NewReader("state=shown"),
			"Sec-Fetch-Site", "same-origin")
		b.want(410, "/admin/comments/")
	})
}

func TestPrivateCommentsAreForOneAuthorOnly(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Writer)
		o.author("maud", "Maud Lindqvist", blog.Admin)
		bram := o.server("veerhuis").Person("bram")
		b := o.signIn("ilse")
		a := o.published(b, "open")
		sent, err := bram.Reply(o.soon(), o.site.ArticleID(a.ObjectID), "<p>Between us: the oar is mine.</p>",
			fedtest.Direct(), fedtest.Mention(o.site.ActorID(ilse.ID)))
		if err != nil {
			t.Fatal(err)
		}
		o.until("it arrives", func() bool {
			_, err := o.store.CommentByAddress(t.Context(), sent.Object)
			return err == nil
		})
		c, err := o.store.CommentByAddress(t.Context(), sent.Object)
		if err != nil {
			t.Fatal(err)
		}
		b.open("/admin/comments?tab=private").sees("the oar is mine", "Private: only you see it")
		b.open("/admin/comments?tab=published").lacks("the oar is mine")
		maud := o.signIn("maud")
		maud.open("/admin/comments?tab=private").lacks("the oar is mine").sees("No private comments.")
		maud.open("/admin/comments/"+string(c.ID)).want(404, "/admin/comments/")
		maud.open("/admin").lacks("the oar is mine")
		b.open("/admin/comments?tab=private").press("Send the reply", "text", "I know.").want(200, "/admin/comments?")
		o.until("bram hears it", func() bool { return len(bram.Mentions()) == 1 })
		if list, err := o.store.PublicComments(t.Context(), a.ID); err != nil || len(list) > 0 {
			t.Errorf("readers see %v (%v)", list, err)
		}
	})
}

func TestFollowersAreAcceptedAndRemoved(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/followers").sees("Nobody follows you yet.", "@ilse@"+o.site.HandleDomain)
		b.open("/admin/profile").sees("Label of line 1").lacks("What line 0").press("Save", "approves", "yes",
			"bio", "Walks along rivers.", "field-name-0", "Website", "field-value-0", "https://ilse.example/").want(200,
			"/admin/profile")
		b.sees("told within five minutes")
		veerhuis := o.server("veerhuis")
		bram, kade := veerhuis.Person("bram"), veerhuis.Person("kade")
		id := o.asks(bram, "ilse")
		o.asks(kade, "ilse")
		o.until("two ask", func() bool {
			return strings.Contains(b.open("/admin/followers").text(),
				"2 people ask to follow you")
		})
		b.open("/admin").sees("2 people ask to follow you")
		b.open("/admin/followers").press("Approve Bram").want(200, "/admin/followers").sees("Approved",
			"1 follower on 1 server", "1 person asks to follow you")
		if err := bram.WaitAccepted(o.soon(), id); err != nil {
			t.Error(err)
		}
		b.press("Refuse Kade").want(200, "/admin/followers").lacks("asks to follow you")
		b.press("Find", "q", "bra").want(200, "/admin/followers?q=bra").sees("Bram")
		b.press("Find", "q", "zzz").sees("No follower has a name or handle that begins so")
		b.open("/admin/followers").press("Remove Bram").want(200, "/admin/followers").sees("Nobody follows you yet.")
		if n, err := o.store.CountFollowers(t.Context(), ilse.ID); err != nil || n.Accepted+n.Pending != 0 {
			t.Errorf("%+v (%v)", n, err)
		}
		b.post("/admin/followers", "application/x-www-form-urlencoded",
			strings.NewReader("answer=accept&actor=https://nobody.example/x"), "Sec-Fetch-Site", "same-origin")
		b.want(404, "/admin/followers")
	})
}

func TestTheReportSaysWhoRefusedAndTriesAgain(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis, zilverduin, dijla := o.server("veerhuis"), o.server("zilverduin"), o.server("dijla")
		o.befriend(veerhuis.Person("bram"), "ilse")
		o.befriend(zilverduin.Person("kade"), "ilse")
		o.befriend(dijla.Person("deniz"), "ilse")
		for server, mood := range map[*fedtest.Server]fedtest.Behaviour{zilverduin: fedtest.Refusing(403),
			dijla: fedtest.Refusing(503)} {
			if err := server.SetBehaviour(mood); err != nil {
				t.Fatal(err)
			}
		}
		b := o.signIn("ilse")
		a := o.published(b, "open")
		report := "/admin/articles/" + string(a.ID) + "/report"
		o.until("the report knows all three", func() bool {
			text := b.open(report).text()
			return strings.Contains(text, "1 of 3 servers has it; 1 refused it; 1 has had problems")
		})
		b.sees("Problems", zilverduin.Host, "refused", "403", dijla.Host, "try 2", "503", "1 delivered", "1 trying again",
			"1 refused")
		o.until("the admin says so", func() bool {
			return strings.Contains(b.open("/admin").text(),
				"except to one server that is silent")
		})
		b.open("/admin/network").sees(dijla.Host, "1 of 3 servers has it; 1 refused it; 1 has had problems since ",
			" today",
			"Silent once")
		for _, server := range []*fedtest.Server{zilverduin, dijla} {
			if err := server.SetBehaviour(fedtest.Healthy()); err != nil {
				t.Fatal(err)
			}
		}
		b.open(report).press("Retry now: "+zilverduin.Host).want(200, report).sees("Trying again now.")
		o.until("zilverduin has it", func() bool {
			return strings.Contains(b.open(report).text(),
				"2 of 3 servers have it; 1 has had problems")
		})
		b.press("Retry all now").want(200, report)
		o.until("all have it", func() bool { return strings.Contains(b.open(report).text(), "All 3 servers have it.") })
		b.open("/admin").sees("Everything that was to be sent is delivered.", "Four minutes wide", "of 3 servers have it")
	})
}

func TestProfileAndSettingsAreChanged(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/profile")
		b.press("Save", "name", " ", "bio", "Walks.", "field-name-0", "Website").want(422,
			"/admin/profile").sees("The name is missing.", "half empty")
		if strings.TrimSpace(b.field("bio")) != "Walks." || b.field("field-name-0") != "Website" {
			t.Error("the form lost words")
		}
		b.press("Save", "name", "Ilse V.", "bio", "Walks.\n\nRows.", "field-value-0", "https://ilse.example/",
			"shows", "yes", file{"portrait", "ilse.png", drawing(90, 90, 120)}).want(200, "/admin/profile")
		got, err := o.store.Author(t.Context(), ilse.ID)
		if err != nil || got.Name != "Ilse V." || got.Summary != "Walks.\n\nRows." || len(got.Fields) != 1 ||
			!got.ShowsFollowers || got.Role != blog.Admin {
			t.Errorf("saved as %+v (%v)", got, err)
		}
		if b.open("/media/" + got.Picture); b.status != 200 || b.header.Get("Content-Type") != "image/png" {
			t.Errorf("the picture answers %d %s", b.status, b.header.Get("Content-Type"))
		}
		b.open("/admin/profile").press("Save", "no-portrait", "yes")
		if got, err := o.store.Author(t.Context(), ilse.ID); err != nil || got.Picture != "" {
			t.Errorf("picture %q (%v)", got.Picture, err)
		}
		b.open("/admin/settings").press("Save", "name", "Aan de overkant", "language", "tlhingan!", "zone",
			"Mars/Olympus").want(422, "/admin/settings")
		b.sees("The language is not one that is known.", "The time zone is not one that is known.")
		if b.field("name") != "Aan de overkant" || b.field("zone") != "Mars/Olympus" {
			t.Error("the form lost words")
		}
		b.press("Save", "language", "nl", "zone", "Europe/Brussels").want(200, "/admin/settings").sees("Saved.",
			"Aan de overkant")
		if site, err := o.store.Site(t.Context()); err != nil || site.Name != "Aan de overkant" ||
			site.Timezone != "Europe/Brussels" || site.Language != "nl" {
			t.Errorf("saved as %+v (%v)", site, err)
		}
		b.open("/admin/more").sees("Sign out", "Pictures")
	})
}

func TestMissingRepliesAreFetchedFromTheReport(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		a := o.published(b, "open")
		report := "/admin/articles/" + string(a.ID) + "/report"
		b.open(report).sees("Replies on other servers", "Nobody has replied yet")
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		said, err := bram.Reply(o.soon(), o.site.ArticleID(a.ObjectID), "<p>Is it still rowed?</p>")
		if err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Reply(o.soon(), said.Object, "<p>It is.</p>"); err != nil {
			t.Fatal(err)
		}
		b.open(report).sees("The other servers have not been asked yet.", "automatically, next time today")
		b.press("Fetch missing replies").want(200, report)
		o.until("the report tells what came of it",
			func() bool { return strings.Contains(b.open(report).text(), "1 new comment.") })
		b.sees("Asked 2 servers: 1 new comment. That was today")
		b.press("Fetch missing replies").want(200, report).sees("1 new comment.") // not again within a minute
		o.author("maud", "Maud Terpstra", blog.Writer)
		if stranger := o.signIn("maud"); stranger.open(report).status != 404 {
			t.Errorf("another author sees the report: %d", stranger.status)
		}
		b.open("/admin/articles/new").press("Save", "title", "A draft", "text", prose)
		b.open(b.at.Path + "/report").lacks("Replies on other servers")
	})
}

func TestQuotesAreListedAndTheirPermissionIsRevoked(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		bram, kade := o.server("veerhuis").Person("bram"), o.server("zilverduin").Person("kade")
		b := o.signIn("ilse")
		a := o.published(b, "open")
		object := o.site.ArticleID(a.ObjectID)
		sent, err := bram.RequestQuote(o.soon(), object, "<p>Get out and stand at the rail.</p>")
		if err != nil {
			t.Fatal(err)
		}
		o.until("bram may quote", func() bool { state, _ := bram.Permission(sent.Object); return state == fedtest.Accepted })
		if _, err := bram.SendCreate(o.soon(), sent.Object, o.site.SharedInbox()); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.Post(o.soon(), `<p>Read <a href="`+o.site.ArticlePage(a)+`">this</a>.</p>`,
			fedtest.Mention(o.site.ActorID(a.VoiceID))); err != nil {
			t.Fatal(err)
		}
		if _, err := kade.React(o.soon(), object, "⛴️"); err != nil {
			t.Fatal(err)
		}
		o.until("the admin counts both", func() bool {
			return strings.Contains(b.open("/admin").text(),
				"mentions elsewhere")
		})
		b.sees("⛴️ 1", "favourite 1")
		b.open("/admin/comments?tab=published").sees("quotes this article", "Get out and stand at the rail.",
			"mentions this article", "Read this.")
		if got := strings.Count(b.source, "Permission …"); got != 1 {
			t.Errorf("%d posts have a permission to be taken back, want that which asked", got)
		}
		quote, err := o.store.CommentByAddress(t.Context(), sent.Object)
		if err != nil {
			t.Fatal(err)
		}
		b.open("/admin/comments/" + string(quote.ID)).sees("This post quotes the article with your permission.")
		b.press("Revoke the permission").want(200, "/admin/comments?").sees("The permission is revoked.")
		o.until("its server knows", func() bool { state, _ := bram.Permission(sent.Object); return state == fedtest.Revoked })
		if got := o.state(quote.ID); got != blog.CommentHidden {
			t.Errorf("the quote is %s", got)
		}
		b.open("/admin/comments/" + string(quote.ID)).lacks("with your permission")
		b.post("/admin/comments/"+string(quote.ID)+"/revoke", "application/x-www-form-urlencoded", strings.NewReader(""),
			"Sec-Fetch-Site", "same-origin")
		b.want(409, "/admin/comments/")
		b.open("/admin/comments?tab=published").press("Hide Kade").want(200, "/admin/comments?")
		counts, err := o.store.Counts(t.Context(), []blog.ID{a.ID})
		if err != nil || counts[a.ID].Mentions != 0 {
			t.Errorf("counted are %+v (%v)", counts[a.ID], err)
		}
	})
}
