package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheFrontPageAndASeriesCanBeFollowed(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		if len(o.open("/").find("p", ".whole"))+len(o.open("/series/the-low-road").find("div", ".by")) != 0 {
			t.Error("what has no voice is offered to be followed")
		}
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		road := o.AddVoice(blog.SeriesVoice, "low_road", "The Low Road", o.road.ID)
		for path, want := range map[string]struct {
			voice     blog.Voice
			tag, mark string
			words     string
		}{
			"/":                    {site, "p", ".whole", "@overkant@overkant.example Volg het hele blog"},
			"/series/the-low-road": {road, "div", ".by", "@low_road@overkant.example Follow this series"},
		} {
			p := o.open(path)
			box := p.one(want.tag, want.mark)
			if got := box.words(); got != want.words {
				t.Errorf("%s says %q", path, got)
			}
			if got := box.find("a")[0].attr("href"); got != interactPath("follow", o.Site.ActorID(want.voice.ID)) {
				t.Errorf("%s leads to %q", path, got)
			}
			if got := p.header.Get("Link"); got != "<"+o.Site.ActorID(want.voice.ID)+
				`>; rel="alternate"; type="application/activity+json"` {
				t.Errorf("%s has the link %q", path, got)
			}
		}
		for path, want := range map[string]string{"/@overkant": "/", "/@low_road": "/series/the-low-road"} {
			if p := o.open(path); p.status != 301 || p.header.Get("Location") != want {
				t.Errorf("%s answers %d to %q", path, p.status, p.header.Get("Location"))
			}
		}
		now := noon
		o.must(s.SetVoiceSilent(t.Context(), site.ID, &now, now))
		if len(o.open("/").find("p", ".whole")) != 0 {
			t.Error("a silent blog is offered to be followed")
		}
	})
}

func TestPinnedArticlesAreShownFirst(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		_, err := s.Pin(t.Context(), o.bell, noon)
		o.must(err)
		p := o.open("/@ilse")
		if diff := cmp.Diff([]string{"Pinned", "Articles"}, texts(p.find("h2", ".section"))); diff != "" {
			t.Error(diff)
		}
		if diff := cmp.Diff([]string{"The bell is on the other side", "Four minutes wide"}, texts(p.find("h3"))); diff != "" {
			t.Error(diff)
		}
		if got := p.one("ul", ".facts").words(); got != "0 followers 2 articles Feed of Ilse Verhaagen" {
			t.Errorf("facts are %q", got)
		}
		_, err = s.Pin(t.Context(), o.wide, noon)
		o.must(err)
		if diff := cmp.Diff([]string{"Pinned"}, texts(o.open("/@ilse").find("h2", ".section"))); diff != "" {
			t.Errorf("with all pinned: %s", diff)
		}
		if diff := cmp.Diff([]string{"Four minutes wide"}, texts(o.open("/@maud").find("h3"))); diff != "" {
			t.Errorf("on the page of who wrote it too: %s", diff)
		}
	})
}

func TestAnArticleLinksWhatItRepliesToAndQuotes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.publish(noon, blog.Article{VoiceID: o.ilse.ID,
			Text:    blog.Text{Slug: "no", Title: "No", Language: "en", Markdown: "No.", HTML: "<p>No.</p>", Plain: "No."},
			Answers: blog.Source{Address: "https://veerhuis.example/notes/1", ActorID: o.bram.ID},
			Quoted:  blog.Source{Address: "https://somewhere.example/notes/2"}})
		deks := o.open("/2026/11/no").find("p", ".dek")
		if diff := cmp.Diff([]string{"In reply to a post by Bram Oosterling @bram@veerhuis.example",
			"Quotes a post on somewhere.example"}, texts(deks)); diff != "" {
			t.Error(diff)
		}
		if link := deks[0].find("a", ".u-in-reply-to")[0]; link.attr("href") != "https://veerhuis.example/notes/1" ||
			link.words() != "Bram Oosterling" {
			t.Errorf("it leads to %s by %s", link.attr("href"), link.words())
		}
	})
}

