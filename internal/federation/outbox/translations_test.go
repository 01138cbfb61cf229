package outbox_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/fedtest"
	"causerie/internal/overkant"
	"causerie/internal/store"
)

func inDutch(change ...func(*blog.Translation)) blog.Translation {
	t := blog.Translation{Text: blog.Text{Language: "nl", Title: "Vier minuten breed", Slug: "vier-minuten-breed",
		Summary:  "Over het pontje.",
		Markdown: "Het pontje komt.", HTML: "<p>Het pontje komt.</p>", Plain: "Het pontje komt.", WordCount: 3}}
	for _, c := range change {
		c(&t)
	}
	return t
}

func TestATranslationIsPartOfTheOneObject(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		veerhuis := o.Server("veerhuis")
		bram := veerhuis.Person("bram")
		o.AddFollower(bram)
		a := o.Publish()
		o.Until("the article is there", func() bool { _, there := veerhuis.FindPost(o.Object(a)); return there })
		a = o.Translate(a, inDutch(func(t *blog.Translation) { t.Draft = true }))
		o.WaitSettled()
		if n := len(veerhuis.Received("Update")); n != 0 || a.Revision != 1 {
			t.Errorf("a draft was told %d times, as revision %d", n, a.Revision)
		}
		a = o.Translate(a, inDutch())
		o.Until("the translation is told", func() bool { return len(veerhuis.Received("Update")) == 1 })
		_, _, body := o.Get(o.Path(o.Object(a)), overkant.AsMastodon)
		for _, want := range []string{`"name":"Four minutes wide","nameMap":{"en":"Four minutes wide","nl":"Vier minuten ` +
			`breed"}`,
			`"summaryMap":{"en":"On the last rowed ferry below the weir.","nl":"Over het pontje."}`,
			`"contentMap":{"en":"<p>The ferry comes when you ring.</p>","nl":"<p>Het pontje komt.</p>"}`,
			`"url":"` + o.Site.ArticlePage(a) + `"`} {
			if !strings.Contains(body, want) {
				t.Errorf("the object lacks %s:\n%s", want, body)
			}
		}
		there := a
		there.Text = inDutch().Text
		leads := func(what string) {
			t.Helper()
			status, header, _ := o.Get(o.Path(o.Site.ArticlePage(there)), overkant.AsMastodon)
			if to := header.Get("Location"); status != http.StatusSeeOther || to != o.Object(a) {
				t.Errorf("%s leads to %q (%d)", what, to, status)
			}
		}
		leads("the page of the translation")
		if _, err := bram.Reply(o.Soon(), o.Site.ArticlePage(there), "<p>Wat is breed?</p>",
			fedtest.Mention(o.Site.ActorID(o.Ilse.ID))); err == nil {
			o.Until("an answer to that page stands in the one conversation",
				func() bool { return o.CommentTexts(a) == "Wat is breed?" })
		} else {
			t.Error(err)
		}
		a, err := o.Outbox.Untranslate(t.Context(), a.ID, "nl")
		if err != nil {
			t.Fatal(err)
		}
		o.Until("its removal is told", func() bool { return len(veerhuis.Received("Update")) == 2 })
		if post, _ := veerhuis.FindPost(o.Object(a)); strings.Contains(post.Object["nameMap"].(map[string]any)["en"].(string),
			"Vier") || len(post.Object["nameMap"].(map[string]any)) != 1 {
			t.Errorf("it is still called %v", post.Object["nameMap"])
		}
		leads("the address of what was removed")
	})
}

func TestANoteCarriesTheOriginalAndLinksToItsTranslations(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		for i, format := range []blog.Format{blog.FullNote, blog.TeaserNote} {
			draft := o.Draft(func(a *blog.Article) { a.Format, a.Slug = format, string(format) })
			slug := []string{"vol", "kort"}[i]
			o.Translate(draft, inDutch(func(t *blog.Translation) { t.Slug = slug }))
			a, err := o.Outbox.Publish(t.Context(), draft.ID)
			if err != nil {
				t.Fatal(err)
			}
			doc := o.ReadDocument(o.Object(a))
			there := a
			there.Slug = slug
			link := `<p><span lang="nl">Nederlands</span>: <a href="` + o.Site.ArticlePage(there) + `">`
			if content := doc["content"].(string); !strings.Contains(content, link) || strings.Contains(content, "Het pontje") ||
				len(doc["contentMap"].(map[string]any)) != 1 {
				t.Errorf("%s says %s in %v", format, content, doc["contentMap"])
			}
			if i, j := strings.Index(doc["content"].(string), o.Site.ArticlePage(a)),
				strings.Index(doc["content"].(string), link); i > j {
				t.Errorf("%s: the preview would be of the translation", format)
			}
		}
	})
}

