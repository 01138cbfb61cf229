// Package store holds every line of SQL of the program, for SQLite and PostgreSQL alike.
//
// A Store may be a transaction. The same methods work inside and outside. InTx passes its function a Store that lives
// in the transaction. Name that parameter like the outer variable, so that the outer Store cannot be used by
// accident. Queries are written once, with ? for arguments. Only dialect.go knows that there are two databases.
//
// Acknowledged means committed: InTx, and each method outside a transaction, return nil only after the commit is on
// disk.
package store

import (
	"context"
	"crypto/rand"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jmoiron/sqlx"

	"causerie/internal/blog"
	"causerie/internal/changes"
)

// Store reads and writes the database of one site.
type Store struct {
	*pool
	tx      *sqlx.Tx // nil outside a transaction
	txState *txState // nil outside a transaction
}

// txState collects what the commit of a transaction must do.
type txState struct {
	topics []changes.Topic // what readers can see changed, see mark
	after  []func()        // run after the commit, see afterCommit
	group  *groupState     // nil unless the transaction is one of GroupCommit
}

// pool is the part of a Store that all its transactions share.
type pool struct {
	databases
	sql        dialect
	url        string
	changes    changes.Counter
	queues     []queue[*member] // by lane
	releases   queue[*released]
	statements statements
	leases     leases
	stop       context.CancelFunc
	watching   sync.WaitGroup
	presence   *presence
	hinting    queue[struct{}]
	name       string // of this process, in hints and leases
}

// databases are pools of connections to the same database.
type databases struct {
	write, read *sqlx.DB // the same for PostgreSQL; one writer and many readers for SQLite
	prompt      *sqlx.DB // for contexts of Prompt; nil for SQLite
	watch       *sqlx.DB // for Watch; nil for SQLite
}

// all lists the pools, each once. The writer comes last: on SQLite, the last connection that closes copies the
// write-ahead log into the database and deletes it.
func (d databases) all() []*sqlx.DB {
	list := []*sqlx.DB{d.prompt, d.watch, d.read, d.write}
	return slices.Compact(slices.DeleteFunc(list, func(db *sqlx.DB) bool { return db == nil }))
}

// close closes all pools, and returns the error of the writer.
func (d databases) close() (err error) {
	for _, db := range d.all() {
		err = db.Close()
	}
	return err
}

// watchDB returns the pool for Watch.
func (d databases) watchDB() *sqlx.DB {
	if d.watch != nil {
		return d.watch
	}
	return d.read
}

// Open opens the database at a path (SQLite) or at a postgres:// address. It creates no tables (see Migrate and
// Ready). Each wrap is put around all connections.
func Open(ctx context.Context, url string, wraps ...Wrap) (*Store, error) {
	sql, err := dialectOf(url)
	if err != nil {
		return nil, err
	}
	presence := newPresence()
	dbs, err := sql.open(url, wraps, presence)
	if err != nil {
		return nil, fmt.Errorf("open the database %s: %w", Redact(url), err)
	}
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if err := dbs.write.PingContext(ctx); err != nil {
		dbs.close()
		return nil, fmt.Errorf("open the database %s: %w", Redact(url), err)
	}
	for _, db := range dbs.all() {
		db.MapperFunc(snake)
	}
	p := &pool{databases: dbs, sql: sql, url: url, queues: make([]queue[*member], sql.lanes()), presence: presence,
		name: rand.Text()}
	// The caller's context may end when the program has started. Statements are prepared in the background until Close.
	p.statements.open, p.statements.end = context.WithCancel(context.WithoutCancel(ctx))
	return &Store{pool: p}, nil
}

// Close stops Watch and closes all connections.
func (s *Store) Close() error {
	if s.stop != nil {
		s.stop()
	}
	s.watching.Wait()
	s.statements.close()
	return s.close()
}

// InTx runs do in a transaction. It commits when do returns nil, otherwise it rolls back. Inside a transaction, do
// joins that transaction. do must not use the network, because others wait for the transaction, and it may run
// several times.
func (s *Store) InTx(ctx context.Context, do func(*Store) error) error {
	if s.tx != nil {
		return do(s)
	}
	for tries := 1; ; tries++ {
		// When two transactions wait for each other, PostgreSQL ends one of them with an error. That one runs again.
		if err := s.inTx(ctx, do); err == nil || tries == mostTries || !s.sql.deadlocked(err) {
			return err
		}
	}
}

// mostTries is how often InTx runs a transaction that ends in a deadlock.
const mostTries = 4

func (s *Store) inTx(ctx context.Context, do func(*Store) error) error {
	if err := s.presence.refuse(ctx); err != nil {
		return fmt.Errorf("begin a transaction: %w", err)
	}
	tx, err := s.writer(ctx).BeginTxx(ctx, nil)
	if err != nil {
		return fmt.Errorf("begin a transaction: %w", s.translateError(ctx, err))
	}
	// After a commit this does nothing.
	defer tx.Rollback()
	inner := &Store{pool: s.pool, tx: tx, txState: &txState{}}
	if err := do(inner); err != nil {
		return err
	}
	return inner.commit(ctx)
}

