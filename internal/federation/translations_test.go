package federation_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/neighbour"
	"causerie/internal/store"
)

func inDutch(change ...func(*blog.Translation)) blog.Translation {
	t := blog.Translation{Text: blog.Text{Language: "nl", Title: "Vier minuten breed", Slug: "vier-minuten-breed", Summary: "Over het pontje.",
		Markdown: "Het pontje komt.", HTML: "<p>Het pontje komt.</p>", Plain: "Het pontje komt.", Words: 3}}
	for _, c := range change {
		c(&t)
	}
	return t
}

// translate adds a translation to an article as it is now.
func (o *overkant) translate(a blog.Article, t blog.Translation) blog.Article {
	o.t.Helper()
	current, err := o.store.Article(o.t.Context(), a.ID)
	if err != nil {
		o.t.Fatal(err)
	}
	if current, err = o.outbox.Translate(o.t.Context(), a.ID, current.SavedAt, t); err != nil {
		o.t.Fatal(err)
	}
	return current
}

func TestATranslationIsPartOfTheOneObject(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		veerhuis := o.server("veerhuis")
		bram := veerhuis.Person("bram")
		o.befriend(bram)
		a := o.publish()
		o.until("the article is there", func() bool { _, there := veerhuis.Post(o.object(a)); return there })
		a = o.translate(a, inDutch(func(t *blog.Translation) { t.Draft = true }))
		o.settled()
		if n := len(veerhuis.Received("Update")); n != 0 || a.Revision != 1 {
			t.Errorf("a draft was told %d times, as revision %d", n, a.Revision)
		}
		a = o.translate(a, inDutch())
		o.until("the translation is told", func() bool { return len(veerhuis.Received("Update")) == 1 })
		_, _, body := o.get(o.path(o.object(a)), asMastodon)
		for _, want := range []string{`"name":"Four minutes wide","nameMap":{"en":"Four minutes wide","nl":"Vier minuten breed"}`,
			`"summaryMap":{"en":"<p>On the last rowed ferry below the weir.</p>","nl":"<p>Over het pontje.</p>"}`,
			`"contentMap":{"en":"<p>The ferry comes when you ring.</p>","nl":"<p>Het pontje komt.</p>"}`, `"url":"` + o.site.ArticlePage(a) + `"`} {
			if !strings.Contains(body, want) {
				t.Errorf("the object lacks %s:\n%s", want, body)
			}
		}
		there := a
		there.Text = inDutch().Text
		if doc := o.read(o.site.ArticlePage(there)); doc["id"] != o.object(a) {
			t.Errorf("the page of the translation is %v", doc["id"])
		}
		if _, err := bram.Reply(o.soon(), o.site.ArticlePage(there), "<p>Wat is breed?</p>", neighbour.Mention(o.site.ActorID(o.ilse.ID))); err == nil {
			o.until("an answer to that page stands in the one conversation", func() bool { return o.texts(a) == "Wat is breed?" })
		} else {
			t.Error(err)
		}
		a, err := o.outbox.Untranslate(t.Context(), a.ID, "nl")
		if err != nil {
			t.Fatal(err)
		}
		o.until("its removal is told", func() bool { return len(veerhuis.Received("Update")) == 2 })
		if post, _ := veerhuis.Post(o.object(a)); strings.Contains(post.Object["nameMap"].(map[string]any)["en"].(string), "Vier") || len(post.Object["nameMap"].(map[string]any)) != 1 {
			t.Errorf("it is still called %v", post.Object["nameMap"])
		}
		if status, _, body := o.get(o.path(o.site.ArticlePage(there)), asMastodon); status != http.StatusOK || !strings.Contains(body, o.object(a)) {
			t.Errorf("the address of what was removed answers %d", status)
		}
	})
}

func TestANoteCarriesTheOriginalAndLinksToItsTranslations(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		for i, format := range []blog.Format{blog.FullNote, blog.TeaserNote} {
			draft := o.draft(func(a *blog.Article) { a.Format, a.Slug = format, string(format) })
			slug := []string{"vol", "kort"}[i]
			o.translate(draft, inDutch(func(t *blog.Translation) { t.Slug = slug }))
			a, err := o.outbox.Publish(t.Context(), draft.ID)
			if err != nil {
				t.Fatal(err)
			}
			doc := o.read(o.object(a))
			there := a
			there.Slug = slug
			link := `<p><span lang="nl">Nederlands</span>: <a href="` + o.site.ArticlePage(there) + `">`
			if content := doc["content"].(string); !strings.Contains(content, link) || strings.Contains(content, "Het pontje") || len(doc["contentMap"].(map[string]any)) != 1 {
				t.Errorf("%s says %s in %v", format, content, doc["contentMap"])
			}
			if i, j := strings.Index(doc["content"].(string), o.site.ArticlePage(a)), strings.Index(doc["content"].(string), link); i > j {
				t.Errorf("%s: the preview would be of the translation", format)
			}
		}
	})
}