func TestAMovedAuthorIsShownWithTheNewHandle(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		move := func(v blog.Voice, target string, at time.Time) {
			m := blog.Move{ID: blog.NewID(at), VoiceID: v.ID, Target: target, AskedAt: at, DueAt: at}
			o.must(s.PlanMove(t.Context(), m))
			o.must(s.MoveVoice(t.Context(), m, at))
		}
		move(o.ilse, o.bram.ID, noon)
		move(o.maud, o.Site.ActorID(o.samir.ID), noon)
		move(o.tobias, "https://nowhere.example/users/t", noon)
		for path, want := range map[string]struct{ words, leads string }{
			"/@ilse":   {"@bram@veerhuis.example", o.bram.URL},
			"/@maud":   {"@samir@overkant.example", "/@samir"},
			"/@tobias": {"https://nowhere.example/users/t", "https://nowhere.example/users/t"},
		} {
			link := o.open(path).one("p", ".trouble").find("a")[0]
			if link.words() != want.words || link.attr("href") != want.leads {
				t.Errorf("%s says that they are %s at %s", path, link.words(), link.attr("href"))
			}
		}
		if _, err := s.Block(t.Context(), blog.Block{Kind: blog.BlockServer, Subject: "veerhuis.example", Level: blog.Refuse,
			At: noon}); err != nil {
			t.Fatal(err)
		}
		if got := o.open("/@ilse").one("p", ".trouble").find("a")[0].words(); got != o.bram.ID {
			t.Errorf("one who is refused is named as %s", got)
		}
	})
}

// inDutch translates part 2 of The Low Road.
func (o *publicBlog) inDutch() blog.Translation {
	o.T.Helper()
	tr := blog.Translation{Text: blog.Text{Language: "nl", Title: "Vier minuten breed", Slug: "vier-minuten-breed",
		Summary:  "Over het laatste roeipontje.",
		Markdown: "Het pontje.", HTML: "<p>Het pontje komt als je belt.</p>", Plain: "Het pontje komt als je belt.",
		WordCount: 6}, Translator: "Tobias Renkema"}
	o.must(o.Store.SaveTranslation(o.T.Context(), o.wide, tr))
	return tr
}

func TestATranslationHasItsOwnPageAndTheSameComments(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		if p := o.open(o.Site.ArticlePath(o.wide)); len(p.find("p", ".also"))+len(p.find("link", "hreflang=nl")) != 0 {
			t.Error("a translation is offered that is not there")
		}
		tr := o.inDutch()
		o.says(o.bram, "A bell is a letter.", time.Hour)
		there := o.wide
		there.Text = tr.Text
		english, dutch := o.open(o.Site.ArticlePath(o.wide)), o.open(o.Site.ArticlePath(there))
		if got := dutch.one("h1").words(); got != "Vier minuten breed" || dutch.one("html").attr("lang") != "nl" {
			t.Errorf("the Dutch page is “%s” in %s", got, dutch.one("html").attr("lang"))
		}
		for _, c := range []struct {
			page        sheet
			words, href string
		}{{english, "ook in het Nederlands", o.Site.ArticlePath(there)},
			{dutch, "also in English", o.Site.ArticlePath(o.wide)}} {
			link := c.page.one("p", ".also").find("a")[0]
			if link.words() != c.words || link.attr("href") != c.href || link.attr("hreflang") != link.attr("lang") {
				t.Errorf("“%s” leads to %s in %s", link.words(), link.attr("href"), link.attr("hreflang"))
			}
			for language, want := range map[string]string{"en": o.Site.ArticlePage(o.wide), "nl": o.Site.ArticlePage(there),
				"x-default": o.Site.ArticlePage(o.wide)} {
				if got := c.page.one("link", "hreflang="+language).attr("href"); got != want {
					t.Errorf("the alternate in %s is %s", language, got)
				}
			}
			if got := c.page.one("link",
				"type=application/activity+json").attr("href"); got != o.Site.ArticleID(o.wide.ObjectID) {
				t.Errorf("on the wire it is %s", got)
			}
		}
		if got := dutch.one("link", "rel=canonical").attr("href"); got != o.Site.ArticlePage(there) {
			t.Errorf("the Dutch page calls itself %s", got)
		}
		if got, want := len(dutch.find("li", ".voice")), len(english.find("li", ".voice")); got != want || want == 0 {
			t.Errorf("%d voices under the translation, %d under the original", got, want)
		}
		if got := dutch.one("ul", ".facts").words(); got == "" || !strings.Contains(got, "Vertaald door Tobias Renkema") {
			t.Errorf("facts are %q", got)
		}
	})
}

