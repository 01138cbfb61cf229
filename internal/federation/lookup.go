package federation

import (
	"context"
	"errors"
	"net/url"
	"slices"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// ResolveTarget returns the article that an address means, by the id of its object or by its page. For a comment it
// returns the article and the comment's id. The error is blog.ErrNotFound when the address means neither.
func (b Core) ResolveTarget(ctx context.Context, s *store.Store, address string) (blog.Article, blog.ID, error) {
	if kind, id, rest, ok := b.Site.Local(address); ok && rest == "" {
		switch kind {
		case "articles":
			a, err := s.HeadByObject(ctx, id)
			return a, "", err
		case "notes":
			c, err := s.Comment(ctx, id)
			return b.ArticleUnder(ctx, s, c, err)
		}
		return blog.Article{}, "", blog.ErrNotFound
	}
	if b.Site.Owns(address) {
		return b.pageTarget(ctx, s, address)
	}
	c, err := s.CommentByAddress(ctx, address)
	return b.ArticleUnder(ctx, s, c, err)
}

// ArticleUnder returns the article under which a comment is, and the comment's id. A non-nil err comes back unchanged,
// so that the result of a lookup of the comment can be passed on.
func (b Core) ArticleUnder(ctx context.Context, s *store.Store, c blog.Comment,
	err error) (blog.Article, blog.ID, error) {
	if err != nil {
		return blog.Article{}, "", err
	}
	a, err := s.Head(ctx, c.ArticleID)
	return a, c.ID, err
}

// LastSegment returns the last segment of an address's path, without query and fragment.
func LastSegment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	return address[strings.LastIndexByte(address, '/')+1:]
}

// OwnerOf returns the voice that wrote an object of ours, an article or a comment.
func (b Core) OwnerOf(ctx context.Context, s *store.Store, object store.Object) (blog.Voice, error) {
	if object.CommentID != "" {
		c, err := s.Comment(ctx, object.CommentID)
		if err != nil {
			return blog.Voice{}, err
		}
		return s.Voice(ctx, c.VoiceID)
	}
	a, err := s.Article(ctx, object.ArticleID)
	if err != nil {
		return blog.Voice{}, err
	}
	return s.Voice(ctx, a.VoiceID)
}

// ArticleAbout returns the article that a post is about, and how: the one that it quotes, or else the first that it
// links to. The error is ErrNoArticle, an ErrNotOurs, when there is none that everybody may read.
func (b Core) ArticleAbout(ctx context.Context, s *store.Store, post activity.Object) (
	blog.Article, blog.CommentKind, error,
) {
	// A quote often has a link to the same article in its text, so the quote is looked for first.
	if a, err := b.ReadableArticle(ctx, s, post.Quote); !errors.Is(err, blog.ErrNotFound) {
		return a, blog.Quoting, err
	}
	for _, address := range b.links(post) {
		a, err := b.ReadableArticle(ctx, s, address)
		switch {
		case errors.Is(err, blog.ErrNotFound):
			continue
		case slices.ContainsFunc(post.Mentions, b.Site.Owns):
			return a, blog.Mentioning, err
		}
		return a, blog.Linking, err
	}
	return blog.Article{}, "", ErrNoArticle
}

// links lists our addresses to which a post links, in its text or, as Lemmy does, as an attachment.
func (b Core) links(post activity.Object) []string {
	list := post.LinksTo(b.Site)
	for _, media := range post.Attachments {
		if b.Site.Owns(media.URL) {
			list = append(list, media.URL)
		}
	}
	return list
}

// ReadableArticle returns the article with an address of ours. The error is blog.ErrNotFound if there is none or if
// not everybody may read it.
func (b Core) ReadableArticle(ctx context.Context, s *store.Store, address string) (blog.Article, error) {
	if !b.Site.Owns(address) {
		return blog.Article{}, blog.ErrNotFound
	}
	a, comment, err := b.ResolveTarget(ctx, s, address)
	if err != nil {
		return a, err
	}
	if comment != "" || !a.OnTheWeb() {
		return a, blog.ErrNotFound
	}
	return a, nil
}

// pageTarget returns the article with this page, also by an earlier address of the page. If the fragment names a
// comment of one of our voices there, it returns that comment's id as well.
func (b Core) pageTarget(ctx context.Context, s *store.Store, address string) (blog.Article, blog.ID, error) {
	u, err := url.Parse(address)
	if err != nil {
		return blog.Article{}, "", blog.ErrNotFound
	}
	slug := b.Site.PageSlug(address)
	if slug == "" {
		return blog.Article{}, "", blog.ErrNotFound
	}
	a, err := s.HeadBySlug(ctx, slug)
	if err != nil {
		return a, "", err
	}
	if id, found := strings.CutPrefix(u.Fragment, "comment-"); found {
		c, err := s.Comment(ctx, blog.ID(id))
		switch {
		case err != nil:
			return a, "", IgnoreMissing(err) // the article is still what the address means
		// Comments of other servers have addresses of their own. Only those of our voices are replied to by their place on
		// the page.
		case c.ArticleID == a.ID && c.VoiceID != "":
			return a, c.ID, nil
		}
	}
	return a, "", nil
}

// OriginOf returns the scheme and host of an address, "" when it cannot be parsed.
func OriginOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + blog.HostOf(address)
}
