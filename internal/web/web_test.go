package web

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
	"causerie/internal/overkant"
	"causerie/internal/page"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestTheFrontPageShowsTheNewestArticlesByMonth(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.says(o.bram, "A bell is a letter.", time.Hour)
		home := o.open("/")
		if home.status != 200 || home.one("html").attr("lang") != "nl" {
			t.Fatalf("status %d in %q", home.status, home.one("html").attr("lang"))
		}
		if got := home.one("h1").words(); got != "De Overkant" {
			t.Errorf("the title is %q", got)
		}
		if diff := cmp.Diff([]string{"Ilse Verhaagen", "Maud Lindqvist", "Samir Benhaddou", "Tobias Renkema"},
			sorted(names(home.find("ul", ".authors")[0].find("a")))); diff != "" {
			t.Errorf("authors (-want +got):\n%s", diff)
		}
		featured := home.one("article", ".featured")
		if got := featured.find("a", ".u-url")[0]; got.words() != "Lijm die weer los wil" ||
			got.attr("href") != "/2026/11/lijm-die-weer-los-wil" {
			t.Errorf("featured is %q at %q", got.words(), got.attr("href"))
		}
		if diff := cmp.Diff([]string{"november 2026", "oktober 2026"}, texts(home.find("h2", ".month"))); diff != "" {
			t.Errorf("months (-want +got):\n%s", diff)
		}
		entries := home.find("li", ".entry")
		if len(entries) != 2 {
			t.Fatalf("%d entries below the featured one", len(entries))
		}
		wide := entries[0]
		if got := wide.find("h3")[0]; got.words() != "Four minutes wide" || got.attr("lang") != "en" {
			t.Errorf("the entry is %q in %q", got.words(), got.attr("lang"))
		}
		if got := wide.find("p", ".mark")[0].words(); got != "The Low Road, deel 2 van 5" {
			t.Errorf("its series is %q", got)
		}
		if got := wide.find("p", ".bits")[0].words(); got != "Ilse Verhaagen, Maud Lindqvist, Harm 9 min English 1 reactie" {
			t.Errorf("its by-line is %q", got)
		}
		if got := entries[1].find("p", ".side"); len(got) != 0 {
			t.Errorf("without replies there is a count all the same: %q", texts(got))
		}
		if got := home.one("nav", ".pager").words(); got != "3 artikelen" {
			t.Errorf("with all of them shown the front page says %q", got)
		}
		if home.header.Get("Set-Cookie") != "" || home.header.Get("Vary") != "Accept, Accept-Encoding" {
			t.Errorf("headers %v", home.header)
		}
	})
}

func names(nodes []node) []string {
	var list []string
	for _, n := range nodes {
		list = append(list, n.find("bdi")[0].words())
	}
	return list
}

func sorted(list []string) []string {
	slices.Sort(list)
	return list
}

func TestEachLanguageHasAFrontPageInThatLanguage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		english := o.open("/en/")
		if english.one("html").attr("lang") != "en" || strings.Contains(english.raw, "Lijm die weer") {
			t.Error("the English front page is not English")
		}
		if got := english.one("article", ".featured").find("h2")[0].words(); got != "Four minutes wide" {
			t.Errorf("featured is %q", got)
		}
		if diff := cmp.Diff([]string{"English", "Nederlands", "All"},
			texts(english.find("header", ".running")[0].find("ul")[0].find("a"))); diff != "" {
			t.Errorf("fronts (-want +got):\n%s", diff)
		}
		hero := english.one("article", ".featured").find("img")[0]
		if hero.attr("srcset") != "/media/ferry-480.jpg 480w, /media/ferry-960.jpg 960w, /media/ferry-1600.jpg 1600w" ||
			hero.attr("src") != "/media/ferry-1600.jpg" {
			t.Errorf("hero %q with %q", hero.attr("src"), hero.attr("srcset"))
		}
		for path, want := range map[string]string{"/en": "/en/", "/feed": "/feed.xml", "/rss.xml": "/feed.xml",
			"/@ilse.rss": "/@ilse/feed.xml",
			"/archive/":  "/archive", "/@Ilse": "/@ilse", "/tags/Rivers": "/tags/rivers",
			"//zilverduin.example/": "/zilverduin.example"} {
			if got := o.open(path); got.status != 301 || got.header.Get("Location") != want {
				t.Errorf("%s answers %d to %q, want 301 to %q", path, got.status, got.header.Get("Location"), want)
			}
		}
		if got := o.open("/fr/"); got.status != 404 {
			t.Errorf("a language in which nothing stands answers %d", got.status)
		}
	})
}

