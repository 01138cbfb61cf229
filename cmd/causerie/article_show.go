package main

import (
	"context"
	"fmt"
	"log/slog"
	"strings"
	"time"

	"causerie/internal/blog"
	"causerie/internal/text"
)

type articleShow struct {
	articleNamed
	JSON bool `name:"json" help:"Print one JSON object."`
}

func (s articleShow) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return s.with(ctx, config, log, func(app *app, a blog.Article) error {
		line, err := app.articleLine(ctx, a)
		if err != nil {
			return err
		}
		if s.JSON {
			t := newTable(c.out, true)
			t.line(line)
			return t.flush()
		}
		counts, err := app.store.Counts(ctx, []blog.ID{a.ID})
		if err != nil {
			return err
		}
		deliveries, err := app.store.SampleDeliveryRows(ctx, []blog.ID{a.ID})
		if err != nil {
			return err
		}
		translations, err := app.translationText(ctx, a)
		if err != nil {
			return err
		}
		t := newTable(c.out, false)
		for _, row := range [][]string{{"title", a.Title}, {"id", string(a.ID)}, {"status", line.Status},
			{"address", line.URL}, {"object", line.Object},
			{"by", bylineText(a)}, {"language", a.Language}, {"translations", translations}, {"words", fmt.Sprint(a.WordCount)},
			{"published", app.longTime(line.Published)}, {"scheduled", app.longTime(line.Scheduled)},
			{"held until", app.longTime(line.Held)},
			{"delivered", app.progressText(blog.ServerStates(deliveries[a.ID]))},
			{"answered", fmt.Sprintf("%s, %s, %s", text.Plural(counts[a.ID].Replies, "comment", "comments"),
				text.Plural(counts[a.ID].Likes, "like", "likes"), text.Plural(counts[a.ID].Boosts, "boost", "boosts"))}} {
			// Only what the article has.
			if row[1] != "" {
				t.line(nil, row...)
			}
		}
		if err := t.flush(); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "\n%s\n", strings.TrimSpace(a.Markdown))
		return nil
	})
}

// longTime returns a time of RFC 3339 in the zone of the blog, for people; "" for "".
func (app *app) longTime(text string) string {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return text
	}
	return at.In(app.site.Location()).Format("2 January 2006, 15:04 MST")
}

func bylineText(a blog.Article) string {
	names := make([]string, len(a.Authors))
	for i, by := range a.Authors {
		names[i] = by.Name
	}
	return strings.Join(names, ", ")
}
