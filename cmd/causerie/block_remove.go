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
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		kind, subject, err := app.outbox.BlockSubject(ctx, r.Subject)
		if err != nil {
			return plain(err)
		}
		// The level of the block decides what is printed.
		before, err := app.store.BlockBySubject(ctx, kind, subject)
		if err == nil {
			err = app.store.Unblock(ctx, kind, subject)
		}
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("“%s” is not blocked: “causerie block list” lists all", subject)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is no longer blocked; %s\n", subject, unrestored(before.Level))
		return nil
	})
}

// unrestored says what removing a block brings back, and what it cannot.
func unrestored(level blog.BlockLevel) string {
	if level == blog.Limit {
		return "what waited only because of the block is shown again"
	}
	return "their comments are shown again; followers must follow again, and what was sent meanwhile is lost"
}