func TestATranslationIsRefusedWithAReason(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		a := o.publish()
		other := o.publish(func(a *blog.Article) { a.Slug = "vier-minuten-breed" })
		for field, change := range map[string]func(*blog.Translation){
			"title": func(t *blog.Translation) { t.Title = "" }, "text": func(t *blog.Translation) { t.Markdown = " " },
			"language": func(t *blog.Translation) { t.Language = "en" }, "slug": func(t *blog.Translation) { t.Slug = other.Slug },
		} {
			var invalid blog.Invalid
			tr := inDutch(func(t *blog.Translation) { t.Slug = "breed" }, change)
			if _, err := o.outbox.Translate(t.Context(), a.ID, a.SavedAt, tr); !errors.As(err, &invalid) || invalid.Field != field {
				t.Errorf("%s: %v", field, err)
			}
		}
		good := inDutch(func(t *blog.Translation) { t.Slug = "breed" })
		if _, err := o.outbox.Translate(t.Context(), a.ID, a.SavedAt.Add(-1), good); !errors.Is(err, blog.ErrConflict) {
			t.Errorf("an older save: %v", err)
		}
		if _, err := o.outbox.Untranslate(t.Context(), a.ID, "nl"); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("removing what is not there: %v", err)
		}
		if err := o.outbox.Delete(t.Context(), a.ID); err != nil {
			t.Fatal(err)
		}
		gone, err := o.store.Article(t.Context(), a.ID)
		if _, gerr := o.outbox.Translate(t.Context(), a.ID, gone.SavedAt, good); !errors.Is(gerr, blog.ErrGone) || err != nil {
			t.Errorf("of a deleted article: %v", gerr)
		}
	})
}

// TestWordsAreAsOldAsTheLastWordThatChangedThem: each language by itself, whatever else of the article is told.
func TestWordsAreAsOldAsTheLastWordThatChangedThem(t *testing.T) {
	each(t, func(t *testing.T, o *overkant) {
		words := func(a blog.Article, language string) store.Words {
			t.Helper()
			ages, err := o.store.WordsOf(o.soon(), []blog.ID{a.ID})
			if err != nil {
				t.Fatal(err)
			}
			return ages[a.ID][language]
		}
		now := func(a blog.Article) blog.Article {
			t.Helper()
			a, err := o.store.Article(o.soon(), a.ID)
			if err != nil {
				t.Fatal(err)
			}
			return a
		}
		revise := func(a blog.Article, m federation.Manner, change func(*blog.Article)) blog.Article {
			t.Helper()
			a = now(a)
			change(&a)
			if err := o.outbox.ReviseAs(o.soon(), &a, m); err != nil {
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
			a := o.publish(func(a *blog.Article) { a.Visibility, a.Slug = visibility, "four-"+string(visibility) })
			dutch := func(text string, change ...func(*blog.Translation)) blog.Translation {
				return inDutch(append(change, func(t *blog.Translation) { t.Slug, t.Markdown = "vier-"+string(visibility), text })...)
			}
			check("published", a)
			before := a.ChangedAt()
			if a = o.translate(a, dutch("Het pontje komt.")); !a.ChangedAt().After(before) || !words(a, "nl").Since.Equal(a.ChangedAt()) {
				t.Errorf("a translation was told at %s, and is from %s", a.ChangedAt(), words(a, "nl").Since)
			}
			check("translated", a)
			check("quietly corrected", revise(a, federation.Manner{Quiet: true}, say("The ferry comes if you ring.")))
			if a = revise(a, federation.Manner{}, func(a *blog.Article) { a.Tags = blog.Words{"boats"} }); a.Revision != 4 {
				t.Errorf("new tags are told as revision %d", a.Revision)
			}
			check("with other tags", a)
			check("with a translator", o.translate(a, dutch("Het pontje komt.", func(t *blog.Translation) { t.Translator = "Samir" })))
			check("translated anew", o.translate(a, dutch("Het pontje komt, als u belt.")), "nl")
			a = revise(a, federation.Manner{}, func(a *blog.Article) { a.Subtitle = "A crossing" })
			check("with a subtitle", a, "en", "nl")
			if got := words(a, "en").Since; !got.Equal(a.ChangedAt()) {
				t.Errorf("words that were told at %s are from %s", a.ChangedAt(), got)
			}
		}

		early := o.draft(func(a *blog.Article) { a.Slug = "early" })
		o.translate(early, inDutch())
		if _, err := o.outbox.Publish(o.soon(), early.ID); err != nil {
			t.Fatal(err)
		}
		check("out with its translation", early)
		check("the translation changed", o.translate(early, inDutch(func(t *blog.Translation) { t.Title = "Vier minuten" })), "nl")

		undone := o.publish(func(a *blog.Article) { a.Slug = "undone" })
		check("held", revise(undone, federation.Manner{Hold: hold}, say("The ferry sank.")), "en")
		if _, err := o.outbox.Undo(o.soon(), undone.ID); err != nil {
			t.Fatal(err)
		}
		check("taken back, and translated", o.translate(undone, inDutch(func(t *blog.Translation) { t.Slug = "terug" })))
		if err := o.outbox.Withdraw(o.soon(), undone.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := o.outbox.Publish(o.soon(), undone.ID); err != nil {
			t.Fatal(err)
		}
		check("out again", undone)
	})
}
