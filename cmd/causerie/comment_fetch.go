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

// Help is printed below the command's line by --help.
func (commentFetch) Help() string {
	return "A reply to a comment is sent to the author of that comment, and not always to this blog. The server of the " +
		"comment lists it. Each listed reply is fetched from its own server, and the rules for all comments apply. The " +
		"server does this after each new comment, for three days, less and less often."
}

// fetchLine is the JSON of the result.
type fetchLine struct {
	Article string `json:"article"`
	blog.BackfillResult
}

func (x commentFetch) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return x.with(ctx, config, log, func(app *app, a blog.Article) error {
		if a.Status != blog.Published || !a.Federates() {
			return fmt.Errorf("“%s” is not published to other servers, so there are no replies to fetch", a.Slug)
		}
		keys, err := federation.NewKeyring(app.core())
		if err != nil {
			return err
		}
		in := inbox.NewInbox(app.core(), keys, app.outbox)
		// The same code as in the server, in this process. A lease in the database keeps both from doing it at once.
		found, err := inbox.NewBackfill(in).Complete(ctx, a.ID)
		if errors.Is(err, blog.ErrConflict) {
			return fmt.Errorf("the replies to “%s” are being fetched already: try again in a minute", a.Slug)
		}
		if err != nil {
			return err
		}
		t := newTable(c.out, x.JSON)
		words := fmt.Sprintf("asked %s, which list %s: %s", text.Plural(found.Servers, "server", "servers"),
			text.Plural(found.Listed, "answer", "answers"), text.Plural(found.New, "new comment", "new comments"))
		t.line(fetchLine{a.Slug, found}, words)
		if !x.JSON {
			for _, u := range found.Skipped {
				why := u.Why
				if why == inbox.PrivateAddress {
					why += ": give --federation-allow as the server has it"
				}
				t.line(nil, fmt.Sprintf("%d not taken: %s (%s)", u.N, why, strings.Join(u.Servers, ", ")))
			}
			if found.Cut {
				t.line(nil, "there are more replies than one run may fetch: run the command again")
			}
		}
		return t.flush()
	})
}
