package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/pressly/goose/v3"

	"causerie/migrations"
)

// ErrOlder and ErrNewer are the schemas that this version of the program cannot work with.
var (
	ErrOlder = errors.New("the database is older than this program: run “causerie migrate”, " +
		"or start “causerie serve”, which migrates by itself")
	ErrNewer = errors.New("the database was written by a newer version of this program: use that version, nothing was " +
		"changed")
)

// Migration is one step in the history of the schema.
type Migration struct {
	Version int64
	Name    string
	Applied bool
}

// Migrate brings the schema to this program's version. A newer schema is ErrNewer and stays unchanged.
func (s *Store) Migrate(ctx context.Context) error {
	patient, err := s.sql.openMigrating(s.url)
	if err != nil {
		return fmt.Errorf("open the database to migrate it: %w", err)
	}
	if patient == nil {
		patient = s.write.DB
	} else {
		defer patient.Close()
	}
	steps, err := s.migrationsOn(patient)
	if err != nil {
		return err
	}
	// An older schema is what Migrate is for. Any other failure comes back from Up.
	if state := s.state(ctx, steps); errors.Is(state, ErrNewer) {
		return state
	}
	if _, err := steps.Up(ctx); err != nil {
		return fmt.Errorf("migrate the database: %w", err)
	}
	return nil
}

// Ready checks that the schema is this program's. It migrates an empty database. An older schema is ErrOlder, a newer
// one ErrNewer.
func (s *Store) Ready(ctx context.Context) error {
	steps, err := s.migrations()
	if err != nil {
		return err
	}
	version, err := steps.GetDBVersion(ctx)
	if err != nil {
		return fmt.Errorf("read the schema's version: %w", err)
	}
	// An empty database has nothing to lose. An existing one is changed only by the commands that call Migrate.
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

// Migrations lists the steps, and which of them were applied.
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

func (s *Store) migrations() (*goose.Provider, error) { return s.migrationsOn(s.write.DB) }

func (s *Store) migrationsOn(db *sql.DB) (*goose.Provider, error) {
	name, options, err := s.sql.migrator(migrations.Files)
	if err != nil {
		return nil, err
	}
	return goose.NewProvider(name, db, migrations.Files, options...)
}
