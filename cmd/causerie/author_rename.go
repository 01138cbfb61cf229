package main

import (
	"causerie/internal/blog"
	"context"
	"fmt"
	"log/slog"
)

type authorRename struct {
	Handle string `arg:"" help:"The author."`
	New    string `arg:"" help:"The new handle: a–z, 0–9 and _."`
}

// Help is printed below the command's line by --help.
func (authorRename) Help() string {
	return "Followers and articles stay. The old handle leads to the new one permanently, and nobody else can get it. " +
		"Some servers show the old handle for a while."
}

func (r authorRename) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, r.Handle, func(app *app, author blog.Author) error {
		if err := app.outbox.Rename(ctx, author.Voice, r.New); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "%s is %s now. The servers of followers are told within five minutes.\n", author.Name,
			app.site.Handle(r.New))
		return nil
	})
}
