// Package migrations holds the history of the database as SQL files: one list, forward only, one transaction each,
// the same text for SQLite and PostgreSQL. Where one text cannot do, NNNN_name.sqlite.sql and NNNN_name.postgres.sql
// share the number. Released files never change.
package migrations

import "embed"

// Files are the migrations in the order of their numbers.
//
//go:embed *.sql
var Files embed.FS
