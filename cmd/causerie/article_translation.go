package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
	"causerie/internal/media"
)

// translation is the content of an article file that translates another article.
type translation struct {
	blog.Translation
	ignored []string // keys of the front matter that only the original may set
}

// composeTranslation makes a translation of a file that has translation-of in its front matter.
func (app *app) composeTranslation(ctx context.Context, author blog.Author, source articleSource) (articleFile, error) {
	front := source.front
	a, err := app.original(ctx, author, front.TranslationOf)
	if err != nil {
		return articleFile{}, err
	}
	t := translation{ignored: ignoredKeys(front)}
	t.Language = cmp.Or(front.Language, author.Language, app.site.Language)
	if t.Language == a.Language {
		return articleFile{}, blog.Invalid{Field: "language",
			Problem: fmt.Sprintf("is “%s”, the same as the original's: name the language of the translation", a.Language)}
	}
	if author.ID != a.VoiceID { // an author who translates their own article is not named a second time
		t.Translator = author.Name
	}
	if front.Guest != "" {
		by, err := guest(front)
		if err != nil {
			return articleFile{}, err
		}
		t.Translator = by.Name
	}
	if t.Slug, err = app.translatedSlug(ctx, a, t.Language, front); err != nil {
		return articleFile{}, err
	}
	m := articleFile{path: source.path, from: source.from, author: author, article: a, translation: &t}
	trial := a // to render the text of the translation with the pictures and the owner of the article
	trial.Text = blog.Text{Language: t.Language, Title: front.Title, Subtitle: front.Subtitle, Summary: front.Summary,
		Markdown: source.body, Slug: t.Slug}
	front.Picture = "" // both pages show the original's
	beside, err := app.takePictures(ctx, &trial, front, source.open)
	if err != nil {
		return m, err
	}
	rendered, err := media.Compose(ctx, app.store, &trial, media.Beside{Pictures: beside})
	m.addNotices(rendered, source)
	t.Text = trial.Text
	if err != nil {
		return m, err
	}
	return m, app.authoring().CheckTranslationFile(ctx, source.from, a, t.Translation)
}

// checkOptions returns an error for flags that contradict each other or the file, such as --hold for a translation. It
// is called before the pictures of the file are taken into the library.
func checkOptions(front markup.FrontMatter, f articleFileFlags, how outbox.ReviseOptions) error {
	switch {
	case f.New && f.Force:
		return usageError{errors.New("--new makes a new article and --force replaces one: leave one of them out")}
	case f.New && front.ID != "":
		return usageError{errors.New("--new makes a new article, and the file has the id of one: leave one of them out")}
	case front.TranslationOf == "":
		return nil
	case f.New:
		return usageError{errors.New("--new does not work for a translation, which is known by its original and its " +
			"language: leave it out")}
	case how.Hold != 0:
		return usageError{errors.New("--hold does not work for a translation, which is sent at once: leave it out, or save " +
			"the text with “causerie article draft” for now")}
	case how.Quiet:
		return usageError{errors.New("--quiet does not work for a translation, since servers that have the article are " +
			"always told of it: leave it out")}
	}
	return nil
}

// original returns the article that is translated. The author must have the right to change it.
func (app *app) original(ctx context.Context, author blog.Author, slug string) (blog.Article, error) {
	a, err := app.find(ctx, slug)
	if err != nil {
		return a, err
	}
	if !author.MayWrite(a.VoiceID) || a.Status == blog.Published && !author.May(a.VoiceID) {
		return a, fmt.Errorf("“%s” belongs to another author: only that author and editors may translate it", slug)
	}
	// Read again by id: an article that was found by the slug of a translation has the text of the translation.
	return app.store.Article(ctx, a.ID)
}

// translatedSlug returns the slug of a translation: the one in the file, else the one it has already, else one made
// from its title.
func (app *app) translatedSlug(ctx context.Context, a blog.Article, language string,
	front markup.FrontMatter) (string, error) {
	known, err := app.store.Translation(ctx, a.ID, language)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	return app.authoring().SlugOf(ctx, a.ID,
		blog.Text{Language: language, Title: front.Title, Slug: cmp.Or(front.Slug, known.Slug)})
}

// ignoredKeys lists the keys in the front matter of a translation that only the original may set.
func ignoredKeys(front markup.FrontMatter) []string {
	var keys []string
	for _, k := range []struct {
		name string
		set  bool
	}{{"id", front.ID != ""}, {"tags", len(front.Tags) > 0}, {"series", front.Series != ""}, {"part", front.Part != 0},
		{"authors", len(front.Authors) > 0},
		{"format", front.Format != ""}, {"visibility", front.Visibility != ""}, {"date", front.Date != nil},
		{"updated", front.Updated != nil},
		{"picture", front.Picture != ""}, {"picture-alt", front.PictureAlt != ""}, {"comments", front.Comments != ""},
		{"quotes", front.Quotes != ""}, {"warning", front.Warning != ""}} {
		if k.set {
			keys = append(keys, k.name)
		}
	}
	return keys
}

// refuseDraft returns an error when the translation is published: it cannot become a draft again.
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

// saveTranslation saves a translation. That of a published article is published at once, unless it is a draft.
func (app *app) saveTranslation(ctx context.Context, m articleFile, draft bool) (blog.Article, error) {
	m.translation.Draft = draft
	a, err := app.outbox.TranslateIfChanged(ctx, m.article.ID, m.article.SavedAt, m.translation.Translation)
	if err == nil {
		err = app.authoring().RememberTranslationFile(ctx, m.from, a, m.translation.Language)
	}
	a.Text = m.translation.Text // what is printed is about the translation
	return a, plain(err)
}

// printTranslation prints what was done with a translation.
func (app *app) printTranslation(ctx context.Context, c *console, a blog.Article, m articleFile, asJSON bool) error {
	if len(m.translation.ignored) > 0 {
		fmt.Fprintf(c.err, "note: ignored, since the original decides: %s\n",
			strings.Join(m.translation.ignored, ", "))
	}
	switch {
	case asJSON || a.Status == blog.Published && !m.translation.Draft:
		return app.printArticle(ctx, c, a, m, asJSON)
	case m.translation.Draft:
		fmt.Fprintf(c.out, "saved as a draft of a translation: “%s” publishes it\n", m.publishCommand())
	default:
		fmt.Fprintf(c.out, "saved: it is published with its original, which is %s\n", a.Status)
	}
	return nil
}

// translationText lists the languages of an article's translations.
func (app *app) translationText(ctx context.Context, a blog.Article) (string, error) {
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
