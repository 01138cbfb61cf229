package web

import (
	"strings"

	"golang.org/x/net/html"

	"causerie/internal/blog"
	"causerie/internal/markup"
)

// describe fills the head of an article's page, for search engines, link previews and Mastodon (contract F-113).
func (p *articlePage) describe(f *frame, owner blog.Voice) {
	h := &f.Head
	h.Title, h.Type, h.Canonical = p.Title, "article", f.Site.ArticlePage(p.Article)
	h.Description = p.Summary
	if h.Description == "" {
		h.Description = markup.Summary(markup.Trusted(p.HTML), summaryLength)
	}
	h.Hidden = p.Visibility == blog.Unlisted || !owner.Indexable
	h.Article = &articleHead{Published: *p.PublishedAt, Modified: p.UpdatedAt, Tags: p.Article.AllTags()}
	for _, by := range p.Authors {
		// A guest without an account here has no handle that fediverse:creator could name.
		if by.Handle != "" {
			h.Creators = append(h.Creators, f.Site.Handle(by.Handle))
			h.Article.Authors = append(h.Article.Authors, f.Site.URL+"/@"+by.Handle)
		}
	}
	if p.Hero != nil {
		h.Image = &image{URL: f.Site.URL + p.Hero.Src, Alt: p.Hero.Alt, Width: p.Hero.Width, Height: p.Hero.Height}
	}
	if p.Series != nil {
		h.Feeds = append([]link{{atomLink, f.Site.URL + p.Series.Mark.URL + "/feed.xml", p.Series.Mark.Title}}, h.Feeds...)
		if p.Series.Before != nil {
			h.Previous = f.Site.URL + p.Series.Before.URL
		}
		if p.Series.After != nil {
			h.Next = f.Site.URL + p.Series.After.URL
		}
	}
	h.Things = p.things(f)
}

// thing is a schema.org object of the few types used here.
type thing struct {
	Context      string  `json:"@context,omitempty"`
	Type         string  `json:"@type"`
	ID           string  `json:"@id,omitempty"`
	URL          string  `json:"url,omitempty"`
	Name         string  `json:"name,omitempty"`
	Headline     string  `json:"headline,omitempty"`
	Description  string  `json:"description,omitempty"`
	Language     string  `json:"inLanguage,omitempty"`
	Published    string  `json:"datePublished,omitempty"`
	Modified     string  `json:"dateModified,omitempty"`
	Image        string  `json:"image,omitempty"`
	Keywords     string  `json:"keywords,omitempty"`
	CommentCount int     `json:"commentCount,omitempty"`
	Words        int     `json:"wordCount,omitempty"`
	Authors      []thing `json:"author,omitempty"`
	Publisher    *thing  `json:"publisher,omitempty"`
	MainEntity   *thing  `json:"mainEntityOfPage,omitempty"`
}

// things describes the article twice: as a WebPage and as a BlogPosting.
func (p *articlePage) things(f *frame) []any {
	const instant = "2006-01-02T15:04:05Z07:00"
	this := thing{Context: "https://schema.org", Type: "WebPage", ID: f.Head.Canonical, URL: f.Head.Canonical,
		Headline: p.Title,
		Name:     p.Title, Description: f.Head.Description, Language: p.Language, Published: p.PublishedAt.Format(instant),
		Publisher: &thing{Type: "Organization", Name: f.Site.Name, URL: f.Site.URL}}
	if p.UpdatedAt != nil {
		this.Modified = p.UpdatedAt.Format(instant)
	}
	if p.Hero != nil {
		this.Image = f.Site.URL + p.Hero.Src
	}
	for _, by := range p.By {
		author := thing{Type: "Person", Name: by.Name, URL: by.URL}
		if by.User != "" {
			author.URL = f.Site.URL + by.URL
		}
		this.Authors = append(this.Authors, author)
	}
	// Mastodon reads schema.org only from a WebPage, search engines want a BlogPosting.
	posting := this
	posting.Type, posting.ID = "BlogPosting", f.Head.Canonical+"#article"
	posting.MainEntity = &thing{Type: "WebPage", ID: f.Head.Canonical}
	posting.CommentCount = p.Counts.Replies
	posting.Keywords, posting.Words = strings.Join(p.Article.AllTags(), ", "), p.WordCount
	return []any{this, posting}
}

// heading is a line of the contents of a long article.
type heading struct{ ID, Text string }

// outline returns the second-level headings of a text, nil when there are fewer than three.
func outline(text string) []heading {
	const enough = 3
	var list []heading
	var inside *heading
	tokens := html.NewTokenizer(strings.NewReader(text))
	for {
		switch tokens.Next() {
		case html.ErrorToken:
			if len(list) < enough {
				return nil
			}
			return list
		case html.StartTagToken:
			// The class vh marks a heading for screen readers, such as the one above the footnotes.
			if token := tokens.Token(); token.Data == "h2" && attribute(token, "class") != "vh" {
				inside = &heading{ID: attribute(token, "id")}
			}
		case html.TextToken:
			if inside != nil {
				inside.Text += string(tokens.Text())
			}
		case html.EndTagToken:
			if token := tokens.Token(); token.Data == "h2" && inside != nil {
				if inside.ID != "" && strings.TrimSpace(inside.Text) != "" {
					inside.Text = strings.TrimSpace(inside.Text) // Text has decoded the entities
					list = append(list, *inside)
				}
				inside = nil
			}
		}
	}
}

func attribute(token html.Token, name string) string {
	for _, a := range token.Attr {
		if a.Key == name {
			return a.Val
		}
	}
	return ""
}
