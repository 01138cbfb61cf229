package main

import (
	"context"
	"errors"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
	"causerie/internal/markup"
)

type articlePublish struct {
	articleFileFlags
	Quiet    bool          `help:"${help_quiet}"`
	Hold     time.Duration `placeholder:"30s" help:"${help_hold}"`
	Federate bool          `help:"Send an article also when its date is older than a week."`
}

// Help is printed below the command's line by --help.
func (articlePublish) Help() string {
	return "Keys of the front matter: " + strings.Join(markup.Keys(), ", ") +
		". Only title is required. With a date in the future the article is scheduled. A date in the past becomes " +
		"the date of the article; when that is older than a week, it is sent to no other server, unless --federate is " +
		"given. updated is the time of the last change. " +
		"A file revises the article that it made before, also when its title has changed; without a slug, the slug is " +
		"made from the title of the first time. The file is known by its path below --root. A file that was moved is known " +
		"by the key id, which “causerie article show” prints, or by its slug. --new makes a new article. A file " +
		"does not replace an article that another file made, or that was changed in the admin since, unless --force is " +
		"given. If the slug from the title belongs to an article of another author, -2 is added to it. " +
		"A file that changes nothing sends nothing. With translation-of: SLUG the " +
		"file is a translation of that article. It is published with the original, or at once when that is published. " +
		"--quiet and --hold do not work for it."
}

func (p articlePublish) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		how := outbox.ReviseOptions{Quiet: p.Quiet, Hold: p.Hold, SkipIfSame: true}
		m, err := app.read(ctx, c, p.articleFileFlags, how)
		if err != nil {
			return err
		}
		if p.Federate && (m.date == nil || m.translation != nil || m.article.Status == blog.Published) {
			return errors.New("--federate is for an article with an earlier date that is not published yet: leave it out")
		}
		a, err := app.publish(ctx, m, how, p.Federate)
		if err != nil {
			return err
		}
		if m.translation != nil {
			return app.printTranslation(ctx, c, a, m, p.JSON)
		}
		if err := app.printArticle(ctx, c, a, m, p.JSON); err != nil {
			return err
		}
		app.noteOldDate(c, m, a, p.Federate)
		return nil
	})
}

// publish publishes the article of a file: a published one is revised, one with a date in the future is scheduled,
// any other is published with its date, or now. federate sends also an old one.
func (app *app) publish(ctx context.Context, m articleFile, how outbox.ReviseOptions,
	federate bool) (blog.Article, error) {
	if how.Hold < 0 {
		return m.article, errors.New("--hold must not be negative: write it like 30s")
	}
	if m.missing != "" {
		return m.article, app.missingPicture(ctx, m)
	}
	if m.translation != nil {
		return app.saveTranslation(ctx, m, false)
	}
	if m.article.Status == blog.Published { // the file revises it
		how.Updated = m.updated
		if err := app.outbox.ReviseWith(ctx, &m.article, how); err != nil {
			return m.article, plain(err)
		}
		return m.article, app.authoring().RememberFile(ctx, m.from, m.article.ID)
	}
	if how.Quiet {
		return m.article, errors.New("--quiet is only for a published article, and this one is not published: leave it out")
	}
	at := m.date
	if at != nil && app.isToday(*at) {
		at = nil // a day without a time: it is published now
	}
	if at != nil && at.After(app.outbox.Now()) && how.Hold > 0 {
		return m.article, errors.New("--hold does not work for a date in the future, since nothing is sent before that " +
			"date: leave one of them out")
	}
	// Saved first, so that the text is not lost when it cannot be published.
	if err := app.saveDraft(ctx, &m); err != nil {
		return m.article, plain(err)
	}
	a, err := app.authoring().Release(ctx, m.article.ID,
		outbox.PublishOptions{Hold: how.Hold, Date: at, Updated: m.updated, Federate: federate})
	if err != nil {
		return a, savedAsDraft(plain(err), m.article)
	}
	return a, nil
}
