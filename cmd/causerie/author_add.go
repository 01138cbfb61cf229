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
	Name          string `required:"" placeholder:"NAME" help:"The name that readers see."`
	Email         string `placeholder:"ADDRESS" help:"An e-mail address, to sign in with like the handle."`
	Role          string `enum:",admin,editor,author,contributor" default:"" placeholder:"ROLE" help:"${help_role}"`
	PasswordStdin bool   `help:"Read the password from standard input. The default is to print a sign-in link."`
	JSON          bool   `name:"json" help:"Print one JSON object."`
}

func (a authorAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	password := ""
	if a.PasswordStdin { // before the database is opened, which may found a blog
		var err error
		if password, err = readPassword(ctx, c); err != nil {
			return err
		}
	}
	// An author can be added before the server starts for the first time, so this founds the blog.
	return withApp(ctx, config, log, mayCreate, func(app *app) error {
		if app.created {
			app.printFounded(c)
		}
		role, err := a.role(ctx, app)
		if err != nil {
			return err
		}
		author, err := account.NewAuthor(ctx, app.store, blog.Author{Role: role, Email: a.Email,
			Voice: blog.Voice{Handle: a.Handle, Name: a.Name}}, password, now())
		if errors.Is(err, blog.ErrConflict) {
			return app.whyTaken(ctx, a.Handle)
		}
		if err != nil {
			return plain(err)
		}
		return a.print(ctx, c, app, author, password == "")
	})
}

// printFounded prints where the new blog is, as the first start of the server does.
func (app *app) printFounded(c *console) {
	fmt.Fprintf(c.err, "causerie: a new blog was started at %s; its data is in %s\n", app.site.Home(),
		app.config.storage())
	if isLocal(app.site.URL) {
		fmt.Fprintln(c.err, "causerie: "+localWarning)
	}
}

// whyTaken returns why an author of this handle cannot be added.
func (app *app) whyTaken(ctx context.Context, handle string) error {
	voice, err := app.store.VoiceByHandle(ctx, handle)
	switch {
	case errors.Is(err, blog.ErrNotFound):
		// The store refused the author, but nobody has the handle.
		return errors.New("the e-mail address is taken: “causerie author list” shows whose it is")
	case err != nil:
		return err
	case voice.RetiredAt != nil:
		return fmt.Errorf("the handle “%s” belonged to an author who has left, and is never given again: choose another",
			handle)
	case voice.Handle != handle:
		return fmt.Errorf("the handle “%s” is a former handle of “%s”, and always leads there: choose another", handle,
			voice.Handle)
	}
	return fmt.Errorf("the handle “%s” is taken: “causerie author list” and “causerie series list” show whose it is",
		handle)
}

// role returns the role of the flag. The default is admin for the first author: somebody must be able to do everything.
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

// print prints the author. needsLink adds a sign-in link, for an author without a password.
func (a authorAdd) print(ctx context.Context, c *console, app *app, author blog.Author, needsLink bool) error {
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
	fmt.Fprintf(c.out, "%s is %s now, with the role %s.\n", author.Name, app.site.Handle(author.Handle), author.Role)
	if needsLink {
		printLink(c.out, line.Link)
	}
	return nil
}
