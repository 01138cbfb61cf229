package inbox

import (
	"context"
	"errors"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// mention adds a post that is no reply, but quotes an article or links to it. It is shown under the article, apart from
// the replies.
func (in *Inbox) mention(ctx context.Context, s *store.Store, post activity.Object, act activity.Activity,
	origin blog.Origin) error {
	if _, err := s.CommentByAddress(ctx, post.ID); !errors.Is(err, blog.ErrNotFound) {
		return err
	}
	a, kind, err := in.ArticleAbout(ctx, s, post)
	if err == nil {
		_, err = in.addComment(ctx, s, post, act, place{article: a, kind: kind}, origin)
	}
	return err
}
