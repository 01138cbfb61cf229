package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
)

type allowCommand struct {
	Add    allowAdd    `cmd:"" help:"Allow a server with all below it."`
	Remove allowRemove `cmd:"" help:"Take a server off the list."`
	List   allowList   `cmd:"" help:"List the servers that are allowed."`
}

// Help is printed below the command's line by --help.
func (allowCommand) Help() string {
	return "With --federation allow-list the blog hears, asks and writes to nobody but the servers of this list. With --federation open, the " +
		"default, the list waits."
}

// allowNamed is the server that commands about one are given.
type allowNamed struct {
	Domain string `arg:"" help:"The server's domain, as in veerhuis.example."`
}

type allowAdd struct {
	allowNamed
	Note string `help:"Why, in words for the moderators."`
}

func (a allowAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	domain, err := blocklist.ReadDomain(a.Domain)
	if err != nil {
		return plain(err)
	}
	return at(ctx, config, log, existing, func(d *desk) error {
		if err := d.store.Allow(ctx, blog.Allowed{Host: domain, Note: a.Note, At: now()}); err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is allowed%s\n", domain, waits(config))
		return nil
	})
}

// waits adds that the list has no effect where it has none.
func waits(config Config) string {
	if config.Federation == confined {
		return ""
	}
	return ", once the server runs with --federation allow-list"
}

type allowRemove struct{ allowNamed }

func (r allowRemove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	domain, err := blocklist.ReadDomain(r.Domain)
	if err != nil {
		return plain(err)
	}
	return at(ctx, config, log, existing, func(d *desk) error {
		err := d.store.Disallow(ctx, domain)
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("“%s” is not on the list: “causerie allow list” shows who is", domain)
		}
		if err == nil {
			fmt.Fprintf(c.out, "%s is not allowed any more\n", domain)
		}
		return err
	})
}

type allowList struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

type allowLine struct {
	Domain string `json:"domain"`
	Note   string `json:"note,omitempty"`
	At     string `json:"at"`
}

func (l allowList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		list, err := d.store.AllAllowed(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.out, l.JSON)
		for _, a := range list {
			t.line(allowLine{a.Host, a.Note, instant(&a.At)}, a.Host, a.Note)
		}
		return t.flushOr("no server is on the list")
	})
}
