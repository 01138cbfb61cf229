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
	Add       authorAdd       `cmd:"" help:"Create an author, with keys to sign with."`
	List      authorList      `cmd:"" help:"List all authors, and who moved or is to be deleted."`
	Password  authorPassword  `cmd:"" help:"Set a new password, read from standard input."`
	Link      authorLink      `cmd:"" help:"Print a link that signs an author in, once, within an hour."`
	Disable   authorDisable   `cmd:"" help:"Close the door to an author; what they wrote stays."`
	Rename    authorRename    `cmd:"" help:"Give an author another handle; the old one leads to it."`
	Alias     authorAlias     `cmd:"" help:"Add, remove or list the accounts elsewhere that are the same person."`
	Move      authorMove      `cmd:"" help:"Let an author go on as an account elsewhere, or tell how far that has come."`
	Delete    authorDelete    `cmd:"" help:"Delete an author with everything they wrote."`
	RotateKey authorRotateKey `cmd:"" help:"Give an author new keys to sign with, and tell the followers' servers."`
}

// withAuthor opens the blog, finds the author of a handle and runs do.
func withAuthor(ctx context.Context, config Config, log *slog.Logger, handle string,
	do func(*app, blog.Author) error) error {
	return withApp(ctx, config, log, existing, func(app *app) error {
		author, err := app.author(ctx, handle)
		if err != nil {
			return err
		}
		return do(app, author)
	})
}

// author finds an author by the handle that they have or had before, with or without what stands around it in a full
// one.
func (app *app) author(ctx context.Context, handle string) (blog.Author, error) {
	name := strings.TrimSuffix(strings.TrimPrefix(strings.ToLower(handle), "@"), "@"+app.site.HandleDomain)
	author, err := app.store.AuthorByName(ctx, name)
	if errors.Is(err, blog.ErrNotFound) {
		author, err = app.renamed(ctx, name)
	}
	if errors.Is(err, blog.ErrNotFound) {
		return author, fmt.Errorf("there is no author “%s”: “causerie author list” shows them all", handle)
	}
	return author, err
}

// renamed finds an author by a handle that they had before.
func (app *app) renamed(ctx context.Context, handle string) (blog.Author, error) {
	voice, err := app.store.VoiceByHandle(ctx, handle)
	if err != nil {
		return blog.Author{}, err
	}
	return app.store.Author(ctx, voice.ID)
}

func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// plain turns an error into a sentence for whoever made the mistake.
func plain(err error) error {
	var invalid blog.Invalid
	if errors.As(err, &invalid) {
		return errors.New(invalid.Error())
	}
	return err
}
