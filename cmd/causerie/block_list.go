package main

import (
	"context"
	"log/slog"

	"causerie/internal/store"
)

type blockList struct {
	JSON bool `name:"json" help:"Print one JSON object on each line."`
}

func (l blockList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		blocks, err := app.store.Blocks(ctx, store.BlockFilter{})
		if err != nil {
			return err
		}
		t := newTable(c.out, l.JSON)
		for _, b := range blocks {
			line := lineOf(b)
			t.line(line, line.Level, line.Subject, line.Reason, line.Note)
		}
		return t.flushOr("nobody is blocked")
	})
}
