package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"causerie/internal/authoring"
	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
)

// translation is an article file that is another file's in another language.
type translation struct {
	blog.Translation
	left []string // keys of the front matter that are the original's to say
}

// composeTranslation makes a translation of a file that has translation-of in its front matter.
func (app *app) composeTranslation(ctx context.Context, author blog.Author, source articleSource) (articleFile, error) {
	front := source.front
	a, err := app.original(ctx, author, front.TranslationOf)
	if err != nil {
		return articleFile{}, err
	}
	t := translation{left: leftOut(front)}
	t.Language = cmp.Or(front.Language, author.Language, app.site.Language)
	if t.Language == a.Language {
		return articleFile{}, blog.Invalid{Field: "language",
			Problem: fmt.Sprintf("is “%s”, as that of the original: say in which one the translation is", a.Language)}
	}
	if author.ID != a.VoiceID {
		t.Translator = author.Name
	}
	if front.Guest != "" {
		guest, err := authoring.Guest(front.Guest)
		if err != nil {
			return articleFile{}, err
		}
		t.Translator = guest.Name
	}
	if t.Slug, err = app.translatedSlug(ctx, a, t.Language, front); err != nil {
		return articleFile{}, err
	}
	m := articleFile{author: author, article: a, translation: &t}
	trial := a
	trial.Text = blog.Text{Language: t.Language, Title: front.Title, Subtitle: front.Subtitle, Summary: front.Summary,
		Markdown: source.body, Slug: t.Slug}
	front.Picture = "" // the original's hangs at the head of both
	beside, err := app.takePictures(ctx, &trial, front, source.open)
	if err != nil {
		return m, err
	}
	rendered, err := app.library.Compose(ctx, &trial, beside)
	m.note(rendered, source)
	t.Text = trial.Text
	return m, err
}

// refuseManner refuses --hold and --quiet for a translation.
func refuseManner(front markup.FrontMatter, how outbox.ReviseOptions) error {
	switch {
	case front.TranslationOf == "":
		return nil
	case how.Hold != 0:
		return usageError{errors.New("--hold is not for a translation, which leaves at once: leave it out, or keep the " +
			"text with “causerie article draft” until it may leave")}
	case how.Quiet:
		return usageError{errors.New("--quiet is not for a translation, of which servers that have the article are always " +
			"told: leave it out")}
	}
	return nil
}

// original finds the article that a translation is of, if the author may change it.
func (app *app) original(ctx context.Context, author blog.Author, slug string) (blog.Article, error) {
	a, err := app.find(ctx, slug)
	if err != nil {
		return a, err
	}
	if !author.MayWrite(a.VoiceID) || a.Status == blog.Published && !author.May(a.VoiceID) {
		return a, fmt.Errorf("“%s” belongs to another author: only they and editors translate it", slug)
	}
	return app.store.Article(ctx, a.ID) // found by the address of another translation, it would have that one's words
}

// translatedSlug is the address that the file wants, the one that the translation has, or one made from its title.
func (app *app) translatedSlug(ctx context.Context, a blog.Article, language string,
	front markup.FrontMatter) (string, error) {
	known, err := app.store.Translation(ctx, a.ID, language)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	return app.authoring().SlugOf(ctx, a.ID,
		blog.Text{Language: language, Title: front.Title, Slug: cmp.Or(front.Slug, known.Slug)})
}

// leftOut are the keys of a translation's front matter that its original alone decides.
func leftOut(front markup.FrontMatter) []string {
	var keys []string
	for _, k := range []struct {
		name string
		said bool
	}{{"tags", len(front.Tags) > 0}, {"series", front.Series != ""}, {"part", front.Part != 0},
		{"authors", len(front.Authors) > 0},
		{"format", front.Format != ""}, {"visibility", front.Visibility != ""}, {"date", front.Date != nil},
		{"updated", front.Updated != nil},
		{"picture", front.Picture != ""}, {"picture-alt", front.PictureAlt != ""}, {"comments", front.Comments != ""},
		{"quotes", front.Quotes != ""}, {"warning", front.Warning != ""}} {
		if k.said {
			keys = append(keys, k.name)
		}
	}
	return keys
}

// refuseDraft says that a translation which readers have is no draft any more.
func (app *app) refuseDraft(ctx context.Context, m articleFile) error {
	known, err := app.store.Translation(ctx, m.article.ID, m.translation.Language)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return nil
	case err == nil && !known.Draft && m.article.Status == blog.Published:
		return fmt.Errorf("“%s” is published already: “causerie article publish” revises it", known.Slug)
	}
	return err
}

// saveTranslation writes a translation; of a published article it goes out at once, unless it is a draft.
func (app *app) saveTranslation(ctx context.Context, m articleFile, draft bool) (blog.Article, error) {
	m.translation.Draft = draft
	a, err := app.outbox.TranslateIfChanged(ctx, m.article.ID, m.article.SavedAt, m.translation.Translation)
	a.Text = m.translation.Text
	return a, plain(err)
}

// tellTranslation says what became of it.
func (app *app) tellTranslation(ctx context.Context, c *console, a blog.Article, m articleFile, asJSON bool) error {
	if len(m.translation.left) > 0 {
		fmt.Fprintf(c.err, "causerie: left to the original: %s\n", strings.Join(m.translation.left, ", "))
	}
	switch {
	case asJSON || a.Status == blog.Published && !m.translation.Draft:
		return app.tellArticle(ctx, c, a, m, asJSON)
	case m.translation.Draft:
		fmt.Fprintf(c.out, "kept as a draft of a translation: “causerie article publish” lets it out\n")
	default:
		fmt.Fprintf(c.out, "kept: it goes out with its original, which is %s\n", a.Status)
	}
	return nil
}

// translationWords names the languages of an article's translations.
func (app *app) translationWords(ctx context.Context, a blog.Article) (string, error) {
	translations, err := app.store.Translations(ctx, a.ID)
	var names []string
	for _, t := range translations {
		name := t.Language
		if t.Draft {
			name += " (draft)"
		}
		if t.Behind {
			name += " (the original changed since)"
		}
		names = append(names, name)
	}
	return strings.Join(names, ", "), err
}
