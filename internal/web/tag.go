package web

import (
	"context"
	"net/http"
	"net/url"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/page"
)

// tagPage is /tags/name: the articles with one tag.
type tagPage struct {
	frame
	list
	Tag    string // as its latest author writes it
	Feed   string
	Others []tagLink
}

// tagLink is a link to a tag, with the number of its articles.
type tagLink struct {
	Name, URL string
	Count     int
}

func tagPath(tag string) string { return "/tags/" + url.PathEscape(strings.ToLower(tag)) }

func (w *Web) tag(ctx context.Context, r *http.Request) (page.Document, error) {
	tag := param(r, "tag")
	// One address for each page.
	if lower := strings.ToLower(tag); lower != tag {
		return movedDocument(tagPath(tag)), nil
	}
	number, err := pageNumber(r)
	if err != nil {
		return page.Document{}, err
	}
	f, err := w.frame(ctx, "")
	if err != nil {
		return page.Document{}, err
	}
	p := tagPage{Feed: tagPath(tag) + "/feed.xml"}
	filter := listed("")
	filter.Tag = tag
	if p.list, err = w.list(ctx, &f, filter, tagPath(tag), number); err != nil {
		return page.Document{}, err
	}
	if p.Pager.Total == 0 {
		return page.Document{}, blog.ErrNotFound
	}
	entries, err := w.entries(ctx, &f, p.articles, p.counts, true)
	if err != nil {
		return page.Document{}, err
	}
	p.Groups = oneGroup(entries)
	if err := w.nameTags(ctx, &p, tag); err != nil {
		return page.Document{}, err
	}
	f.Head.Title, f.Head.Description = "#"+p.Tag, w.translate(&f, "about-tag", "Tag", p.Tag)
	f.Head.Feeds = append([]link{{atomLink, f.Site.URL + p.Feed, "#" + p.Tag}}, f.Head.Feeds...)
	p.frame = f
	return w.document(http.StatusOK, "web/tag", &f, p)
}

// otherTags is how many other tags a page of a tag links to.
const otherTags = 12

// nameTags finds the spelling of the tag, and the other tags that are used most.
func (w *Web) nameTags(ctx context.Context, p *tagPage, tag string) error {
	this, err := w.store.Tag(ctx, tag)
	if err != nil {
		return err
	}
	p.Tag = this.Name
	most, err := w.store.Tags(ctx, otherTags+1) // this one may be among them
	for _, t := range most {
		if t.Tag != tag && len(p.Others) < otherTags {
			p.Others = append(p.Others, tagLink{t.Name, tagPath(t.Tag), t.Count})
		}
	}
	return err
}
