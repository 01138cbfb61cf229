package inbox_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

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