func TestAnArticlePageIsComplete(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		for _, friend := range []blog.Actor{o.bram, o.nadia} {
			o.reacts(friend, blog.Like)
		}
		o.reacts(o.bram, blog.Boost)
		p := o.open("/2026/11/four-minutes-wide")
		if p.status != 200 || p.one("h1").words() != "Four minutes wide" || p.one("html").attr("lang") != "en" {
			t.Fatalf("status %d, title %q", p.status, texts(p.find("h1")))
		}
		if diff := cmp.Diff([]string{"Ilse Verhaagen", "Maud Lindqvist", "Harm"},
			texts(node{p.one("header", ".lead").Node}.find("a", ".name"))); diff != "" {
			t.Errorf("by-line (-want +got):\n%s", diff)
		}
		if got := p.one("header", ".lead").find("a", ".name")[2].attr("href"); got != "https://harm.example" {
			t.Errorf("the guest leads to %q", got)
		}
		for name, want := range map[string][]string{
			"series":   {"Part 2 of 5 of The Low Road"},
			"previous": {"The bell is on the other side"},
			"contents": {"The length of a thing said", "Keeping the log & the oar", "What a bridge takes away"},
			"tags":     {"#Rivers", "#Ferries & boats"},
			"counts":   {"2 favourites", "1 boost"},
		} {
			got := map[string][]node{"series": p.find("h2", "#series"), "previous": p.find("a", "rel=prev"),
				"contents": p.one("details", ".toc").find("a"),
				"tags":     p.find("a", "rel=tag"), "counts": p.one("div", ".counts").find("span")}[name]
			if name == "counts" {
				got = got[:2]
			}
			if diff := cmp.Diff(want, texts(got)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", name, diff)
			}
		}
		if got := attrs("href", p.find("a", "rel=tag")); got[1] != "/tags/ferries%20&%20boats" {
			t.Errorf("the second tag leads to %q", got[1])
		}
		if got := p.one("img", ".u-featured"); got.attr("alt") != "A man rows a passenger across a wide river." ||
			got.attr("width") != "1600" {
			t.Errorf("hero %v", got.Attr)
		}
		reply := p.find("a", ".first")[0].attr("href")
		if want := "/interact?do=reply&uri=" + url.QueryEscape(o.Site.ArticleID(o.wide.ObjectID)); reply != want {
			t.Errorf("reply leads to %q, want %q", reply, want)
		}
		if !strings.Contains(p.raw, `<div class="prose e-content" dir="auto">`) {
			t.Error("the text has lost its frame")
		}
		for _, address := range attrs("href", p.find("link", "rel=stylesheet")) {
			if got := o.open(address); got.status != 200 || !strings.HasPrefix(got.header.Get("Content-Type"), "text/css") {
				t.Errorf("the sheet %s answers %d", address, got.status)
			}
		}
		// Each sheet is a request that the page waits for before anything is drawn.
		if got := len(p.find("link", "rel=stylesheet")); got != 1 {
			t.Errorf("the page waits for %d sheets, want one", got)
		}
	})
}

func TestF113TheHeadDescribesThePage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.must(o.wide.Revise(noon.Add(48 * time.Hour)))
		o.must(s.SaveArticle(t.Context(), &o.wide, noon.Add(48*time.Hour)))
		o.keep(o.wide, o.wide.Text, noon.Add(48*time.Hour))
		p := o.open("/2026/11/four-minutes-wide")
		id := o.Site.ArticleID(o.wide.ObjectID)
		if got := p.one("link", "type=application/activity+json").attr("href"); got != id {
			t.Errorf("on the wire it is %q, want %q", got, id)
		}
		if got, want := p.header.Get("Link"), "<"+id+`>; rel="alternate"; type="application/activity+json"`; got != want {
			t.Errorf("Link is %q, want %q", got, want)
		}
		meta := map[string]string{}
		for _, m := range p.find("meta") {
			meta[m.attr("name")+m.attr("property")] += m.attr("content") + "|"
		}
		for name, want := range map[string]string{"description": "On the last rowed ferry below the weir.|",
			"og:type": "article|", "og:locale": "en_GB|",
			"og:title": "Four minutes wide|", "og:site_name": "De Overkant|",
			"og:image":               "https://overkant.example/media/ferry-1600.jpg|",
			"og:image:alt":           "A man rows a passenger across a wide river.|",
			"og:url":                 "https://overkant.example/2026/11/four-minutes-wide|",
			"article:published_time": "2026-11-16T12:00:00+01:00|", "article:modified_time": "2026-11-18T12:00:00+01:00|",
			"fediverse:creator": "@ilse@overkant.example|@maud@overkant.example|", "article:tag": "Rivers|Ferries & boats|",
			"robots": ""} {
			if meta[name] != want {
				t.Errorf("%s is %q, want %q", name, meta[name], want)
			}
		}
		if got := p.one("link", "rel=canonical").attr("href"); got != "https://overkant.example/2026/11/four-minutes-wide" {
			t.Errorf("canonical is %q", got)
		}
		var things []map[string]any
		if err := json.Unmarshal([]byte(p.one("script", "type=application/ld+json").FirstChild.Data), &things); err != nil {
			t.Fatal(err)
		}
		if things[0]["@type"] != "WebPage" || things[0]["headline"] != "Four minutes wide" ||
			things[1]["@type"] != "BlogPosting" || things[1]["inLanguage"] != "en" {
			t.Errorf("things are %v", things)
		}
		author := o.open("/@ilse")
		if got := author.one("link", "type=application/activity+json").attr("href"); got != o.Site.ActorID(o.ilse.ID) {
			t.Errorf("the author on the wire is %q", got)
		}
		if diff := cmp.Diff([]string{"https://ilse.example/"}, attrs("href", author.find("link", "rel=me"))); diff != "" {
			t.Errorf("rel=me (-want +got):\n%s", diff)
		}
	})
}

