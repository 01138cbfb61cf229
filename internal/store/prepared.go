package store

import (
	"context"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"
)

// statements are the prepared forms of queries, for the writer and for the readers. Preparing costs a third of a short
// query on SQLite and a round trip on PostgreSQL.
type statements struct {
	mu        sync.Mutex
	ready     map[prepared]*sqlx.Stmt // nil while it is being prepared
	preparing sync.WaitGroup
	open      context.Context // ends with the store
	end       context.CancelFunc
}

// close ends those that are being prepared, and begins no more: a connection that is in use would outlive its pool.
func (s *statements) close() {
	s.mu.Lock()
	s.end()
	s.mu.Unlock()
	s.preparing.Wait()
}

type prepared struct {
	db    *sqlx.DB
	query string
}

// mostStatements bounds what is kept. Queries are constants but for the few that a filter puts together.
const mostStatements = 400

// prepared answers the prepared form of a query for where this Store runs it, or nil while there is none: the first who
// asks has it prepared in the background, since a transaction that holds the only connection cannot wait for another
// one.
func (s *Store) prepared(ctx context.Context, query string) *sqlx.Stmt {
	key := prepared{s.write, query}
	if s.tx == nil && reads(query) {
		key.db = s.read
	}
	s.statements.mu.Lock()
	stmt, asked := s.statements.ready[key]
	if !asked && s.statements.open.Err() == nil && len(s.statements.ready) < mostStatements &&
		!strings.Contains(query, "SAVEPOINT") {
		if s.statements.ready == nil {
			s.statements.ready = map[prepared]*sqlx.Stmt{}
		}
		s.statements.ready[key] = nil
		s.statements.preparing.Go(func() { s.prepare(key) })
	}
	s.statements.mu.Unlock()
	if stmt == nil || s.tx == nil {
		return stmt
	}
	return s.tx.StmtxContext(ctx, stmt)
}

func (s *Store) prepare(key prepared) {
	ctx, cancel := context.WithTimeout(s.statements.open, 10*time.Second)
	defer cancel()
	stmt, err := key.db.PreparexContext(ctx, s.sql.bind(key.query))
	s.statements.mu.Lock()
	defer s.statements.mu.Unlock()
	if err != nil {
		delete(s.statements.ready, key) // the next who asks tries again
		return
	}
	s.statements.ready[key] = stmt
}
