package store

import (
	"context"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"causerie/migrations"
)

// The states of a schema that a program of this version cannot work with.
var (
	ErrOlder = errors.New("the database is older than this program: run “causerie migrate”, or start “causerie serve”, " +
		"which migrates by itself")
	ErrNewer = errors.New("the database was written by a newer version of this program: use that version, nothing was " +
		"changed")
)

// Migration is one step of the schema's history.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Migrate brings the schema to this program's version; a newer one is ErrNewer and stays as it is.
func (s *Store) Migrate(ctx context.Context) error {
	steps, err := s.migrations()
	if err != nil {
		return err
	}
	if state := s.state(ctx, steps); errors.Is(state, ErrNewer) {
		return state
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// Ready checks that the schema is this program's. A database without any tables is filled; an older schema is ErrOlder,
// a newer one ErrNewer.
func (s *Store) Ready(ctx context.Context) error {
	steps, err := s.migrations()
	if err != nil {
		return err
	}
	version, err := steps.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	if version == 0 {
		return s.Migrate(ctx)
	}
	return s.state(ctx, steps)
}

func (s *Store) state(ctx context.Context, steps *goose.Provider) error {
	have, err := steps.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	sources := steps.ListSources()
	newest := sources[len(sources)-1].Version
	switch {
	case have > newest:
		return ErrNewer
	case have < newest:
		return ErrOlder
	}
	return nil
}

// Migrations lists the steps and which of them are done.
func (s *Store) Migrations(ctx context.Context) ([]Migration, error) {
	steps, err := s.migrations()
	if err != nil {
		return nil, err
	}
	statuses, err := steps.Status(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the schema's version: %w", err)
	}
	list := make([]Migration, len(statuses))
	for i, status := range statuses {
		list[i] = Migration{Version: status.Source.Version, Name: status.Source.Path,
			Applied: status.State == goose.StateApplied}
	}
	return list, nil
}

func (s *Store) migrations() (*goose.Provider, error) {
	name, options, err := s.sql.migrator()
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(name, s.write.DB, migrations.Files, options...)
}