func TestCommentsAreShownInThreads(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		grandmother := o.says(o.bram, "A bell is a letter.", time.Hour)
		wall := o.says(o.ilse, "That goes on the wall.", 2*time.Hour, answering(grandmother))
		boat := o.says(o.bram, "Whoever has the boat.", 3*time.Hour, answering(wall))
		village := o.says(o.nadia, "In ons dorp hingen er twee.", 4*time.Hour, answering(boat),
			func(c *blog.Comment) { c.Language = "nl" })
		o.says(o.deniz, "Both at once.", 5*time.Hour, answering(village))
		o.says(o.deniz, "We lost an uncle.", 6*time.Hour, func(c *blog.Comment) { c.Warning = "Drowning" })
		rude := o.says(o.kade, "Buy silver.", 7*time.Hour)
		o.says(o.bram, "We were both wrong.", 8*time.Hour, answering(rude), func(c *blog.Comment) { c.Language = "ar" })
		o.must(s.RemoveComment(t.Context(), rude.ID))
		o.reacts(o.nadia, blog.Like, grandmother)

		p := o.open("/2026/11/four-minutes-wide")
		if got := p.one("h2", "#talk-title").words(); got != "7 replies from 3 servers" {
			t.Errorf("the title is %q", got)
		}
		if got := p.find("a", ".replies")[0]; got.words() != "7 replies" || got.attr("href") != "#talk" {
			t.Errorf("the by-line says %q", got.words())
		}
		if got := p.one("h2", "#first-voices").words(); got != "3 people replied" {
			t.Errorf("the margin says %q", got)
		}
		first := p.one("li", "#comment-"+string(grandmother.ID))
		said := first.find("div", ".said")[0]
		if got := said.words(); !strings.Contains(got, "Bram Oosterling @bram@veerhuis.example") ||
			!strings.Contains(got, "16 Nov, 13:00") || !strings.Contains(got, "1 favourite") {
			t.Errorf("the first voice is %q", got)
		}
		home := said.find("a", ".u-url")[0]
		if home.attr("href") != grandmother.URL || home.attr("rel") != "nofollow ugc noopener" {
			t.Errorf("the way home is %q with rel %q", home.attr("href"), home.attr("rel"))
		}
		if got := said.find("p", ".deeds")[0].find("a")[0].attr("href"); got != "/interact?do=reply&uri="+
			url.QueryEscape(grandmother.Address) {
			t.Errorf("reply leads to %q", got)
		}
		own := p.one("li", "#comment-"+string(wall.ID))
		if !own.is([]string{".own"}) || own.find("span", ".is")[0].words() != "author" {
			t.Error("the author's own answer is not marked")
		}
		if got := depth(p.one("li", "#comment-"+string(village.ID))); got != maxDepth {
			t.Errorf("the fourth voice stands %d deep", got)
		}
		deepest := p.find("p", ".to")
		if len(deepest) != 1 || deepest[0].words() != "in reply to Nadia F." ||
			deepest[0].find("a")[0].attr("href") != "#comment-"+string(village.ID) {
			t.Errorf("the fifth voice says %q", texts(deepest))
		}
		if got := p.one("details", ".toc"); got.Node == nil {
			t.Error("no contents")
		}
		warning := p.find("div", ".words")
		for _, words := range warning {
			if strings.Contains(words.words(), "uncle") &&
				(len(words.find("details")) != 1 || words.find("summary")[0].words() != "Drowning") {
				t.Errorf("the warning is %q", words.words())
			}
		}
		gone := p.one("li", "#comment-"+string(rude.ID))
		if got := gone.find("div", ".said")[0].words(); got != "There was a reply here. Its author removed it." ||
			strings.Contains(p.raw, "silver") {
			t.Errorf("the removed one says %q", got)
		}
		if got := gone.find("div", ".words", "lang=ar", "dir=rtl"); len(got) != 1 {
			t.Error("Arabic does not run from right to left")
		}
	})
}

// depth is how many threads an element lies in.
func depth(n node) int {
	deep := 0
	for up := range n.Ancestors() {
		if (node{up}).is([]string{".thread"}) {
			deep++
		}
	}
	return deep
}

