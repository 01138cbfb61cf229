package main

import (
	"context"
	"fmt"
	"log/slog"
)

type authorRename struct {
	Handle string `arg:"" help:"Who gets another handle."`
	New    string `arg:"" help:"The new one: a–z, 0–9 and _."`
}

// Help is printed below the command's line by --help.
func (authorRename) Help() string {
	return "Followers stay, and so does everything published. The old handle leads to the new one for ever and nobody " +
		"else gets it. Some servers go on " +
		"showing the old one for a while."
}

func (r authorRename) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(app *app) error {
		author, err := app.author(ctx, r.Handle)
		if err != nil {
			return err
		}
		if err := app.outbox.Rename(ctx, author.Voice, r.New); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "%s is %s now. Followers' servers are told within five minutes.\n", author.Name,
			app.site.Handle(r.New))
		return nil
	})
}
