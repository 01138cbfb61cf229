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

// mention takes a post in that answers nothing of ours, but quotes an article or links to it: a voice under that
// article which is not one of its replies.
func (in *Inbox) mention(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity, origin blog.Origin) error {
	if _, err := s.CommentByAddress(ctx, post.ID); !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	a, kind, err := in.about(ctx, s, post)
	if err == nil {
		_, err = in.admit(ctx, s, post, act, place{article: a, kind: kind}, origin)
	}
	return err
}

// about finds the article that a post speaks of, and how: what it quotes, or else the first that it links to. errNotOurs
// when there is none that readers have.
func (b Base) about(ctx context.Context, s *store.Store, post activity.Object) (blog.Article, blog.CommentKind, error) {
	if a, err := b.readable(ctx, s, post.Quote); !errors.Is(err, blog.ErrNotFound) {
		return a, blog.Quoting, err
	}
	for _, address := range b.links(post) {
		a, err := b.readable(ctx, s, address)
		switch {
		case errors.Is(err, blog.ErrNotFound):
			continue
		case slices.ContainsFunc(post.Mentions, b.Site.Owns):
			return a, blog.Mentioning, err
		}
		return a, blog.Linking, err
	}
	return blog.Article{}, "", errNoArticle
}

// links are the addresses of ours that a post leads to: from its text, or as that which it shares, like Lemmy's.
func (b Base) links(post activity.Object) []string {
	list := post.LinksTo(b.Site.URL)
	for _, media := range post.Attachments {
		if b.Site.Owns(media.URL) {
			list = append(list, media.URL)
		}
	}
	return list
}

// readable finds the article behind an address of ours, if everybody may read it.
func (b Base) readable(ctx context.Context, s *store.Store, address string) (blog.Article, error) {
	if !b.Site.Owns(address) {
		return blog.Article{}, blog.ErrNotFound
	}
	a, comment, err := b.target(ctx, s, address)
	if err == nil && (comment != "" || !a.OnTheWeb()) {
		err = blog.ErrNotFound
	}
	return a, err
}

// pageTarget finds what a human address of ours means: an article by its page, also by one that the page had before, and
// an answer of ours by its place there.
func (b Base) pageTarget(ctx context.Context, s *store.Store, address string) (blog.Article, blog.ID, error) {
	u, err := url.Parse(address)
	if err != nil || !articlePath.MatchString(u.Path) {
		return blog.Article{}, "", blog.ErrNotFound
	}
	a, err := s.HeadBySlug(ctx, lastSegment(u.Path))
	if err != nil {
		return a, "", err
	}
	if id, found := strings.CutPrefix(u.Fragment, "comment-"); found {
		c, err := s.Comment(ctx, blog.ID(id))
		if err == nil && c.ArticleID == a.ID && c.VoiceID != "" {
			return a, c.ID, nil
		}
		return a, "", ignoreMissing(err)
	}
	return a, "", nil
}
