package main

import (
	"context"
	"log/slog"
)

type allowList struct {
	JSON bool `name:"json" help:"Print one JSON object on each line."`
}

type allowLine struct {
	Domain string `json:"domain"`
	Note   string `json:"note,omitempty"`
	At     string `json:"at"`
}

func (l allowList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		list, err := app.store.AllAllowed(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.out, l.JSON)
		for _, a := range list {
			t.line(allowLine{a.Host, a.Note, jsonTime(&a.At)}, a.Host, a.Note)
		}
		return t.flushOr("no server is on the list")
	})
}
