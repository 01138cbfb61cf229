package main

import (
	"context"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type authorDisable struct {
	Handle string `arg:"" help:"The author."`
	Undo   bool   `help:"Let the author sign in again."`
}

func (x authorDisable) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, x.Handle, func(app *app, author blog.Author) error {
		switch {
		case x.Undo && author.DisabledAt == nil:
			fmt.Fprintf(c.out, "%s was not disabled.\n", author.Name)
			return nil
		case !x.Undo && author.DisabledAt != nil:
			fmt.Fprintf(c.out, "%s was disabled already.\n", author.Name)
			return nil
		}
		if x.Undo {
			author.DisabledAt = nil
			if err := app.store.SaveAuthor(ctx, author); err != nil {
				return err
			}
			fmt.Fprintf(c.out, "%s can sign in again.\n", author.Name)
			return nil
		}
		if err := app.checkOtherAdmin(ctx, author); err != nil {
			return err
		}
		at := now()
		author.DisabledAt = &at
		if err := app.store.SaveAuthor(ctx, author); err != nil {
			return err
		}
		// Last, so that no session can begin in between.
		if err := app.store.EndSessions(ctx, author.ID, ""); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s was signed out and cannot sign in any more.\n", author.Name)
		return nil
	})
}

// checkOtherAdmin returns an error for the last admin: without one, nobody could manage the blog.
func (app *app) checkOtherAdmin(ctx context.Context, leaving blog.Author) error {
	if leaving.Role != blog.Admin {
		return nil
	}
	others, err := app.store.OtherAdmins(ctx, leaving.ID)
	if err == nil && others == 0 {
		err = fmt.Errorf("%s is the last admin: add another admin first", leaving.Handle)
	}
	return err
}
