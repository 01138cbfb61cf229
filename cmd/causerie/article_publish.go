package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
)

type articlePublish struct {
	articleFileFlags
	Quiet bool          `help:"${help_quiet}"`
	Hold  time.Duration `placeholder:"30s" help:"${help_hold}"`
}

// Help is printed below the command's line by --help.
func (articlePublish) Help() string {
	return "Keys of the front matter: " + strings.Join(markup.Keys(), ", ") +
		". Only title is needed. A date in the future schedules the article. " +
		"A file with a slug revises the article that has it. Without one the slug is made of the title, and a file of the " +
		"same name revises what it made before; " +
		"a file of another name is told to say a slug. A file that says what is out already changes nothing, and nothing " +
		"is sent. " +
		"With translation-of: SLUG the file is that article in another language; it goes out with the original, or at once " +
		"when that is out: --quiet and --hold are not for it."
}

func (p articlePublish) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, existing, func(app *app) error {
		how := outbox.ReviseOptions{Quiet: p.Quiet, Hold: p.Hold, SkipIfSame: true}
		m, err := app.read(ctx, c, p.articleFileFlags, how)
		if err != nil {
			return err
		}
		a, err := app.publish(ctx, m, how)
		if err != nil {
			return err
		}
		if m.translation != nil {
			return app.tellTranslation(ctx, c, a, m, p.JSON)
		}
		app.tellPastDate(c, m)
		return app.tellArticle(ctx, c, a, m, p.JSON)
	})
}

// publish lets an article out: a public one as a revision, one with a date in the future at that date, any other now.
func (app *app) publish(ctx context.Context, m articleFile, how outbox.ReviseOptions) (blog.Article, error) {
	if how.Hold < 0 {
		return m.article, errors.New("--hold is a time to come, such as 30s")
	}
	if m.missing != "" {
		return m.article, app.missingPicture(ctx, m)
	}
	if m.translation != nil {
		return app.saveTranslation(ctx, m, false)
	}
	if m.article.Status == blog.Published {
		err := app.outbox.ReviseAs(ctx, &m.article, how)
		return m.article, plain(err)
	}
	if how.Quiet {
		return m.article, errors.New("--quiet corrects an article that is published, and this one is not: leave it out")
	}
	if err := app.saveDraft(ctx, &m); err != nil {
		return m.article, plain(err)
	}
	at := m.date
	if at != nil && !at.After(app.outbox.Now()) {
		at = nil // a date that is past is not taken
	}
	a, err := app.authoring().Release(ctx, m.article.ID, at, how.Hold)
	if err != nil {
		return a, fmt.Errorf("%w (it is kept as a draft)", plain(err))
	}
	return a, nil
}
