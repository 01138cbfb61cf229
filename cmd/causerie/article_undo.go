package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type articleUndo struct {
	articleNamed
}

// Help is printed below the command's line by --help.
func (articleUndo) Help() string {
	return "An article that is held or scheduled is a draft again. Of a published one an edit that is held is dropped: " +
		"readers see the former words, " +
		"and the edit stays among the revisions. No other server hears of any of it. What has left is taken back by " +
		"“causerie article withdraw”."
}

func (u articleUndo) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return u.with(ctx, config, log, func(app *app, a blog.Article) error {
		if a.Status == blog.Scheduled {
			return app.unschedule(ctx, c, a)
		}
		_, err := app.outbox.Undo(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("nothing of “%s” is held or scheduled: “causerie article show %s” tells how it stands", a.Slug,
				u.Article)
		}
		if err != nil {
			return err
		}
		former, err := app.store.Article(ctx, a.ID)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out, undoneWords(former))
		return nil
	})
}

// undoneWords says what an article is, now that what was held of it is taken back.
func undoneWords(a blog.Article) string {
	switch a.Status {
	case blog.Published:
		return fmt.Sprintf("taken back before it left: no other server heard of the edit, and readers of “%s” see the "+
			"former words", a.Title)
	case blog.Withdrawn:
		return fmt.Sprintf("taken back before it left: no other server heard of it, and “%s” is withdrawn, as it was",
			a.Title)
	}
	return fmt.Sprintf("taken back before it left: no other server heard of “%s”, and the text is a draft again", a.Title)
}

func (app *app) unschedule(ctx context.Context, c *console, a blog.Article) error {
	a, err := app.store.Article(ctx, a.ID) // found by the address of a translation, it would have that one's words
	if err != nil {
		return err
	}
	a.Status, a.ScheduledAt = blog.Draft, nil
	if err := app.store.SaveArticle(ctx, &a, now()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "it does not go out by itself any more: “%s” is a draft again\n", a.Title)
	return nil
}

// holdWords says what of an article has not left yet and how it is taken back; "" when nothing is held.
func (app *app) holdWords(ctx context.Context, a blog.Article) (string, error) {
	hold, err := app.store.Hold(ctx, a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	what, undone := "the edit has not", "brings the former words back, and no other server hears of the edit"
	if hold.New {
		what, undone = "nothing has", "takes it back, and no other server hears of it"
	}
	return fmt.Sprintf("%s left yet: it leaves on %s. Until then “causerie article undo %s” %s.", what,
		hold.Until.In(app.site.Location()).Format("2 January at 15:04:05 MST"), a.Slug, undone), err
}
