package admin_test

import (
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

const prose = `Below the third lock the dike bends away from the river.

## What you put away

There is a drill.`

func TestAnArticleIsWrittenAndSaved(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		b := o.signIn("ilse").open("/admin/articles/new").want(200, "/admin/articles/new").sees("Not saved yet",
			"There is no title yet")
		b.press("Save", "title", "A house that\nfloats on Sundays", "text", prose, "summary",
			"Two sisters, six days of dry land.", "tags", "rivers, #Houses, rivers",
			"series", "The Low Road", "part", "2", "planned", "5", "byline", "@tobias\nNadia Brandt https://noordkade.example\n",
			"comments", "approve")
		b.want(200, "/admin/articles/").sees("Saved today", "19 words, 1 minute", "Ready to publish")
		a := o.only()
		if a.Title != "A house that floats on Sundays" || a.Markdown != prose ||
			strings.Join(a.Tags, "|") != "rivers|Houses" || a.Comments != blog.Approve || a.Part != 2 {
			t.Errorf("saved as %+v", a)
		}
		if !strings.Contains(a.HTML, "<h2") || a.WordCount != 19 || a.Status != blog.Draft {
			t.Errorf("%d words, %s: %s", a.WordCount, a.Status, a.HTML)
		}
		if len(a.Authors) != 3 || a.Authors[1].Handle != "tobias" || a.Authors[2].Name != "Nadia Brandt" ||
			a.Authors[2].URL != "https://noordkade.example" {
			t.Errorf("by-line %+v", a.Authors)
		}
		if a.SeriesID != "" || a.SeriesTitle != "The Low Road" || a.SeriesSlug != "the-low-road" || a.SeriesPlanned != 5 {
			t.Errorf("its series is %q %q at %q with %d parts", a.SeriesID, a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned)
		}
		for name, want := range map[string]string{"title": a.Title, "text": "\n" + prose, "tags": "rivers, Houses",
			"series": "The Low Road", "part": "2", "planned": "5",
			"byline": "\n@tobias\nNadia Brandt https://noordkade.example\n", "comments": "approve"} {
			if got := b.field(name); strings.TrimPrefix(got, "\n") != strings.TrimPrefix(want, "\n") {
				t.Errorf("the field %s holds %q, want %q", name, got, want)
			}
		}
		b.press("Save", "text", prose+"\n\nOn Sundays it floats.").want(200, "/admin/articles/"+string(a.ID))
		if kept, err := o.store.Revisions(t.Context(), a.ID); err != nil || len(kept) != 2 || kept[1].Markdown != prose ||
			kept[0].Author != "ilse" {
			t.Errorf("revisions %+v (%v)", kept, err)
		}
		b.open("/admin/articles?tab=drafts").sees("Drafts 1", "A house that floats on Sundays")
		b.open("/admin").sees("Continue writing", "A house that floats on Sundays")
		b.open("/admin/articles/" + string(a.ID) + "/publish").press("Publish as chosen").sees("Published")
		a = o.only()
		if s, err := o.store.SeriesBySlug(t.Context(), "the-low-road"); err != nil || s.Title != "The Low Road" ||
			s.Language != "en" || s.Planned != 5 || s.ID != a.SeriesID {
			t.Errorf("series %+v (%v)", s, err)
		}
		if a.SeriesTitle+a.SeriesSlug != "" || a.SeriesPlanned != 0 {
			t.Errorf("published, it wishes for %q at %q with %d parts", a.SeriesTitle, a.SeriesSlug, a.SeriesPlanned)
		}
	})
}