// commit ends the transaction.
func (s *Store) commit(ctx context.Context) error {
	topics := s.txState.marked()
	n, err := s.count(ctx, topics)
	if err != nil {
		return fmt.Errorf("count the change: %w", err)
	}
	if err := s.tx.Commit(); err != nil {
		return fmt.Errorf("commit: %w", s.translateError(ctx, err))
	}
	// Only after the commit: a page that is rendered before it would show the old rows, and would be cached as new.
	if len(topics) > 0 {
		s.changes.Saw(n, topics...)
		s.hint()
	}
	for _, do := range s.txState.after {
		do()
	}
	return nil
}

// count gives a change of topics the next number. Without topics it does nothing.
func (s *Store) count(ctx context.Context, topics []changes.Topic) (n uint64, err error) {
	if len(topics) == 0 {
		return 0, nil
	}
	// All transactions that mark something lock this row until they commit. So this comes last, and the numbers have the
	// order of the commits.
	if err := s.one(ctx, &n, `UPDATE changes SET n = n + 1 RETURNING n`); err != nil {
		return 0, err
	}
	return n, s.run(ctx, `UPDATE page_changes SET n = ? WHERE topic IN (?)`, n, topics)
}

// mark says that readers can see a change of topics when this transaction commits.
func (s *Store) mark(topics ...changes.Topic) {
	if s.txState == nil {
		return
	}
	for _, t := range topics {
		// One more than the limit is enough for marked to see that there are too many.
		full := len(s.txState.topics) > mostMarked && t != changes.Mail
		if !full && !slices.Contains(s.txState.topics, t) {
			s.txState.topics = append(s.txState.topics, t)
		}
	}
}

// markChanged is mark for a change that any page may show.
func (s *Store) markChanged() { s.mark(changes.Everything) }

// mostMarked limits the topics of one transaction.
const mostMarked = 512

// marked returns the topics of a transaction. Everything stands for all topics of pages.
func (t *txState) marked() []changes.Topic {
	if len(t.topics) <= mostMarked && !slices.Contains(t.topics, changes.Everything) {
		return t.topics
	}
	if slices.Contains(t.topics, changes.Mail) {
		return []changes.Topic{changes.Everything, changes.Mail}
	}
	return []changes.Topic{changes.Everything}
}

// afterCommit runs do after this transaction has committed. It does not run after a rollback.
func (s *Store) afterCommit(do func()) { s.txState.after = append(s.txState.after, do) }

// one reads a single row into dest. It returns blog.ErrNotFound when there is no row. As in all and exec, a slice
// argument fills an IN (?).
func (s *Store) one(ctx context.Context, dest any, query string, args ...any) error {
	r, err := s.runner(ctx, query, args)
	if err != nil {
		return err
	}
	if r.stmt != nil {
		return s.translateError(ctx, r.stmt.GetContext(ctx, dest, r.args...))
	}
	return s.translateError(ctx, sqlx.GetContext(ctx, r.conn, dest, r.query, r.args...))
}

// all reads all rows into the slice at dest.
func (s *Store) all(ctx context.Context, dest any, query string, args ...any) error {
	r, err := s.runner(ctx, query, args)
	if err != nil {
		return err
	}
	if r.stmt != nil {
		return s.translateError(ctx, r.stmt.SelectContext(ctx, dest, r.args...))
	}
	return s.translateError(ctx, sqlx.SelectContext(ctx, r.conn, dest, r.query, r.args...))
}

// exec runs a statement and returns how many rows it changed.
func (s *Store) exec(ctx context.Context, query string, args ...any) (int64, error) {
	r, err := s.runner(ctx, query, args)
	if err != nil {
		return 0, err
	}
	run := func() (sql.Result, error) { return r.conn.ExecContext(ctx, r.query, r.args...) }
	if r.stmt != nil {
		run = func() (sql.Result, error) { return r.stmt.ExecContext(ctx, r.args...) }
	}
	result, err := run()
	if err != nil {
		return 0, s.translateError(ctx, err)
	}
	n, err := result.RowsAffected()
	return n, s.translateError(ctx, err)
}

// runner is a query in the driver's form, with the prepared statement or else the connection that runs it.
type runner struct {
	query string
	args  []any
	stmt  *sqlx.Stmt
	conn  sqlx.ExtContext
}

func (s *Store) runner(ctx context.Context, query string, args []any) (runner, error) {
	query, args, err := expandSlices(query, args)
	if err != nil {
		return runner{}, err
	}
	if err := s.presence.refuse(ctx); err != nil {
		return runner{}, err
	}
	r := runner{args: storable(args), conn: s.conn(ctx, query)}
	if r.stmt = s.prepared(ctx, query); r.stmt == nil {
		r.query = s.sql.bind(query)
	}
	return r, nil
}

