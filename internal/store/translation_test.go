package store_test

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// vierMinuten is the fixture's article in Dutch.
func vierMinuten() blog.Translation {
	return blog.Translation{Text: blog.Text{Language: "nl", Title: "Vier minuten breed", Slug: "vier-minuten-breed",
		Summary:  "Over het pontje.",
		Markdown: "Het pontje.", HTML: "<p>Het pontje.</p>", Plain: "Het pontje.", WordCount: 2},
		Translator: "Tobias Renkema"}
}

func translate(t *testing.T, s *store.Store, a blog.Article, tr blog.Translation) {
	t.Helper()
	if err := s.SaveTranslation(t.Context(), a, tr); err != nil {
		t.Fatal(err)
	}
}

func TestATranslationIsFoundByItsAddressAndItsLanguage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		translate(t, s, a, vierMinuten())
		got, err := s.Translation(t.Context(), a.ID, "nl")
		if diff := cmp.Diff(vierMinuten(), got); diff != "" || err != nil {
			t.Errorf("read back (-want +got): %v\n%s", err, diff)
		}
		dutch, err := s.ArticleBySlug(t.Context(), "vier-minuten-breed")
		if err != nil || dutch.ID != a.ID || dutch.Title != "Vier minuten breed" || !dutch.Translated ||
			dutch.ObjectID != a.ObjectID {
			t.Errorf("its address finds %+v, %v", dutch, err)
		}
		if err := s.SaveArticle(t.Context(), &dutch, now); err == nil {
			t.Error("the words of the translation were saved as the original's")
		}
		for language, want := range map[string]string{"": "Four minutes wide", "en": "Four minutes wide",
			"nl": "Vier minuten breed"} {
			list, err := s.Articles(t.Context(), store.ArticleFilter{Listed: true, Language: language})
			if n, countErr := s.CountArticles(t.Context(), store.ArticleFilter{Listed: true, Language: language}); err != nil ||
				countErr != nil || len(list) != 1 || n != 1 || list[0].Title != want {
				t.Errorf("in %q: %+v, %d (%v, %v)", language, list, n, err, countErr)
			}
		}
		list, err := s.Articles(t.Context(), store.ArticleFilter{Listed: true, Prefer: "de"})
		if err != nil || len(list) != 1 || list[0].Title != "Four minutes wide" {
			t.Errorf("where German is preferred: %+v (%v)", list, err)
		}
		if languages, err := s.Languages(t.Context()); err != nil || !cmp.Equal(languages, []string{"en", "nl"}) {
			t.Errorf("languages %v (%v)", languages, err)
		}
		if n, err := s.CountArticles(t.Context(), store.ArticleFilter{Listed: true, Language: "de"}); err != nil || n != 0 {
			t.Errorf("%d in German (%v)", n, err)
		}
	})
}

func TestADraftTranslationIsOnNoPage(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		draft := vierMinuten()
		draft.Draft = true
		translate(t, s, a, draft)
		if _, err := s.ArticleBySlug(t.Context(), "vier-minuten-breed"); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("its address: %v", err)
		}
		n, err := s.CountArticles(t.Context(), store.ArticleFilter{Listed: true, Language: "nl"})
		versions, err2 := s.Versions(t.Context(), []blog.ID{a.ID})
		languages, err3 := s.Languages(t.Context())
		if n != 0 || len(versions[a.ID]) != 1 || len(languages) != 1 || errors.Join(err, err2, err3) != nil {
			t.Errorf("%d listed, %v, %v (%v)", n, versions, languages, errors.Join(err, err2, err3))
		}
	})
}

