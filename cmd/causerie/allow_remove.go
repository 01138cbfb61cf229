package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
)

type allowRemove struct{ allowNamed }

func (r allowRemove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	domain, err := blocklist.ReadDomain(r.Domain)
	if err != nil {
		return plain(err)
	}
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		err := app.store.Disallow(ctx, domain)
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("“%s” is not on the list: “causerie allow list” lists all", domain)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is no longer allowed\n", domain)
		return nil
	})
}