func TestBadInputComesBackUnchanged(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		long := strings.Repeat("een heel lange titel ", 20)
		b.press("Save", "title", long, "text", prose+" <script>", "language", "klingons!", "slug", "Not A Slug", "series",
			"The Low Road", "part", "two",
			"byline", "@nobody", "summary", `"quoted" & </textarea><b>bold`)
		b.want(422, "/admin/articles/").sees("The language is not one that is known.", "The part must be a number.",
			"names “@nobody”, who is no author of this blog", "Not saved yet")
		for name, want := range map[string]string{"title": strings.TrimSpace(long), "text": prose + " <script>",
			"language": "klingons!", "slug": "Not A Slug",
			"series": "The Low Road", "part": "two", "byline": "@nobody", "summary": `"quoted" & </textarea><b>bold`} {
			if got := strings.TrimPrefix(b.field(name), "\n"); got != want {
				t.Errorf("the field %s came back as %q, want %q", name, got, want)
			}
		}
		if n, err := o.store.CountArticles(t.Context(), store.ArticleFilter{}); err != nil || n != 0 {
			t.Errorf("%d articles were saved (%v)", n, err)
		}
		b.press("Save", "title", "Short", "language", "nl", "slug", "Not A Slug", "part", "2", "byline", "").want(422,
			"/admin/articles/").sees("The address may have only lowercase letters")
		b.press("Save", "slug", "a-slug").want(200, "/admin/articles/")
	})
}

func TestATotalThatIsNotTypedStaysAndAPartNeedsASeries(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Save", "title", "One", "text", prose, "series", "Bridges", "part", "1", "planned", "3").want(200,
			"/admin/articles/")
		total := func(want int) {
			t.Helper()
			if s, err := o.store.SeriesBySlug(t.Context(), "bridges"); err != nil || s.Planned != want {
				t.Errorf("series %+v (%v), want %d parts", s, err, want)
			}
		}
		wish := func(want string) {
			t.Helper()
			if got := b.field("planned"); got != want {
				t.Errorf("the form says %q parts, want %q", got, want)
			}
		}
		b.press("Save", "planned", "").want(200, "/admin/articles/")
		wish("3")
		b.press("Publish…").press("Publish as chosen").sees("Published")
		total(3)
		b.open("/admin/articles/new").press("Save", "title", "Two", "text", prose, "series", "bridges", "part", "2",
			"planned", "").want(200, "/admin/articles/")
		wish("3")
		b.press("Save", "planned", "4").want(200, "/admin/articles/")
		wish("4")
		total(3)
		b.press("Save", "planned", "").want(200, "/admin/articles/")
		wish("4")
		b.press("Publish…").press("Publish as chosen").sees("Published.")
		total(4)
		path := strings.TrimSuffix(b.at.Path, "/report")
		b.open(path).press("Save and send", "planned", "").want(200, path)
		total(4)
		b.press("Save and send", "planned", "6").want(200, path)
		total(6)
		b.open("/admin/articles/new").press("Save", "title", "Three", "text", prose, "series", "bridges", "part",
			"3").want(200, "/admin/articles/")
		b.press("Save", "series", "", "part", "2", "text", "Kept words.").want(422,
			"/admin/articles/").sees("The part needs a series.", "Kept words.")
		if got := b.field("part"); got != "2" {
			t.Errorf("the part came back as %q", got)
		}
		b.press("Save", "part", "").want(200, "/admin/articles/")
	})
}

func TestTwoWindowsLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		here := o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", "First words.")
		there := o.signIn("ilse").open(here.at.Path)
		there.press("Save", "text", "Their words.").want(200, "/admin/articles/")
		here.press("Save", "text", "My words.").want(409, "/admin/articles/")
		here.sees("It was changed elsewhere", "Their words.", "Not saved: changed elsewhere")
		if got := strings.TrimSpace(here.field("text")); got != "My words." {
			t.Errorf("the form lost my words: %q", got)
		}
		if got := o.only().Markdown; got != "Their words." {
			t.Errorf("their words were overwritten: %q", got)
		}
		here.press("Save").want(200, "/admin/articles/")
		if got := strings.TrimSpace(o.only().Markdown); got != "My words." {
			t.Errorf("saved %q", got)
		}
		kept, err := o.store.Revisions(t.Context(), o.only().ID)
		if err != nil || len(kept) != 3 || kept[1].Markdown != "Their words." {
			t.Errorf("their words are not among the revisions: %+v (%v)", kept, err)
		}
	})
}

