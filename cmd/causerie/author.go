package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
)

type authorCommand struct {
	Add       authorAdd       `cmd:"" help:"Add an author."`
	List      authorList      `cmd:"" help:"List all authors, with moves and planned deletions."`
	Password  authorPassword  `cmd:"" help:"Set a new password, read from standard input."`
	Link      authorLink      `cmd:"" help:"Print a link that signs an author in, once, within an hour."`
	Disable   authorDisable   `cmd:"" help:"Disable the sign-in of an author; their articles stay."`
	Rename    authorRename    `cmd:"" help:"Give an author another handle; the old one leads to the new one."`
	Alias     authorAlias     `cmd:"" help:"Add, remove or list the other accounts of an author."`
	Feature   authorFeature   `cmd:"" help:"List the collections that feature an author or ask to, and answer them."`
	Move      authorMove      `cmd:"" help:"Move an author to an account elsewhere, or show the progress of the move."`
	Delete    authorDelete    `cmd:"" help:"Delete an author and everything they wrote."`
	RotateKey authorRotateKey `cmd:"" help:"Give an author new keys, and tell the servers that know the old ones."`
}

// withAuthor opens the blog, finds the author of a handle and runs do.
func withAuthor(ctx context.Context, config Config, log *slog.Logger, handle string,
	do func(*app, blog.Author) error) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		author, err := app.author(ctx, handle)
		if err != nil {
			return err
		}
		return do(app, author)
	})
}

// author returns the author with a handle that they have or had. The handle may begin with "@" and end with the
// domain.
func (app *app) author(ctx context.Context, handle string) (blog.Author, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(handle), "@"), "@"+app.site.HandleDomain)
	author, err := app.store.AuthorByName(ctx, name)
	if errors.Is(err, blog.ErrNotFound) {
		author, err = app.authorByFormerHandle(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		return author, fmt.Errorf("there is no author “%s”: “causerie author list” lists all", handle)
	}
	return author, err
}

// authorByFormerHandle returns the author who had a handle before.
func (app *app) authorByFormerHandle(ctx context.Context, handle string) (blog.Author, error) {
	voice, err := app.store.VoiceByHandle(ctx, handle)
	if err != nil {
		return blog.Author{}, err
	}
	return app.store.Author(ctx, voice.ID)
}

// now returns the time at the precision that both databases store.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// plain returns the message of a blog.Invalid without the context around it, which does not help whoever made the
// mistake.
func plain(err error) error {
	var invalid blog.Invalid
	if errors.As(err, &invalid) {
		return errors.New(invalid.Error())
	}
	return err
}