func TestEachAddressBelongsToOneText(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		author := ilse(t, s)
		a := fourMinutes(t, s, author.ID)
		var invalid blog.Invalid
		same := vierMinuten()
		same.Slug = a.Slug
		if err := s.SaveTranslation(t.Context(), a, same); !errors.As(err, &invalid) || invalid.Field != "slug" {
			t.Errorf("the original's own slug: %v", err)
		}
		if free, err := s.FreeSlug(t.Context(), a.Slug, a.ID, "nl"); err != nil || free != a.Slug+"-2" {
			t.Errorf("free is %q (%v)", free, err)
		}
		english := vierMinuten()
		english.Language = "en"
		if err := s.SaveTranslation(t.Context(), a, english); !errors.As(err, &invalid) || invalid.Field != "language" {
			t.Errorf("the original's own language: %v", err)
		}
		translate(t, s, a, vierMinuten())
		renamed := vierMinuten()
		renamed.Slug = "vier-minuten"
		translate(t, s, a, renamed)
		if old, err := s.ArticleBySlug(t.Context(), "vier-minuten-breed"); err != nil || old.Slug != "vier-minuten" {
			t.Errorf("its earlier address leads to %q (%v)", old.Slug, err)
		}
		if err := s.RemoveTranslation(t.Context(), a.ID, "nl"); err != nil {
			t.Fatal(err)
		}
		if gone, err := s.ArticleBySlug(t.Context(), "vier-minuten"); err != nil || gone.Slug != a.Slug || gone.Translated {
			t.Errorf("the address of what was removed leads to %q (%v)", gone.Slug, err)
		}
		if err := s.RemoveTranslation(t.Context(), a.ID, "en"); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("removing the original: %v", err)
		}
		other := fourMinutesMore(a)
		if err := s.SaveArticle(t.Context(), &other, now); !errors.As(err, &invalid) {
			t.Errorf("another article at the address of what was removed: %v", err)
		}
	})
}

func fourMinutesMore(a blog.Article) blog.Article {
	a.ID, a.Slug, a.SavedAt = blog.NewID(now), "vier-minuten", time.Time{}
	return a
}

func TestTheLanguageOfTheOriginalCanBeCorrected(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		translate(t, s, a, vierMinuten())
		a.Language, a.Slug = "en-GB", "four"
		if err := s.SaveArticle(t.Context(), &a, now); err != nil {
			t.Fatal(err)
		}
		if old, err := s.ArticleBySlug(t.Context(), "four-minutes-wide"); err != nil || old.Slug != "four" ||
			old.Language != "en-GB" || old.Translated {
			t.Errorf("the earlier address leads to %q in %s (%v)", old.Slug, old.Language, err)
		}
		versions, err := s.Versions(t.Context(), []blog.ID{a.ID})
		if err != nil || len(versions[a.ID]) != 2 || versions[a.ID][0].Language != "en-GB" ||
			versions[a.ID][1].Slug != "vier-minuten-breed" {
			t.Errorf("versions %+v (%v)", versions[a.ID], err)
		}
		var invalid blog.Invalid
		a.Language = "nl"
		if err := s.SaveArticle(t.Context(), &a, now); !errors.As(err, &invalid) || invalid.Field != "language" {
			t.Errorf("the language of a translation: %v", err)
		}
	})
}

func TestATranslationIsBehindAfterAChangeOfTheOriginal(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		a := fourMinutes(t, s, ilse(t, s).ID)
		translate(t, s, a, vierMinuten())
		german := vierMinuten()
		german.Language, german.Slug = "de", "vier-minuten-breit"
		behind := func(want bool) {
			t.Helper()
			if got, err := s.Translation(t.Context(), a.ID, "nl"); err != nil || got.Behind != want {
				t.Errorf("behind: %v (%v), want %v", got.Behind, err, want)
			}
		}
		revise := func(change func()) {
			t.Helper()
			change()
			if err := errors.Join(a.Revise(now.Add(time.Hour)), s.SaveArticle(t.Context(), &a, now)); err != nil {
				t.Fatal(err)
			}
		}
		revise(func() { a.Comments = blog.Closed })
		translate(t, s, a, german)
		behind(false)
		revise(func() { a.Markdown = "The ferry comes." })
		behind(true)
		translate(t, s, a, vierMinuten())
		behind(false)
	})
}