func TestNoButtonOfTheEditorLosesText(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", "First words.")
		editor := "/admin/articles/" + string(o.only().ID)
		b.open(editor).press("Translate", "into", "nl", "text", "Second words.").want(200, editor+"/texts/nl")
		b.press("Save as a draft", "title", "Een huis", "text", "Woorden.")
		for _, way := range []struct{ button, typed, to string }{{"Nederlands", "Third words.", editor + "/texts/nl"},
			{"Library", "Fourth words.", "/admin/pictures"},
			{"Delete it …", "Fifth words.", editor + "/withdraw"}, {"Publish…", "Sixth words.", editor + "/publish"},
			{"←Articles", "Last words.", "/admin/articles?tab=drafts"}} {
			b.open(editor).press(way.button, "text", way.typed).want(200, way.to)
			if got := o.only().Markdown; got != way.typed {
				t.Errorf("%s left the text at %q", way.button, got)
			}
		}
		b.open(editor).press("Translate", "into", "de", "text", "Words.", "language", "klingons!").want(422,
			editor).sees("The language is not one that is known.", "go there without saving")
		if b.field("into") != "de" || strings.TrimSpace(b.field("text")) != "Words." {
			t.Errorf("the form came back with %q for %q", b.field("text"), b.field("into"))
		}
		b.press("Save", "language", "en").want(200, editor+"/texts/de") // for that is where it was to lead
		// A published article is not saved by a button that leads elsewhere: readers would get it.
		b.open(editor + "/publish").press("Publish as chosen")
		for _, button := range []string{"Deliveries", "Nederlands", "Withdraw it …", "←Articles"} {
			b.open(editor).press(button, "text", "Seventh words.").want(422, editor).sees("Your changes are not saved yet.",
				"go there without saving")
			if got := strings.TrimSpace(b.field("text")); got != "Seventh words." || o.only().Markdown != "Words." {
				t.Errorf("after %s the form says %q and the article %q", button, got, o.only().Markdown)
			}
		}
		b.open(editor).press("Deliveries").want(200, editor+"/report")
		b.open(editor).press("←Articles").want(200, "/admin/articles?tab=published")
		b.open("/admin/articles/new").press("←Articles").want(200, "/admin/articles?tab=drafts").sees("Drafts 0")
	})
}

func TestUndoInTheEditorKeepsWhatWasTypedSince(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/account").press("Save", "hold", "300")
		b.open("/admin/articles/new").press("Publish…", "title", "A house", "text", "First words.").press("Publish as chosen")
		editor := "/admin/articles/" + string(o.only().ID)
		b.open(editor).press("Undo", "text", "Second words.").want(200, editor).sees("Undone before it was sent", "not saved")
		if got := strings.TrimSpace(b.field("text")); got != "Second words." || o.only().Status != blog.Draft {
			t.Errorf("the form says %q of an article that is %s", got, o.only().Status)
		}
	})
}

func TestAWholeTextIsShownAsMastodonKeepsIt(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Add to the text", "title", "A house", "text", prose+"\n\n> It floats.\n\n- one\n", "upload-alt", "The bend",
			file{"upload", "bend.png", drawing(60, 30, 90)})
		b.press("Publish…").want(200, "/admin/articles/")
		for _, want := range []string{"<p>Below the third lock the dike bends away from the river.</p>",
			"<p><strong>What you put away</strong></p>", "<blockquote><p>It floats.</p></blockquote>",
			"<li>one</li>", "alt=\"The bend\""} {
			if !strings.Contains(strings.Join(strings.Fields(b.source), " "), want) {
				t.Errorf("the card lacks %s:\n%s", want, b.source)
			}
		}
	})
}

func TestTheEditorAndThePublishPageOfferTheSameAudiences(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").sees("Public Unlisted Followers only Only here")
		b.press("Publish…", "title", "A house", "text", prose).sees("Public", "Unlisted", "Followers only", "Only here",
			"Publish as chosen")
	})
}

func TestAnUnchangedEditorSavesNoDraft(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new?in-reply-to=https%3A%2F%2Fveerhuis.example%2Fnotes%2F1")
		for _, button := range []string{"Save", "Publish…"} {
			b.press(button).want(422, "/admin/articles/").sees("There is nothing to save yet.", "Not saved yet")
		}
		if n, err := o.store.CountArticles(t.Context(), store.ArticleFilter{}); err != nil || n != 0 {
			t.Errorf("%d articles were saved (%v)", n, err)
		}
		b.press("Save", "title", "A house").want(200, "/admin/articles/").sees("Saved today")
	})
}

