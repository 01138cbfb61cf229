package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
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

// composeTranslation understands an article file that says translation-of; above is how many lines stand above its text. open reads the pictures beside it.
func (d *desk) composeTranslation(ctx context.Context, author blog.Author, front markup.FrontMatter, path, body string, above int,
	open func(string) (io.ReadCloser, error)) (manuscript, error) {
	a, err := d.original(ctx, author, front.TranslationOf)
	if err != nil {
		return manuscript{}, err
	}
	t := translation{left: leftOut(front)}
	t.Language = cmp.Or(front.Language, author.Language, d.site.Language)
	if t.Language == a.Language {
		return manuscript{}, blog.Invalid{Field: "language", Problem: fmt.Sprintf("is “%s”, as that of the original: say in which one the translation is", a.Language)}
	}
	if t.Translator, _, _ = strings.Cut(front.Guest, "<"); front.Guest == "" && author.ID != a.VoiceID {
		t.Translator = author.Name
	}
	t.Translator = strings.TrimSpace(t.Translator)
	if t.Slug, err = d.translatedSlug(ctx, a, t.Language, front); err != nil {
		return manuscript{}, err
	}
	m := manuscript{article: a, translation: &t}
	trial := a
	trial.Text = blog.Text{Language: t.Language, Title: front.Title, Subtitle: front.Subtitle, Summary: front.Summary, Markdown: body, Slug: t.Slug}
	front.Picture = "" // the original's hangs at the head of both
	beside, err := d.takePictures(ctx, &trial, front, open)
	if err != nil {
		return m, err
	}
	rendered, err := d.library.Compose(ctx, &trial, beside)
	m.note(rendered, path, above)
	t.Text = trial.Text
	return m, err
}

// refuseManner says that a translation goes out in no other manner than plainly, before anything of its file is taken.
func (d *desk) refuseManner(file []byte, how outbox.ReviseOptions) error {
	front, _, err := markup.ParseFrontMatter(file, d.site.Location())
	switch {
	case err != nil || front.TranslationOf == "": // what is wrong with it is told by who composes it
		return nil
	case how.Hold != 0:
		return misuse{errors.New("--hold is not for a translation, which leaves at once: leave it out, or keep the text with “causerie article draft” until it may leave")}
	case how.Quiet:
		return misuse{errors.New("--quiet is not for a translation, of which servers that have the article are always told: leave it out")}
	}
	return nil
}

// original finds the article that a translation is of, if the author may change it.
func (d *desk) original(ctx context.Context, author blog.Author, slug string) (blog.Article, error) {
	a, err := d.find(ctx, slug)
	if err != nil {
		return a, err
	}
	if !author.MayWrite(a.VoiceID) || a.Status == blog.Published && !author.May(a.VoiceID) {
		return a, fmt.Errorf("“%s” belongs to another author: only they and editors translate it", slug)
	}
	return d.store.Article(ctx, a.ID) // found by the address of another translation, it would have that one's words
}

// translatedSlug is the address that the file wants, the one that the translation has, or one made from its title.
func (d *desk) translatedSlug(ctx context.Context, a blog.Article, language string, front markup.FrontMatter) (string, error) {
	known, err := d.store.Translation(ctx, a.ID, language)
	if err != nil && !errors.Is(err, blog.ErrNotFound) {
		return "", err
	}
	if slug := cmp.Or(front.Slug, known.Slug); slug != "" {
		return slug, nil
	}
	return d.store.FreeSlug(ctx, authoring.Slug(front.Title, language), a.ID, language)
}

// leftOut are the keys of a translation's front matter that its original alone decides.
func leftOut(front markup.FrontMatter) []string {
	var keys []string
	for _, k := range []struct {
		name string
		said bool
	}{{"tags", len(front.Tags) > 0}, {"series", front.Series != ""}, {"part", front.Part != 0}, {"authors", len(front.Authors) > 0},
		{"format", front.Format != ""}, {"visibility", front.Visibility != ""}, {"date", front.Date != nil}, {"updated", front.Updated != nil},
		{"picture", front.Picture != ""}, {"picture-alt", front.PictureAlt != ""}, {"comments", front.Comments != ""},
		{"quotes", front.Quotes != ""}, {"warning", front.Warning != ""}} {
		if k.said {
			keys = append(keys, k.name)
		}
	}
	return keys
}

// refuseDraft says that a translation which readers have is no draft any more.
func (d *desk) refuseDraft(ctx context.Context, m manuscript) error {
	known, err := d.store.Translation(ctx, m.article.ID, m.translation.Language)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return nil
	case err == nil && !known.Draft && m.article.Status == blog.Published:
		return fmt.Errorf("“%s” is published already: “causerie article publish” revises it", known.Slug)
	}
	return err
}

// saveTranslation writes a translation; of a published article it goes out at once, unless it is a draft.
func (d *desk) saveTranslation(ctx context.Context, m manuscript, draft bool) (blog.Article, error) {
	m.translation.Draft = draft
	a, err := d.outbox.TranslateIfChanged(ctx, m.article.ID, m.article.SavedAt, m.translation.Translation)
	a.Text = m.translation.Text
	return a, plain(err)
}

// tellTranslation says what became of it.
func (d *desk) tellTranslation(ctx context.Context, c *console, a blog.Article, m manuscript, asJSON bool) error {
	if len(m.translation.left) > 0 {
		fmt.Fprintf(c.err, "causerie: left to the original: %s\n", strings.Join(m.translation.left, ", "))
	}
	switch {
	case asJSON || a.Status == blog.Published && !m.translation.Draft:
		return d.tellArticle(ctx, c, a, m, asJSON)
	case m.translation.Draft:
		fmt.Fprintf(c.out, "kept as a draft of a translation: “causerie article publish” lets it out\n")
	default:
		fmt.Fprintf(c.out, "kept: it goes out with its original, which is %s\n", a.Status)
	}
	return nil
}

type articleUntranslate struct {
	articleNamed
	Language string `arg:"" help:"Of the translation, like nl."`
}

func (u articleUntranslate) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		a, err := d.find(ctx, u.Article)
		if err != nil {
			return err
		}
		_, err = d.outbox.Untranslate(ctx, a.ID, u.Language)
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("“%s” has no translation in %s", u.Article, u.Language)
		}
		if err == nil {
			fmt.Fprintf(c.out, "removed: its address leads to the original now\n")
		}
		return err
	})
}

// translationWords names the languages of an article's translations.
func (d *desk) translationWords(ctx context.Context, a blog.Article) (string, error) {
	translations, err := d.store.Translations(ctx, a.ID)
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
