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
	return "A held or scheduled article becomes a draft again. If an edit of a published article is held, readers see " +
		"the former text again, and the edit stays among the revisions. No other server gets to know of it. “causerie " +
		"article withdraw” is for articles that were sent already."
}

func (u articleUndo) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return u.with(ctx, config, log, func(app *app, a blog.Article) error {
		// A scheduled article has no hold: nothing is queued for it yet.
		if a.Status == blog.Scheduled {
			return app.unschedule(ctx, c, a)
		}
		_, err := app.outbox.Undo(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("“%s” is neither held nor scheduled: “causerie article show %s” shows its state", a.Slug,
				u.Article)
		}
		if err != nil {
			return err
		}
		former, err := app.store.Article(ctx, a.ID)
		if err != nil {
			return err
		}
		fmt.Fprintln(c.out, undoneText(former))
		return nil
	})
}

// undoneText says what an article is after its hold was undone.
func undoneText(a blog.Article) string {
	switch a.Status {
	case blog.Published:
		return fmt.Sprintf("undone before it was sent: no other server knows of the edit, and readers of “%s” see the "+
			"former text", a.Title)
	case blog.Withdrawn:
		return fmt.Sprintf("undone before it was sent: no other server knows of it, and “%s” is withdrawn, as before",
			a.Title)
	}
	return fmt.Sprintf("undone before it was sent: no other server knows of “%s”, and it is a draft again", a.Title)
}

func (app *app) unschedule(ctx context.Context, c *console, a blog.Article) error {
	// Read again by id: an article that was found by the slug of a translation has the text of the translation.
	a, err := app.store.Article(ctx, a.ID)
	if err != nil {
		return err
	}
	a.Status, a.ScheduledAt = blog.Draft, nil
	if err := app.store.SaveArticle(ctx, &a, now()); err != nil {
		return err
	}
	fmt.Fprintf(c.out, "no longer scheduled: “%s” is a draft again\n", a.Title)
	return nil
}

// holdText says what of an article is held, until when, and how to undo it; "" when nothing is held.
func (app *app) holdText(ctx context.Context, a blog.Article) (string, error) {
	hold, err := app.store.Hold(ctx, a.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return "", nil
	}
	if err != nil {
		return "", err
	}
	what, undo := "the edit", "brings the former text back"
	if hold.New {
		what, undo = "the article", "takes it back"
	}
	return fmt.Sprintf("%s is held: it is sent on %s. Until then “causerie article undo %s” %s, and no other server "+
		"knows of it.", what, hold.Until.In(app.site.Location()).Format("2 January at 15:04:05 MST"), a.Slug, undo), nil
}
