package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"causerie/internal/blog"
	"causerie/internal/federation"
	"causerie/internal/federation/inbox"
	"causerie/internal/text"
)

type commentFetch struct {
	articleNamed
	JSON bool `name:"json" help:"Print one JSON object."`
}

func (commentFetch) Help() string {
	return "An answer to a comment is sent to whoever wrote that comment, and not here. Their servers list it; what " +
		"they list is fetched from " +
		"its own server and let in by the rules for all comments. The server does this by itself after each comment, ever " +
		"more rarely for three days."
}

// fetchLine is what came of it, as programs read it.
type fetchLine struct {
	Article string `json:"article"`
	blog.Completion
}

func (x commentFetch) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.with(ctx, config, log, func(app *app, a blog.Article) error {
		if a.Status != blog.Published || !a.Federates() {
			return fmt.Errorf("“%s” is not out on the network, so nobody can have answered it there", a.Slug)
		}
		keys, err := federation.NewKeyring(app.core())
		if err != nil {
			return err
		}
		in := inbox.NewInbox(app.core(), keys, app.outbox)
		found, err := inbox.NewBackfill(in).Complete(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("the other servers are being asked about “%s” at this moment: try again in a minute", a.Slug)
		}
		if err != nil {
			return err
		}
		t := newTable(c.out, x.JSON)
		words := fmt.Sprintf("asked %s, which list %s: %s", text.Plural(found.Servers, "server", "servers"),
			text.Plural(found.Listed, "answer", "answers"), text.Plural(found.New, "new comment", "new comments"))
		t.line(fetchLine{a.Slug, found}, words)
		if !x.JSON {
			for _, u := range found.Untaken {
				t.line(nil, fmt.Sprintf("%d not taken: %s (%s)", u.N, u.Why, strings.Join(u.Servers, ", ")))
			}
			if found.Cut {
				t.line(nil, "there is more than one reading may take: say it again to go on")
			}
		}
		return t.flush()
	})
}
