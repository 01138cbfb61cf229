// Package authoring has what the admin and the commands share about writing articles: by-lines, series, slugs,
// drafts, and publishing.
package authoring

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/media"
	"causerie/internal/store"
)

// Service writes the articles of one blog.
type Service struct {
	Site   blog.Site
	Store  *store.Store
	Outbox *outbox.Outbox
	Now    func() time.Time
}

// New returns an empty draft of an author in a language, with the default choices. It is not saved.
func (s Service) New(author blog.Author, id blog.ID, language string) blog.Article {
	return blog.Article{ID: id, VoiceID: author.ID, Status: blog.Draft, Format: blog.FullArticle, Visibility: blog.Public,
		Comments: blog.Open, Quotes: "everyone", CreatedAt: s.Now(), Text: blog.Text{Language: language},
		Authors: []blog.Byline{{VoiceID: author.ID, Handle: author.Handle, Name: author.Name, Picture: author.Picture}}}
}

// SetSeries makes an article a part of the series with a title (in any case) or a slug; "" removes it from its
// series. planned is how many parts the series will have; 0 leaves that as it is. A new series is created when the
// article is published. A part number without a series is blog.Invalid.
func (s Service) SetSeries(ctx context.Context, a *blog.Article, series string, planned int) error {
	// A series is only named here. An unpublished article must not make a page for it.
	if err := s.Store.RequestSeries(ctx, a, series, Slug(series, a.Language), planned); err != nil {
		return err
	}
	if series == "" && a.Part > 0 {
		return blog.Invalid{Field: "part", Problem: blog.PartOfNothing}
	}
	return nil
}

// SlugOf returns the slug of a text of an article: its own, or one made from its title that no other text has or had.
// It is "" for a text without a slug and without a title.
func (s Service) SlugOf(ctx context.Context, article blog.ID, t blog.Text) (string, error) {
	if t.Slug != "" || strings.TrimSpace(t.Title) == "" {
		return t.Slug, nil
	}
	return s.Store.FreeSlug(ctx, Slug(t.Title, t.Language), article, t.Language)
}

// SaveDraft saves an article that is not public, and adds a revision when its text has changed. handle names the
// author who saves it. The error is blog.ErrConflict when somebody else has saved the article since it was read.
func (s Service) SaveDraft(ctx context.Context, a *blog.Article, handle string) error {
	return s.Store.InTx(ctx, func(tx *store.Store) error {
		before, err := tx.Article(ctx, a.ID)
		if errors.Is(err, blog.ErrNotFound) {
			// A first save without any words needs no revision either.
			before, err = blog.Article{Text: blog.Text{Language: a.Language}}, nil
		}
		if err != nil {
			return err
		}
		if err := tx.SaveArticle(ctx, a, s.Now()); err != nil {
			return err
		}
		if sameRevision(before.Text, a.Text) {
			return nil
		}
		return tx.AddRevision(ctx, store.Revision{ArticleID: a.ID, Language: a.Language, Kind: "saved", Title: a.Title,
			Summary:  a.Summary,
			Markdown: a.Markdown, Author: handle, At: s.Now()})
	})
}

// sameRevision reports whether two texts are equal in everything that a revision holds. A subtitle is not part of it.
func sameRevision(one, other blog.Text) bool {
	return one.Language == other.Language && one.Title == other.Title && one.Summary == other.Summary &&
		one.Markdown == other.Markdown
}

// Ready makes the slug of an article that has none, renders the article, and checks that it can be published now.
// What is missing is blog.Invalid. Nothing is saved.
func (s Service) Ready(ctx context.Context, a *blog.Article) error {
	slug, err := s.SlugOf(ctx, a.ID, a.Text)
	if err != nil {
		return err
	}
	a.Slug = slug
	rendered, err := media.Compose(ctx, s.Store, a, media.Beside{})
	if err != nil {
		return err
	}
	// Publish changes the article. The caller's stays a draft.
	trial := *a
	if err := trial.Publish(s.Now(), time.UTC); err != nil {
		return err
	}
	if name := MissingPicture(rendered); name != "" {
		return blog.Invalid{Field: "text", Problem: fmt.Sprintf("shows “%s”, which is not in the library: add that "+
			"picture, or remove its line", name)}
	}
	return nil
}

// MissingPicture returns the first picture that a text names and that does not exist; "" when none is missing.
func MissingPicture(r markup.Rendered) string {
	for _, n := range r.Notices {
		if n.Problem == markup.MissingPicture {
			return n.Detail
		}
	}
	return ""
}

// Release publishes a saved article at options.Date: now when that is nil, with an earlier date when it is past, and
// automatically when it is to come. The other options are for an article that is published now. Errors: blog.Invalid
// when something is missing, blog.ErrConflict when the article is published already.
func (s Service) Release(ctx context.Context, article blog.ID, options outbox.PublishOptions) (blog.Article, error) {
	if options.Date != nil && options.Date.After(s.Now()) {
		return s.Outbox.Schedule(ctx, article, *options.Date)
	}
	return s.Outbox.PublishWith(ctx, article, options)
}
