package store

import (
	"context"
	"strings"
)

// Queries are those that were asked of the readers so far, as they are prepared.
func (s *Store) Queries() []string {
	s.statements.preparing.Wait()
	s.statements.mu.Lock()
	defer s.statements.mu.Unlock()
	var list []string
	for key := range s.statements.ready {
		if key.db == s.read {
			list = append(list, key.query)
		}
	}
	return list
}

// PlanOf is how SQLite answers a query, as its readers see it, a line for each table.
func (s *Store) PlanOf(ctx context.Context, query string) ([]string, error) {
	rows, err := s.read.QueryxContext(ctx, `EXPLAIN QUERY PLAN `+query, make([]any, strings.Count(query, "?"))...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var lines []string
	for rows.Next() {
		var id, parent, unused int
		var line string
		if err := rows.Scan(&id, &parent, &unused, &line); err != nil {
			return nil, err
		}
		lines = append(lines, line)
	}
	return lines, rows.Err()
}

// Beating is how many processes have shown that they are alive.
func (s *Store) Beating(ctx context.Context) (n int, err error) {
	err = s.one(ctx, &n, `SELECT count(*) FROM processes`)
	return n, err
}

// Explained is how PostgreSQL answered a query of the store, with the rows that each step read.
func (s *Store) Explained(ctx context.Context, query string, args ...any) (lines []string, err error) {
	err = s.read.SelectContext(ctx, &lines, `EXPLAIN (ANALYZE, BUFFERS) `+s.sql.bind(query), storable(args)...)
	return lines, err
}

// NoticeWrites and PollWrites are the two ways to notice writes to a file.
var (
	NoticeWrites = noticeWrites
	PollWrites   = pollWrites
)

// MigrationTimeout is the time limit of PostgreSQL for the statements of a migration.
func (s *Store) MigrationTimeout(ctx context.Context) (limit string, err error) {
	db, err := s.sql.openMigrating(s.url)
	if err != nil {
		return "", err
	}
	defer db.Close()
	err = db.QueryRowContext(ctx, `SHOW statement_timeout`).Scan(&limit)
	return limit, err
}
