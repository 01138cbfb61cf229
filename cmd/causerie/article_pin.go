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
		pinned, err := app.isPinned(ctx, a)
		if err != nil {
			return err
		}
		if pinned {
			fmt.Fprintf(c.out, "“%s” was pinned already\n", a.Title)
			return nil
		}
		if err := app.outbox.Pin(ctx, a.ID); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "pinned “%s”\n", a.Title)
		return nil
	})
}

func (app *app) isPinned(ctx context.Context, a blog.Article) (bool, error) {
	pins, err := app.store.PinsAmong(ctx, []blog.ID{a.ID})
	return pins[a.ID], err
}

type articleUnpin struct {
	articleNamed
}

func (u articleUnpin) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return u.with(ctx, config, log, func(app *app, a blog.Article) error {
		pinned, err := app.isPinned(ctx, a)
		if err != nil {
			return err
		}
		if !pinned {
			fmt.Fprintf(c.out, "“%s” was not pinned\n", a.Title)
			return nil
		}
		if err := app.outbox.Unpin(ctx, a.ID); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "unpinned “%s”\n", a.Title)
		return nil
	})
}
