package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type articleUntranslate struct {
	articleNamed
	Language string `arg:"" help:"The language of the translation, like nl."`
}

func (u articleUntranslate) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return u.with(ctx, config, log, func(app *app, a blog.Article) error {
		_, err := app.outbox.Untranslate(ctx, a.ID, u.Language)
		if errors.Is(err, blog.ErrNotFound) {
			return app.noTranslation(ctx, a, u.Language)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out, "removed: its address leads to the original now")
		return nil
	})
}

// noTranslation returns the error for a translation that does not exist. It lists those that do.
func (app *app) noTranslation(ctx context.Context, a blog.Article, language string) error {
	translations, err := app.translationText(ctx, a)
	if err != nil {
		return err
	}
	if translations == "" {
		return fmt.Errorf("“%s” has no translations", a.Slug)
	}
	return fmt.Errorf("“%s” has no translation in “%s”; it has: %s", a.Slug, language, translations)
}
