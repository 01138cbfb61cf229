package main

import (
	"context"
	"log/slog"
	"strings"

	"causerie/internal/blog"
)

// authorLine is the JSON of an author.
type authorLine struct {
	ID       blog.ID `json:"id"`
	Handle   string  `json:"handle"`
	Name     string  `json:"name"`
	Role     string  `json:"role"`
	Email    string  `json:"email,omitempty"`
	URL      string  `json:"url"`
	Object   string  `json:"object"` // the ActivityPub id
	Disabled bool    `json:"disabled"`
	MovedTo  string  `json:"moved_to,omitempty"` // the ActivityPub id elsewhere
	Leaves   string  `json:"leaves,omitempty"`   // RFC 3339, when they are to be deleted
	Link     string  `json:"link,omitempty"`
}

func authorLineOf(site blog.Site, a blog.Author) authorLine {
	return authorLine{ID: a.ID, Handle: site.Handle(a.Handle), Name: a.Name, Role: string(a.Role), Email: a.Email,
		URL: site.VoicePage(a.Voice), Object: site.ActorID(a.ID), Disabled: a.DisabledAt != nil,
		MovedTo: a.MovedTo, Leaves: jsonTime(a.LeavesAt)}
}

type authorList struct {
	JSON bool `name:"json" help:"Print one JSON object on each line."`
}

func (l authorList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		authors, err := app.store.Authors(ctx)
		if err != nil {
			return err
		}
		t := newTable(c.out, l.JSON)
		for _, a := range authors {
			line := authorLineOf(app.site, a)
			state := line.Role
			if line.Disabled {
				state = "disabled"
			}
			t.line(line, line.Handle, line.Name, state, line.Email, app.leavingText(a))
		}
		return t.flush()
	})
}

// leavingText says where an author moved, and when they are to be deleted; "" for neither.
func (app *app) leavingText(a blog.Author) string {
	var words []string
	if a.MovedTo != "" {
		words = append(words, "moved to "+a.MovedTo)
	}
	if a.LeavesAt != nil {
		words = append(words, "to be deleted on "+a.LeavesAt.In(app.site.Location()).Format("2 January 2006"))
	}
	return strings.Join(words, ", ")
}
