package authoring_test

import (
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/account"
	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/overkant"
)

// each runs a test on both databases, with De Overkant and its authoring, which saves as Ilse.
func each(t *testing.T, test func(t *testing.T, o *overkant.Blog, s authoring.Service)) {
	t.Helper()
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		test(t, o, authoring.Service{Site: o.Site, Store: o.Store, Outbox: o.Outbox, Now: time.Now})
	})
}

func draft(s authoring.Service, owner blog.Voice, title string) blog.Article {
	a := s.New(blog.Author{Voice: owner}, blog.NewID(time.Now()), "en")
	a.Title, a.Summary, a.Markdown = title, "On a ferry.", "The ferry comes when you ring."
	return a
}

func save(t *testing.T, s authoring.Service, a *blog.Article) {
	t.Helper()
	if err := s.Ready(t.Context(), a); err != nil {
		t.Fatal(err)
	}
	if err := s.SaveDraft(t.Context(), a, "ilse"); err != nil {
		t.Fatal(err)
	}
}

func TestASeriesIsFoundByItsTitleInAnyCaseOrByItsSlug(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		series := blog.Series{ID: blog.NewID(time.Now()), Slug: "low-road", Title: "The Low Road", Language: "en"}
		if err := o.Store.SaveSeries(t.Context(), series); err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"The Low Road", "the LOW road", "low-road", "Low Road"} {
			a := draft(s, o.Ilse, "Wide")
			if err := s.SetSeries(t.Context(), &a, name, 0); err != nil || a.SeriesID != series.ID || a.SeriesTitle != "" {
				t.Errorf("%q finds series %q, wishes for %q: %v", name, a.SeriesID, a.SeriesTitle, err)
			}
		}
		a := draft(s, o.Ilse, "Wide")
		if err := s.SetSeries(t.Context(), &a, "Upstream", 3); err != nil || a.SeriesID != "" ||
			a.SeriesTitle != "Upstream" || a.SeriesSlug != "upstream" || a.SeriesPlanned != 3 {
			t.Errorf("a new series: %+v, %v", a, err)
		}
		a.Part = 2
		var invalid blog.Invalid
		if err := s.SetSeries(t.Context(), &a, "", 0); !errors.As(err, &invalid) || invalid.Field != "part" ||
			a.SeriesTitle != "" {
			t.Errorf("a part of no series: %v, with the wish %q", err, a.SeriesTitle)
		}
	})
}

func TestARevisionOfADraftNamesItsAuthorAndIsNotSavedTwice(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		a := draft(s, o.Ilse, "Four minutes wide")
		revisions := func(want int) {
			t.Helper()
			list, err := o.Store.Revisions(t.Context(), a.ID)
			if err != nil || len(list) != want {
				t.Fatalf("%d revisions and not %d: %v", len(list), want, err)
			}
			for _, r := range list {
				if r.Kind == "saved" && r.Author != "ilse" {
					t.Errorf("revision %d names %q", r.Number, r.Author)
				}
			}
		}
		save(t, s, &a)
		revisions(1)
		a.Visibility = blog.Unlisted
		save(t, s, &a)
		revisions(1)
		a.Markdown = "The ferry does not come."
		save(t, s, &a)
		revisions(2)
		a.Language = "nl"
		save(t, s, &a)
		revisions(3)
		at := time.Now().Add(time.Hour)
		if _, err := s.Release(t.Context(), a.ID, outbox.PublishOptions{Date: &at}); err != nil {
			t.Fatal(err)
		}
		revisions(3)
		b := draft(s, o.Ilse, "")
		b.Summary, b.Markdown = "", ""
		if err := s.SaveDraft(t.Context(), &b, "ilse"); err != nil {
			t.Fatal(err)
		}
		if list, err := o.Store.Revisions(t.Context(), b.ID); err != nil || len(list) != 0 {
			t.Errorf("an article without words has %d revisions: %v", len(list), err)
		}
	})
}

func TestADraftThatSomebodyElseSavedIsAConflict(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		a := draft(s, o.Ilse, "Four minutes wide")
		save(t, s, &a)
		mine := a
		a.Markdown = "Theirs."
		save(t, s, &a)
		mine.Markdown = "Mine."
		if err := s.SaveDraft(t.Context(), &mine, "ilse"); !errors.Is(err, blog.ErrConflict) {
			t.Fatalf("the second save: %v", err)
		}
		if list, err := o.Store.Revisions(t.Context(), a.ID); err != nil || len(list) != 2 || list[0].Markdown != "Theirs." {
			t.Errorf("the revisions are %+v, %v", list, err)
		}
	})
}

func TestASlugIsMadeOfTheTitleWhereThereIsNone(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		first := draft(s, o.Ilse, "Four minutes wide")
		save(t, s, &first)
		if _, err := s.Release(t.Context(), first.ID, outbox.PublishOptions{}); err != nil {
			t.Fatal(err)
		}
		second := draft(s, tobias, "Four minutes wide")
		save(t, s, &second)
		if first.Slug != "four-minutes-wide" || second.Slug != "four-minutes-wide-2" {
			t.Errorf("the slugs are %q and %q", first.Slug, second.Slug)
		}
		if a, err := s.Release(t.Context(), second.ID, outbox.PublishOptions{}); err != nil || a.Status != blog.Published {
			t.Errorf("the second is %s: %v", a.Status, err)
		}
		for want, text := range map[string]blog.Text{"": {Title: " ", Language: "en"},
			"own": {Title: "Four minutes wide", Slug: "own", Language: "en"}} {
			if slug, err := s.SlugOf(t.Context(), second.ID, text); err != nil || slug != want {
				t.Errorf("of %+v the slug is %q: %v", text, slug, err)
			}
		}
	})
}

