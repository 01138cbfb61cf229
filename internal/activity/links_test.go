package activity

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"causerie/internal/blog"
)

func TestLinksToUsAreFoundInAPost(t *testing.T) {
	const page = "https://overkant.example/2026/11/four-minutes-wide"
	for _, test := range []struct {
		name, content string
		want          []string
	}{
		{"no text", ``, nil},
		{"a link", `<p>Read <a href="` + page + `">this</a></p>`, []string{page}},
		{"the same link twice, once to a place in it", `<a href="` + page + `">a</a><a class=x HREF='` + page + `#low'>b</a>`,
			[]string{page}},
		{"two links", `<a href="` + page + `">a</a><a href="https://overkant.example/tags/a?b=c&amp;d=e">b</a>`,
			[]string{page, "https://overkant.example/tags/a?b=c&d=e"}},
		{"another spelling of the host", `<a href="HTTPS://OVERKANT.example:443/x">a</a>`,
			[]string{"HTTPS://OVERKANT.example:443/x"}},
		{"the address as plain words", page + ` href="` + page + `"`, nil},
		{"a picture of ours", `<img src="https://overkant.example/media/quay.png"><link ` +
			`href="https://overkant.example/a.css">`, nil},
		{"another host that begins alike", `<a href="https://overkant.example.zilverduin.example/x">a</a>`, nil},
		{"another host that ends alike", `<a href="https://notoverkant.example/x">a</a>`, nil},
		{"another scheme", `<a href="http://overkant.example/x">a</a>`, []string{"http://overkant.example/x"}},
		{"another port", `<a href="https://overkant.example:8443/x">a</a>`, nil},
		{"ours as the name of a user", `<a href="https://overkant.example@zilverduin.example/">a</a>`, nil},
		{"within a comment", `<!-- <a href="` + page + `"> -->`, nil},
		{"a tag without an end", `<a href="` + page, nil},
		{"the fifty-first link", strings.Repeat(`<a href="https://a.example/">a</a>`, 50) + `<a href="` + page + `">b</a>`,
			nil},
	} {
		t.Run(test.name, func(t *testing.T) {
			got := Object{Content: test.content}.LinksTo(blog.Site{URL: "https://overkant.example"})
			if diff := cmp.Diff(test.want, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestLookingForLinksIsCheap(t *testing.T) {
	hostile := Object{Content: strings.Repeat(`<p <a href=x`, maxString/12) + " overkant.example"}
	start := time.Now()
	hostile.LinksTo(blog.Site{URL: "https://overkant.example"})
	if took := time.Since(start); took > 200*time.Millisecond {
		t.Errorf("it took %v", took)
	}
}