func TestWhatIsNotPublicIsOnNoPage(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		const canary = "kanarie"
		hide := map[string]func(*blog.Comment){
			"restricted": func(c *blog.Comment) { c.Visibility = blog.RestrictedComment },
			"waiting":    func(c *blog.Comment) { c.State = blog.CommentWaiting },
			"hidden":     func(c *blog.Comment) { c.State = blog.CommentHidden },
			"spam":       func(c *blog.Comment) { c.State = blog.CommentSpam },
			"restricted and removed": func(c *blog.Comment) {
				c.Visibility, c.State = blog.RestrictedComment, blog.CommentRemoved
			},
		}
		for _, change := range hide {
			c := o.says(o.kade, canary, time.Hour, change)
			if got := o.open("/interact?do=reply&uri=" + url.QueryEscape(c.Address)); got.status != 404 {
				t.Errorf("one may answer what one may not read: %d", got.status)
			}
		}
		for _, a := range []blog.Article{{Visibility: blog.Followers}, {Visibility: blog.Unlisted}} {
			a.VoiceID, a.Tags, a.SeriesID, a.Part, a.Text = o.ilse.ID, blog.Strings{"rivers"}, o.road.ID, 3,
				articleText("en", canary+" "+string(a.Visibility), canary+"-"+string(a.Visibility), canary)
			o.publish(noon, a)
		}
		draft := blog.Article{ID: blog.NewID(noon), VoiceID: o.ilse.ID, Status: blog.Draft, Format: blog.FullArticle,
			Visibility: blog.Public, Comments: blog.Open,
			Quotes: "everyone", CreatedAt: noon, Text: articleText("en", canary, canary+"-draft", canary)}
		o.must(draft.Schedule(time.Now().Add(time.Hour), noon, zone))
		o.must(s.SaveArticle(t.Context(), &draft, noon))
		for _, path := range []string{"/", "/en/", "/2026/11/four-minutes-wide", "/2026/11/four-minutes-wide/replies/newest",
			"/@ilse", "/tags/rivers", "/series/the-low-road", "/archive",
			"/feed.xml", "/feed.json", "/@ilse/feed.xml", "/tags/rivers/feed.xml", "/series/the-low-road/feed.xml",
			"/comments/feed.xml", "/en/feed.xml", "/sitemap.xml", "/2026/11/kanarje-followers"} {
			if got := o.open(path); strings.Contains(got.raw, canary) || strings.Contains(got.raw, "There was a reply here") {
				t.Errorf("%s tells of what is not for everybody", path)
			}
		}
		for path, want := range map[string]int{"/2026/11/" + canary + "-followers": 404, site(draft): 404,
			"/2026/11/" + canary + "-unlisted": 200} {
			if got := o.open(path); got.status != want {
				t.Errorf("%s answers %d, want %d", path, got.status, want)
			}
		}
		if got := o.open("/2026/11/" + canary + "-unlisted"); len(got.find("meta", "content=noindex")) != 1 {
			t.Error("search engines may list what is unlisted")
		}
	})
}

func TestWithdrawnArticlesAreNotSuggested(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		said := o.says(o.bram, "A bell is a letter.", time.Hour)
		reply := "/interact?do=reply&uri=" + url.QueryEscape(said.Address)
		for _, path := range []string{"/four-minutes-widf", "/2026/11/four-minutes"} {
			if got := o.open(path); got.status != 404 || !strings.Contains(got.raw, "Four minutes wide") {
				t.Fatalf("%s answers %d and does not suggest what is meant", path, got.status)
			}
		}
		if got := o.open(reply); got.status != 200 {
			t.Fatalf("a comment cannot be answered: %d", got.status)
		}
		o.must(o.wide.Withdraw())
		o.must(s.SaveArticle(t.Context(), &o.wide, noon.Add(time.Hour)))
		for _, path := range []string{"/four-minutes-widf", "/2026/11/four-minutes", "/four-minutes-wide"} {
			if got := o.open(path); got.status != 404 || strings.Contains(got.raw, "Four minutes wide") {
				t.Errorf("%s answers %d and suggests what was taken back", path, got.status)
			}
		}
		if got := o.open(reply); got.status != 404 {
			t.Errorf("a comment that stands on no page can be answered: %d", got.status)
		}
	})
}

func site(a blog.Article) string { return blog.Site{}.ArticlePath(a) }

func TestAChangedAddressRedirectsAndAWithdrawnOneIsGone(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		if got := o.open("/2026/11/four-minutes-wide"); got.status != 200 {
			t.Fatal(got.status)
		}
		o.wide.Slug = "four-minutes"
		o.must(s.SaveArticle(t.Context(), &o.wide, noon.Add(time.Hour)))
		for _, path := range []string{"/2026/11/four-minutes-wide", "/2025/01/four-minutes", "/2025/01/four-minutes-wide"} {
			if got := o.open(path); got.status != 301 || got.header.Get("Location") != "/2026/11/four-minutes" {
				t.Errorf("%s answers %d to %q", path, got.status, got.header.Get("Location"))
			}
		}
		o.must(o.wide.Withdraw())
		o.must(s.SaveArticle(t.Context(), &o.wide, noon.Add(2*time.Hour)))
		gone := o.open("/2026/11/four-minutes")
		if gone.status != 410 || gone.one("h1").words() != "Ingetrokken door de auteur" ||
			strings.Contains(gone.raw, "ferry") || len(gone.find("meta", "content=noindex")) != 1 {
			t.Errorf("status %d, title %q", gone.status, texts(gone.find("h1")))
		}
		if got := gone.one("p", ".hint").words(); got != "Alle artikelen vind je in het archief." {
			t.Errorf("the page of what was taken back says %q", got)
		}
		if got := o.open("/feed.xml"); strings.Contains(got.raw, "<title>Four minutes") {
			t.Error("the feed still has it")
		}
	})
}

