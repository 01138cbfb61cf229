package main

import (
	"context"
	"log/slog"

	"causerie/internal/blog"
	"causerie/internal/federation/outbox"
)

type articleDraft struct {
	articleFileFlags
}

func (p articleDraft) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		m, err := app.read(ctx, c, p.articleFileFlags, outbox.ReviseOptions{})
		if err != nil {
			return err
		}
		if m.translation != nil {
			if err := app.refuseDraft(ctx, m); err != nil {
				return err
			}
			a, err := app.saveTranslation(ctx, m, true)
			if err != nil {
				return err
			}
			return app.printTranslation(ctx, c, a, m, p.JSON)
		}
		if err := m.checkDraft(); err != nil {
			return err
		}
		if err := app.saveDraft(ctx, &m); err != nil {
			return plain(err)
		}
		return app.printArticle(ctx, c, m.article, m, p.JSON)
	})
}

// saveDraft saves the article of a file as a draft. A scheduled one is no longer scheduled.
func (app *app) saveDraft(ctx context.Context, m *articleFile) error {
	if a := &m.article; a.Status == blog.Scheduled {
		a.Status, a.ScheduledAt = blog.Draft, nil
	}
	if err := app.authoring().SaveDraft(ctx, &m.article, m.author.Handle); err != nil {
		return err
	}
	return app.authoring().RememberFile(ctx, m.from, m.article.ID)
}
