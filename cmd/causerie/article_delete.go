package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type articleDelete struct {
	articleNamed
}

func (x articleDelete) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.with(ctx, config, log, func(app *app, a blog.Article) error {
		err := app.outbox.Delete(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("“%s” is deleted already: there is nothing to do", a.Slug)
		}
		if err == nil {
			fmt.Fprintf(c.out, "deleted “%s”\n", a.Title)
		}
		return err
	})
}
