package admin_test

import (
	"strings"
	"testing"

	"causerie/internal/blog"
)

func TestATranslationIsWrittenBesideTheOriginal(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.author("tobias", "Tobias Renkema", blog.Writer)
		b := o.signIn("ilse").open("/admin/articles/new").lacks("Translate into").press("Save", "title", "A house", "text",
			prose)
		a := o.only()
		editor := "/admin/articles/" + string(a.ID)
		b.open(editor).press("Translate", "into", "klingons!").want(422,
			editor).sees("The language is not one that is known.")
		b.open(editor).press("Translate", "into", "en").want(422, editor).sees("is the language of the article itself")
		nl := editor + "/texts/nl"
		b.open(editor).press("Translate", "into", "nl").want(200, nl).sees("In Dutch", "The original",
			"Below the third lock", "Not saved yet")
		b.press("Ready to publish", "title", "Een huis", "text", "", "slug", "Een Huis").want(422,
			nl).sees("The text is empty")
		if got := strings.TrimSpace(b.field("title")); got != "Een huis" {
			t.Errorf("the title came back as %q", got)
		}
		b.press("Save as a draft", "slug", "").want(200, nl).sees("Saved",
			"It is a draft: it is not published with the article.")
		b.press("Ready to publish", "text", "Onder het derde sluisje.", "translator", "Tobias Renkema").want(200,
			nl).sees("It is published with the article.")
		b.open(nl+"/preview").want(200, nl+"/preview").sees("Een huis", "Onder het derde sluisje.")
		b.open(editor).sees("Nederlands", "ready")
		bram := o.server("veerhuis").Person("bram")
		o.befriend(bram, "ilse")
		b.open(editor + "/publish").press("Publish as chosen")
		o.until("both languages are there", func() bool {
			posts := bram.HomeTimeline()
			return len(posts) == 1 && len(posts[0].Object["nameMap"].(map[string]any)) == 2
		})
		b.open(nl).press("Save and send", "title", "Een huis dat drijft").want(200, nl).sees("is being sent to the servers")
		o.until("the edit is told", func() bool { return len(bram.Server.Received("Update")) == 1 })
		if got, err := o.store.ArticleBySlug(t.Context(), "een-huis"); err != nil || got.Title != "Een huis dat drijft" ||
			got.ID != a.ID {
			t.Errorf("at its address stands %+v (%v)", got, err)
		}
		b.open(editor).press("Save and send", "text", prose+"\n\nMore.").want(200,
			editor).sees("the original has changed since")
		b.open(nl).sees("The original has changed since").press("Remove the translation").want(200,
			editor).sees("The translation is removed.").lacks("Nederlands published")
		o.signIn("tobias").open(nl).want(404, nl)
	})
}

func TestThePreviewOfATranslationLosesNoText(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", prose)
		nl := "/admin/articles/" + string(o.only().ID) + "/texts/nl"
		b := o.signIn("ilse").open(nl).press("Preview", "title", "Een huis", "text", "Het *drijft*.").want(200,
			nl).sees("Preview", "it is not saved", "Een huis", "Het drijft.")
		if list, err := o.store.Translations(t.Context(), o.only().ID); err != nil || len(list) != 0 {
			t.Errorf("the preview saved %+v (%v)", list, err)
		}
		b.press("Continue writing").want(200, nl).sees("Not saved yet")
		if got := strings.TrimSpace(b.field("text")); got != "Het *drijft*." ||
			strings.TrimSpace(b.field("title")) != "Een huis" {
			t.Errorf("the words came back as %q", got)
		}
		b.press("Save as a draft").want(200, nl).sees("Saved")
		editor := strings.TrimSuffix(nl, "/texts/nl")
		b.open(nl).press("←A house", "text", "Het zinkt.").want(200, editor)
		if got, err := o.store.Translation(t.Context(), o.only().ID, "nl"); err != nil || got.Markdown != "Het zinkt." ||
			!got.Draft {
			t.Errorf("on the way back it was kept as %+v (%v)", got, err)
		}
		b.open(nl).press("Ready to publish").press("←A house", "title", "").want(422, nl).sees("go there without saving")
		b.open(editor + "/publish").press("Publish as chosen")
		b.open(nl).press("←A house", "text", "Het drijft weer.").want(422, nl).sees("Your changes are not saved yet.")
		b.open(nl).press("←A house").want(200, editor)
	})
}

func TestTwoTranslatorsLoseNothing(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		o.author("ilse", "Ilse Verhaagen", blog.Admin)
		o.signIn("ilse").open("/admin/articles/new").press("Save", "title", "A house", "text", prose)
		nl := "/admin/articles/" + string(o.only().ID) + "/texts/nl"
		here, there := o.signIn("ilse").open(nl), o.signIn("ilse").open(nl)
		here.press("Save as a draft", "title", "Een huis", "text", "Eerste woorden.").want(200, nl)
		there.press("Save as a draft", "title", "Het huis", "text", "Andere woorden.").want(409,
			nl).sees("It was changed elsewhere", "Eerste woorden.", "Not saved: changed elsewhere")
		if got := strings.TrimSpace(there.field("text")); got != "Andere woorden." {
			t.Errorf("the text came back as %q", got)
		}
		there.press("Save as a draft").want(200, nl)
		if got, err := o.store.Translation(t.Context(), o.only().ID, "nl"); err != nil || got.Title != "Het huis" ||
			!got.Draft {
			t.Errorf("kept is %+v (%v)", got, err)
		}
	})
}
