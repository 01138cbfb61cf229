package outbox

import (
	"context"
	"fmt"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// Pin puts an article of an author's before their others, here and on the servers of their followers. Errors:
// blog.Invalid when not everybody may read it, or when ten are pinned already. One that is pinned stays so.
func (o *Outbox) Pin(ctx context.Context, id blog.ID) error {
	return o.changePins(ctx, id, "pin", func(s *store.Store, a blog.Article) error {
		if !a.Listed() {
			return blog.Invalid{Field: "article", Problem: "cannot be pinned: only what is published for everybody can"}
		}
		first, err := s.Pin(ctx, a, o.Now())
		if err != nil || !first {
			return err
		}
		return o.queuePin(ctx, s, a, "Add", activity.WrapAdd)
	})
}

// Unpin puts an article back among the others of its author.
func (o *Outbox) Unpin(ctx context.Context, id blog.ID) error {
	return o.changePins(ctx, id, "unpin", func(s *store.Store, a blog.Article) error { return o.unpin(ctx, s, a) })
}

func (o *Outbox) changePins(ctx context.Context, id blog.ID, what string,
	change func(*store.Store, blog.Article) error) error {
	var a blog.Article
	err := o.Store.InTx(ctx, func(store *store.Store) (err error) {
		if a, err = store.LockArticle(ctx, id); err != nil {
			return err
		}
		return change(store, a)
	})
	if err != nil {
		return fmt.Errorf("%s %q: %w", what, a.Title, err)
	}
	o.Wake()
	return nil
}

func (o *Outbox) unpin(ctx context.Context, s *store.Store, a blog.Article) error {
	was, err := s.Unpin(ctx, a.ID)
	if err != nil || !was {
		return err
	}
	return o.queuePin(ctx, s, a, "Remove", activity.WrapRemove)
}

// queuePin tells the owner's followers, if the article is one that their servers know. It is about the profile and not
// the article, among whose deliveries it is not counted.
func (o *Outbox) queuePin(ctx context.Context, s *store.Store, a blog.Article, kind string,
	wrap func(activity.Envelope, string) ([]byte, error)) error {
	if a.ObjectID == "" {
		return nil
	}
	voice, err := s.Voice(ctx, a.VoiceID)
	if err != nil {
		return err
	}
	said, err := o.compose(ctx, s, voice, kind, "", 0,
		func(e activity.Envelope) ([]byte, error) { return wrap(e, o.Site.ArticleID(a.ObjectID)) })
	if err != nil {
		return err
	}
	return s.TellFollowers(ctx, said)
}
