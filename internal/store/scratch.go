package store

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"
	"regexp"
)

var scratchName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,50}$`)

// Scratch makes an empty database for a measurement, and returns its address and what deletes it. It is a database
// beside the one at a postgres:// address, whose user must be allowed to create databases, or else a file in a folder.
// The name has small letters, digits and underscores.
func Scratch(ctx context.Context, beside, folder, name string) (address string, drop func() error, err error) {
	if !scratchName.MatchString(name) {
		return "", nil, fmt.Errorf("%q is not a name for a database", name)
	}
	if beside == "" {
		return filepath.Join(folder, name, "causerie.db"), func() error { return nil }, nil
	}
	u, err := url.Parse(beside)
	if err != nil {
		return "", nil, fmt.Errorf("make a database beside %s: the address cannot be read", Redact(beside))
	}
	s, err := Open(ctx, beside)
	if err != nil {
		return "", nil, err
	}
	if _, err := s.write.ExecContext(ctx, `CREATE DATABASE `+name); err != nil {
		s.Close()
		return "", nil, fmt.Errorf("make a database beside %s: %w", Redact(beside), err)
	}
	u.Path = "/" + name
	return u.String(), func() error {
		defer s.Close()
		// FORCE ends the connections of a process that was killed.
		_, err := s.write.Exec(`DROP DATABASE ` + name + ` WITH (FORCE)`)
		return err
	}, nil
}

// Size returns how many bytes the database has on disk, without SQLite's write-ahead log.
func (s *Store) Size(ctx context.Context) (bytes int64, err error) {
	return bytes, s.one(ctx, &bytes, s.sql.size())
}
