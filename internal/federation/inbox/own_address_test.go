package inbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/overkant"
)

// spellings are ways to write an address of the blog.
func spellings(o *overkant.Blog, address string) []string {
	_, rest, _ := strings.Cut(address, "://")
	return []string{address, address + "/", "HTTP" + strings.TrimPrefix(address, "http"), "https://" + rest,
		address + "?utm_source=a", address + "#top"}
}

func TestF147OurAddressesMeanTheSameHoweverTheyAreWritten(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish()
		for i, to := range append(spellings(o, o.Site.ArticlePage(a)), spellings(o, o.Object(a))...) {
			name := fmt.Sprint("reply", i)
			o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, to, name, nil), name))
			if c, err := o.Store.CommentByAddress(o.Soon(), bram.ID+"/notes/"+name); err != nil || c.ArticleID != a.ID {
				t.Errorf("a reply to %s: %+v, %v", to, c, err)
			}
			o.Receive(bram, overkant.Activity("Like", bram, to, name+"/like"))
			if o.Counts(a).Likes != 1 {
				t.Errorf("a like of %s is not counted", to)
			}
			o.Receive(bram, overkant.Activity("Undo", bram, map[string]any{"type": "Like", "object": to}, name+"/undo"))
			if o.Counts(a).Likes != 0 {
				t.Errorf("the like of %s is not undone", to)
			}
		}
		page := o.Site.VoicePage(o.Ilse)
		for i, whom := range append(spellings(o, page), append(spellings(o, o.Site.ActorID(o.Ilse.ID)),
			strings.Replace(page, "/@", "/%40", 1), strings.Replace(page, "ilse", "ILSE", 1))...) {
			follow := overkant.Activity("Follow", bram, whom, fmt.Sprint("follow", i))
			o.Receive(bram, follow)
			if o.CountFollowers() != 1 {
				t.Errorf("a follow of %s is not taken", whom)
			}
			o.Receive(bram, overkant.Activity("Undo", bram, follow, fmt.Sprint("follow/undo", i)))
			if o.CountFollowers() != 0 {
				t.Errorf("the follow of %s is not undone", whom)
			}
		}
	})
}

func TestF147ThePageOfAVoiceMeansItsActor(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		series := blog.Series{ID: blog.NewID(time.Now()), Slug: "où-va", Title: "Où va", Language: "fr"}
		if err := o.Store.SaveSeries(o.Soon(), series); err != nil {
			t.Fatal(err)
		}
		ofSeries := o.Site.SeriesPage(series.Slug)
		pages := []string{o.Site.Home(), o.Site.URL, ofSeries, o.Site.URL + "/series/où-va"}
		for i, page := range pages {
			o.Receive(bram, overkant.Activity("Follow", bram, page, fmt.Sprint("nobody", i)))
			if o.CountFollowers() != 0 {
				t.Errorf("a follow of %s, which has no actor, is one of Ilse", page)
			}
			if _, err := o.Outbox.Find(o.Soon(), page); err == nil ||
				!strings.Contains(err.Error(), "is an address of this blog") {
				t.Errorf("a look-up of %s, which has no actor: %v", page, err)
			}
		}
		site := o.AddVoice(blog.SiteVoice, "overkant", "De Overkant", "")
		part := o.AddVoice(blog.SeriesVoice, "ouva", "Où va", series.ID)
		for i, whom := range append(spellings(o, ofSeries), append(spellings(o, o.Site.URL), pages...)...) {
			voice := site
			if strings.Contains(whom, "/series/") {
				voice = part
			}
			follow := overkant.Activity("Follow", bram, whom, fmt.Sprint("follow", i))
			o.Receive(bram, follow)
			if n, err := o.Store.CountFollowers(o.Soon(), voice.ID); err != nil || n.Accepted != 1 {
				t.Errorf("a follow of %s is not taken: %+v, %v", whom, n, err)
			}
			o.Receive(bram, overkant.Activity("Undo", bram, follow, fmt.Sprint("follow/undo", i)))
			if n, err := o.Store.CountFollowers(o.Soon(), voice.ID); err != nil || n.Accepted != 0 {
				t.Errorf("the follow of %s is not undone: %+v, %v", whom, n, err)
			}
			if found, err := o.Outbox.Find(o.Soon(), whom); err != nil || found.Actor.ID != o.Site.ActorID(voice.ID) {
				t.Errorf("a look-up of %s finds %q, %v", whom, found.Actor.ID, err)
			}
		}
	})
}

func TestF147AnAddressBeyondASCIIHasOneSpelling(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		bram := o.Server("veerhuis").Person("bram")
		a := o.Publish(func(a *blog.Article) { a.Slug, a.Format = "où-va", blog.FullNote })
		page := o.Site.URL + "/" + a.Month + "/o%C3%B9-va"
		object := o.ReadDocument(o.Path(o.Object(a)))
		if object["url"] != page || strings.Contains(fmt.Sprint(object), "où-va") {
			t.Errorf("it is at %v, and says %v", object["url"], object["content"])
		}
		for i, to := range []string{page, strings.ReplaceAll(page, "%C3%B9", "%c3%b9"), o.Site.URL + o.Site.ArticlePath(a)} {
			name := fmt.Sprint("reply", i)
			o.Receive(bram, overkant.Activity("Create", bram, overkant.ReplyNote(bram, to, name, nil), name))
			if c, err := o.Store.CommentByAddress(o.Soon(), bram.ID+"/notes/"+name); err != nil || c.ArticleID != a.ID {
				t.Errorf("a reply to %s: %+v, %v", to, c, err)
			}
		}
	})
}

func TestF147NoSpellingOfOurAddressesIsFetched(t *testing.T) {
	overkant.Each(t, func(t *testing.T, o *overkant.Blog) {
		a := o.Publish()
		for _, address := range append(spellings(o, o.Site.ArticlePage(a)), spellings(o, o.Site.ActorID(o.Ilse.ID))...) {
			if _, err := o.Core.FetchPost(o.Soon(), address); !errors.Is(err, federation.ErrForeign) {
				t.Errorf("a post at %s: %v", address, err)
			}
			if _, err := o.Core.FetchActor(o.Soon(), address); !errors.Is(err, federation.ErrForeign) {
				t.Errorf("an actor at %s: %v", address, err)
			}
		}
	})
}

func TestF147OnlyOurOwnHostIsOurs(t *testing.T) {
	site := blog.Site{URL: "https://blog.test"}
	for address, want := range map[string]bool{
		"https://blog.test": true, "https://blog.test/": true, "https://BLOG.test/a": true, "HTTPS://blog.test/a": true,
		"http://blog.test/a": true, "https://blog.test:443/a": true, "http://blog.test:80/a": true,
		"https://blog.test./a": true, "https://blog.test?a": true, "https://blog.test#a": true,
		"https://blog.test.evil/a": false, "https://blog.test:8443/a": false, "https://a@blog.test/a": false,
		"https://blog.test@evil.example/": false, "https://evil.example/https://blog.test/": false,
		"ftp://blog.test/a": false, "//blog.test/a": false, "https://www.blog.test/a": false, "": false,
	} {
		if got := site.Owns(address); got != want {
			t.Errorf("%q: %t, want %t", address, got, want)
		}
	}
}
