package main

import (
	"context"
	"log/slog"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/store"
)

type blockExport struct{}

func (blockExport) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		blocks, err := app.store.Blocks(ctx, store.BlockFilter{Kind: blog.BlockServer})
		if err != nil {
			return err
		}
		return blocklist.WriteBlocklist(c.out, blocks)
	})
}
