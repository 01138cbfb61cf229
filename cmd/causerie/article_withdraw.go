package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type articleWithdraw struct {
	articleNamed
}

func (w articleWithdraw) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return w.with(ctx, config, log, func(app *app, a blog.Article) error {
		err := app.outbox.Withdraw(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("“%s” %s", a.Slug, whyNotWithdrawn(a))
		}
		if err != nil {
			return err
		}
		now, err := app.store.Article(ctx, a.ID)
		if err != nil {
			return err
		}
		if now.Revision < a.Revision { // it was held: no server has it, so it was undone instead
			fmt.Fprintln(c.out, undoneText(now))
			return nil
		}
		fmt.Fprintf(c.out, "withdrawn: at %s readers see within seconds that it was withdrawn; the text stays here until "+
			"“causerie article delete %s”\n",
			app.site.ArticlePage(a), a.Slug)
		return nil
	})
}

// whyNotWithdrawn says why an article cannot be withdrawn, and what to do instead.
func whyNotWithdrawn(a blog.Article) string {
	switch a.Status {
	case blog.Scheduled:
		return fmt.Sprintf("is scheduled, not published: “causerie article undo %s” makes it a draft again", a.Slug)
	case blog.Draft:
		return fmt.Sprintf("is a draft, which nobody else can read: “causerie article delete %s” deletes it", a.Slug)
	}
	return fmt.Sprintf("is %s already: there is nothing to withdraw", a.Status)
}