func TestATranslationIsRefusedWithAReason(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		other := o.Publish(func(a *blog.Article) { a.Slug = "vier-minuten-breed" })
		for field, change := range map[string]func(*blog.Translation){
			"title": func(t *blog.Translation) { t.Title = "" }, "text": func(t *blog.Translation) { t.Markdown = " " },
			"language": func(t *blog.Translation) { t.Language = "en" },
			"slug":     func(t *blog.Translation) { t.Slug = other.Slug },
		} {
			var invalid blog.Invalid
			tr := inDutch(func(t *blog.Translation) { t.Slug = "breed" }, change)
			if _, err := o.Outbox.Translate(t.Context(), a.ID, a.SavedAt, tr); !errors.As(err, &invalid) ||
				invalid.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		good := inDutch(func(t *blog.Translation) { t.Slug = "breed" })
		if _, err := o.Outbox.Translate(t.Context(), a.ID, a.SavedAt.Add(-1), good); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("an older save: %v", err)
		}
		if _, err := o.Outbox.Untranslate(t.Context(), a.ID, "nl"); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("removing what is not there: %v", err)
		}
		if err := o.Outbox.Delete(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		gone, err := o.Store.Article(t.Context(), a.ID)
		if _, gerr := o.Outbox.Translate(t.Context(), a.ID, gone.SavedAt, good); !errors.Is(gerr, blog.ErrGone) ||
			err != nil {
			t.Errorf("of a deleted article: %v", gerr)
		}
	})
}

// TestATextIsAsOldAsItsLastChange: each language by itself, whatever else of the article is told.
func TestATextIsAsOldAsItsLastChange(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		words := func(a blog.Article, language string) store.TextAge {
			t.Helper()
			ages, err := o.Store.TextAges(o.Soon(), []blog.ID{a.ID})
			if err != nil {
				t.Fatal(err)
			}
			return ages[a.ID][language]
		}
		now := func(a blog.Article) blog.Article {
			t.Helper()
			a, err := o.Store.Article(o.Soon(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		revise := func(a blog.Article, m outbox.ReviseOptions, change func(*blog.Article)) blog.Article {
			t.Helper()
			a = now(a)
			change(&a)
			if err := o.Outbox.ReviseWith(o.Soon(), &a, m); err != nil {
				t.Fatal(err)
			}
			return now(a)
		}
		say := func(text string) func(*blog.Article) { return func(a *blog.Article) { a.Markdown = text } }
		check := func(step string, a blog.Article, changed ...string) {
			t.Helper()
			for _, language := range []string{"en", "nl"} {
				if got := words(a, language); got.Changed() != slices.Contains(changed, language) {
					t.Errorf("%s: the words in %s are %v", step, language, got)
				}
			}
		}
		for _, visibility := range []blog.Visibility{blog.Public, blog.Local} {
			a := o.Publish(func(a *blog.Article) { a.Visibility, a.Slug = visibility, "four-"+string(visibility) })
			dutch := func(text string, change ...func(*blog.Translation)) blog.Translation {
				return inDutch(append(change, func(t *blog.Translation) {
					t.Slug, t.Markdown = "vier-"+string(visibility),
						text
				})...)
			}
			check("published", a)
			before := a.ChangedAt()
			if a = o.Translate(a, dutch("Het pontje komt.")); !a.ChangedAt().After(before) ||
				!words(a, "nl").Since.Equal(a.ChangedAt()) {
				t.Errorf("a translation was told at %s, and is from %s", a.ChangedAt(), words(a, "nl").Since)
			}
			check("translated", a)
			check("quietly corrected", revise(a, outbox.ReviseOptions{Quiet: true}, say("The ferry comes if you ring.")))
			if a = revise(a, outbox.ReviseOptions{}, func(a *blog.Article) { a.Tags = blog.Strings{"boats"} }); a.Revision != 4 {
				t.Errorf("new tags are told as revision %d", a.Revision)
			}
			check("with other tags", a)
			check("with a translator", o.Translate(a,
				dutch("Het pontje komt.", func(t *blog.Translation) { t.Translator = "Samir" })))
			check("translated anew", o.Translate(a, dutch("Het pontje komt, als u belt.")), "nl")
			a = revise(a, outbox.ReviseOptions{}, func(a *blog.Article) { a.Subtitle = "A crossing" })
			check("with a subtitle", a, "en", "nl")
			if got := words(a, "en").Since; !got.Equal(a.ChangedAt()) {
				t.Errorf("words that were told at %s are from %s", a.ChangedAt(), got)
			}
		}

		early := o.Draft(func(a *blog.Article) { a.Slug = "early" })
		o.Translate(early, inDutch())
		if _, err := o.Outbox.Publish(o.Soon(), early.ID); err != nil {
			t.Fatal(err)
		}
		check("out with its translation", early)
		check("the translation changed", o.Translate(early, inDutch(func(t *blog.Translation) { t.Title = "Vier minuten" })),
			"nl")

		undone := o.Publish(func(a *blog.Article) { a.Slug = "undone" })
		check("held", revise(undone, outbox.ReviseOptions{Hold: overkant.Hold}, say("The ferry sank.")), "en")
		if _, err := o.Outbox.Undo(o.Soon(), undone.ID); err != nil {
			t.Fatal(err)
		}
		check("taken back, and translated", o.Translate(undone, inDutch(func(t *blog.Translation) { t.Slug = "terug" })))
		if err := o.Outbox.Withdraw(o.Soon(), undone.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.Outbox.Publish(o.Soon(), undone.ID); err != nil {
			t.Fatal(err)
		}
		check("out again", undone)
	})
}
