package federation

import (
	"context"
	"errors"
	"net/url"
	"regexp"
	"slices"
	"strings"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// ResolveTarget finds what of ours an address means: an article, by its object's address or its page's, or a comment under one.
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

func (b Core) ArticleUnder(ctx context.Context, s *store.Store, c blog.Comment, err error) (blog.Article, blog.ID, error) {
	if err != nil {
		return blog.Article{}, "", err
	}
	a, err := s.Head(ctx, c.ArticleID)
	return a, c.ID, err
}

func LastSegment(address string) string {
	address, _, _ = strings.Cut(address, "#")
	address, _, _ = strings.Cut(address, "?")
	return address[strings.LastIndexByte(address, '/')+1:]
}

var ArticlePath = regexp.MustCompile(`^/\d{4}/\d{2}/[^/]+$`)

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

// ArticleAbout finds the article that a post speaks of, and how: what it quotes, or else the first that it links to. ErrNotOurs
// when there is none that readers have.
func (b Core) ArticleAbout(ctx context.Context, s *store.Store, post activity.Object) (blog.Article, blog.CommentKind, error) {
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

// links are the addresses of ours that a post leads to: from its text, or as that which it shares, like Lemmy's.
func (b Core) links(post activity.Object) []string {
	list := post.LinksTo(b.Site.URL)
	for _, media := range post.Attachments {
		if b.Site.Owns(media.URL) {
			list = append(list, media.URL)
		}
	}
	return list
}

// ReadableArticle finds the article behind an address of ours, if everybody may read it.
func (b Core) ReadableArticle(ctx context.Context, s *store.Store, address string) (blog.Article, error) {
	if !b.Site.Owns(address) {
		return blog.Article{}, blog.ErrNotFound
	}
	a, comment, err := b.ResolveTarget(ctx, s, address)
	if err == nil && (comment != "" || !a.OnTheWeb()) {
		err = blog.ErrNotFound
	}
	return a, err
}

// pageTarget finds what a human address of ours means: an article by its page, also by one that the page had before, and
// an answer of ours by its place there.
func (b Core) pageTarget(ctx context.Context, s *store.Store, address string) (blog.Article, blog.ID, error) {
	u, err := url.Parse(address)
	if err != nil || !ArticlePath.MatchString(u.Path) {
		return blog.Article{}, "", blog.ErrNotFound
	}
	a, err := s.HeadBySlug(ctx, LastSegment(u.Path))
	if err != nil {
		return a, "", err
	}
	if id, found := strings.CutPrefix(u.Fragment, "comment-"); found {
		c, err := s.Comment(ctx, blog.ID(id))
		if err == nil && c.ArticleID == a.ID && c.VoiceID != "" {
			return a, c.ID, nil
		}
		return a, "", IgnoreMissing(err)
	}
	return a, "", nil
}

func OriginOf(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return u.Scheme + "://" + blog.HostOf(address)
}
