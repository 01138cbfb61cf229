package outbox

import (
	"context"
	"errors"
	"fmt"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/store"
)

// Translate saves the text of an article in another language, and returns the article as it is now. If the article is
// published and the text is no draft, the article gets a new revision, and every server that has it gets one Update.
// saved is the SavedAt of the article that the translator saw. Errors: blog.Invalid, blog.ErrConflict when the article
// was saved since then, blog.ErrGone for a deleted article, blog.ErrNotFound.
func (o *Outbox) Translate(ctx context.Context, article blog.ID, saved time.Time,
	t blog.Translation) (blog.Article, error) {
	return o.translate(ctx, article, saved, t, false)
}

// TranslateIfChanged is Translate, but does nothing when the same text is stored already.
func (o *Outbox) TranslateIfChanged(ctx context.Context, article blog.ID, saved time.Time,
	t blog.Translation) (blog.Article, error) {
	a, err := o.translate(ctx, article, saved, t, true)
	if errors.Is(err, errUnchanged) {
		err = nil
	}
	return a, err
}

// errUnchanged ends a transaction that would change nothing.
var errUnchanged = errors.New("nothing changed")

func (o *Outbox) translate(ctx context.Context, article blog.ID, saved time.Time, t blog.Translation,
	skipIfSame bool) (blog.Article, error) {
	check := func(s *store.Store, a *blog.Article) (bool, error) {
		if !saved.Equal(a.SavedAt) {
			return false, fmt.Errorf("%w: somebody saved it since you opened it", blog.ErrConflict)
		}
		known, err := s.Translation(ctx, article, t.Language)
		if federation.IgnoreMissing(err) != nil {
			return false, err
		}
		exists := err == nil
		if a.Status == blog.Published && t.Draft && exists {
			t.Draft = known.Draft // a public translation does not become a draft again; Untranslate removes it
		}
		if err := o.checkTranslation(ctx, s, *a, t); err != nil {
			return false, err
		}
		same := skipIfSame && exists && t.Same(known)
		if same && !known.Behind {
			return false, errUnchanged
		}
		// An unchanged translation that was behind the original is saved as up to date. Readers see no difference.
		return !t.Draft && !same, nil
	}
	return o.changeTranslation(ctx, article, translationChange{name: "translate", text: &t, check: check,
		apply: func(s *store.Store, a blog.Article) error { return o.saveTranslation(ctx, s, a, t) }})
}

// saveTranslation saves a text in another language. It adds a revision when the text is new, or when it becomes public.
func (o *Outbox) saveTranslation(ctx context.Context, s *store.Store, a blog.Article, t blog.Translation) error {
	known, err := s.Translation(ctx, a.ID, t.Language)
	if federation.IgnoreMissing(err) != nil {
		return err
	}
	if err := s.SaveTranslation(ctx, a, t); err != nil {
		return err
	}
	if known.Draft == t.Draft && known.SameContent(t.Text) {
		return nil
	}
	kind, at := "saved", o.Now()
	if a.Status == blog.Published && !t.Draft {
		kind, at = "published", a.ChangedAt()
	}
	a.Text = t.Text
	return addRevision(ctx, s, a, kind, at)
}

// checkTranslation returns blog.Invalid for a translation that is not complete or whose slug is taken. A draft needs no
// slug.
func (o *Outbox) checkTranslation(ctx context.Context, s *store.Store, a blog.Article, t blog.Translation) error {
	if err := t.Check(); err != nil || t.Draft && t.Slug == "" {
		return err
	}
	free, err := s.FreeSlug(ctx, t.Slug, a.ID, t.Language)
	if err == nil && free != t.Slug {
		err = blog.Invalid{Field: "slug",
			Problem: fmt.Sprintf("“%s” belongs to another text; “%s” is free", t.Slug, free)}
	}
	return err
}

// Untranslate removes a translation. Its address then leads to the original. If the translation was public, every
// server that has the article gets an Update.
func (o *Outbox) Untranslate(ctx context.Context, article blog.ID, language string) (blog.Article, error) {
	check := func(s *store.Store, _ *blog.Article) (bool, error) {
		t, err := s.Translation(ctx, article, language)
		return !t.Draft, err
	}
	none := blog.Translation{Text: blog.Text{Language: language}}
	return o.changeTranslation(ctx, article, translationChange{name: "untranslate", text: &none, check: check,
		apply: func(s *store.Store, _ blog.Article) error { return s.RemoveTranslation(ctx, article, language) }})
}

// translationChange is a change of a translation of an article.
type translationChange struct {
	name string            // in errors
	text *blog.Translation // as it will be; it gets the links to people whom it is the first to mention

	// check runs first and reports whether readers see the change.
	check func(*store.Store, *blog.Article) (bool, error)
	apply func(*store.Store, blog.Article) error
}

// changeTranslation changes a translation of an article in one transaction: it checks the change, saves the article,
// with a new revision if readers see the change, and applies the change.
func (o *Outbox) changeTranslation(ctx context.Context, article blog.ID, c translationChange) (blog.Article, error) {
	a, err := o.Store.Article(ctx, article)
	if err != nil {
		return a, err
	}
	var ready preparation
	if a.Status == blog.Published {
		if ready, err = o.prepare(ctx, a, false, c.text); err != nil {
			return a, fmt.Errorf("%s %q: %w", c.name, a.Title, err)
		}
		ready.link(&c.text.Text)
	}
	err = o.Store.InTx(ctx, func(s *store.Store) error {
		if a, err = s.LockArticle(ctx, article); err != nil {
			return err
		}
		if a.Status == blog.Deleted {
			return blog.ErrGone
		}
		seen, err := c.check(s, &a)
		if err != nil {
			return err
		}
		before, public := a, seen && a.Status == blog.Published
		if public {
			if err := a.Revise(o.Now()); err != nil {
				return err
			}
		}
		if err := s.SaveArticle(ctx, &a, o.Now()); err != nil {
			return err
		}
		if err := c.apply(s, a); err != nil {
			return err
		}
		if err := ready.saveLinks(ctx, s, &a); err != nil || !public || a.ObjectID == "" {
			return err
		}
		// A translation is never held alone. It waits only if the publication of the article is still held.
		return o.sendOrHold(ctx, s, store.Hold{ArticleID: a.ID, Before: before}, 0, ready.mentions)
	})
	if err != nil {
		return a, fmt.Errorf("%s %q: %w", c.name, a.Title, err)
	}
	o.Wake()
	return a, nil
}
