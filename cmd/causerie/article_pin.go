package main

import (
	"causerie/internal/blog"
	"context"
	"fmt"
	"log/slog"
)

type articlePin struct {
	articleNamed
}

func (p articlePin) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return p.with(ctx, config, log, func(app *app, a blog.Article) error {
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
	return u.with(ctx, config, log, func(app *app, a blog.Article) error {
		if err := app.outbox.Unpin(ctx, a.ID); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "unpinned “%s”\n", a.Title)
		return nil
	})
}