func TestAnArticleIsReleasedNowHeldOrLater(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		ids := map[string]blog.ID{}
		for _, title := range []string{"now", "held", "later", "earlier"} {
			a := draft(s, o.Ilse, title)
			save(t, s, &a)
			ids[title] = a.ID
		}
		if a, err := s.Release(t.Context(), ids["now"], outbox.PublishOptions{}); err != nil || a.Status != blog.Published {
			t.Errorf("now: %s, %v", a.Status, err)
		}
		if _, err := o.Store.Hold(t.Context(), ids["now"]); !errors.Is(err, blog.ErrNotFound) {
			t.Errorf("what goes out now is held: %v", err)
		}
		if a, err := s.Release(t.Context(), ids["held"], outbox.PublishOptions{Hold: time.Hour}); err != nil ||
			a.Status != blog.Published {
			t.Errorf("held: %s, %v", a.Status, err)
		}
		if _, err := o.Store.Hold(t.Context(), ids["held"]); err != nil {
			t.Errorf("what is held: %v", err)
		}
		at := time.Now().Add(time.Hour)
		if a, err := s.Release(t.Context(), ids["later"], outbox.PublishOptions{Date: &at}); err != nil ||
			a.Status != blog.Scheduled {
			t.Errorf("later: %s, %v", a.Status, err)
		}
		past := time.Now().Add(-time.Hour).UTC().Truncate(time.Second)
		if a, err := s.Release(t.Context(), ids["earlier"], outbox.PublishOptions{Date: &past}); err != nil ||
			a.Status != blog.Published || !a.PublishedAt.Equal(past) {
			t.Errorf("with an earlier date: %s, %v: %v", a.Status, a.PublishedAt, err)
		}
	})
}

func TestAnArticleWithAMissingPictureIsNotReady(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		a := draft(s, o.Ilse, "Wide")
		a.Markdown = "![At the buoy](ferry.jpg)"
		var invalid blog.Invalid
		if err := s.Ready(t.Context(), &a); !errors.As(err, &invalid) || invalid.Field != "text" ||
			!strings.Contains(invalid.Problem, "ferry.jpg") {
			t.Errorf("with a picture that nobody has: %v", err)
		}
	})
}

func TestTheBylineNamesAuthorsHereByTheirHandles(t *testing.T) {
	each(t, func(t *testing.T, o *overkant.Blog, s authoring.Service) {
		tobias := o.AddAuthor("tobias", "Tobias Renkema")
		if err := o.Store.RenameVoice(t.Context(), tobias.ID, "toob", time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, handle := range []string{"toob", "@toob", "Toob", "@toob@" + o.Site.HandleDomain, "tobias", "@tobias"} {
			if by, err := s.Coauthor(t.Context(), handle); err != nil || by.VoiceID != tobias.ID {
				t.Errorf("%q is %+v: %v", handle, by, err)
			}
		}
		if _, err := account.EnableSiteVoice(t.Context(), o.Store, "overkant", time.Now()); err != nil {
			t.Fatal(err)
		}
		for _, handle := range []string{"nobody", "@nobody", "@toob@elsewhere.example", "overkant"} {
			var invalid blog.Invalid
			if by, err := s.Coauthor(t.Context(), handle); !errors.As(err, &invalid) || invalid.Field != "byline" {
				t.Errorf("%q is %+v: %v", handle, by, err)
			}
		}
	})
}

func TestAGuestIsANameWithAnAddressOrWithout(t *testing.T) {
	for text, want := range map[string]blog.Byline{
		"Harm":                           {Name: "Harm"},
		"  Nadia   Brandt ":              {Name: "Nadia Brandt"},
		"Nadia Brandt https://n.example": {Name: "Nadia Brandt", URL: "https://n.example"},
		"Harm <https://harm.example>":    {Name: "Harm", URL: "https://harm.example"},
		"Harm < http://harm.example >":   {Name: "Harm", URL: "http://harm.example"},
		"Harm <https://harm.example":     {Name: "Harm", URL: "https://harm.example"},
		"Harm <>":                        {Name: "Harm"},
	} {
		if by, err := authoring.Guest(text); err != nil || by != want {
			t.Errorf("%q is %+v: %v", text, by, err)
		}
	}
	for _, text := range []string{"", "https://n.example", "<https://n.example>", "Nadia ftp://n.example",
		"Nadia <n.example>", "Nadia javascript://x", "Nadia https://"} {
		if by, err := authoring.Guest(text); !errors.As(err, new(blog.Invalid)) {
			t.Errorf("%q is %+v: %v", text, by, err)
		}
	}
}

func TestTheBylineBeginsWithTheOwnerAndNamesEachAuthorOnce(t *testing.T) {
	a := blog.Article{VoiceID: "ilse", Authors: []blog.Byline{{VoiceID: "maud"}, {VoiceID: "ilse", Name: "Ilse"}}}
	guest := blog.Byline{Name: "Harm"}
	if err := authoring.SetByline(&a, []blog.Byline{{VoiceID: "tobias"}, {VoiceID: "ilse"}, guest,
		{VoiceID: "tobias"}}, "ilse"); err != nil {
		t.Fatal(err)
	}
	want := []blog.Byline{{VoiceID: "ilse", Name: "Ilse"}, {VoiceID: "tobias", Asked: true}, guest}
	if !slices.Equal(a.Authors, want) {
		t.Errorf("the by-line is %+v", a.Authors)
	}
	err := authoring.SetByline(&a, make([]blog.Byline, 21), "ilse")
	if !errors.As(err, new(blog.Invalid)) || len(a.Authors) != 3 {
		t.Errorf("with 21 names: %v, and %d remain", err, len(a.Authors))
	}
}
