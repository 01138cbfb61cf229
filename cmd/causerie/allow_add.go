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
	Note string `placeholder:"TEXT" help:"A note for the moderators."`
}

func (a allowAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	// Before the database is opened: a mistyped domain needs none.
	domain, err := blocklist.ReadDomain(a.Domain)
	if err == nil {
		err = checkServerName(domain)
	}
	if err != nil {
		return plain(err)
	}
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		if err := app.store.Allow(ctx, blog.Allowed{Host: domain, Note: a.Note, At: now()}); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is on the list.%s\n", domain, noEffectYet(config))
		return nil
	})
}

// noEffectYet returns a second sentence when the list has no effect with these settings.
func noEffectYet(config Config) string {
	if config.Federation == allowListMode {
		return ""
	}
	return " The list only counts with --federation=allow-list."
}