func TestNotFoundSuggestsSimilarArticles(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		p := o.open("/2026/11/four-minuts-wide")
		if p.status != 404 || p.header.Get("Cache-Control") != "no-cache" {
			t.Fatalf("status %d, %q", p.status, p.header.Get("Cache-Control"))
		}
		near := p.one("ul", ".list-plain").find("a")
		if diff := cmp.Diff([]string{"Four minutes wide"}, texts(near)); diff != "" ||
			near[0].attr("href") != "/2026/11/four-minutes-wide" {
			t.Errorf("(-want +got):\n%s", diff)
		}
		for _, path := range []string{"/wp-login.php", "/nothing", "/tags/nothing", "/series/nothing", "/@nobody", "/page/99",
			"/page/1", "/page/02", "/page/x", "/@ilse/page/2",
			"/2026/11/four-minutes-wide/replies/1", "/2026/11/four-minutes-wide/replies/9",
			"/2026/11/four-minutes-wide/replies/newest-1", "/interact", "/interact?do=dance&uri=x",
			"/tags/%00", "/%ff%fe", "/@" + strings.Repeat("x", 5000), "/2026/11/%3Cscript%3E"} {
			if got := o.open(path); got.status != 404 || strings.Contains(got.raw, "<script>") {
				t.Errorf("%.40s answers %d", path, got.status)
			}
		}
	})
}

func TestManyCommentsHaveSeveralPages(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	o.must(s.InTx(t.Context(), func(s *store.Store) error {
		o.Store = s
		last := o.says(o.bram, "voice 0", time.Minute)
		for i := 1; i < 430; i++ {
			last = o.says(o.nadia, fmt.Sprintf("voice %d", i), time.Duration(i+1)*time.Minute, answering(last))
		}
		return nil
	}))
	seen := 0
	for i, path := range []string{"/2026/11/four-minutes-wide", "/2026/11/four-minutes-wide/replies/2",
		"/2026/11/four-minutes-wide/replies/3"} {
		p := o.open(path)
		voices := p.find("li", ".voice")
		seen += len(voices)
		if p.status != 200 || len(voices) > repliesPerPage {
			t.Fatalf("%s: status %d, %d voices", path, p.status, len(voices))
		}
		if got := p.one("h2", "#talk-title").words(); got != "430 replies from 2 servers" {
			t.Errorf("%s: the title is %q", path, got)
		}
		next := attrs("href", node{p.one("nav", ".pager").Node}.find("a", "rel=next"))
		if want := i < 2; (len(next) == 1) != want {
			t.Errorf("%s leads on to %q", path, next)
		}
		if got := p.one("link", "rel=canonical").attr("href"); got != "https://overkant.example/2026/11/four-minutes-wide" {
			t.Errorf("%s: canonical is %q", path, got)
		}
	}
	if seen != 430 {
		t.Errorf("%d voices stand on the pages", seen)
	}
}

func TestCommentsCanBeReadInOtherOrders(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.says(o.bram, "first", time.Hour)
		second := o.says(o.nadia, "second", 2*time.Hour)
		o.says(o.ilse, "answer", 4*time.Hour, answering(second))
		o.says(o.deniz, "third", 3*time.Hour)
		for path, want := range map[string][]string{
			"/2026/11/four-minutes-wide":                      {"first", "second", "answer", "third"},
			"/2026/11/four-minutes-wide/replies/newest":       {"third", "second", "answer", "first"},
			"/2026/11/four-minutes-wide/replies/author-first": {"second", "answer", "first", "third"},
		} {
			p := o.open(path)
			if diff := cmp.Diff(want, texts(p.find("div", ".words"))); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
	})
}

