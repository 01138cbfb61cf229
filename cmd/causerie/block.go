package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"

	"causerie/internal/blocklist"
	"causerie/internal/blog"
	"causerie/internal/store"
)

type blockCommand struct {
	Add    blockAdd    `cmd:"" help:"Limit or refuse a server with all below it, or a person."`
	Remove blockRemove `cmd:"" help:"Undo a block."`
	List   blockList   `cmd:"" help:"List what is blocked."`
	Import blockImport `cmd:"" help:"Block the servers of a list: Mastodon's CSV, or bare domains, one a line."`
	Export blockExport `cmd:"" help:"Print the blocked servers as Mastodon's CSV."`
}

// Help is printed below the command's line by --help.
func (blockCommand) Help() string {
	return "limit: comments wait for approval, reactions are not shown or counted, follows wait for a yes. refuse: nothing is taken in or sent, " +
		"followers are sent away, and what was said before is hidden everywhere. A running server follows within two seconds."
}

// blockSubject is whom commands about one block are given.
type blockSubject struct {
	Subject string `arg:"" placeholder:"WHOM" help:"A domain (evil.example), a person (@kade@evil.example), or an actor's address."`
}

type blockAdd struct {
	blockSubject
	Level  string `enum:"limit,refuse" default:"refuse" help:"How far it goes: limit or refuse. Default: ${default}."`
	Reason string `help:"Why, in words for everybody. Without it a block that there is keeps what it says."`
	Note   string `help:"Why, in words for the moderators alone."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

type blockLine struct {
	Kind    string `json:"kind"` // host or actor
	Subject string `json:"subject"`
	Level   string `json:"level"`
	Reason  string `json:"reason,omitempty"`
	Note    string `json:"note,omitempty"`
	At      string `json:"at"`
	*reachLine
}

// reachLine is what a block touches, as it was before.
type reachLine struct {
	People    int `json:"people"`
	Followers int `json:"followers"`
	Comments  int `json:"comments"`
	Reactions int `json:"reactions"`
}

func lineOf(b blog.Block) blockLine {
	return blockLine{Kind: string(b.Kind), Subject: b.Subject, Level: string(b.Level), Reason: b.Reason, Note: b.Note, At: instant(&b.At)}
}

func (a blockAdd) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		kind, subject, err := d.outbox.BlockSubject(ctx, a.Subject)
		if err != nil {
			return plain(err)
		}
		reach, err := d.store.Reach(ctx, kind, subject)
		if err != nil {
			return err
		}
		b := blog.Block{Kind: kind, Subject: subject, Level: blog.BlockLevel(a.Level), Reason: a.Reason, Note: a.Note, At: now()}
		if err := d.outbox.Block(ctx, b); err != nil {
			return plain(err)
		}
		if b, err = d.store.BlockOf(ctx, kind, subject); err != nil {
			return err
		}
		if a.JSON {
			line, r := lineOf(b), reachLine(reach)
			line.reachLine = &r
			return json.NewEncoder(c.out).Encode(line)
		}
		fmt.Fprintf(c.out, "%s: %s\n", subject, consequence(b.Level, reach))
		return nil
	})
}

// consequence says what a block did to what is here.
func consequence(level blog.BlockLevel, r blog.Reach) string {
	if level == blog.Limit {
		return fmt.Sprintf("limited; comments that wait for you now: %d, reactions that do not count any more: %d", r.Comments, r.Reactions)
	}
	return fmt.Sprintf("refused; followers sent away: %d, comments hidden: %d, reactions hidden: %d", r.Followers, r.Comments, r.Reactions)
}

type blockRemove struct{ blockSubject }

func (r blockRemove) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		kind, subject, err := d.outbox.BlockSubject(ctx, r.Subject)
		if err != nil {
			return plain(err)
		}
		before, err := d.store.BlockOf(ctx, kind, subject)
		if err == nil {
			err = d.store.Unblock(ctx, kind, subject)
		}
		if errors.Is(err, blog.ErrNotFound) {
			return fmt.Errorf("“%s” is not blocked: “causerie block list” shows who is", subject)
		}
		if err != nil {
			return err
		}
		fmt.Fprintf(c.out, "%s is not blocked any more; %s\n", subject, unrestored(before.Level))
		return nil
	})
}

// unrestored says what undoing a block cannot bring back.
func unrestored(level blog.BlockLevel) string {
	if level == blog.Limit {
		return "what waited only for this stands again"
	}
	return "what they said stands again; followers must follow anew, and what was sent meanwhile did not reach us"
}

type blockList struct {
	JSON bool `name:"json" help:"Print one JSON object a line."`
}

func (l blockList) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		blocks, err := d.store.Blocks(ctx, store.BlockList{})
		if err != nil {
			return err
		}
		t := newTable(c.out, l.JSON)
		for _, b := range blocks {
			line := lineOf(b)
			t.line(line, line.Level, line.Subject, line.Reason, line.Note)
		}
		return t.flushOr("nobody is blocked")
	})
}

type blockImport struct {
	File   string `arg:"" placeholder:"FILE" help:"The list, or - for standard input."`
	DryRun bool   `help:"Say what would change, and change nothing."`
	JSON   bool   `name:"json" help:"Print one JSON object."`
}

type importLine struct {
	New     int  `json:"new"`
	Raised  int  `json:"raised"`
	Known   int  `json:"known"`
	Noops   int  `json:"noops"`
	Partial int  `json:"partial"`
	Done    bool `json:"done"`
}

func (i blockImport) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	list, err := i.read(c)
	var wrong blocklist.WrongLines
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: nothing was imported: %w", i.File, wrong)
	}
	if err != nil {
		return err
	}
	return at(ctx, config, log, existing, func(d *desk) error {
		plan, err := d.outbox.PlanImport(ctx, list)
		if err == nil && !i.DryRun {
			err = d.outbox.Import(ctx, plan)
		}
		if err != nil {
			return plain(err)
		}
		line := importLine{len(plan.New), len(plan.Raise), plan.Known, list.Noops, list.Partial, !i.DryRun}
		if i.JSON {
			return json.NewEncoder(c.out).Encode(line)
		}
		fmt.Fprintln(c.out, line)
		return nil
	})
}

func (i blockImport) read(c *console) (blocklist.Blocklist, error) {
	if i.File == "-" {
		return blocklist.ReadBlocklist(c.in)
	}
	file, err := os.Open(i.File)
	if err != nil {
		return blocklist.Blocklist{}, fmt.Errorf("the list cannot be read: %w", err)
	}
	defer file.Close()
	return blocklist.ReadBlocklist(file)
}

func (l importLine) String() string {
	said := []string{fmt.Sprintf("newly blocked: %d, from limited to refused: %d, as before: %d", l.New, l.Raised, l.Known)}
	if l.Noops > 0 {
		said = append(said, fmt.Sprintf("lines that block nothing: %d", l.Noops))
	}
	if l.Partial > 0 {
		said = append(said, fmt.Sprintf("lines that would also refuse pictures or reports, for which there is no switch here: %d", l.Partial))
	}
	if !l.Done {
		said = append(said, "nothing was changed yet: leave --dry-run out")
	}
	return strings.Join(said, "\n")
}

type blockExport struct{}

func (blockExport) Run(ctx context.Context, c *console, config Config, log *slog.Logger) error {
	return at(ctx, config, log, existing, func(d *desk) error {
		blocks, err := d.store.Blocks(ctx, store.BlockList{Kind: blog.BlockServer})
		if err != nil {
			return err
		}
		return blocklist.WriteBlocklist(c.out, blocks)
	})
}
