package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"

	"causerie/internal/nearest"
)

type authorAlias struct {
	Handle string   `arg:"" help:"The author."`
	Do     string   `arg:"" name:"action" help:"Either add, remove or list."`
	Who    []string `arg:"" optional:"" name:"alias" help:"The account elsewhere, as @handle@server or an address."`
	JSON   bool     `name:"json" help:"Print one JSON object on each line."`
}

// Help is printed below the command's line by --help.
func (authorAlias) Help() string {
	return "An alias says that an account elsewhere belongs to the same person. Before the followers of that account " +
		"can move to this blog, its server checks the alias: add it here first, then start the move there."
}

func (a authorAlias) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	verbs := []string{"add", "remove", "list"}
	switch {
	case !slices.Contains(verbs, a.Do):
		return usageError{didYouMean(a.Do, verbs)}
	// kong cannot say that the alias depends on the verb.
	case a.Do == "list" && len(a.Who) > 0, a.Do != "list" && len(a.Who) == 0:
		return usageError{errors.New("write the handle, then add, remove or list, then the alias for add and remove, like " +
			"this: author alias ilse add @ilse@veerhuis.example")}
	}
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		for _, who := range a.Who {
			if err := a.change(ctx, app, who); err != nil {
				return plain(err)
			}
		}
		return a.list(ctx, c, app)
	})
}

func didYouMean(word string, known []string) error {
	if near := nearest.Word(word, known); near != "" {
		return fmt.Errorf("“%s” is not known; did you mean “%s”?", word, near)
	}
	return fmt.Errorf("“%s” is not known; write %s or %s", word, strings.Join(known[:len(known)-1], ", "),
		known[len(known)-1])
}

func (a authorAlias) change(ctx context.Context, app *app, who string) error {
	author, err := app.author(ctx, a.Handle)
	if err != nil {
		return err
	}
	if a.Do == "remove" {
		return app.outbox.RemoveAlias(ctx, author.Voice, who)
	}
	_, err = app.outbox.AddAlias(ctx, author.Voice, who)
	return err
}

// aliasLine is the JSON of an alias.
type aliasLine struct {
	Object string `json:"object"` // the ActivityPub id
	Handle string `json:"handle,omitempty"`
}

func (a authorAlias) list(ctx context.Context, c *console, app *app) error {
	author, err := app.author(ctx, a.Handle) // again: the aliases have changed since
	if err != nil {
		return err
	}
	known, err := app.store.Actors(ctx, author.AlsoKnownAs)
	if err != nil {
		return err
	}
	t := newTable(c.out, a.JSON)
	for _, alias := range author.AlsoKnownAs {
		line := aliasLine{Object: alias}
		if actor, ok := known[alias]; ok && actor.Handle != "" {
			line.Handle = "@" + actor.Handle
		}
		t.line(line, line.Handle, line.Object)
	}
	return t.flushOr(author.Handle + " has no alias")
}
