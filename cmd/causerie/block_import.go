package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"

	"causerie/internal/blocklist"
)

type blockImport struct {
	File   string `arg:"" placeholder:"FILE" help:"The list, or - for standard input."`
	DryRun bool   `help:"Print what would change, and change nothing."`
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
	// The list first: a file with errors needs no database.
	list, err := i.read(c)
	var wrong blocklist.WrongLines
	if errors.As(err, &wrong) {
		return fmt.Errorf("%s: nothing was imported: %w", i.File, wrong)
	}
	if err != nil {
		return err
	}
	return withApp(ctx, config, log, mustExist, func(app *app) error {
		plan, err := app.outbox.PlanImport(ctx, list)
		if err == nil && !i.DryRun {
			err = app.outbox.Import(ctx, plan)
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
	file, err := openFile(i.File, "the file of the list")
	if err != nil {
		return blocklist.Blocklist{}, err
	}
	defer file.Close()
	return blocklist.ReadBlocklist(file)
}

func (l importLine) String() string {
	lines := []string{fmt.Sprintf("newly blocked: %d, from limited to refused: %d, as before: %d", l.New, l.Raised,
		l.Known)}
	if l.Noops > 0 {
		lines = append(lines, fmt.Sprintf("lines that block nothing: %d", l.Noops))
	}
	if l.Partial > 0 {
		lines = append(lines, fmt.Sprintf("lines that also refuse pictures or reports, which is ignored: %d", l.Partial))
	}
	if !l.Done {
		lines = append(lines, "nothing was changed: leave --dry-run out to import")
	}
	return strings.Join(lines, "\n")
}
