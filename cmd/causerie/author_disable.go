package main

import (
	"context"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type authorDisable struct {
	Handle string `arg:"" help:"Who may not sign in any more."`
	Undo   bool   `help:"Let them in again."`
}

func (x authorDisable) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, x.Handle, func(app *app, author blog.Author) error {
		if x.Undo {
			author.DisabledAt = nil
			fmt.Fprintf(c.out, "%s may sign in again.\n", author.Name)
			return app.store.SaveAuthor(ctx, author)
		}
		if err := app.notTheLast(ctx, author); err != nil {
			return err
		}
		at := now()
		author.DisabledAt = &at
		if err := app.store.SaveAuthor(ctx, author); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s was signed out and cannot sign in any more.\n", author.Name)
		return app.store.EndSessions(ctx, author.ID, "")
	})
}

// notTheLast keeps a blog from being left without anybody who may do everything.
func (app *app) notTheLast(ctx context.Context, leaving blog.Author) error {
	if leaving.Role != blog.Admin {
		return nil
	}
	others, err := app.store.OtherAdmins(ctx, leaving.ID)
	if err == nil && others == 0 {
		err = fmt.Errorf("%s is the last admin: add another one first", leaving.Handle)
	}
	return err
}
