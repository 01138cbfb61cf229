package outbox

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Pin pins an article of an author, here and on the servers of the followers. It does nothing for a pinned article.
// It returns blog.Invalid when the article is not public, or when ten are pinned already.
func (o *Outbox) Pin(ctx context.Context, id blog.ID) error {
	return o.changePins(ctx, id, "pin", func(s *store.Store, a blog.Article) error {
		if !a.Listed() {
			return blog.Invalid{Field: "article", Problem: "cannot be pinned: only public articles can"}
		}
		first, err := s.Pin(ctx, a, o.Now())
		if err != nil || !first {
			return err
		}
		return o.queuePin(ctx, s, a, "Add", activity.WrapAdd)
	})
}

// Unpin unpins an article.
func (o *Outbox) Unpin(ctx context.Context, id blog.ID) error {
	return o.changePins(ctx, id, "unpin", func(s *store.Store, a blog.Article) error { return o.unpin(ctx, s, a) })
}

// changePins calls change with an article, in one transaction. what names the action in errors.
func (o *Outbox) changePins(ctx context.Context, id blog.ID, what string,
	change func(*store.Store, blog.Article) error) error {
	var a blog.Article
	err := o.Store.InTx(ctx, func(s *store.Store) (err error) {
		if a, err = s.LockArticle(ctx, id); err != nil {
			return err
		}
		return change(s, a)
	})
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, a.Title, err)
	}
	o.Wake()
	return nil
}

// unpin unpins an article if it is pinned.
func (o *Outbox) unpin(ctx context.Context, s *store.Store, a blog.Article) error {
	was, err := s.Unpin(ctx, a.ID)
	if err != nil || !was {
		return err
	}
	return o.queuePin(ctx, s, a, "Remove", activity.WrapRemove)
}

// queuePin adds the Add or the Remove of a pin and its deliveries.
func (o *Outbox) queuePin(ctx context.Context, s *store.Store, a blog.Article, kind string,
	wrap func(activity.Envelope, string) ([]byte, error)) error {
	// Other servers do not know the article.
	if a.ObjectID == "" {
		return nil
	}
	voice, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return err
	}
	// The activity is about the profile. It names no object, so that it does not count among the deliveries of the
	// article.
	act, err := o.compose(ctx, s, outgoing{voice: voice, kind: kind},
		func(e activity.Envelope) ([]byte, error) { return wrap(e, o.Site.ArticleID(a.ObjectID)) })
	if err != nil {
		return err
	}
	return s.FanOutToFollowers(ctx, act)
}
