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
			return fmt.Errorf("“%s” has no translation in “%s”: “causerie article show %s” lists the translations", u.Article,
				u.Language, u.Article)
		}
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out, "removed: its address leads to the original now")
		return nil
	})
}
