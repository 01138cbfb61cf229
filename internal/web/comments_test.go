package web

import (
	"slices"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestQuotesAndMentionsAreShownAmongTheReplies(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		about := func(kind blog.CommentKind, change ...func(*blog.Comment)) func(*blog.Comment) {
			return func(c *blog.Comment) {
				c.Kind = kind
				for _, change := range change {
					change(c)
				}
			}
		}
		dutch := func(c *blog.Comment) { c.ArticleID = o.glue.ID }
		hidden := func(c *blog.Comment) { c.State = blog.CommentHidden }
		o.says(o.bram, "A bell is a letter.", time.Hour)
		quote := o.says(o.nadia, "Reading this made me get out.", 2*time.Hour, about(blog.Quoting))
		o.says(o.deniz, "This is from our river.", 3*time.Hour, about(blog.Mentioning))
		o.says(o.deniz, "Read.", 4*time.Hour, about(blog.Linking))
		o.says(o.kade, "Canary.", 5*time.Hour, about(blog.Quoting, hidden))
		o.says(o.nadia, "Lijm!", time.Hour, about(blog.Quoting, dutch))
		o.says(o.deniz, "Lees dit.", 2*time.Hour, about(blog.Linking, dutch))

		p := o.open("/2026/11/four-minutes-wide")
		if got := texts(p.find("span", ".is")); !slices.Equal(got,
			[]string{"quotes this article", "mentions this article", "mentions this article"}) {
			t.Errorf("the posts elsewhere are called %q", got)
		}
		if got := p.one("h2", "#talk-title").words(); got != "1 reply from 1 server" {
			t.Errorf("the title is %q", got)
		}
		if got := p.one("div", ".counts").words(); !strings.HasPrefix(got, "1 reply 3 mentions elsewhere") ||
			strings.Contains(p.raw, "Canary") {
			t.Errorf("counted are %q", got)
		}
		if got := p.one("h2", "#first-voices").words(); got != "1 person replied" {
			t.Errorf("the margin says %q", got)
		}
		said := p.one("li", "#comment-"+string(quote.ID)).find("a", ".u-url")
		if len(said) != 1 || said[0].attr("href") != quote.URL {
			t.Errorf("the quote's way home is %v", attrs("href", said))
		}
		p = o.open("/2026/11/lijm-die-weer-los-wil")
		if got := texts(p.find("span", ".is")); !slices.Equal(got, []string{"citeert dit artikel", "noemt dit artikel"}) {
			t.Errorf("in Dutch they are called %q", got)
		}
		if got := p.one("div", ".counts").words(); got != "2 vermeldingen elders" {
			t.Errorf("in Dutch they are counted as %q", got)
		}
		if feed := o.open("/comments/feed.xml"); !strings.Contains(feed.raw, "A bell is a letter.") ||
			strings.Contains(feed.raw, "get out") {
			t.Error("the feed of replies has what is no reply, or lacks one")
		}
	})
}

func TestEmojiReactionsAreShownAndCountAsLikes(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		react := func(who blog.Actor, kind blog.ReactionKind, emoji string) {
			t.Helper()
			id := blog.NewID(noon)
			_, err := s.AddReaction(t.Context(), blog.Reaction{ID: id, Address: who.ID + "#" + string(id), Kind: kind,
				ActorID: who.ID, ArticleID: o.wide.ID, Emoji: emoji, At: noon})
			o.must(err)
		}
		react(o.bram, blog.Emoji, "⛴️")
		react(o.nadia, blog.Emoji, "⛴️")
		react(o.nadia, blog.Emoji, ":bell:")
		react(o.nadia, blog.Like, "")
		react(o.deniz, blog.Like, "")
		if got := o.open("/2026/11/four-minutes-wide").one("div", ".counts").words(); !strings.HasPrefix(got,
			"3 favourites ⛴️ 2 :bell: 1") {
			t.Errorf("the reactions are %q", got)
		}
	})
}

func TestT055ACommentIsShownWithATimeWithinTheLifeOfItsArticle(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		for i, claimed := range []time.Time{time.Date(9999, 1, 1, 0, 0, 0, 0, time.UTC),
			time.Date(1969, 12, 31, 0, 0, 0, 0, time.UTC)} {
			o.says(o.bram, "From another time.", time.Duration(i+1)*time.Hour,
				func(c *blog.Comment) { c.PublishedAt = claimed })
		}
		page := o.open("/2026/11/four-minutes-wide").raw
		if strings.Contains(page, "9999") || strings.Contains(page, "1969") ||
			strings.Count(page, "From another time.") < 2 {
			t.Errorf("the claimed years are shown: %d, %d", strings.Index(page, "9999"), strings.Index(page, "1969"))
		}
	})
}

func TestAnEmptyCommentIsShownAsSuchAndCounts(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		o := newPublicBlog(t, s)
		wordless := func(c *blog.Comment) { c.HTML, c.Plain, c.Language = "<p></p>", " ", "fr" }
		one := o.says(o.bram, "", time.Hour, wordless)
		two := o.says(o.nadia, "", 2*time.Hour, wordless, func(c *blog.Comment) { c.HTML, c.Warning = "", "An eel" })
		o.says(o.bram, "", time.Hour, wordless, func(c *blog.Comment) { c.ArticleID = o.glue.ID })
		p := o.open("/2026/11/four-minutes-wide")
		for _, c := range []blog.Comment{one, two} {
			words := p.one("li", "#comment-"+string(c.ID)).find("div", ".words")[0]
			if got := words.words(); !strings.HasSuffix(got, "(no text)") || words.attr("lang") != "" {
				t.Errorf("it says %q in %q", got, words.attr("lang"))
			}
		}
		if got := p.one("h2", "#talk-title").words(); got != "2 replies from 1 server" && got != "2 replies from 2 servers" ||
			strings.Contains(p.raw, "<p></p>") {
			t.Errorf("the title is %q", got)
		}
		if p := o.open("/2026/11/lijm-die-weer-los-wil"); !strings.Contains(p.raw, "(geen tekst)") {
			t.Error("in Dutch it does not say so")
		}
	})
}
