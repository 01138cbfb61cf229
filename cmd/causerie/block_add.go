package main

import (
	"context"
	"encoding/json"
	"fmt"
	"log/slog"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/text"
)

type blockAdd struct {
	blockSubject
	Level  string `enum:"limit,refuse" default:"refuse" placeholder:"LEVEL" help:"${help_level}"`
	Reason string `placeholder:"TEXT" help:"The public reason. The default is that of the existing block, if any."`
	Note   string `placeholder:"TEXT" help:"A note for the moderators."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

// reachLine counts what a block affects, before it is set.
type reachLine struct {
	People    int `json:"people"`
	Followers int `json:"followers"`
	Comments  int `json:"comments"`
	Reactions int `json:"reactions"`
}

func (a blockAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		kind, subject, err := app.outbox.BlockSubject(ctx, a.Subject)
		if err == nil && kind == blog.BlockServer {
			err = checkServerName(subject)
		}
		if err != nil {
			return plain(err)
		}
		reach, err := app.store.Reach(ctx, kind, subject) // before: afterwards the followers are gone
		if err != nil {
			return err
		}
		b := blog.Block{Kind: kind, Subject: subject, Level: blog.BlockLevel(a.Level), Reason: a.Reason, Note: a.Note,
			At: now()}
		if err := app.outbox.Block(ctx, b); err != nil {
			return plain(err)
		}
		// Read again: without --reason the reason of an earlier block stays.
		if b, err = app.store.BlockBySubject(ctx, kind, subject); err != nil {
			return err
		}
		if a.JSON {
			line, r := lineOf(b), reachLine(reach)
			line.reachLine = &r
			return json.NewEncoder(c.out).Encode(line)
		}
		fmt.Fprintf(c.out, "%s is %s\n", subject, consequence(b.Level, reach))
		return nil
	})
}

// consequence says what a new block changes here.
func consequence(level blog.BlockLevel, r blog.BlockReach) string {
	comments := text.Plural(r.Comments, "comment", "comments")
	reactions := text.Plural(r.Reactions, "reaction", "reactions")
	if level == blog.Limit {
		return fmt.Sprintf("limited. %s held for approval, %s no longer counted.", comments, reactions)
	}
	return fmt.Sprintf("blocked. %s removed, %s hidden, %s hidden.", text.Plural(r.Followers, "follower", "followers"),
		comments, reactions)
}

// checkServerName returns an error for a name without a dot: no server in the fediverse has such a name, and a
// mistyped domain or a handle without its server looks like that.
func checkServerName(domain string) error {
	if strings.ContainsAny(domain, ".:") { // an IPv6 address has colons
		return nil
	}
	return fmt.Errorf("“%s” is not the name of a server: write the whole domain, like evil.example", domain)
}
