package web

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

// leave makes authors unable to sign in, so that the blog no longer names them.
func (o *publicBlog) leave(voices ...blog.Voice) {
	o.T.Helper()
	for _, v := range voices {
		a, err := o.Store.Author(o.T.Context(), v.ID)
		o.must(err)
		at := noon
		a.DisabledAt = &at
		o.must(o.Store.SaveAuthor(o.T.Context(), a))
	}
}

func TestTheMenuNamesWhatTheBlogHas(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		menu := func(path string) []string {
			t.Helper()
			var list []string
			for _, a := range o.open(path).one("header", ".running").find("nav")[0].find("a") {
				list = append(list, a.words()+" "+a.attr("href"))
			}
			return list
		}
		// A phone lays a feed out 980 pixels wide, so the menu leads to the list of feeds.
		several := []string{"Auteurs /about#authors", "Archief /archive", "Feed /about#feeds"}
		for _, path := range []string{"/", "/archive", "/about", "/nothing"} {
			if diff := cmp.Diff(several, menu(path)); diff != "" {
				t.Errorf("%s with several authors (-want +got):\n%s", path, diff)
			}
		}
		if len(o.open("/about").find("h2", "#feeds")) != 1 {
			t.Error("the list of feeds has no place")
		}
		o.leave(o.tobias, o.maud, o.samir)
		for _, path := range []string{"/", "/archive", "/about", "/nothing"} {
			if diff := cmp.Diff(several[1:], menu(path)); diff != "" {
				t.Errorf("%s with one author (-want +got):\n%s", path, diff)
			}
		}
	})
}

func TestTheOnlyAuthorIsShownOnceOnTheFrontPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.leave(o.ilse, o.maud, o.samir)
		home := o.open("/")
		if got := len(home.find("div", ".by")); got != 1 {
			t.Errorf("face and handle of the only author stand there %d times", got)
		}
		if lead := home.one("article", ".featured").find("div", ".lead")[0]; lead.is([]string{".ends-here"}) {
			t.Error("the rule leads to a face that is not there")
		}
		// With others in the by-line, all of them are named.
		o.leave(o.tobias)
		back, err := s.Author(t.Context(), o.ilse.ID)
		o.must(err)
		back.DisabledAt = nil
		o.must(s.SaveAuthor(t.Context(), back))
		wide := o.open("/en/").one("article", ".featured")
		if diff := cmp.Diff([]string{"Ilse Verhaagen", "Maud Lindqvist", "Harm"},
			texts(wide.find("a", ".name"))); diff != "" {
			t.Errorf("the by-line (-want +got):\n%s", diff)
		}
	})
}

func TestManyLanguagesStandBelowTheTitleAndAFewInTheMenu(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		inMenu := func() int { return len(o.open("/").one("header", ".running").find("a", "hreflang=en")) }
		below := func() int { return len(o.open("/").one("section", ".cover").find("a", "hreflang=en")) }
		if inMenu() != 1 || below() != 0 {
			t.Error("two languages do not stand in the menu")
		}
		for i, code := range []string{"de", "fr"} {
			o.publish(noon.AddDate(0, 0, -30-i), blog.Article{VoiceID: o.ilse.ID,
				Text: articleText(code, "River "+code, "river-"+code, "")})
		}
		if inMenu() != 0 || below() != 1 {
			t.Error("four languages stand in the menu")
		}
		if got := o.open("/de/").one("ul", ".languages").find("a", "aria-current=page"); len(got) != 1 ||
			got[0].words() != "Deutsch" {
			t.Errorf("on the German front page the marked language is %q", texts(got))
		}
	})
}

func TestTheMarginQuotesRepliesInBlocks(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	o.says(o.bram, "A bell is a letter.", time.Hour)
	p := o.open("/2026/11/four-minutes-wide")
	// A reply has paragraphs, and <q> may have none.
	if got := len(p.find("q")); got != 0 {
		t.Errorf("%d replies are quoted in a line", got)
	}
	quote := p.one("aside", ".voices").find("blockquote")
	if len(quote) != 1 || quote[0].words() != "A bell is a letter." || quote[0].attr("lang") != "en" {
		t.Errorf("the margin quotes %q", texts(quote))
	}
}

func TestCodeInACommentIsReachedByKeyboard(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		code := func(c *blog.Comment) {
			c.HTML = `<pre lang="en"><code>a &lt;pre</code></pre><p>&lt;pre</p><pre>b</pre>`
		}
		o.says(o.bram, "Code", time.Hour, code)
		blocks := o.open("/2026/11/four-minutes-wide").one("section", "#talk").find("pre")
		if diff := cmp.Diff([]string{"a <pre", "b"}, texts(blocks)); diff != "" {
			t.Fatalf("(-want +got):\n%s", diff)
		}
		for _, block := range blocks {
			// Not a region: two landmarks may not have the same name.
			if block.attr("tabindex") != "0" || block.attr("aria-label") != "Code" || block.attr("role") != "group" {
				t.Errorf("%q has the attributes %v", block.words(), block.Attr)
			}
		}
	})
}