func TestListsOfAuthorTagSeriesAndArchive(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		_, err := s.Follow(t.Context(), blog.Follower{VoiceID: o.ilse.ID, ActorID: o.bram.ID, FollowID: o.bram.ID + "#f",
			State: blog.Accepted, Since: noon})
		o.must(err)
		for path, want := range map[string][]string{
			"/@ilse":               {"Four minutes wide", "The bell is on the other side"},
			"/@maud":               {"Four minutes wide"},
			"/@samir":              nil,
			"/tags/rivers":         {"Four minutes wide", "The bell is on the other side"},
			"/series/the-low-road": {"The bell is on the other side", "Four minutes wide"},
		} {
			p := o.open(path)
			if diff := cmp.Diff(want, texts(p.find("h3"))); diff != "" || p.status != 200 {
				t.Errorf("%s: status %d (-want +got):\n%s", path, p.status, diff)
			}
		}
		ilse := o.open("/@ilse")
		if got := ilse.one("ul", ".facts").words(); got != "1 follower 2 articles Feed of Ilse Verhaagen" {
			t.Errorf("facts are %q", got)
		}
		if got := ilse.one("dl", ".proof").words(); got != "Websiteilse.example Riverthe Waal" {
			t.Errorf("the profile says %q", got)
		}
		archive := o.open("/archive")
		if diff := cmp.Diff([]string{"Lijm die weer los wil", "Four minutes wide", "The bell is on the other side"},
			texts(archive.one("ul", ".years").find("a"))); diff != "" {
			t.Errorf("archive (-want +got):\n%s", diff)
		}
		o.must(s.EraseVoice(t.Context(), o.samir, noon))
		if got := o.open("/@samir").status; got != 410 {
			t.Errorf("an author who left answers %d", got)
		}
	})
}

func TestALongListHasSeveralPages(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	for i := range perPage {
		o.publish(noon.AddDate(0, 0, -30-i), blog.Article{VoiceID: o.ilse.ID,
			Text: articleText("en", fmt.Sprintf("Bank %d", i), fmt.Sprintf("bank-%d", i), "")})
	}
	first, second := o.open("/"), o.open("/page/2")
	if got := first.one("nav", ".pager"); got.find("a")[0].attr("href") != "/page/2" ||
		!strings.Contains(got.words(), "20 van 23 artikelen") {
		t.Errorf("the first page leads on with %q", got.words())
	}
	if got := second.find("li", ".entry"); len(got) != 3 || second.one("nav", ".pager").find("a")[0].attr("href") != "/" {
		t.Errorf("the second has %d entries", len(got))
	}
	if got := second.one("link", "rel=canonical").attr("href"); got != "https://overkant.example/page/2" {
		t.Errorf("canonical is %q", got)
	}
}

func TestFeedsHaveWholeArticlesWithAbsoluteAddresses(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		o.says(o.bram, "A bell is a letter.", time.Hour)
		for path, want := range map[string][]string{
			"/feed.xml": {"Lijm die weer los wil", "Four minutes wide",
				"The bell is on the other side"},
			"/en/feed.xml":                       {"Four minutes wide", "The bell is on the other side"},
			"/@tobias/feed.xml":                  {"Lijm die weer los wil"},
			"/@maud/feed.xml":                    {"Four minutes wide"},
			"/tags/ferries%20&%20boats/feed.xml": {"Four minutes wide"},
			"/series/the-low-road/feed.xml":      {"Four minutes wide", "The bell is on the other side"},
			"/comments/feed.xml":                 {"Bram Oosterling: Four minutes wide"},
		} {
			p := o.openAs("application/atom+xml, */*;q=0.5", path)
			var feed struct {
				ID      string `xml:"id"`
				Entries []struct {
					ID      string `xml:"id"`
					Title   string `xml:"title"`
					Content string `xml:"content"`
				} `xml:"entry"`
			}
			if err := xml.Unmarshal([]byte(p.raw), &feed); err != nil ||
				p.header.Get("Content-Type") != "application/atom+xml; charset=utf-8" {
				t.Fatalf("%s: %v, %q", path, err, p.header.Get("Content-Type"))
			}
			var titles []string
			for _, e := range feed.Entries {
				titles = append(titles, e.Title)
				if e.Title == "Four minutes wide" &&
					(e.ID != o.Site.ArticleID(o.wide.ObjectID) ||
						!strings.Contains(e.Content, `href="https://overkant.example/media/ferry-960.jpg"`)) {
					t.Errorf("%s: %q has id %q and text %q", path, e.Title, e.ID, e.Content)
				}
			}
			if diff := cmp.Diff(want, titles); diff != "" {
				t.Errorf("%s (-want +got):\n%s", path, diff)
			}
		}
		for path, want := range map[string]string{"/feed.json": "application/feed+json; charset=utf-8",
			"/sitemap.xml": "application/xml; charset=utf-8",
			"/robots.txt":  "text/plain; charset=utf-8", "/favicon.ico": "image/x-icon",
			"/style.css": "text/css; charset=utf-8"} {
			if got := o.open(path); got.status != 200 || got.header.Get("Content-Type") != want {
				t.Errorf("%s answers %d as %q, want %q", path, got.status, got.header.Get("Content-Type"), want)
			}
		}
		for _, want := range []string{"https://overkant.example/2026/11/four-minutes-wide", "https://overkant.example/@ilse",
			"https://overkant.example/tags/rivers", "https://overkant.example/series/the-low-road"} {
			if !strings.Contains(o.open("/sitemap.xml").raw, "<loc>"+want+"</loc>") {
				t.Errorf("%s is not in the sitemap", want)
			}
		}
		if !strings.Contains(o.open("/robots.txt").raw, "Sitemap: https://overkant.example/sitemap.xml") {
			t.Error("robots.txt names no sitemap")
		}
	})
}

