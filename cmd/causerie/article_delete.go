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
	return at(ctx, config, log, existing, func(app *app) error {
		a, err := app.find(ctx, x.Article)
		if err != nil {
			return err
		}
		err = app.outbox.Delete(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("“%s” is deleted already", a.Slug)
		}
		if err == nil {
			fmt.Fprintf(c.out, "deleted “%s”\n", a.Title)
		}
		return err
	})
}
