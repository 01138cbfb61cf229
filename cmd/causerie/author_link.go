package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"

	"causerie/internal/account"
	"causerie/internal/blog"
)

func printLink(out io.Writer, link string) {
	fmt.Fprintf(out, "This link signs in once, within an hour:\n\n    %s\n\n", link)
}

type authorLink struct {
	Handle string `arg:"" help:"The author."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

func (l authorLink) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, l.Handle, func(app *app, author blog.Author) error {
		// The link would be refused when it is opened.
		if author.DisabledAt != nil {
			return fmt.Errorf("%s is disabled: “causerie author disable --undo %s” allows the sign-in again", author.Handle,
				author.Handle)
		}
		link, err := account.SignInLink(ctx, app.store, app.site, author.ID, now())
		if err != nil {
			return err
		}
		if !l.JSON {
			printLink(c.out, link)
			return nil
		}
		t := newTable(c.out, true)
		t.line(struct {
			Link string `json:"link"`
		}{link})
		return t.flush()
	})
}
