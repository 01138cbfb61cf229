package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"causerie/internal/blog"
	"causerie/internal/store"
)

type authorMove struct {
	Handle string        `arg:"" help:"The author."`
	To     string        `placeholder:"ACCOUNT" help:"${help_to}"`
	Wait   time.Duration `default:"24h" help:"How long the move can be cancelled, like 90m; 0s moves at once."`
	Cancel bool          `help:"Call a planned move off."`
	JSON   bool          `name:"json" help:"Print one JSON object."`
}

// Help is printed below the command's line by --help.
func (authorMove) Help() string {
	return "The servers of the followers are asked to follow the other account instead; most do so at once. Articles " +
		"stay here, new followers are referred to the other account, and a second move is possible after thirty days. " +
		"Without --to the progress of the last move is shown."
}

func (m authorMove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	if m.Cancel && m.To != "" || m.Wait < 0 {
		return usageError{errors.New("use either --to or --cancel, and a --wait that is not negative")}
	}
	return withAuthor(ctx, config, log, m.Handle, func(app *app, author blog.Author) error {
		switch {
		case m.Cancel:
			if err := app.outbox.CancelMove(ctx, author.ID); errors.Is(err, blog.ErrNotFound) {
				return fmt.Errorf("no move of %s is planned: there is nothing to cancel", author.Handle)
			} else if err != nil {
				return err
			}
		case m.To != "":
			if _, err := app.outbox.Move(ctx, author.Voice, m.To, m.Wait); err != nil {
				return plain(err)
			}
		}
		return m.print(ctx, c, app, author)
	})
}

// moveLine is the JSON of a move.
type moveLine struct {
	To        string     `json:"to"`
	Handle    string     `json:"handle,omitempty"`
	Status    string     `json:"status"` // planned, moved or called off
	Due       *time.Time `json:"due,omitempty"`
	Moved     *time.Time `json:"moved,omitempty"`
	Trouble   string     `json:"trouble,omitempty"`
	Servers   int        `json:"servers"`
	Told      int        `json:"told"`
	Followers int        `json:"followers"`
	Gone      int        `json:"gone_over"`
}

func moveLineOf(m blog.Move, p store.MoveProgress) moveLine {
	line := moveLine{To: m.Target, Handle: m.Handle, Status: "called off", Trouble: m.Reason}
	switch {
	case m.Planned():
		line.Status, line.Due = "planned", &m.DueAt
	case m.MovedAt != nil:
		line.Status, line.Moved = "moved", m.MovedAt
		line.Servers, line.Told, line.Followers = p.Servers, p.Accepted, m.Followers
		line.Gone = max(0, m.Followers-p.Remaining) // new followers may have come since
	}
	return line
}

// print prints the last move of the author.
func (m authorMove) print(ctx context.Context, c *console, app *app, author blog.Author) error {
	move, err := app.store.LastMove(ctx, author.ID)
	if errors.Is(err, blog.ErrNotFound) {
		return fmt.Errorf("%s never moved: name the new account with --to", author.Handle)
	}
	if err != nil {
		return err
	}
	progress, err := app.store.MoveProgress(ctx, move)
	if err != nil {
		return err
	}
	line := moveLineOf(move, progress)
	if m.JSON {
		t := newTable(c.out, true)
		t.line(line)
		return t.flush()
	}
	fmt.Fprintln(c.out, line.sentence(author.Name, app.site.Location()))
	return nil
}

// sentence describes the move for people.
func (l moveLine) sentence(name string, zone *time.Location) string {
	to := l.To
	if l.Handle != "" {
		to = "@" + l.Handle
	}
	switch l.Status {
	case "planned":
		text := fmt.Sprintf("%s moves to %s on %s; until then --cancel calls it off.", name, to,
			l.Due.In(zone).Format("2 January 2006, 15:04 MST"))
		if l.Trouble != "" {
			text += " It waits, since the address " + l.Trouble + "."
		}
		return text
	case "moved":
		return fmt.Sprintf("%s moved to %s. Told: %d of %d servers. Moved along: %d of %d followers.", name, to, l.Told,
			l.Servers, l.Gone, l.Followers)
	}
	if l.Trouble != "" {
		return fmt.Sprintf("The move of %s was cancelled, since the address %s.", name, l.Trouble)
	}
	return fmt.Sprintf("The move of %s to %s was cancelled.", name, to)
}