// TestAPageIsUpdatedWhenItsOwnTextChanges: a text in another language makes the article newer, and no page but its own.
func TestAPageIsUpdatedWhenItsOwnTextChanges(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		there := o.wide
		tell := func(days int, words blog.Text) {
			t.Helper()
			at := noon.AddDate(0, 0, days)
			o.must(o.wide.Revise(at))
			o.must(s.SaveArticle(t.Context(), &o.wide, at))
			o.keep(o.wide, words, at)
		}
		check := func(what string, english, dutch int, changed ...string) {
			t.Helper()
			for language, days := range map[string]int{"en": english, "nl": dutch} {
				a := o.wide
				if language == "nl" {
					a = there
				}
				is := slices.Contains(changed, language)
				p := o.open(o.Site.ArticlePath(a))
				if got := len(p.find("time", ".dt-updated")); got == 1 != is || strings.Contains(p.raw, "dateModified") != is ||
					strings.Contains(p.raw, "article:modified_time") != is {
					t.Errorf("%s: the page in %s is changed %d times, want %v", what, language, got, is)
				}
				at := noon.AddDate(0, 0, days).UTC().Format(time.RFC3339)
				if feed := o.open("/" + language + "/feed.xml").raw; !strings.Contains(between(feed, "<title>"+a.Title, "</entry>"),
					"<updated>"+at+"</updated>") {
					t.Errorf("%s: the entry in %s is not from %s:\n%s", what, language, at, feed)
				}
				if listed := between(o.open("/sitemap.xml").raw, "<loc>"+o.Site.ArticlePage(a)+"</loc>",
					"</url>"); !strings.Contains(listed, at) {
					t.Errorf("%s: the map says of it in %s %q, want %s", what, language, listed, at)
				}
			}
		}
		there.Text = o.inDutch().Text
		tell(3, there.Text)
		check("translated", 0, 3)
		tell(4, there.Text)
		check("the translation changed", 0, 4, "nl")
		tell(5, o.wide.Text)
		check("the original changed", 5, 4, "en", "nl")
	})
}

// between is what stands in a text after the first mark and before the next.
func between(text, first, next string) string {
	_, rest, _ := strings.Cut(text, first)
	inside, _, _ := strings.Cut(rest, next)
	return inside
}

func TestListsOfALanguageHaveTextsInThatLanguage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		tr := o.inDutch()
		there := o.wide
		there.Text = tr.Text
		for path, want := range map[string]struct{ has, lacks string }{
			"/nl/":         {"Vier minuten breed", "Four minutes wide"},
			"/en/":         {"Four minutes wide", "Vier minuten breed"},
			"/":            {"Four minutes wide", "Vier minuten breed"},
			"/nl/feed.xml": {"Het pontje komt als je belt.", "Four minutes wide"},
			"/feed.xml":    {"Four minutes wide", "Vier minuten breed"},
			"/sitemap.xml": {o.Site.ArticlePage(there) + "<", "/breed<"},
		} {
			p := o.open(path)
			if !strings.Contains(p.raw, want.has) || strings.Contains(p.raw, want.lacks) {
				t.Errorf("%s (%d) lacks %q or has %q", path, p.status, want.has, want.lacks)
			}
		}
		if p := o.open("/nl/feed.xml"); !strings.Contains(p.raw, "<id>"+o.Site.ArticleID(o.wide.ObjectID)+"#nl</id>") {
			t.Error("in the Dutch feed it has the id of the original")
		}
		if p := o.open("/sitemap.xml"); !strings.Contains(p.raw, o.Site.ArticlePage(o.wide)+"<") {
			t.Error("the sitemap lost the original")
		}
	})
}