func TestEarlierVersionsAreReadAndRestored(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		b := o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", "First words.")
		editor := "/admin/articles/" + string(o.only().ID)
		b.press("Save", "title", "Another house", "text", "Second words.")
		b.open(editor+"/texts/nl").press("Save as a draft", "title", "Een huis", "text", "Woorden.")
		b.open(editor + "/texts/nl").press("Remove the translation")
		b.open(editor).press("Earlier versions").want(200, editor+"/versions").sees("saved by @ilse 2 words “ A house”",
			"Nederlands 1 word “ Een huis”")
		b.open(editor+"/versions/en/1").sees("A house", "First words.").lacks("Second words.")
		b.open(editor+"/versions/en/3").want(404, editor)
		o.signIn("tobias").open(editor+"/versions/en/1").want(404, editor)
		b.open(editor + "?version=1").sees("Not saved: the version of today")
		if got := strings.TrimSpace(b.field("text")); got != "First words." || o.only().Markdown != "Second words." {
			t.Errorf("the form holds %q, the article %q", got, o.only().Markdown)
		}
		b.press("Save").want(200, editor)
		if a := o.only(); a.Title != "A house" || a.Markdown != "First words." {
			t.Errorf("saved is %q: %q", a.Title, a.Markdown)
		}
		b.open(editor+"/texts/nl?version=1").press("Save as a draft").want(200, editor+"/texts/nl")
		if got, err := o.store.Translation(t.Context(), o.only().ID, "nl"); err != nil || got.Markdown != "Woorden." {
			t.Errorf("the translation is %+v (%v)", got, err)
		}
	})
}

func TestTheSameFormTwiceIsOneArticle(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		form, button := b.button("Save")
		values := b.collect(form, button, map[string]string{"title": "A house", "text": "It floats."})
		b.send(form, values, nil).want(200, "/admin/articles/")
		b.send(form, values, nil).want(200, "/admin/articles/")
		o.only()
	})
}

func TestAnEndedSessionKeepsTheForm(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		ilse := o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		if err := o.store.EndSessions(t.Context(), ilse.ID, ""); err != nil {
			t.Fatal(err)
		}
		b.press("Save", "title", "A house", "text", "Line one.\n\nLine \"two\" & </textarea>.").want(401,
			"/admin/articles/").sees("Your session has ended")
		b.press("Sign in", "user", "ilse", "pass", "a wrong guess").want(401, "/login").
			sees("The name or the password is wrong")
		b.press("Sign in", "user", "ilse", "pass", password).want(200, "/login").sees("What you wrote is still here")
		b.press("Send it again").want(200, "/admin/articles/").sees("Saved today")
		if a := o.only(); a.Title != "A house" || a.Markdown != "Line one.\n\nLine \"two\" & </textarea>." {
			t.Errorf("kept %q: %q", a.Title, a.Markdown)
		}
	})
}

func TestThePreviewShowsWhatReadersWillSeeAndSavesNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", "First words.")
		b.press("Preview", "text", "## A heading\n\nOther *words*. <script>alert(1)</script>").want(200,
			"/admin/articles/").sees("Preview", "not saved", "A heading", "Other words.")
		if strings.Contains(b.source, "<script>alert") {
			t.Error("a script reached the preview")
		}
		if got := o.only().Markdown; got != "First words." {
			t.Errorf("the preview saved %q", got)
		}
		b.press("Continue writing").want(200, "/admin/articles/").sees("Not saved yet")
		if got := strings.TrimSpace(b.field("text")); got != "## A heading\n\nOther *words*. <script>alert(1)</script>" {
			t.Errorf("the words came back as %q", got)
		}
		b.press("Preview").press("Save").want(200, "/admin/articles/").sees("Saved today")
		if got := o.only().Markdown; !strings.Contains(got, "Other *words*") {
			t.Errorf("saved %q", got)
		}
	})
}

func TestThePreviewSpeaksTheLanguageOfTheArticle(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Preview", "title", "Een huis", "text", "Het drijft.", "language", "nl").want(200,
			"/admin/articles/").sees("1 minuut", "Continue writing")
	})
}