func TestTheDateOfACommentLeadsToItAndItsServerToTheOriginal(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		theirs := o.says(o.bram, "A bell is a letter.", time.Hour)
		ours := o.says(o.ilse, "It is.", 2*time.Hour, answering(theirs))
		p := o.open("/2026/11/four-minutes-wide")
		for _, c := range []blog.Comment{theirs, ours} {
			said := p.one("li", "#comment-"+string(c.ID)).find("div", ".said")[0]
			if got := said.find("a", ".on")[0]; got.attr("href") != "#comment-"+string(c.ID) || len(got.find("time")) != 1 {
				t.Errorf("the date %q leads to %q", got.words(), got.attr("href"))
			}
			// To a program that reads microformats the address of a reply is that of the original.
			if got := attrs("href", said.find("a", ".u-url")); len(got) != 1 || c.ActorID != "" && got[0] != c.URL {
				t.Errorf("the addresses are %q", got)
			}
		}
		origin := p.find("a", ".origin")
		if len(origin) != 1 || origin[0].words() != "on veerhuis.example ↗" || origin[0].attr("href") != theirs.URL ||
			origin[0].attr("rel") != "nofollow ugc noopener" {
			t.Errorf("the originals are %q at %q", texts(origin), attrs("href", origin))
		}
	})
}

func TestTheArchiveHasTheDateInTheMargin(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	o.says(o.bram, "A bell is a letter.", time.Hour)
	line := o.open("/archive").one("ul", ".years").find("li")[1]
	if got := line.words(); got != "16 nov Four minutes wide Ilse Verhaagen, Maud Lindqvist, Harm · 1 reactie" {
		t.Errorf("the line is %q", got)
	}
	if got := line.find("time"); len(got) != 1 || !got[0].is([]string{".when"}) {
		t.Errorf("its dates are %q", texts(got))
	}
}

func TestRepliesAreCountedOnceWhereNothingElseIsCounted(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	o.says(o.bram, "A bell is a letter.", time.Hour)
	if got := o.open("/2026/11/four-minutes-wide").find("div", ".counts"); len(got) != 0 {
		t.Errorf("above “1 reply from 1 server” stands %q", got[0].words())
	}
	o.reacts(o.nadia, blog.Like)
	if got := o.open("/2026/11/four-minutes-wide").one("div", ".counts").words(); !strings.HasPrefix(got,
		"1 reply 1 favourite") {
		t.Errorf("the counts are %q", got)
	}
}

func TestAWithdrawnArticleSaysSinceWhen(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		at := noon.Add(30 * time.Hour)
		withdraw := func(a blog.Article) string {
			t.Helper()
			object := a.ObjectID
			o.must(a.Withdraw())
			a.ObjectID = ""
			o.must(s.SaveArticle(t.Context(), &a, at.AddDate(0, 0, 9))) // and it was edited since
			if object != "" {
				o.must(s.SaveObject(t.Context(), store.Object{ID: object, ArticleID: a.ID, Payload: []byte("{}"), Revision: 2,
					At: at, GoneAt: &at}))
			}
			p := o.open(o.Site.ArticlePath(a))
			if p.status != 410 {
				t.Errorf("%s answers %d", a.Slug, p.status)
			}
			return p.one("p", ".dek").words()
		}
		if got := withdraw(o.wide); got != "Dit artikel stond hier. De auteur heeft het op 17 november 2026 ingetrokken." {
			t.Errorf("it says %q", got)
		}
		local := o.publish(noon, blog.Article{VoiceID: o.ilse.ID, Visibility: blog.Local,
			Text: articleText("en", "Only here", "only-here", "")})
		if got := withdraw(local); got != "Dit artikel stond hier. De auteur heeft het ingetrokken." {
			t.Errorf("of an article that was only here it says %q", got)
		}
		o.must(s.EraseVoice(t.Context(), o.samir, noon))
		if got := o.open("/@samir").one("h1").words(); got != "Deze auteur is vertrokken" {
			t.Errorf("the page of an author who left is called %q", got)
		}
	})
}

func TestAnArticleInAnotherScriptHasItsLanguageAndDirection(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	o.pages.Fallback = "nl"
	for code, direction := range map[string]string{"ar": "rtl", "de": "", "ja": ""} {
		a := o.publish(noon.AddDate(0, 0, -30), blog.Article{VoiceID: o.ilse.ID,
			Text: articleText(code, "River "+code, "river-"+code, "Summary")})
		p := o.open(o.Site.ArticlePath(a))
		// The words around it are the blog's.
		if page := p.one("html"); page.attr("lang") != "nl" || page.attr("dir") != "" {
			t.Errorf("%s: the page is in %q, %q", code, page.attr("lang"), page.attr("dir"))
		}
		if lead := p.one("header", ".lead"); lead.attr("dir") != direction || lead.find("h1")[0].attr("lang") != code {
			t.Errorf("%s: the title block is %v, the title %v", code, lead.Attr, lead.find("h1")[0].Attr)
		}
		text := p.one("div", ".prose")
		if want := map[bool]string{true: "rtl", false: "auto"}[direction == "rtl"]; text.attr("dir") != want ||
			text.attr("lang") != code {
			t.Errorf("%s: the text is %v", code, text.Attr)
		}
	}
}