func TestAFeedOpenedInABrowserHasAStyleSheet(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	for _, path := range []string{"/feed.xml", "/@ilse/feed.xml", "/comments/feed.xml"} {
		p := o.open(path)
		if got := p.header.Get("Content-Type"); got != "application/xml; charset=utf-8" ||
			p.header.Get("Vary") != "Accept, Accept-Encoding" {
			t.Errorf("%s is %q to a browser, and varies by %q", path, got, p.header.Get("Vary"))
		}
		_, rest, found := strings.Cut(p.raw, `<?xml-stylesheet type="text/css" href="`)
		sheet, _, _ := strings.Cut(rest, `"`)
		if got := o.open("/" + strings.TrimPrefix(sheet, "/")); !found || got.status != 200 ||
			!strings.Contains(got.raw, "feed reader") {
			t.Errorf("%s is dressed by %q, which answers %d", path, sheet, got.status)
		}
	}
}

func TestASeriesStartsAtItsFirstPublishedPart(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	dikes, locks := blog.Series{ID: blog.NewID(noon), Slug: "dijken", Title: "Dijken", Language: "nl"},
		blog.Series{ID: blog.NewID(noon), Slug: "sluizen", Title: "Sluizen", Language: "nl"}
	o.must(s.SaveSeries(t.Context(), dikes))
	o.must(s.SaveSeries(t.Context(), locks))
	loose := o.publish(noon, blog.Article{VoiceID: o.ilse.ID, SeriesID: dikes.ID,
		Text: articleText("nl", "Zonder nummer", "zonder-nummer", "")})
	if got := o.open("/series/dijken").one("main").words(); !strings.Contains(got, "Begin bij het eerste") ||
		strings.Contains(got, "deel 0") {
		t.Errorf("a series without numbers says %q", got)
	}
	if got := o.open(site(loose)).one("main").words(); !strings.Contains(got, "In de reeks Dijken") ||
		strings.Contains(strings.ToLower(got), "deel 0") {
		t.Errorf("an article without a number says %q", got)
	}
	o.publish(noon, blog.Article{VoiceID: o.ilse.ID, SeriesID: locks.ID, Part: 2,
		Text: articleText("nl", "Het tweede", "het-tweede", "")})
	if got := o.open("/series/sluizen").one("main").words(); !strings.Contains(got, "Begin bij deel 2") {
		t.Errorf("a series whose first part is not out says %q", got)
	}
}

func TestTheInitialOfAMissingPictureIsNoText(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	for _, face := range o.open("/").find("span", ".face") {
		if face.words() != "" || face.attr("data-letter") == "" {
			t.Errorf("a face reads %q and shows %q", face.words(), face.attr("data-letter"))
		}
	}
}

func TestInteractAsksForTheReadersServer(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		bell := o.says(o.bram, "A bell is a letter.", time.Hour)
		actor, object := o.Site.ActorID(o.ilse.ID), o.Site.ArticleID(o.wide.ObjectID)
		for path, want := range map[string]string{
			"/interact?do=follow&uri=" + url.QueryEscape(actor): "Volg Ilse Verhaagen vanaf je eigen server",
			"/interact?do=reply&uri=" + url.QueryEscape(object): "Reply to Four minutes wide from your server",
			"/interact?do=boost&uri=" + url.QueryEscape(object): "Boost Four minutes wide from your server",
			"/interact?do=reply&uri=" + url.QueryEscape(o.Site.ArticlePage(o.wide)): "Reply to Four minutes wide from your " +
				"server",
			"/interact?do=like&uri=" + url.QueryEscape(o.Site.ArticlePage(o.wide)+"/?utm_source=x#y"): "Favourite Four " +
				"minutes wide from your server",
			"/interact?do=like&uri=" + url.QueryEscape(bell.Address): "Markeer de reactie van Bram Oosterling als " +
				"favoriet vanaf je eigen server",
		} {
			if p := o.open(path); p.status != 200 || p.one("h1").words() != want || p.find("p", "#you-error") != nil {
				t.Errorf("%s answers %d with %q", path, p.status, texts(p.find("h1")))
			}
		}
		for trouble, want := range map[string]string{"name": "That is not the name of a server.",
			"home": "No fediverse server was found at that address.",
			"busy": "That was too many searches in one minute."} {
			p := o.open("/interact?do=reply&you=%40bram%40veerhui&trouble=" + trouble + "&uri=" + url.QueryEscape(object))
			if got := p.one("p", "#you-error").words(); !strings.HasPrefix(got, want) ||
				p.one("input", "#you").attr("value") != "@bram@veerhui" {
				t.Errorf("the trouble %s reads %q", trouble, got)
			}
		}
		// The server that did not answer is named, when it looks like one.
		for you, want := range map[string]string{
			"@bram@Veerhuis.example":         "No fediverse server answered at veerhuis.example.",
			"veerhuis.example:8443":          "No fediverse server answered at veerhuis.example:8443.",
			"https://veerhuis.example/@bram": "No fediverse server answered at veerhuis.example.",
			"Call 0900-1234 now":             "No fediverse server was found at that address."} {
			p := o.open("/interact?do=reply&you=" + url.QueryEscape(you) + "&trouble=home&uri=" + url.QueryEscape(object))
			if got := p.one("p", "#you-error").words(); !strings.HasPrefix(got, want) {
				t.Errorf("of %q it says %q, want %q", you, got, want)
			}
		}
	})
}

