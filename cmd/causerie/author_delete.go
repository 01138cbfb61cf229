package main

import (
	"context"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type authorDelete struct {
	Handle string `arg:"" help:"The author."`
	Now    bool   `help:"Delete now and permanently, not in thirty days."`
	Cancel bool   `help:"Call a planned deletion off."`
}

// Help is printed below the command's line by --help.
func (authorDelete) Help() string {
	return "The articles and replies of the author are withdrawn, servers that may have copies get a Delete, the " +
		"author is signed out, and their personal data is erased. Nobody else can get the handle. Until the day comes, " +
		"--cancel cancels the deletion. Afterwards it cannot be undone."
}

func (x authorDelete) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withAuthor(ctx, config, log, x.Handle, func(app *app, author blog.Author) error {
		const day = "2 January 2006"
		switch {
		case x.Cancel && author.LeavesAt == nil:
			fmt.Fprintf(c.out, "No deletion of %s was planned.\n", author.Name)
			return nil
		case !x.Cancel && !x.Now && author.LeavesAt != nil:
			// Planned anew, the day would move.
			fmt.Fprintf(c.out, "The deletion of %s was planned already: on %s. “causerie author delete %s --cancel” calls it "+
				"off; --now does it at once.\n", author.Name, author.LeavesAt.In(app.site.Location()).Format(day), author.Handle)
			return nil
		case x.Cancel:
			if err := app.outbox.CancelDeletion(ctx, author.ID); err != nil {
				return plain(err)
			}
			fmt.Fprintf(c.out, "%s stays.\n", author.Name)
			return nil
		case x.Now:
			if err := app.outbox.DeleteAuthor(ctx, author.ID); err != nil {
				return plain(err)
			}
			fmt.Fprintf(c.out, "%s is deleted. Every known server is being told.\n", author.Name)
			return app.library.Discard(ctx) // the pictures, which no row of the database names any more
		}
		at := now().Add(blog.LeaveWait)
		if err := app.outbox.PlanDeletion(ctx, author.ID, at); err != nil {
			return plain(err)
		}
		fmt.Fprintf(c.out, "%s will be deleted on %s. “causerie author delete %s --cancel” calls it off; --now does it at "+
			"once.\n", author.Name, at.In(app.site.Location()).Format(day), author.Handle)
		return nil
	})
}
