package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/account"
	"causerie/internal/blog"
)

type siteCommand struct {
	Authors siteAuthors `cmd:"" help:"Let the voice of the blog recommend its authors in a collection, or end that."`
	Voice   siteVoice   `cmd:"" help:"Switch the voice of the blog on or off, which people can follow."`
}

// voiceSwitch has the arguments of a command that switches a voice on or off.
type voiceSwitch struct {
	Switch string `arg:"" enum:"on,off" help:"Either on or off."`
	Handle string `placeholder:"NAME" help:"The name that people follow, permanently: a–z, 0–9 and _. For the first time."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// do switches the voice on by calling on, or switches off the voice that find returns.
func (s voiceSwitch) do(ctx context.Context, c *console, app *app, find, on func() (blog.Voice, error)) error {
	if s.Switch == "on" {
		v, err := on()
		if err != nil {
			return plain(err)
		}
		return s.print(ctx, c, app, v, "%s can be followed now, and has that name permanently. It announces what is "+
			"published from now on.\n")
	}
	v, err := find()
	if errors.Is(err, blog.ErrNotFound) {
		return errors.New("it has no voice: there is nothing to switch off")
	}
	if err != nil {
		return err
	}
	if v, err = account.DisableVoice(ctx, app.store, v, now()); err != nil {
		return err
	}
	return s.print(ctx, c, app, v, "%s is silent now and accepts no new followers. Its followers stay.\n")
}

// voiceLine is the JSON of a voice of the blog or of a series.
type voiceLine struct {
	ID        blog.ID `json:"id"`
	Handle    string  `json:"handle"`
	Name      string  `json:"name"`
	URL       string  `json:"url"`
	Object    string  `json:"object"` // the ActivityPub id
	On        bool    `json:"on"`
	Followers int     `json:"followers"`
}

// print prints the voice. format is the sentence for people, with %s for the handle.
func (s voiceSwitch) print(ctx context.Context, c *console, app *app, v blog.Voice, format string) error {
	followers, err := app.store.CountFollowers(ctx, v.ID)
	if err != nil {
		return err
	}
	if s.JSON {
		t := newTable(c.out, true)
		t.line(voiceLine{ID: v.ID, Handle: app.site.Handle(v.Handle), Name: v.Name, URL: app.site.VoicePage(v),
			Object: app.site.ActorID(v.ID),
			On:     v.SilentAt == nil, Followers: followers.Accepted})
		return t.flush()
	}
	fmt.Fprintf(c.out, format, app.site.Handle(v.Handle))
	return nil
}

type siteVoice struct {
	voiceSwitch
}

// Help is printed below the command's line by --help.
func (siteVoice) Help() string {
	return "A blog with a voice has an account of its own, which announces each public article when it is published. " +
		"Without --handle the account is named after the first part of the domain. It keeps its name permanently, also " +
		"when the voice is switched off."
}

func (v siteVoice) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		return v.do(ctx, c, app, func() (blog.Voice, error) { return app.store.SiteVoice(ctx) },
			func() (blog.Voice, error) { return account.EnableSiteVoice(ctx, app.store, v.Handle, now()) })
	})
}

// siteAuthors switches the collection of the authors.
type siteAuthors struct {
	Switch string `arg:"" enum:"on,off" help:"Either on or off."`
}

// Help is printed below the command's line by --help.
func (siteAuthors) Help() string {
	return "Mastodon and others show the collection, and whoever finds it can follow all authors at once. Authors whom " +
		"everyone may feature are in it, those who want to be asked are asked first, and no others: author feature " +
		"--by changes that. It has at most 25 authors, those who joined first."
}

func (x siteAuthors) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		err := app.outbox.FeatureAuthors(ctx, x.Switch == "on")
		if errors.Is(err, blog.ErrNotFound) {
			return errors.New("the blog has no voice that people can follow: “causerie site voice on” gives it one")
		}
		if err != nil {
			return err
		}
		if x.Switch == "on" {
			fmt.Fprintln(c.out, "The voice of the blog recommends its authors now.")
		} else {
			fmt.Fprintln(c.out, "The voice of the blog no longer recommends its authors.")
		}
		return nil
	})
}
