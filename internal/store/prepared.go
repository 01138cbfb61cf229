package store

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// statements holds the prepared statements of the writer and the readers. Preparing takes a third of a short query's
// time on SQLite, and one round trip on PostgreSQL.
type statements struct {
	mu        sync.Mutex
	ready     map[prepared]*sqlx.Stmt // nil while it is prepared
	preparing sync.WaitGroup
	open      context.Context // ends with Close
	end       context.CancelFunc
}

// close cancels the preparations that run, and prevents new ones.
func (s *statements) close() {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	// A connection that is in use would outlive its pool.
	s.preparing.Wait()
}

type prepared struct {
	db    *sqlx.DB
	query string
}

// mostStatements limits the prepared statements. Queries are constants, except for a few that a filter puts together.
const mostStatements = 400

// prepared returns the prepared form of a query, or nil while there is none.
func (s *Store) prepared(ctx context.Context, query string) *sqlx.Stmt {
	key := prepared{s.writer(ctx), query}
	if s.tx == nil {
		key.db = s.poolFor(ctx, query)
	}
	s.statements.mu.Lock()
	stmt, asked := s.statements.ready[key]
	if !asked && s.statements.open.Err() == nil && len(s.statements.ready) < mostStatements &&
		!strings.Contains(query, "SAVEPOINT") {
		if s.statements.ready == nil {
			s.statements.ready = map[prepared]*sqlx.Stmt{}
		}
		s.statements.ready[key] = nil
		// Preparing needs a connection. A transaction that holds SQLite's only one would wait for itself, so this runs in
		// the background.
		s.statements.preparing.Go(func() { s.prepare(key) })
	}
	s.statements.mu.Unlock()
	if stmt == nil || s.tx == nil {
		return stmt
	}
	// A statement belongs to the pool. This binds it to the connection of the transaction.
	return s.tx.StmtxContext(ctx, stmt)
}

func (s *Store) prepare(key prepared) {
	ctx, cancel := context.WithTimeout(s.statements.open, 10*time.Second)
	defer cancel()
	stmt, err := key.db.PreparexContext(ctx, s.sql.bind(key.query))
	s.statements.mu.Lock()
	defer s.statements.mu.Unlock()
	if err != nil {
		delete(s.statements.ready, key) // the next caller tries again
		return
	}
	s.statements.ready[key] = stmt
}
