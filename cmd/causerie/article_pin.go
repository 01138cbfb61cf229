package main

import (
	"context"
	"fmt"
	"log/slog"
)

type articlePin struct {
	articleNamed
}

func (p articlePin) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(app *app) error {
		a, err := app.find(ctx, p.Article)
		if err != nil {
			return err
		}
		if err := app.outbox.Pin(ctx, a.ID); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "pinned “%s”\n", a.Title)
		return nil
	})
}

type articleUnpin struct {
	articleNamed
}

func (u articleUnpin) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(app *app) error {
		a, err := app.find(ctx, u.Article)
		if err != nil {
			return err
		}
		if err := app.outbox.Unpin(ctx, a.ID); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "“%s” stands among the others\n", a.Title)
		return nil
	})
}
