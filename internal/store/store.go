// Package store is what Causerie remembers: every line of SQL of the program, for SQLite and PostgreSQL alike.
//
// A Store may be a transaction. The same methods serve inside and outside; InTx hands its closure a Store that lives in
// one, and the closure's parameter takes the outer name, so that the pool cannot be reached by accident. Queries are
// written once, with ? for arguments; dialect.go is the only file that knows there are two databases.
//
// Acknowledged means committed: a method that returns nil outside a transaction, and InTx itself, return after the
// commit is on disk.
package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jmoiron/sqlx"

	"causerie/internal/blog"
)

// Store reads and writes the database of one site.
type Store struct {
	*pool
	tx      *sqlx.Tx // the transaction this Store lives in; nil outside
	txState *txState // what the commit of that transaction brings with it
}

// txState is what a commit brings with it.
type txState struct {
	changed bool     // something changes that a reader can see, see touch
	after   []func() // done once it is on disk, see committed
}

// pool is shared by a Store and all transactions begun from it.
type pool struct {
	write, read *sqlx.DB // the same for PostgreSQL; one writer and many readers for SQLite
	sql         dialect
	url         string
	changes     atomic.Uint64
	queues      []queue[*member] // by lane
	releases    queue[*released]
	statements  statements
	leases      leases
	stop        context.CancelFunc
	watching    sync.WaitGroup
}

// Open opens the database at a path (SQLite) or a postgres:// address. It makes no tables: see Migrate and Ready. Every
// connection is made through the wraps.
func Open(ctx context.Context, url string, wraps ...Wrap) (*Store, error) {
	sql, err := dialectOf(url)
	if err != nil {
		return nil, err
	}
	write, read, err := sql.open(url, wraps)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", Redact(url), err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := write.PingContext(ctx); err != nil {
		write.Close()
		read.Close()
		return nil, fmt.Errorf("open the database %s: %w", Redact(url), err)
	}
	for _, db := range []*sqlx.DB{write, read} {
		db.MapperFunc(snake)
	}
	p := &pool{write: write, read: read, sql: sql, url: url, queues: make([]queue[*member], sql.lanes())}
	p.statements.open, p.statements.end = context.WithCancel(context.WithoutCancel(ctx))
	return &Store{pool: p}, nil
}

// Close ends the watching and gives the connections back.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
		s.watching.Wait()
	}
	s.statements.close()
	if s.read != s.write {
		s.read.Close()
	}
	return s.write.Close()
}

// InTx runs do in one transaction and commits when it returns nil; otherwise nothing of it happened. Inside a
// transaction it joins that one. Nothing in do may ask the network. When the database ended it because two waited for
// each other, it runs once more: do begins anew each time it is called.
func (s *Store) InTx(ctx context.Context, do func(*Store) error) error {
	if s.tx != nil {
		return do(s)
	}
	for tries := 1; ; tries++ {
		if err := s.inTx(ctx, do); err == nil || tries == mostTries || !s.sql.deadlocked(err) {
			return err
		}
	}
}

// mostTries is how often something is tried that met others who wait for it.
const mostTries = 4

func (s *Store) inTx(ctx context.Context, do func(*Store) error) error {
	tx, err := s.write.BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", s.translateError(err))
	}
	defer tx.Rollback()
	inner := &Store{pool: s.pool, tx: tx, txState: &txState{}}
	if err := do(inner); err != nil {
		return err
	}
	return inner.commit(ctx)
}

// commit ends the transaction; when it changed what readers see, the change counter rises with it.
func (s *Store) commit(ctx context.Context) error {
	var n uint64
	if s.txState.changed {
		if err := s.one(ctx, &n, `UPDATE changes SET n = n + 1 RETURNING n`); err != nil {
			return fmt.Errorf("count the change: %w", err)
		}
	}
	if err := s.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", s.translateError(err))
	}
	s.sawChange(n)
	for _, do := range s.txState.after {
		do()
	}
	return nil
}

// markChanged notes that the transaction changes what readers see.
func (s *Store) markChanged() {
	if s.txState != nil {
		s.txState.changed = true
	}
}

// afterCommit lets something be done once the transaction is on disk.
func (s *Store) afterCommit(do func()) { s.txState.after = append(s.txState.after, do) }