func TestThePagesOfANewBlogAreTrue(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin").sees("Nothing is published yet.").lacks("is delivered")
		b.open("/admin/network").sees("Nothing was sent yet.")
		b.open("/admin/articles/new").press("Publish…", "title", "A house", "text",
			"Floats.").sees("sent to nobody yet: you have no followers")
		b.press("Publish as chosen").sees("Published: your first article!", "There is nobody to send it to yet")
		b.open("/admin").sees("Nobody follows you yet.")
		b.open("/admin/articles").sees("1 word ").lacks("1 words")
	})
}

func TestTheCursorIsWhereOneGoesOn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		focus := func(b *browser) string {
			for n := range b.page.Descendants() {
				if _, has := attribute(n, "autofocus"); has {
					return value(n, "name") + value(n, "role")
				}
			}
			return ""
		}
		form := o.browser().open("/login")
		sheet := o.signIn("ilse").open("/admin/articles/new")
		for _, step := range []struct{ where, want, got string }{
			{"the sign-in form", "user", focus(form)},
			{"after a wrong password", "pass", focus(form.press("Sign in", "user", "ilse", "pass", "not the password"))},
			{"a new article", "title", focus(sheet)},
			{"a form with a mistake in it", "alert", focus(sheet.press("Save", "title", "A house", "language", "klingons!"))},
			{"an article with words", "", focus(sheet.press("Save", "language", "nl"))},
		} {
			if step.got != step.want {
				t.Errorf("%s: the cursor is in %q, want %q", step.where, step.got, step.want)
			}
		}
	})
}

func TestPicturesAreAddedToTheTextAndTheTop(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Add to the text", "title", "A house", "text", "It floats.").want(422,
			"/admin/articles/").sees("No file was chosen.", "Not saved yet")
		b.press("Add to the text", "title", "A house", "text", "It floats.", "upload-alt", "The house [in] the bend",
			file{"upload", "The house.png", drawing(600, 300, 90)})
		b.want(200, "/admin/articles/")
		a := o.only()
		if !strings.Contains(a.Markdown, "![The house (in) the bend](The-house.png)") ||
			!strings.Contains(a.HTML, `<img src="/media/`) || !strings.Contains(a.HTML, "480w") {
			t.Errorf("the text is %q: %s", a.Markdown, a.HTML)
		}
		b.press("Save", file{"hero", "evil.svg", `<svg onload="alert(1)">`}, "text", a.Markdown+"\n\nMore words.").want(422,
			"/admin/articles/").sees("is an SVG drawing")
		if !strings.Contains(b.field("text"), "More words.") {
			t.Error("a refused picture took words with it")
		}
		b.press("Save", file{"hero", "water.png", drawing(500, 200, 30)}, "picture-alt", "Water").want(200,
			"/admin/articles/")
		a = o.only()
		if a.PictureID == "" || a.PictureAlt != "Water" {
			t.Errorf("head picture %q, %q", a.PictureID, a.PictureAlt)
		}
		b.press("Save", "text", "![](not-there.jpg)").want(200,
			"/admin/articles/").sees("The picture “not-there.jpg” is not in the library", "One thing to fix")
		b.press("Publish…").press("Publish as chosen").want(422,
			"/admin/articles/").sees("shows “not-there.jpg”, which is not in the library")
		b.open("/admin/articles/"+string(a.ID)).press("Save", "no-picture", "yes").want(200, "/admin/articles/")
		if a = o.only(); a.PictureID != "" {
			t.Errorf("the head picture stayed: %q", a.PictureID)
		}
		b.open("/admin/pictures").sees("1 picture has no description yet", "The-house.png", "water.png")
		b.press("Save the description for water.png", "alt", "The river at dusk").want(200,
			"/admin/pictures").sees("The description is saved").lacks("no description yet")
		b.press("Add", file{"upload", "page.html", "<!doctype html>"}).want(422, "/admin/pictures").sees("is a web page")
		b.press("Add", "alt", "A chair", file{"upload", "chair.png", drawing(10, 10, 200)}).want(200,
			"/admin/pictures").sees("chair.png")
	})
}

