package main

import (
	"cmp"
	"context"
	"log/slog"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

type articleList struct {
	Status string `enum:",draft,scheduled,published,withdrawn,deleted" default:"" placeholder:"STATUS" help:"${statuses}"`
	JSON   bool   `name:"json" help:"Print one JSON object on each line."`
}

func (l articleList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		filter := store.ArticleFilter{BySaveTime: true,
			Statuses: []blog.Status{blog.Draft, blog.Scheduled, blog.Published, blog.Withdrawn}}
		if l.Status != "" {
			filter.Statuses = []blog.Status{blog.Status(l.Status)}
		}
		t := newTable(c.out, l.JSON)
		// In pieces: a blog may have more articles than should be in memory.
		for {
			articles, err := app.store.Articles(ctx, filter)
			if err != nil {
				return err
			}
			lines, err := app.articleLines(ctx, articles)
			if err != nil {
				return err
			}
			for i, a := range articles {
				line := lines[i]
				const minute = "2006-01-02 15:04"
				state := line.Status
				if a.ScheduledAt != nil {
					state += " for " + a.ScheduledAt.In(app.site.Location()).Format(minute)
				}
				t.line(line, string(a.ID), state, a.SavedAt.In(app.site.Location()).Format(minute), a.Slug,
					cmp.Or(text.Excerpt(a.Title, 60), "(no title yet)"))
			}
			if len(articles) < pageOfList {
				return t.flushOr("no articles")
			}
			// What was read is printed before more is read.
			if err := t.flush(); err != nil {
				return err
			}
			filter.After = &articles[len(articles)-1]
		}
	})
}

// pageOfList is how many rows the store returns at once.
const pageOfList = 1000
