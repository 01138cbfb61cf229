package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/account"
	"causerie/internal/blog"
)

type authorRotateKey struct {
	Handle string `arg:"" help:"The author."`
}

// Help is printed below the command's line by --help.
func (authorRotateKey) Help() string {
	return "Do this when somebody else had the database or a copy of it. Servers that know the author get an Update " +
		"signed with the old key. A server that refuses the new key gets one too, and then the refused delivery again. " +
		"For this the old key is kept for thirty days. The server may run meanwhile. Waiting deliveries are signed with " +
		"the old key for servers that do not know the new one yet."
}

func (k authorRotateKey) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, k.Handle, func(app *app, author blog.Author) error {
		err := account.RotateKeys(ctx, app.outbox, author.Voice)
		if errors.Is(err, blog.ErrGone) {
			return fmt.Errorf("%s has left this blog and signs nothing any more", author.Handle)
		}
		if err != nil {
			return err
		}
		servers, err := app.store.CountServersOfRotation(ctx, author.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s has new keys; %s told.\n", author.Name, toldText(servers))
		return nil
	})
}

func toldText(n int) string {
	switch n {
	case 0:
		return "no server knows the old ones, so none is"
	case 1:
		return "one server is"
	}
	return fmt.Sprintf("%d servers are", n)
}
