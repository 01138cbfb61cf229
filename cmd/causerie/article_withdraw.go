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
			return fmt.Errorf("“%s” %s", a.Slug, notOutWords(a))
		}
		if err != nil {
			return err
		}
		now, err := app.store.Article(ctx, a.ID)
		if err != nil {
			return err
		}
		if now.Revision < a.Revision {
			fmt.Fprintln(c.out, undoneWords(now))
			return nil
		}
		fmt.Fprintf(c.out, "withdrawn: %s answers 410 now, and the text stays here: “causerie article delete %s” puts it "+
			"away\n", app.site.ArticlePage(a), a.Slug)
		return nil
	})
}

// notOutWords says what to do with an article that cannot be withdrawn, since it is not out.
func notOutWords(a blog.Article) string {
	switch a.Status {
	case blog.Scheduled:
		return fmt.Sprintf("is scheduled and not out yet: “causerie article undo %s” makes it a draft again", a.Slug)
	case blog.Draft:
		return fmt.Sprintf("is a draft, which nobody else can read: “causerie article delete %s” puts it away", a.Slug)
	}
	return fmt.Sprintf("is %s already: there is nothing to take back", a.Status)
}
