package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type blockRemove struct{ blockSubject }

func (r blockRemove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, existing, func(app *app) error {
		kind, subject, err := app.outbox.BlockSubject(ctx, r.Subject)
		if err != nil {
			return plain(err)
		}
		before, err := app.store.BlockOf(ctx, kind, subject)
		if err == nil {
			err = app.store.Unblock(ctx, kind, subject)
		}
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("“%s” is not blocked: “causerie block list” shows who is", subject)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is not blocked any more; %s\n", subject, unrestored(before.Level))
		return nil
	})
}

// unrestored says what undoing a block cannot bring back.
func unrestored(level blog.BlockLevel) string {
	if level == blog.Limit {
		return "what waited only for this stands again"
	}
	return "what they said stands again; followers must follow anew, and what was sent meanwhile did not reach us"
}
