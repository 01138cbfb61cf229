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
	Voice siteVoice `cmd:"" help:"Let people follow the whole blog, or no longer."`
}

// switched is what turning a voice on or off is given.
type switched struct {
	Switch string `arg:"" enum:"on,off" help:"on or off."`
	Handle string `placeholder:"NAME" help:"The name people follow, for ever: a–z, 0–9 and _. Needed the first time."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// do turns the voice that find finds on, by the given function, or off.
func (s switched) do(ctx context.Context, c *console, app *app, find, on func() (blog.Voice, error)) error {
	if s.Switch == "on" {
		v, err := on()
		if err != nil {
			return plain(err)
		}
		return s.tell(ctx, c, app, v, "%s can be followed now, and has that name for ever. It announces what is published "+
			"from here on.\n")
	}
	v, err := find()
	if errors.Is(err, blog.ErrNotFound) {
		return errors.New("it has no voice that could be switched off")
	}
	if err != nil {
		return err
	}
	if v, err = account.Silence(ctx, app.store, v, now()); err != nil {
		return err
	}
	return s.tell(ctx, c, app, v, "%s is silent now and takes no new followers. Those it has stay.\n")
}

// voiceLine is a voice of the blog or of a series as programs read one.
type voiceLine struct {
	ID        blog.ID `json:"id"`
	Handle    string  `json:"handle"`
	Name      string  `json:"name"`
	URL       string  `json:"url"`
	Object    string  `json:"object"` // the ActivityPub id
	On        bool    `json:"on"`
	Followers int     `json:"followers"`
}

func (s switched) tell(ctx context.Context, c *console, app *app, v blog.Voice, words string) error {
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
	fmt.Fprintf(c.out, words, app.site.Handle(v.Handle))
	return nil
}

type siteVoice struct {
	switched
}

// Help is printed below the command's line by --help.
func (siteVoice) Help() string {
	return "The blog then has an account of its own that announces every public article once, at its publication. " +
		"Without --handle it is called " +
		"after the first part of its domain; either way the name is for ever, also once it is switched off."
}

func (v siteVoice) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, existing, func(app *app) error {
		return v.do(ctx, c, app, func() (blog.Voice, error) { return app.store.SiteVoice(ctx) },
			func() (blog.Voice, error) { return account.LetSiteSpeak(ctx, app.store, v.Handle, now()) })
	})
}