// one reads a single row into dest; no row is blog.ErrNotFound. A slice among the arguments of one, all and exec fills
// an IN (?).
func (s *Store) one(ctx context.Context, dest any, query string, args ...any) error {
	r, err := s.runner(ctx, query, args)
	if err != nil {
		return err
	}
	if r.stmt != nil {
		return s.translateError(r.stmt.GetContext(ctx, dest, r.args...))
	}
	return s.translateError(sqlx.GetContext(ctx, r.where, dest, r.query, r.args...))
}

// all reads the rows into the slice at dest.
func (s *Store) all(ctx context.Context, dest any, query string, args ...any) error {
	r, err := s.runner(ctx, query, args)
	if err != nil {
		return err
	}
	if r.stmt != nil {
		return s.translateError(r.stmt.SelectContext(ctx, dest, r.args...))
	}
	return s.translateError(sqlx.SelectContext(ctx, r.where, dest, r.query, r.args...))
}

// exec runs a statement and says how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := s.runner(ctx, query, args)
	if err != nil {
		return 0, err
	}
	run := func() (sql.Result, error) { return r.where.ExecContext(ctx, r.query, r.args...) }
	if r.stmt != nil {
		run = func() (sql.Result, error) { return r.stmt.ExecContext(ctx, r.args...) }
	}
	result, err := run()
	if err != nil {
		return 0, s.translateError(err)
	}
	n, err := result.RowsAffected()
	return n, s.translateError(err)
}

// runner is a query as the driver wants it, and what runs it: its prepared form, or else a connection.
type runner struct {
	query string
	args  []any
	stmt  *sqlx.Stmt
	where sqlx.ExtContext
}

// runner makes one.
func (s *Store) runner(ctx context.Context, query string, args []any) (runner, error) {
	query, args, err := spread(query, args)
	if err != nil {
		return runner{}, err
	}
	r := runner{args: utc(args), where: s.where(query)}
	if r.stmt = s.prepared(ctx, query); r.stmt == nil {
		r.query = s.sql.bind(query)
	}
	return r, nil
}

// run is exec where the number of rows does not matter.
func (s *Store) run(ctx context.Context, query string, args ...any) error {
	_, err := s.exec(ctx, query, args...)
	return err
}

// execOne is exec where no row means that the thing is not there.
func (s *Store) execOne(ctx context.Context, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return blog.ErrNotFound
	}
	return err
}

// where picks what runs a statement: the transaction, the readers, or the writer for everything that changes something.
func (s *Store) where(query string) sqlx.ExtContext {
	switch {
	case s.tx != nil:
		return s.tx
	case reads(query):
		return s.read
	}
	return s.write
}

func reads(query string) bool { return strings.HasPrefix(strings.TrimSpace(query), "SELECT") }

// ErrUnavailable means that the database cannot answer now and may answer later: it is away, starts, stops, has no
// connection left, or others hold the lock for too long. It wraps the cause.
var ErrUnavailable = errors.New("the database is not available")

// translateError turns the databases' own errors into the few that callers decide on.
func (s *Store) translateError(err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return blog.ErrNotFound
	case s.sql.unique(err):
		return fmt.Errorf("%w (%v)", blog.ErrConflict, err)
	case s.sql.unavailable(err):
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// utc brings times to what both databases keep: UTC, to the microsecond.
func utc(args []any) []any {
	for i, arg := range args {
		switch t := arg.(type) {
		case time.Time:
			args[i] = t.UTC().Truncate(time.Microsecond)
		case *time.Time:
			if t != nil {
				args[i] = t.UTC().Truncate(time.Microsecond)
			}
		}
	}
	return args
}

// spread writes a slice argument out as one ? each. It makes it longer, to the next power of two, by its last member:
// so that of a query with lists of every length there are few forms to prepare.
func spread(query string, args []any) (string, []any, error) {
	lists := false
	for i, arg := range args {
		switch list := arg.(type) {
		case []string:
			args[i], lists = padded(list), true
		case []blog.ID:
			args[i], lists = padded(list), true
		}
	}
	if !lists {
		return query, args, nil
	}
	return sqlx.In(query, args...)
}

// padded is a list made longer, to the next power of two, by its last member.
func padded[T any](list []T) []T {
	full := slices.Clone(list)
	for n := len(list); n > 0 && n&(n-1) != 0; n++ {
		full = append(full, list[len(list)-1])
	}
	return full
}

// snake spells a field's name as its column: VoiceID is voice_id, HTML is html.
func snake(name string) string {
	var column strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		if upper && i > 0 && (lower(name[i-1]) || i+1 < len(name) && lower(name[i+1])) {
			column.WriteByte('_')
		}
		column.WriteRune(r)
	}
	return strings.ToLower(column.String())
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
