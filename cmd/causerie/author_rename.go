package main

import (
	"causerie/internal/blog"
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
	return withAuthor(ctx, config, log, r.Handle, func(app *app, author blog.Author) error {
		if err := app.outbox.Rename(ctx, author.Voice, r.New); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "%s is %s now. Followers' servers are told within five minutes.\n", author.Name,
			app.site.Handle(r.New))
		return nil
	})
}