// run is exec without the number of rows.
func (s *Store) run(ctx context.Context, query string, args ...any) error {
	_, err := s.exec(ctx, query, args...)
	return err
}

// execOne is exec for a statement that must change a row. It returns blog.ErrNotFound when it changed none.
func (s *Store) execOne(ctx context.Context, query string, args ...any) error {
	n, err := s.exec(ctx, query, args...)
	if err == nil && n == 0 {
		return blog.ErrNotFound
	}
	return err
}

// conn returns what runs a query: the transaction, the readers for a query that only reads, or the writer.
func (s *Store) conn(ctx context.Context, query string) sqlx.ExtContext {
	if s.tx != nil {
		return s.tx
	}
	return s.poolFor(ctx, query)
}

// poolFor returns the pool for a query outside a transaction.
func (s *Store) poolFor(ctx context.Context, query string) *sqlx.DB {
	if isRead(query) && s.read != s.write {
		return s.read
	}
	return s.writer(ctx)
}

// writer returns the pool for transactions.
func (s *Store) writer(ctx context.Context) *sqlx.DB {
	if s.prompt != nil && isPrompt(ctx) {
		return s.prompt
	}
	return s.write
}

// isRead reports whether a query only reads. INSERT … RETURNING returns rows too, but needs the writer.
func isRead(query string) bool { return strings.HasPrefix(strings.TrimSpace(query), "SELECT") }

// ErrUnavailable means that the database cannot answer now but may answer later: it is down, starting or stopping,
// has no free connection or no room, or another process holds the lock for too long. It wraps the cause.
var ErrUnavailable = errors.New("the database is not available")

// translateError maps the errors of both databases to blog.ErrNotFound, blog.ErrConflict and ErrUnavailable. Other
// errors stay.
func (s *Store) translateError(ctx context.Context, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return blog.ErrNotFound
	case s.sql.unique(err):
		// %v for the driver's error, so that no caller can depend on it.
		return fmt.Errorf("%w (%v)", blog.ErrConflict, err)
	case s.sql.unavailable(err):
		// PostgreSQL gives one code to a query that ran too long and to one that the caller cancelled. Only the first says
		// something about the database.
		if cause := ctx.Err(); cause != nil {
			return fmt.Errorf("%w: %w", cause, err)
		}
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	return err
}

// ignoreMissing turns blog.ErrNotFound into nil.
func ignoreMissing(err error) error {
	if errors.Is(err, blog.ErrNotFound) {
		return nil
	}
	return err
}

// storable returns the arguments as both databases take them: times in UTC and microseconds, and texts without NUL and
// invalid UTF-8, which PostgreSQL refuses. Such bytes come from addresses, and no text that is stored has them.
func storable(args []any) []any {
	for i, arg := range args {
		switch a := arg.(type) {
		case time.Time:
			args[i] = a.UTC().Truncate(time.Microsecond)
		case *time.Time:
			if a != nil {
				args[i] = a.UTC().Truncate(time.Microsecond)
			}
		case string:
			args[i] = storableText(a)
		case driver.Valuer:
		default:
			if v := reflect.ValueOf(arg); v.Kind() == reflect.String {
				args[i] = storableText(v.String())
			}
		}
	}
	return args
}

func storableText(text string) string {
	return strings.ReplaceAll(strings.ToValidUTF8(text, "\uFFFD"), "\x00", "\uFFFD")
}

// expandSlices replaces the ? of each slice argument by one ? for each member.
func expandSlices(query string, args []any) (string, []any, error) {
	lists := false
	for i, arg := range args {
		// Each length makes another query text. Padding to powers of two keeps the number of prepared statements small.
		switch list := arg.(type) {
		case []string:
			args[i], lists = padded(list), true
		case []blog.ID:
			args[i], lists = padded(list), true
		case []changes.Topic:
			args[i], lists = padded(list), true
		}
	}
	if !lists {
		return query, args, nil
	}
	return sqlx.In(query, args...)
}

// padded repeats the last member of a list until its length is a power of two. Inside IN (?) that changes nothing.
func padded[T any](list []T) []T {
	full := slices.Clone(list)
	// n&(n-1) is 0 for powers of two only.
	for n := len(list); n > 0 && n&(n-1) != 0; n++ {
		full = append(full, list[len(list)-1])
	}
	return full
}

// snake returns the column of a field: VoiceID is voice_id, HTML is html.
func snake(name string) string {
	var column strings.Builder
	for i, r := range name {
		upper := r >= 'A' && r <= 'Z'
		// Inside a run of capitals only the last one begins a word, and only when a small letter follows.
		if upper && i > 0 && (lower(name[i-1]) || i+1 < len(name) && lower(name[i+1])) {
			column.WriteByte('_')
		}
		column.WriteRune(r)
	}
	return strings.ToLower(column.String())
}

func lower(c byte) bool { return c >= 'a' && c <= 'z' }
