package admin

import (
	"context"
	"fmt"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/text"
)

// checks are what should be looked at before an article goes out.
type checks struct {
	Must, Should []check
}

// check is one thing to look at.
type check struct {
	Words, Small string
	Show         string // the field it is about
}

// Title says how much there is to do.
func (c checks) Title() string {
	switch n := len(c.Must); {
	case n == 1:
		return "One thing to mend before you publish"
	case n > 1:
		return upper(text.InWords(n)) + " things to mend before you publish"
	case len(c.Should) > 0:
		return "Ready; " + thingsMight(len(c.Should))
	}
	return "Ready to publish"
}

func thingsMight(n int) string {
	if n == 1 {
		return "one thing might be better"
	}
	return text.InWords(n) + " things might be better"
}

func (c *checks) must(show, words, small string) { c.Must = append(c.Must, check{words, small, show}) }

func (c *checks) should(show, words, small string) {
	c.Should = append(c.Should, check{words, small, show})
}

// check looks an article over, with what its rendering brought to light.
func (h *Handler) check(ctx context.Context, a blog.Article, r markup.Rendered) (checks, error) {
	var c checks
	c.words(a, r)
	c.notices(r)
	c.shape(a, r)
	if a.Slug == "" {
		return c, nil
	}
	free, err := h.store.FreeSlug(ctx, a.Slug, a.ID, a.Language)
	if err == nil && free != a.Slug {
		c.must("slug", "The address belongs to another article", "“"+free+"” is free")
	}
	return c, err
}

func (c *checks) words(a blog.Article, r markup.Rendered) {
	if a.Title == "" {
		c.must("title", "It has no title yet", "")
	}
	if strings.TrimSpace(a.Markdown) == "" {
		c.must("text", "It has no words yet", "")
	}
	if a.Warning != "" && a.Format == blog.FullArticle {
		c.must("format", "A content warning needs one of the Note formats",
			"Mastodon shows the title and summary of an Article in clear")
	}
	if a.Summary == "" && a.Plain != "" {
		c.should("summary", "It has no summary", "From its first words: “"+markup.Summary(r.HTML, 140)+"”")
	}
	if a.PictureID != "" && a.PictureAlt == "" {
		c.should("picture-alt", "The picture at its head has no words of its own here",
			"Those it has in the library are used")
	}
	if len(a.Tags) > 4 {
		c.should("tags", "It has more than four tags", "Mastodon's readers take that for shouting")
	}
}

// notices are what the renderer could not do as written.
func (c *checks) notices(r markup.Rendered) {
	for _, n := range r.Notices {
		where := ""
		if n.Line > 0 {
			where = fmt.Sprintf("line %d", n.Line)
		}
		switch n.Trouble {
		case markup.MissingPicture:
			c.must("text", "The picture “"+n.Detail+"” is not in the library", where)
		case markup.NoAlt:
			c.should("text", "A picture has no words for those who cannot see it", strings.TrimSpace(where+" "+n.Detail))
		case markup.UnknownMention:
			c.should("text", n.Detail+" is not known here yet", "The server is asked when you publish")
		default:
			c.should("text", upper(string(n.Trouble)), strings.TrimSpace(where+" "+n.Detail))
		}
	}
}

// shape looks at headings, and at what other servers lose.
func (c *checks) shape(a blog.Article, r markup.Rendered) {
	last := 2
	for i, h := range r.Headings {
		if i > 0 && h.Level > last+1 {
			c.should("text", "A heading skips a level", "“"+text.Excerpt(h.Text, 60)+"”")
			break
		}
		last = h.Level
	}
	if a.Format == blog.FullNote && strings.Contains(string(r.HTML), "<table") {
		c.should("text", "Mastodon has no tables", "Each row becomes a line there")
	}
}