func TestAnArticleIsPublishedChangedAndWithdrawn(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		veerhuis := o.server("veerhuis")
		o.befriend(veerhuis.Person("bram"), "ilse")
		o.befriend(veerhuis.Person("nadia"), "ilse")
		b := o.signIn("ilse").open("/admin/articles/new")
		b.press("Publish…", "text", prose).want(200, "/admin/articles/").sees("There is no title yet")
		b.press("Publish as chosen").want(422, "/admin/articles/").sees("The title is missing.", "Give the article a title.")
		b.open("/admin/articles?tab=drafts").open("/admin/articles/" + string(o.only().ID))
		b.press("Publish…", "title", "Four minutes wide", "summary", "On the last rowed ferry.").want(200, "/admin/articles/")
		b.sees("sent to 2 followers on 1 server", "Public", "Only here", "See it as Mastodon shows it", "Europe/Amsterdam",
			"four-minutes-wide")
		b.press("Publish as chosen", "when", "later", "date", "2001-01-01T10:00").want(422,
			"/admin/articles/").sees("There is a problem: The time has passed.")
		b.press("Publish as chosen", "when", "now", "format", "note-teaser").want(200,
			"/admin/articles/").sees("your first article!")
		a := o.only()
		if a.Status != blog.Published || a.Format != blog.TeaserNote || a.Slug != "four-minutes-wide" {
			t.Errorf("published as %s %s %q", a.Status, a.Format, a.Slug)
		}
		report := b.at.Path
		o.until("the report says delivered", func() bool {
			return strings.Contains(b.open(report).text(),
				"The one server has it.")
		})
		b.sees(veerhuis.Host, "2 followers", "Published (Create)", "1 delivered", `"type": "Create"`)

		b.open("/admin/articles/"+string(a.ID)).press("Save and send", "text",
			prose+"\n\nThirty-three, not thirty-two.").want(200, "/admin/articles/").sees("is being sent to the servers")
		o.until("the change is delivered", func() bool { return len(veerhuis.Received("Update")) > 0 })
		b.press("Save and send", "format", "article").want(422,
			"/admin/articles/").sees("The format cannot change once published.")

		b.open("/admin/articles/"+string(a.ID)+"/withdraw").sees("1 server will be asked at once",
			"cannot be undone").press("Withdraw").want(200, "/admin/articles?tab=withdrawn").sees("Four minutes wide")
		o.until("the removal is delivered", func() bool { return len(veerhuis.Received("Delete")) > 0 })
		o.until("the report says so", func() bool {
			return strings.Contains(b.open(report).text(), "The one server accepted the request to delete it.")
		})
		b.open("/admin/articles/"+string(a.ID)+"/publish").press("Publish as chosen").want(200, report).lacks("your first")
		b.open("/admin/articles/"+string(a.ID)+"/withdraw").press("Delete").want(200,
			"/admin/articles?tab=deleted").sees("Deleted 1")
		b.open("/admin/articles/"+string(a.ID)).want(410, "/admin/articles/")
	})
}

