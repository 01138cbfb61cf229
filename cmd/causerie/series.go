package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/account"
	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

type seriesCommand struct {
	List  seriesList  `cmd:"" help:"List all series."`
	Voice seriesVoice `cmd:"" help:"Switch the voice of a series on or off, which people can follow."`
}

type seriesList struct {
	JSON bool `name:"json" help:"Print one JSON object on each line."`
}

// seriesLine is the JSON of a series.
type seriesLine struct {
	ID     blog.ID `json:"id"`
	Slug   string  `json:"slug"`
	Title  string  `json:"title"`
	URL    string  `json:"url"`
	Parts  int     `json:"parts"`            // published
	Handle string  `json:"handle,omitempty"` // by which one follows it
}

func (l seriesList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		t := newTable(c.out, l.JSON)
		for offset := 0; ; offset += pageOfList {
			all, err := app.store.SeriesByTitle(ctx, pageOfList, offset)
			if err != nil {
				return err
			}
			if err := app.printSeries(ctx, t, all); err != nil {
				return err
			}
			if len(all) < pageOfList {
				return t.flushOr("no series")
			}
		}
	})
}

// printSeries prints a line for each series.
func (app *app) printSeries(ctx context.Context, t *table, all []blog.Series) error {
	for _, s := range all {
		line := seriesLine{ID: s.ID, Slug: s.Slug, Title: s.Title, URL: app.site.SeriesPage(s.Slug)}
		var err error
		if line.Parts, err = app.store.CountArticles(ctx, store.ArticleFilter{Series: s.ID, Listed: true}); err != nil {
			return err
		}
		voice, err := app.store.SeriesVoice(ctx, s.ID)
		// Most series have no voice.
		if err != nil && !errors.Is(err, blog.ErrNotFound) {
			return err
		}
		if err == nil && voice.Followable() {
			line.Handle = app.site.Handle(voice.Handle)
		}
		t.line(line, line.Slug, line.Title, text.Plural(line.Parts, "part", "parts"), line.Handle)
	}
	return t.flush()
}

type seriesVoice struct {
	Series string `arg:"" help:"The slug of the series, as in its address."`
	voiceSwitch
}

// Help is printed below the command's line by --help.
func (seriesVoice) Help() string {
	return "A series with a voice has an account of its own, which announces each public part when it is published. " +
		"Without --handle the account is named after the slug of the series. It keeps its name permanently, also when the " +
		"voice is switched off."
}

func (v seriesVoice) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		series, err := app.store.SeriesBySlug(ctx, v.Series)
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("there is no series “%s”: “causerie series list” lists all", v.Series)
		}
		if err != nil {
			return err
		}
		return v.do(ctx, c, app, func() (blog.Voice, error) { return app.store.SeriesVoice(ctx, series.ID) },
			func() (blog.Voice, error) { return account.EnableSeriesVoice(ctx, app.store, series, v.Handle, now()) })
	})
}
