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
	Approve commentApprove `cmd:"" help:"Let a comment stand under its article."`
	Hide    commentHide    `cmd:"" help:"Hide a comment from readers."`
	Delete  commentDelete  `cmd:"" help:"Delete a comment for good; an own answer is taken back everywhere."`
	Fetch   commentFetch   `cmd:"" help:"Ask other servers for answers to an article that nobody sent here."`
}

// commentNamed is what commands about one comment are given.
type commentNamed struct {
	Comment string `arg:"" help:"Its id, as “causerie comment list” shows it."`
}

type commentApprove struct{ commentNamed }

func (x commentApprove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.act(ctx, c, config, log, "approved: it stands under the article now", func(app *app, id blog.ID) error {
		return app.outbox.Moderate(ctx, id, blog.CommentShown)
	})
}

type commentHide struct{ commentNamed }

func (x commentHide) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.act(ctx, c, config, log, "hidden: readers do not see it any more", func(app *app, id blog.ID) error {
		return app.outbox.Moderate(ctx, id, blog.CommentHidden)
	})
}

type commentDelete struct{ commentNamed }

func (x commentDelete) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.act(ctx, c, config, log, "deleted for good", func(app *app, id blog.ID) error {
		return app.outbox.DeleteReply(ctx, id)
	})
}

func (x commentNamed) act(ctx context.Context, c *console, config Config, log *slog.Logger, said string,
	do func(*app, blog.ID) error) error {
	return at(ctx, config, log, existing, func(app *app) error {
		err := blog.ErrNotFound
		if blog.ValidID(x.Comment) {
			err = do(app, blog.ID(x.Comment))
		}
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("there is no comment “%s”: “causerie comment list” shows them all", x.Comment)
		}
		if err == nil {
			fmt.Fprintln(c.out, said)
		}
		return err
	})
}