func TestAnArticleIsScheduledAndUnscheduled(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").press("Publish…", "title", "A house", "text", prose)
		amsterdam, err := time.LoadLocation("Europe/Amsterdam")
		if err != nil {
			t.Skip("no time zones on this machine")
		}
		at := time.Now().In(amsterdam).AddDate(0, 0, 3).Truncate(time.Minute)
		said := at.Format("on 2 January at 15:04")
		b.press("Publish as chosen", "when", "later", "date", "tomorrow").want(422,
			"/admin/articles/").sees("The time is not understood.")
		b.press("Publish as chosen", "when", "later", "date", at.Format("2006-01-02T15:04")).want(200,
			"/admin/articles/").sees("Scheduled. It is published automatically.",
			"It will be published "+said+". Nothing was sent yet.")
		if a := o.only(); a.Status != blog.Scheduled || !a.ScheduledAt.Equal(at) {
			t.Errorf("%s at %v, want %v", a.Status, a.ScheduledAt, at)
		}
		b.open("/admin/articles?tab=scheduled").sees("A house", "Scheduled 1", "to be published "+said, "Change the time …")
		b.open("/admin/articles/" + string(o.only().ID) + "/publish")
		if b.field("date") != at.Format("2006-01-02T15:04") {
			t.Errorf("the form says %q", b.field("date"))
		}
		b.open("/admin").sees("Nothing is published yet. The first article is to be published "+said+".",
			"Scheduled A house to be published "+said).lacks("Write the first article")
		editor := "/admin/articles/" + string(o.only().ID)
		draft := func(page string) {
			t.Helper()
			if a := o.only(); a.Status != blog.Draft || a.ScheduledAt != nil {
				t.Errorf("taken off the schedule from %s it is %s, %v", page, a.Status, a.ScheduledAt)
			}
		}
		for _, page := range []string{"/publish", "/report"} {
			b.open(editor+page).press("Cancel the publication").want(200, editor).sees("It is a draft again.")
			draft(page)
			b.open(editor+"/publish").press("Publish as chosen", "when", "later", "date", at.Format("2006-01-02T15:04"))
		}
		b.open(editor).sees("to be published "+said, "Change the time…").press("Cancel the publication", "text",
			prose+" And a saw.").want(200, editor).sees("It is a draft again.")
		draft("the editor")
		if a := o.only(); !strings.HasSuffix(a.Markdown, "And a saw.") {
			t.Errorf("the editor's words were left behind: %q", a.Markdown)
		}
	})
}

func TestWhatAPublishPageDidNotShowIsNotPublished(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").press("Publish…", "title", "A house", "text", prose)
		other := o.signIn("ilse").open("/admin/articles/" + string(o.only().ID))
		other.press("Save", "text", "Something else altogether.")
		b.press("Publish as chosen").want(409, "/admin/articles/").sees("The article was changed since you opened this page.")
		if a := o.only(); a.Status != blog.Draft {
			t.Errorf("it is %s", a.Status)
		}
		b.press("Publish as chosen").want(200, "/admin/articles/").sees("nobody to send it to")
	})
}

func TestATakenAddressIsRefusedAndAFreeOneOffered(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse")
		b.open("/admin/articles/new").press("Publish…", "title", "A house", "text",
			prose).press("Publish as chosen").want(200, "/admin/articles/")
		b.open("/admin/articles/new").press("Publish…", "title", "Another", "text", prose, "slug",
			"a-house").sees("“a-house-2” is free")
		b.press("Publish as chosen").want(422, "/admin/articles/").sees("belongs to another article", "a-house-2")
		b.open("/admin/articles/new").press("Publish…", "title", "A house", "text", prose).sees("/a-house-2")
		b.press("Publish as chosen").want(200, "/admin/articles/")
		if _, err := o.store.ArticleBySlug(t.Context(), "a-house-2"); err != nil {
			t.Errorf("the second of that title: %v", err)
		}
	})
}

func TestArticlesArePinnedFromTheirList(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", prose)
		b.open("/admin/articles?tab=drafts").lacks("Pin A house")
		b.open("/admin/articles/" + string(o.only().ID) + "/publish").press("Publish as chosen")
		b.open("/admin/articles").press("Pin A house").want(200, "/admin/articles").sees("Pinned: it is first", "pinned")
		b.press("Unpin A house").want(200, "/admin/articles").sees("Unpinned", "Pin A house")
	})
}

func TestF032AContentWarningAsksForANoteAndMakesItSensitive(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		b := o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", prose, "warning",
			"High water")
		b.sees("A content warning needs one of the Note formats")
		path := "/admin/articles/" + string(o.only().ID) + "/publish"
		b.open(path).press("Publish as chosen", "format", "article").want(422, path)
		if a := o.only(); a.Status != blog.Draft {
			t.Fatalf("it is %s all the same", a.Status)
		}
		b.press("Publish as chosen", "format", "note-teaser").want(200, "/admin/articles/")
		object, err := o.store.Object(t.Context(), o.only().ObjectID)
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{`"type":"Note"`, `"summary":"High water"`, `"sensitive":true`} {
			if !strings.Contains(string(object.Payload), want) {
				t.Errorf("it lacks %s: %s", want, object.Payload)
			}
		}
	})
}
