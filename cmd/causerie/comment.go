package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blog"
)

type commentCommand struct {
	List    commentList    `cmd:"" help:"List comments, the newest first."`
	Approve commentApprove `cmd:"" help:"Show a comment under its article."`
	Hide    commentHide    `cmd:"" help:"Hide a comment from readers."`
	Delete  commentDelete  `cmd:"" help:"Delete a comment for good; other servers get a Delete for one written here."`
	Fetch   commentFetch   `cmd:"" help:"Fetch replies to an article that were not sent here."`
}

// commentNamed is the argument of commands about one comment.
type commentNamed struct {
	Comment string `arg:"" help:"The id of the comment, as “causerie comment list” prints it."`
}

type commentApprove struct{ commentNamed }

func (x commentApprove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		return x.change(c, "approved: readers see it under its article now", func(id blog.ID) error {
			return app.outbox.Moderate(ctx, id, blog.CommentShown)
		})
	})
}

type commentHide struct{ commentNamed }

func (x commentHide) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		return x.change(c, "hidden: readers do not see it any more", func(id blog.ID) error {
			return app.outbox.Moderate(ctx, id, blog.CommentHidden)
		})
	})
}

type commentDelete struct{ commentNamed }

func (x commentDelete) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		return x.change(c, "deleted for good", func(id blog.ID) error { return app.outbox.DeleteReply(ctx, id) })
	})
}

// change runs do with the id of the comment and prints what was done.
func (x commentNamed) change(c *console, done string, do func(blog.ID) error) error {
	err := blog.ErrNotFound
	if blog.ValidID(x.Comment) {
		err = do(blog.ID(x.Comment))
	}
	if errors.Is(err, blog.ErrNotFound) {
		return fmt.Errorf("there is no comment “%s”: “causerie comment list” lists all", x.Comment)
	}
	if err != nil {
		return err
	}
	fmt.Fprintln(c.out, done)
	return nil
}
