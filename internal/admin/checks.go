package admin

import (
	"context"
	"fmt"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/markup"
	"causerie/internal/text"
)

// checks are the problems of an article before it is published: Must prevents the publication, Should does not.
type checks struct {
	Must, Should []check
}

// check is one problem.
type check struct {
	Words, Small string // the problem, and a detail
	Show         string // the field that it is about
}

// Title is the heading above the checks.
func (c checks) Title() string {
	switch n := len(c.Must); {
	case n == 1:
		return "One thing to fix before you publish"
	case n > 1:
		return upper(text.InWords(n)) + " things to fix before you publish"
	case len(c.Should) > 0:
		return "Ready; " + text.PluralInWords(len(c.Should), "suggestion", "suggestions")
	}
	return "Ready to publish"
}

func (c *checks) must(show, words, small string) { c.Must = append(c.Must, check{words, small, show}) }

func (c *checks) should(show, words, small string) {
	c.Should = append(c.Should, check{words, small, show})
}

// check checks an article and the notices of its rendering.
func (h *Handler) check(ctx context.Context, a blog.Article, r markup.Rendered) (checks, error) {
	var c checks
	c.words(a, r)
	c.notices(r)
	c.shape(a, r)
	hero, err := h.hero(ctx, a)
	if err != nil {
		return c, err
	}
	if hero != nil && hero.Alt == "" {
		c.should("picture-alt", "The picture at the top has no description for people who cannot see it", "")
	}
	// An article without a slug gets a free one when it is published.
	if a.Slug == "" {
		return c, nil
	}
	free, err := h.store.FreeSlug(ctx, a.Slug, a.ID, a.Language)
	if err == nil && free != a.Slug {
		c.must("slug", "The address belongs to another article", "“"+free+"” is free")
	}
	return c, err
}

// words checks the fields of the form.
func (c *checks) words(a blog.Article, r markup.Rendered) {
	if a.Title == "" {
		c.must("title", "There is no title yet", "")
	}
	if strings.TrimSpace(a.Markdown) == "" {
		c.must("text", "There is no text yet", "")
	}
	// Mastodon shows an Article as a title, a summary and a link, and hides none of them behind a warning.
	if a.Warning != "" && a.Format == blog.FullArticle {
		c.must("format", "A content warning needs one of the Note formats",
			"Mastodon does not hide the title and summary of an Article")
	}
	if a.Summary == "" && a.Plain != "" {
		c.should("summary", "There is no summary", "Readers get its beginning: “"+markup.Summary(r.HTML, 140)+"”")
	}
	if len(a.AllTags()) > 4 {
		c.should("tags", "There are more than four tags", "On Mastodon many tags look like spam")
	}
}

// notices adds what the renderer could not do.
func (c *checks) notices(r markup.Rendered) {
	for _, n := range r.Notices {
		where := ""
		if n.Line > 0 {
			where = fmt.Sprintf("line %d", n.Line)
		}
		switch n.Problem {
		case markup.MissingPicture:
			c.must("text", "The picture “"+n.Detail+"” is not in the library", where)
		case markup.NoAlt:
			c.should("text", "A picture has no description for people who cannot see it", strings.TrimSpace(where+" "+n.Detail))
		case markup.UnknownMention:
			c.should("text", n.Detail+" is not known here yet", "This blog looks it up when you publish")
		default:
			c.should("text", upper(string(n.Problem)), strings.TrimSpace(where+" "+n.Detail))
		}
	}
}

// shape checks the headings, and what other servers cannot show.
func (c *checks) shape(a blog.Article, r markup.Rendered) {
	last := 2
	// One message is enough: the author sees the others once this one is fixed.
	for i, h := range r.Headings {
		if i > 0 && h.Level > last+1 {
			c.should("text", "A heading skips a level", "“"+text.Excerpt(h.Text, 60)+"”")
			break
		}
		last = h.Level
	}
	if a.Format == blog.FullNote && strings.Contains(string(r.HTML), "<table") {
		c.should("text", "Mastodon shows no tables", "Each row becomes a line there")
	}
}
