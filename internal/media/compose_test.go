package media

import (
	"errors"
	"strings"
	"testing"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestAnArticleIsComposedWithItsPictures(t *testing.T) {
	t.Parallel()
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		l, _ := library(t, s)
		site := blog.Site{URL: "https://overkant.example", HandleDomain: "overkant.example", Name: "De Overkant",
			Language: "nl",
			Timezone: "Europe/Amsterdam", PublicKey: "p", CreatedAt: noon}
		if _, err := s.FoundSite(t.Context(), site, "r"); err != nil {
			t.Fatal(err)
		}
		bram := blog.Actor{ID: "https://veerhuis.example/users/bram", Type: "Person", Handle: "bram@veerhuis.example",
			Host: "veerhuis.example",
			URL:  "https://veerhuis.example/@bram", Inbox: "https://veerhuis.example/inbox", FetchedAt: noon}
		if err := s.SaveActor(t.Context(), bram); err != nil {
			t.Fatal(err)
		}
		house := accept(t, l, "the-house.jpg", jpegBytes(ferry(1000, 500)))
		other := accept(t, l, "the-house.jpg", jpegBytes(ferry(300, 200)))
		a := blog.Article{VoiceID: ilse, Text: blog.Text{Language: "en",
			Markdown: "She said so, @bram@veerhuis.example heard it, and @ilse@overkant.example.\n\n" +
				"![The house in the bend](the-house.jpg)\n\n![Once more](pictures/here.jpg \"from the " +
				"dike\")\n\n![](not-there.jpg)\n"}}
		rendered, err := Compose(t.Context(), s, &a, Beside{Pictures: map[string]blog.Picture{"pictures/here.jpg": other}})
		if err != nil {
			t.Fatal(err)
		}
		for _, want := range []string{"/media/" + house.Largest().File, "/media/" + house.Files[0].File + " 480w",
			"/media/" + other.Largest().File,
			`href="https://veerhuis.example/@bram"`, `href="https://overkant.example/@ilse"`} {
			if !strings.Contains(a.HTML, want) {
				t.Errorf("the HTML lacks %s:\n%s", want, a.HTML)
			}
		}
		if !strings.Contains(a.Markdown, `![Once more](the-house-2.jpg "from the dike")`) {
			t.Errorf("the Markdown does not say the library's name:\n%s", a.Markdown)
		}
		if a.WordCount == 0 || !strings.Contains(a.Plain, "She said so") {
			t.Errorf("%d words, %q", a.WordCount, a.Plain)
		}
		var missing bool
		for _, n := range rendered.Notices {
			missing = missing || n.Problem == markup.MissingPicture && n.Detail == "not-there.jpg"
		}
		if !missing {
			t.Errorf("the author is not told of the missing picture: %v", rendered.Notices)
		}
		huge := blog.Article{VoiceID: ilse, Text: blog.Text{Markdown: strings.Repeat("a ", 1<<20)}}
		var invalid blog.Invalid
		if _, err := Compose(t.Context(), s, &huge, Beside{}); !errors.As(err, &invalid) || invalid.Field != "text" {
			t.Errorf("a text of two megabytes: %v", err)
		}
	})
}
