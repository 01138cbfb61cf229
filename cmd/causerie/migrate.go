package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime"
	"runtime/debug"

	"causerie/internal/store"
	"causerie/internal/text"
)

type migrateCommand struct {
	Status bool `help:"Only list the steps, and which of them are done."`
	JSON   bool `name:"json" help:"Print one JSON object on each line."`
}

func (m migrateCommand) Run(ctx context.Context, c *console, config Config, _ *slog.Logger) error {
	if m.Status { // opening a database that does not exist would create it
		if err := checkExists(config); err != nil {
			return err
		}
	}
	s, err := store.Open(ctx, config.Database)
	if err != nil {
		return openError(err)
	}
	defer s.Close()
	complete := s.Ready(ctx) == nil
	if !m.Status {
		if err := s.Migrate(ctx); err != nil {
			return err
		}
	}
	steps, err := s.Migrations(ctx)
	if err != nil {
		return err
	}
	if complete && !m.Status && !m.JSON {
		fmt.Fprintf(c.out, "The database is up to date (%d steps).\n", len(steps))
		return nil
	}
	waiting := 0
	t := newTable(c.out, m.JSON)
	for _, step := range steps {
		state := "done"
		if !step.Applied {
			state = "waits"
			waiting++
		}
		t.line(migrationLine{step.Version, step.Name, state}, fmt.Sprint(step.Version), step.Name, state)
	}
	if err := t.flush(); err != nil {
		return err
	}
	// After the list: a database of a newer version has steps that this program does not know.
	if err := s.Ready(ctx); errors.Is(err, store.ErrNewer) {
		return err
	}
	if waiting > 0 && !m.JSON {
		fmt.Fprintf(c.out, "%s not done yet: run “causerie migrate”, or start the server\n",
			text.Plural(waiting, "step is", "steps are"))
	}
	return nil
}

type migrationLine struct {
	Version int64  `json:"version"`
	Name    string `json:"name"`
	State   string `json:"state"`
}

type versionCommand struct {
	JSON bool `name:"json" help:"Print one JSON object."`
}

func (v versionCommand) Run(c *console) error {
	revision := ""
	if info, ok := debug.ReadBuildInfo(); ok {
		for _, s := range info.Settings {
			// Only a build from a checkout has it.
			if s.Key == "vcs.revision" {
				revision = s.Value
			}
		}
	}
	t := newTable(c.out, v.JSON)
	t.line(struct {
		Version  string `json:"version"`
		Revision string `json:"revision"`
		Go       string `json:"go"`
	}{version, revision, runtime.Version()}, "causerie "+version, revision, runtime.Version())
	return t.flush()
}
