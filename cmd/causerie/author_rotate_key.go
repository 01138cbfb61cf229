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
	Handle string `arg:"" help:"Whose keys are to be replaced."`
}

// Help is printed below the command's line by --help.
func (authorRotateKey) Help() string {
	return "Do it when the database, or a copy of it, was in somebody else's hands. Other servers go on knowing the " +
		"author: those " +
		"that may know them are told by a delivery with the old signature, and so is any other that refuses the new key, " +
		"before it gets what it " +
		"refused once more. For that the old key is kept for thirty days. The server may run meanwhile. What waits to be " +
		"sent is sent with the old key " +
		"where the new one is not known yet."
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
		servers, err := app.store.ToldOfKeys(ctx, author.ID)
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s has new keys; %s told.\n", author.Name, serversAre(servers))
		return nil
	})
}

func serversAre(n int) string {
	switch n {
	case 0:
		return "no server knows them yet, so none is"
	case 1:
		return "one server is"
	}
	return fmt.Sprintf("%d servers are", n)
}
