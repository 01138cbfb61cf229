package main

import (
	"cmp"
	"context"
	"log/slog"

	"causerie/internal/blog"
	"causerie/internal/store"
	"causerie/internal/text"
)

type commentList struct {
	Waiting bool `help:"List only those that wait for approval."`
	JSON    bool `name:"json" help:"Print one JSON object on each line."`
}

type commentLine struct {
	ID      blog.ID `json:"id"`
	Kind    string  `json:"kind"` // reply, or quote, mention or link: a post elsewhere about the article
	State   string  `json:"state"`
	Author  string  `json:"author"` // handle
	Article string  `json:"article"`
	Object  string  `json:"object"`
	Arrived string  `json:"arrived"`
	Text    string  `json:"text"`
}

func (l commentList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		filter := store.CommentFilter{Limit: pageOfList}
		if l.Waiting {
			filter.States = []blog.CommentState{blog.CommentWaiting}
		}
		t := newTable(c.out, l.JSON)
		for {
			comments, err := app.store.Comments(ctx, filter)
			if err != nil {
				return err
			}
			if err := app.printComments(ctx, t, comments); err != nil {
				return err
			}
			if len(comments) < pageOfList {
				return t.flushOr(l.nothing())
			}
			filter.Before = comments[len(comments)-1].ID
		}
	})
}

func (l commentList) nothing() string {
	if l.Waiting {
		return "no comments wait for approval"
	}
	return "no comments yet"
}

func (app *app) printComments(ctx context.Context, t *table, comments []blog.Comment) error {
	var ids []string
	// All actors in one query. The articles one by one: many comments belong to few articles.
	for _, c := range comments {
		ids = append(ids, c.ActorID)
	}
	actors, err := app.store.Actors(ctx, ids)
	if err != nil {
		return err
	}
	articles := map[blog.ID]blog.Article{}
	for _, c := range comments {
		if _, known := articles[c.ArticleID]; !known {
			if articles[c.ArticleID], err = app.store.Article(ctx, c.ArticleID); err != nil {
				return err
			}
		}
		who := "@" + actors[c.ActorID].Handle
		// A comment written here has a voice, and no actor.
		if c.VoiceID != "" {
			voice, err := app.store.Voice(ctx, c.VoiceID)
			if err != nil {
				return err
			}
			who = app.site.Handle(voice.Handle)
		}
		line := commentLine{c.ID, cmp.Or(string(c.Kind), "reply"), string(c.State), who, articles[c.ArticleID].Slug,
			c.Address, jsonTime(&c.ArrivedAt), c.Plain}
		t.line(line, string(c.ID), line.Kind, line.State, line.Author, line.Article, text.Excerpt(c.Plain, 60))
	}
	return nil
}