func TestWithoutADatabaseCachedPagesAndAnErrorPageAreServed(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	o.open("/")
	o.must(s.Close())
	if got := o.open("/"); got.status != 200 {
		t.Errorf("a kept page answers %d", got.status)
	}
	trouble := o.open("/archive")
	if trouble.status < 500 || trouble.one("h1").words() != "Hier ging iets mis" || trouble.one("code").words() == "" ||
		trouble.header.Get("Cache-Control") != "no-store" {
		t.Errorf("status %d with %q", trouble.status, texts(trouble.find("h1")))
	}
}

func TestAnEmptyBlogSaysSo(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := &publicBlog{Blog: overkant.Found(t, s, "http://localhost:8080", func(site *blog.Site) {
		site.Name, site.CreatedAt = "localhost:8080", noon
	})}
	o.start()
	for _, path := range []string{"/", "/archive", "/about", "/privacy", "/feed.xml", "/feed.json", "/sitemap.xml",
		"/comments/feed.xml"} {
		if got := o.open(path); got.status != 200 {
			t.Errorf("%s answers %d", path, got.status)
		}
	}
	if got := o.open("/"); !strings.Contains(got.one("main").words(), "Nothing is published yet.") {
		t.Errorf("the front page says %q", got.one("main").words())
	}
	if got := o.open("/"); !strings.Contains(got.raw, ">localhost<wbr>:8080</a>") {
		t.Errorf("the name may break anywhere: %s", got.raw)
	}
}

func TestAPageStaysWithinItsBudget(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	o.wide.HTML = "<p>" + strings.Repeat("Four minutes is about five hundred words if one person speaks. ", 140) + "</p>"
	o.must(o.wide.Revise(noon.Add(time.Hour)))
	o.must(s.SaveArticle(t.Context(), &o.wide, noon.Add(time.Hour)))
	for i := range 20 {
		o.says(o.bram, fmt.Sprintf("Voice %d: %s", i, o.wide.Title), time.Duration(i)*time.Minute)
	}
	r, err := http.NewRequest("GET", o.server.URL+"/2026/11/four-minutes-wide", nil)
	o.must(err)
	r.Header.Set("Accept-Encoding", "gzip")
	answer, err := http.DefaultTransport.RoundTrip(r)
	o.must(err)
	defer answer.Body.Close()
	if answer.Header.Get("Content-Encoding") != "gzip" || answer.ContentLength > 14<<10 {
		t.Errorf("the page is %d bytes on the wire, 14 KB are allowed", answer.ContentLength)
	}
}

func TestEveryChangeIsOnThePageAtOnce(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		for i := range 3 {
			o.open("/2026/11/four-minutes-wide")
			words := fmt.Sprintf("voice %d", i)
			o.says(o.bram, words, time.Duration(i)*time.Hour)
			if !strings.Contains(o.open("/2026/11/four-minutes-wide").raw, words) {
				t.Errorf("%s is not on the page", words)
			}
		}
	})
}

func TestFederationPageDescribesWhatIsSentAndAccepted(t *testing.T) {
	t.Parallel()
	o := newPublicBlog(t, storetest.Open(t))
	o.open("/about").one("a", "href=/about/federation")
	p := o.open("/about/federation")
	if p.status != 200 || p.one("h1").words() != "Voor ontwikkelaars van andere servers" ||
		p.one("html").attr("lang") != "nl" {
		t.Errorf("%d with the title %q", p.status, texts(p.find("h1")))
	}
	text := p.one("div", ".prose")
	if words := text.words(); text.attr("lang") != "en" || len(text.find("li")) < 20 ||
		!strings.Contains(words, "Tombstone") || !strings.Contains(words, "RFC 9421") {
		t.Errorf("it says %s", words)
	}
}

func TestAPageThatCannotBeMadeIsInTheLogOfItsBlog(t *testing.T) {
	t.Parallel()
	s := storetest.Open(t)
	o := newPublicBlog(t, s)
	var log bytes.Buffer
	public := New(s, o.pages, page.NewCache(s.Changes(), 0))
	public.Log = slog.New(slog.NewTextHandler(&log, nil))
	o.must(s.Close())
	answer := httptest.NewRecorder()
	public.Routes().ServeHTTP(answer, httptest.NewRequest(http.MethodGet, "/archive", nil))
	if answer.Code < 500 || !strings.Contains(log.String(), "path=/archive") {
		t.Errorf("without a database: %d, and the log says %q", answer.Code, log.String())
	}
}
