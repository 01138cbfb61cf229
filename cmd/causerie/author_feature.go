package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"

	"causerie/internal/blog"
)

type authorFeature struct {
	Handle     string   `arg:"" help:"The author."`
	Do         string   `arg:"" optional:"" default:"list" name:"action" help:"${help_feature}"`
	Collection []string `arg:"" optional:"" name:"collection" help:"The address of a collection, as the list has it."`
	By         *string  `placeholder:"WHO" help:"Who may feature the author: everyone, followers, ask, nobody or default."`
	JSON       bool     `name:"json" help:"Print one JSON object on each line."`
}

// Help is printed below the command's line by --help.
func (authorFeature) Help() string {
	return "People on other servers publish collections of accounts that they recommend. The list has those " +
		"that feature the author, those that ask to, and those that the author left or refused. forget lets the owner " +
		"of one of the last ask again. With --by default, everyone may feature the author; only followers may while the " +
		"author approves followers, and nobody while other servers may not recommend the author."
}

// featureActions are the verbs of the command.
var featureActions = []string{"list", "accept", "refuse", "leave", "forget"}

func (f authorFeature) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	switch {
	case !slices.Contains(featureActions, f.Do):
		return usageError{didYouMean(f.Do, featureActions)}
	// kong cannot say that the collection depends on the verb.
	case f.Do == "list" && len(f.Collection) > 0, f.Do != "list" && len(f.Collection) == 0:
		return usageError{errors.New("write the handle, then list, accept, refuse, leave or forget, then the address of " +
			"the collection for all but list, like this: author feature ilse accept https://veerhuis.example/collections/1")}
	}
	return withAuthor(ctx, config, log, f.Handle, func(app *app, author blog.Author) error {
		if f.By != nil {
			if err := f.setPolicy(ctx, app, author.Voice); err != nil {
				return plain(err)
			}
		}
		for _, collection := range f.Collection {
			if err := f.change(ctx, app, author, collection); err != nil {
				return err
			}
		}
		return f.list(ctx, c, app, author)
	})
}

// setPolicy saves who may feature the author.
func (f authorFeature) setPolicy(ctx context.Context, app *app, voice blog.Voice) error {
	voice.CanFeature = blog.FeaturePolicy(*f.By)
	if *f.By == "default" {
		voice.CanFeature = blog.FeatureAsProfile
	} else if *f.By == "" || voice.CanFeature.Check() != nil {
		return usageError{fmt.Errorf("“%s” is not known; write everyone, followers, ask, nobody or default", *f.By)}
	}
	return app.outbox.SaveProfile(ctx, voice)
}

func (f authorFeature) change(ctx context.Context, app *app, author blog.Author, collection string) error {
	t, err := app.store.AuthorizationFor(ctx, blog.FeatureAuthorization, collection, author.ID)
	if err == nil {
		switch f.Do {
		case "accept", "refuse":
			err = app.outbox.AnswerFeature(ctx, author.ID, t.ID, f.Do == "accept")
		case "leave":
			err = app.outbox.EndFeature(ctx, author.ID, t.ID)
		case "forget":
			err = app.outbox.ForgetFeature(ctx, author.ID, t.ID)
		}
	}
	switch {
	case errors.Is(err, blog.ErrNotFound):
		return fmt.Errorf("no collection “%s” has to do with %s: “causerie author feature %s” lists all", collection,
			author.Handle, author.Handle)
	case errors.Is(err, blog.ErrConflict):
		return fmt.Errorf("%s cannot %s “%s”, which is %s", author.Handle, f.Do, collection, featureWords[t.State])
	}
	return err
}

// featureWords say how a collection and an author stand.
var featureWords = map[blog.AuthorizationState]string{blog.AuthorizationAsked: "waiting",
	blog.AuthorizationGiven: "featured", blog.AuthorizationRefused: "refused", blog.AuthorizationRevoked: "left"}

// featureLine is the JSON of a collection.
type featureLine struct {
	Object string `json:"object"` // the ActivityPub id of the collection
	State  string `json:"state"`  // waiting, featured, refused or left
	Name   string `json:"name"`
	Topic  string `json:"topic,omitempty"`
	URL    string `json:"url"`
	Owner  string `json:"owner,omitempty"` // "" where that is this blog
	Since  string `json:"since"`           // RFC 3339
}

// list prints who may feature the author, and the collections.
func (f authorFeature) list(ctx context.Context, c *console, app *app, author blog.Author) error {
	author, err := app.store.Author(ctx, author.ID) // again: the policy may have changed since
	if err != nil {
		return err
	}
	if !f.JSON {
		fmt.Fprintf(c.out, "Who may feature %s: %s.\n", author.Handle, author.MayFeature())
	}
	t := newTable(c.out, f.JSON)
	for _, state := range []blog.AuthorizationState{blog.AuthorizationAsked, blog.AuthorizationGiven,
		blog.AuthorizationRefused, blog.AuthorizationRevoked} {
		list, err := app.store.Features(ctx, author.ID, state)
		if err != nil {
			return err
		}
		for _, feature := range list {
			if feature.OfThisBlog() {
				feature.Collection.Name, feature.Collection.URL = app.site.Name, app.site.AuthorsPage()
			}
			line := featureLine{Object: feature.Instrument, State: featureWords[state], Name: feature.Collection.Name,
				Topic: feature.Collection.Topic, URL: feature.Collection.URL, Since: jsonTime(&feature.At)}
			if feature.Owner.Handle != "" {
				line.Owner = "@" + feature.Owner.Handle
			}
			t.line(line, line.State, line.Name, line.Owner, line.Object)
		}
	}
	return t.flushOr("No collection features " + author.Handle + " or asks to")
}
