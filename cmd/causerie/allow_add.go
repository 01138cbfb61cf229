package main

import (
	"context"
	"fmt"
	"log/slog"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
)

type allowAdd struct {
	allowNamed
	Note string `help:"Why, in words for the moderators."`
}

func (a allowAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	domain, err := blocklist.ReadDomain(a.Domain)
	if err != nil {
		return plain(err)
	}
	return withApp(ctx, config, log, existing, func(app *app) error {
		if err := app.store.Allow(ctx, blog.Allowed{Host: domain, Note: a.Note, At: now()}); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is allowed%s\n", domain, waits(config))
		return nil
	})
}

// waits adds that the list has no effect where it has none.
func waits(config Config) string {
	if config.Federation == confined {
		return ""
	}
	return ", once the server runs with --federation allow-list"
}
