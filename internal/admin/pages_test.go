package admin_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"

	"causerie/internal/blog"
	"causerie/internal/fedtest"
	"causerie/templates"
)

// before checks that the source of a page has some texts in this order.
func (b *browser) before(texts ...string) {
	b.t.Helper()
	rest := b.source
	for _, text := range texts {
		_, after, found := strings.Cut(rest, text)
		if !found {
			b.t.Errorf("%s does not have %q, in the order %q", b.at.Path, text, texts)
			return
		}
		rest = after
	}
}

func TestTheActsOnACommentAreOnItsOwnPageToo(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		bram := o.server("veerhuis").Person("bram")
		b := o.signIn("ilse")
		a := o.published(b, "approve")
		if _, err := bram.Reply(o.soon(), o.site.ArticleID(a.ObjectID), "<p>Every four minutes.</p>"); err != nil {
			t.Fatal(err)
		}
		o.until("the comment waits", func() bool { return strings.Contains(b.open("/admin").text(), "One comment waits") })
		b.open(b.link("Open Bram’s comment")).before("Every four minutes.", "Approve", "Hide", "Spam",
			`id="answer"`)
		b.press("Approve Bram").want(200, "/admin/comments").sees("Approved")
	})
}

func TestAPictureWithoutADescriptionIsToldWhereverItIsMissing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		const missing = "The picture at the top has no description for people who cannot see it"
		b.press("Save", "title", "A house", "text", "It floats.", file{"hero", "house.png", drawing(500, 200, 30)}).want(200,
			"/admin/articles/").sees(missing)
		if err := o.store.DescribePicture(t.Context(), o.only().PictureID, "A house in the bend."); err != nil {
			t.Fatal(err)
		}
		b.open(b.at.Path).lacks(missing, "no description")
	})
}

func TestAPictureIsPutAfterTheBlockThatItsAuthorChooses(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Save", "title", "A house", "text", "It floats.\n\n```\na\n\nb\n```\n\nIt  *drifts*.\n").want(200,
			"/admin/articles/")
		for _, option := range []string{"After “It floats.”", "After “``` a”", "After “It *drifts*.”"} {
			if option != "After “``` a”" && !strings.Contains(b.text(), option) {
				t.Errorf("the editor does not offer %q: %s", option, b.text())
			}
		}
		b.press("Add to the text", "upload-alt", "A house", "upload-after", "It floats.",
			file{"upload", "house.png", drawing(500, 200, 30)}).want(200, "/admin/articles/")
		want := "It floats.\n\n![A house](house.png)\n\n```\na\n\nb\n```\n\nIt  *drifts*."
		if got := strings.TrimSpace(o.only().Markdown); got != want {
			t.Errorf("the text is %q, want %q", got, want)
		}
		b.press("Add to the text", "upload-alt", "Water", "upload-after", "A block that is gone",
			file{"upload", "water.png", drawing(500, 210, 60)}).want(200, "/admin/articles/")
		if got := strings.TrimSpace(o.only().Markdown); got != want+"\n\n![Water](water.png)" {
			t.Errorf("the text is %q", got)
		}
	})
}

func TestPublishBeginsWithWhatItDoesAndItsButton(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.befriend(o.server("veerhuis").Person("bram"), "ilse")
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Publish…", "title", "Four minutes wide", "text", "The ferry.").want(200, "/admin/articles/")
		b.sees("Goes out now. Public. On the front page and in the feeds; sent to 1 follower on 1 server. Sent as: Article.")
		b.before("Goes out now.", "Publish now", "<details", "Publish as chosen")
		b.before("Show me")
		b.lacks("Look")
		if strings.Contains(b.source, "open><summary>Choose for whom") {
			t.Error("the choices are open")
		}
		path := b.at.Path
		b.press("Publish as chosen", "when", "later", "date", "2001-01-01T10:00").want(422, path).before(
			"open><summary>Choose for whom")
		b.open(path).press("Publish now").want(200, "/admin/articles/")
		if a := o.only(); a.Status != blog.Published {
			t.Errorf("it is %s", a.Status)
		}
	})
}

func TestAConflictHasNoButtonThatUndoesTheOtherSave(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.befriend(o.server("veerhuis").Person("bram"), "ilse")
		b := o.signIn("ilse")
		a := o.published(b, "open")
		b.open("/admin/account").press("Save", "hold", "300")
		path := "/admin/articles/" + string(a.ID)
		one, other := o.signIn("ilse").open(path), o.signIn("ilse").open(path)
		one.press("Save and send", "text", "One.").want(200, path).sees("Undo")
		other.press("Save and send", "text", "Another.").want(409, path).sees("It was changed elsewhere").lacks("Undo")
	})
}

func TestATranslationHasItsOriginalBesideIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		a := o.published(b, "open")
		b.open("/admin/articles/"+string(a.ID)+"/texts/nl").sees("In Dutch").lacks("Nederlands").before(
			`<main id="main" class="facing">`, `class="write"`, `class="first-text"`, a.Title, `class="drawer"`)
		// A preview of what is published offers both ways to save.
		b.open("/admin/articles/"+string(a.ID)).press("Preview", "text", "Corrected.").sees("Save and send",
			"Correct quietly")
		b.press("Correct quietly").want(200, "/admin/articles/").sees("without telling readers")
		if a := o.only(); a.Markdown != "Corrected." {
			t.Errorf("the text is %q", a.Markdown)
		}
	})
}

func TestTheNetworkListsOnlyArticlesThatNotEveryServerHas(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis, dijla := o.server("veerhuis"), o.server("dijla")
		o.befriend(veerhuis.Person("bram"), "ilse")
		o.befriend(dijla.Person("deniz"), "ilse")
		b := o.signIn("ilse")
		a := o.published(b, "open")
		o.settled()
		b.open("/admin/network").sees("Everything that was to be sent is delivered.").lacks(a.Title)
		b.open("/admin").sees(a.Title, "of 2 servers have it").lacks("2 delivered")
		o.be(map[*fedtest.Server]fedtest.Behaviour{dijla: fedtest.Refusing(503)})
		b.open("/admin/articles/" + string(a.ID) + "/withdraw").press("Withdraw")
		o.settled()
		// One took the request to delete it; the other still has it.
		b.open("/admin/network").sees(a.Title, "1 of 2 servers")
		pieces := map[string]int{}
		for n := range b.page.Descendants() {
			if n.Type == html.ElementNode && n.Data == "i" && value(n.Parent, "class") == "bar" {
				pieces[value(n, "class")]++
			}
		}
		if pieces[""] != 1 || pieces["again"] != 1 || len(pieces) != 2 {
			t.Errorf("the bar is %v", pieces)
		}
		if strings.Contains(b.source, `class="st done"`) {
			t.Error("it looks as if all had done it")
		}
	})
}

func TestStylesOfTheAdmin(t *testing.T) {
	style, err := templates.FS.ReadFile("static/admin.css")
	if err != nil {
		t.Fatal(err)
	}
	for what, rule := range map[string]string{
		"the button of a reply is under its box":        ".held > details .row-acts { padding-inline-start: 0 }",
		"a translation has two columns of equal width":  ".facing { grid-template-columns: minmax(0, 1fr) minmax(0, 1fr) }",
		"on a phone the editor's buttons begin at left": ".bench .acts { margin-inline-start: 0; inline-size: 100% }",
		"on a phone the drawer's links are links":       ".drawer .tabs a { text-decoration: underline",
	} {
		if !strings.Contains(string(style), rule) {
			t.Errorf("%s: there is no rule %q", what, rule)
		}
	}
}
