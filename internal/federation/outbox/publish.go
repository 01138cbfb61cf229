package outbox

import (
	"context"
	"fmt"
	"time"

	"causerie/internal/activity"
	"causerie/internal/blog"
	"causerie/internal/store"
)

// PublishOptions says as of when an article is published, and whether it is sent. The zero value publishes it now and
// sends it at once.
type PublishOptions struct {
	// Hold delays all deliveries by this time. During it, Undo removes the article; nothing was sent.
	Hold time.Duration
	// Date is a time in the past, of an article that was written before. Nil is now.
	Date *time.Time
	// Updated is when such an article was last changed; nil if never.
	Updated *time.Time
	// Federate sends an article also when its date is older than a week. Otherwise such an article is only here, for
	// whoever asks for it.
	Federate bool
}

// newsAge is the age up to which an article is sent without being asked for. What is older would stand among the news
// of its followers.
const newsAge = 7 * 24 * time.Hour

// IsOld reports whether an article of a date is sent to nobody unless PublishOptions.Federate is set.
func (o *Outbox) IsOld(date time.Time) bool { return o.Now().Sub(date) > newsAge }

// Publish publishes an article and queues its deliveries to the followers. The article may be a draft, scheduled or
// withdrawn. Errors: blog.Invalid when something is missing, blog.ErrConflict when it is published already,
// blog.ErrNotFound.
func (o *Outbox) Publish(ctx context.Context, id blog.ID) (blog.Article, error) {
	return o.PublishWith(ctx, id, PublishOptions{})
}

// PublishWith is Publish with options. With a hold, the article is on the site at once.
func (o *Outbox) PublishWith(ctx context.Context, id blog.ID, options PublishOptions) (blog.Article, error) {
	hold := options.Hold
	a, err := o.Store.Article(ctx, id)
	if err != nil {
		return a, err
	}
	ready, err := o.prepare(ctx, a, hold > 0, nil)
	if err != nil {
		return a, fmt.Errorf("publish %q: %w", a.Title, err)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) (err error) {
		if a, err = s.LockArticle(ctx, id); err != nil {
			return err
		}
		undo, err := holdBefore(ctx, s, a, a)
		if err != nil {
			return err
		}
		if err := ready.apply(&a); err != nil {
			return err
		}
		if err := a.PublishAsOf(options.Date, options.Updated, o.Now(), o.Site.Location()); err != nil {
			return err
		}
		if a.Federates() {
			// The object gets a new id each time: other servers ignore an id that was deleted before.
			a.ObjectID = blog.NewID(o.Now())
		}
		if err := o.saveArticle(ctx, s, &a); err != nil {
			return err
		}
		if err := ready.saveLinks(ctx, s, &a); err != nil {
			return err
		}
		if err := addPublishedRevisions(ctx, s, a); err != nil {
			return err
		}
		switch {
		case !a.Federates():
			return nil
		case options.Date != nil && o.IsOld(*options.Date) && !options.Federate:
			_, _, err := o.addCreate(ctx, s, a, ready.mentions)
			return err
		case hold > 0:
			undo.New, undo.Until = true, o.Now().Add(hold)
			return s.SaveHold(ctx, undo)
		}
		return o.queueCreate(ctx, s, a, ready.mentions)
	})
	if err != nil {
		return a, fmt.Errorf("publish %q: %w", a.Title, err)
	}
	if hold <= 0 { // a held publication has no deliveries yet
		o.Wake()
	}
	return a, nil
}

// saveArticle saves an article. If its slug is taken, it returns blog.Invalid with a free slug in the text.
func (o *Outbox) saveArticle(ctx context.Context, s *store.Store, a *blog.Article) error {
	free, err := s.FreeSlug(ctx, a.Slug, a.ID, a.Language)
	if err != nil {
		return err
	}
	if free != a.Slug {
		return blog.Invalid{Field: "slug",
			Problem: fmt.Sprintf("“%s” belongs to another article; “%s” is free", a.Slug, free)}
	}
	return s.SaveArticle(ctx, a, o.Now())
}

// addRevision saves the text of an article as a revision. kind is "published" for a text that readers have had since
// at, and "saved" for a text that they do not have.
func addRevision(ctx context.Context, s *store.Store, a blog.Article, kind string, at time.Time) error {
	return s.AddRevision(ctx, store.Revision{ArticleID: a.ID, Language: a.Language, Kind: kind, Title: a.Title,
		Summary: a.Summary, Markdown: a.Markdown, At: at})
}

// addPublishedRevisions saves the original of an article and its finished translations as published revisions.
func addPublishedRevisions(ctx context.Context, s *store.Store, a blog.Article) error {
	if err := addRevision(ctx, s, a, "published", *a.PublishedAt); err != nil {
		return err
	}
	translations, err := s.Translations(ctx, a.ID)
	if err != nil {
		return err
	}
	for _, t := range translations {
		if t.Draft {
			continue
		}
		a.Text = t.Text
		if err := addRevision(ctx, s, a, "published", *a.PublishedAt); err != nil {
			return err
		}
	}
	return nil
}

// addCreate saves the object of an article and its Create, which other servers can fetch from now on.
func (o *Outbox) addCreate(ctx context.Context, s *store.Store, a blog.Article,
	mentions []activity.Mention) (act blog.Activity, object []byte, err error) {
	object, w, err := o.saveObject(ctx, s, a, mentions)
	if err != nil {
		return act, object, err
	}
	act, err = o.compose(ctx, s, outgoing{voice: w.Author, kind: "Create", object: a.ObjectID, revision: a.Revision},
		func(e activity.Envelope) ([]byte, error) {
			return activity.WrapCreate(e, object)
		})
	return act, object, err
}

// queueCreate adds the Create of an article and its deliveries.
func (o *Outbox) queueCreate(ctx context.Context, s *store.Store, a blog.Article, mentions []activity.Mention) error {
	act, object, err := o.addCreate(ctx, s, a, mentions)
	if err != nil {
		return err
	}
	if err := s.FanOutToFollowers(ctx, act); err != nil {
		return err
	}
	if err := o.deliverToMentioned(ctx, s, act, mentions); err != nil {
		return err
	}
	if err := o.queueQuoteRequest(ctx, s, a, object); err != nil {
		return err
	}
	return o.queueAnnounces(ctx, s, blog.Article{}, a)
}

// saveObject builds the object of an article and saves its bytes, which are served from now on. It also returns the
// input that the object was built from.
func (o *Outbox) saveObject(ctx context.Context, s *store.Store, a blog.Article,
	mentions []activity.Mention) ([]byte, activity.PostInput, error) {
	w, err := o.PostInput(ctx, s, a, mentions)
	if err != nil {
		return nil, w, err
	}
	object, err := activity.Post(w)
	if err != nil {
		return nil, w, err
	}
	return object, w, s.SaveObject(ctx, store.Object{ID: a.ObjectID, ArticleID: a.ID, Payload: object,
		Revision: a.Revision, At: o.Now()})
}

// Schedule plans the publication of an article. Nothing is served or sent before the time at.
func (o *Outbox) Schedule(ctx context.Context, id blog.ID, at time.Time) (blog.Article, error) {
	var a blog.Article
	err := o.Store.InTx(ctx, func(s *store.Store) (err error) {
		if a, err = s.LockArticle(ctx, id); err != nil {
			return err
		}
		if err := a.Schedule(at, o.Now(), o.Site.Location()); err != nil {
			return err
		}
		return o.saveArticle(ctx, s, &a)
	})
	if err != nil {
		return a, fmt.Errorf("schedule %q: %w", a.Title, err)
	}
	return a, nil
}
