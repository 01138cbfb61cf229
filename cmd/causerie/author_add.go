package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/account"
	"causerie/internal/blog"
)

type authorAdd struct {
	Handle        string `arg:"" help:"${help_handle}"`
	Name          string `required:"" help:"The name readers see."`
	Email         string `help:"To sign in with, beside the handle."`
	Role          string `enum:",admin,editor,author,contributor" default:"" help:"${help_role}"`
	PasswordStdin bool   `help:"Read the password from standard input. Without it a sign-in link is printed."`
	JSON          bool   `name:"json" help:"Print one JSON object."`
}

func (a authorAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	password := ""
	if a.PasswordStdin {
		var err error
		if password, err = readPassword(ctx, c); err != nil {
			return err
		}
	}
	return withApp(ctx, config, log, founded, func(app *app) error {
		if app.founded {
			app.tellFounded(c)
		}
		role, err := a.role(ctx, app)
		if err != nil {
			return err
		}
		author, err := account.NewAuthor(ctx, app.store, blog.Author{Role: role, Email: a.Email,
			Voice: blog.Voice{Handle: a.Handle, Name: a.Name}}, password, now())
		if errors.Is(err, blog.ErrConflict) {
			return app.taken(ctx, a.Handle)
		}
		if err != nil {
			return plain(err)
		}
		return a.tell(ctx, c, app, author, password == "")
	})
}

// tellFounded says what a first start says of a blog that is new.
func (app *app) tellFounded(c *console) {
	fmt.Fprintf(c.err, "causerie: a new blog was founded at %s, and is kept in %s\n", app.site.Home(),
		app.config.storage())
	if isLocal(app.site.URL) {
		fmt.Fprintln(c.err, "causerie: "+localWarning)
	}
}

// taken says why there can be no new author of a handle.
func (app *app) taken(ctx context.Context, handle string) error {
	voice, err := app.store.VoiceByHandle(ctx, handle)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return errors.New("the e-mail address is taken: “causerie author list” shows whose it is")
	case err != nil:
		return err
	case voice.RetiredAt != nil:
		return fmt.Errorf("the handle “%s” was that of an author who has left, and stays taken for ever: choose another",
			handle)
	case voice.Handle != handle:
		return fmt.Errorf("the handle “%s” was that of “%s” before, and leads there for ever: choose another", handle,
			voice.Handle)
	}
	return fmt.Errorf("the handle “%s” is taken: “causerie author list” and “causerie series list” show whose it is",
		handle)
}

func (a authorAdd) role(ctx context.Context, app *app) (blog.Role, error) {
	if a.Role != "" {
		return blog.Role(a.Role), nil
	}
	n, err := app.store.CountAuthors(ctx)
	if n == 0 {
		return blog.Admin, err
	}
	return blog.Writer, err
}

func (a authorAdd) tell(ctx context.Context, c *console, app *app, author blog.Author, needsLink bool) error {
	line := authorLineOf(app.site, author)
	if needsLink {
		var err error
		if line.Link, err = account.SignInLink(ctx, app.store, app.site, author.ID, now()); err != nil {
			return err
		}
	}
	if a.JSON {
		t := newTable(c.out, true)
		t.line(line)
		return t.flush()
	}
	fmt.Fprintf(c.out, "%s is %s now, as %s.\n", author.Name, app.site.Handle(author.Handle), author.Role)
	if needsLink {
		printLink(c.out, line.Link)
	}
	return nil
}
