package store

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/jmoiron/sqlx"
	"github.com/lib/pq"
	"github.com/pressly/goose/v3"
	"github.com/pressly/goose/v3/lock"
	"golang.org/x/text/unicode/norm"
	"modernc.org/sqlite"
	"modernc.org/sqlite/lib"
)

// dialect is all that differs between the two databases.
type dialect struct {
	postgres bool
	bound    *sync.Map // query with ? -> query as the driver wants it
}

// The connectors are opened under the name "sqlite", which sqlx does not know.
func init() { sqlx.BindDriver("sqlite", sqlx.QUESTION) }

// PostgreSQL has this function: a migration needs it.
func init() {
	sqlite.MustRegisterDeterministicScalarFunction("normalize", 1,
		func(_ *sqlite.FunctionContext, args []driver.Value) (driver.Value, error) {
			if text, ok := args[0].(string); ok {
				return norm.NFC.String(text), nil
			}
			return args[0], nil
		})
}

func dialectOf(address string) (dialect, error) {
	d := dialect{postgres: strings.HasPrefix(address, "postgres://") ||
		strings.HasPrefix(address, "postgresql://"), bound: &sync.Map{}}
	if scheme, _, found := strings.Cut(address, "://"); found && !d.postgres {
		return d, fmt.Errorf("database: %q is not known; give a path for SQLite, or postgres://…", scheme+"://")
	}
	return d, nil
}

// open opens the pools. presence closes the connections of the prompt one.
func (d dialect) open(address string, wraps []Wrap, presence *presence) (databases, error) {
	if d.postgres {
		return openPostgres(address, wraps, presence)
	}
	write, read, err := openSQLite(address, wraps)
	return databases{write: write, read: read}, err
}

// Wrap returns a connector that uses another one. With it, a test can make single queries fail.
type Wrap func(driver.Connector) driver.Connector

// openDB opens a pool whose connections are made by the connector, through the wraps.
func openDB(name string, connector driver.Connector, wraps []Wrap) *sqlx.DB {
	for _, wrap := range wraps {
		connector = wrap(connector)
	}
	return sqlx.NewDb(sql.OpenDB(connector), name)
}

// sqliteConnector opens SQLite connections with one DSN.
type sqliteConnector struct {
	driver driver.Driver
	dsn    string
}

func (c sqliteConnector) Connect(context.Context) (driver.Conn, error) { return c.driver.Open(c.dsn) }

func (c sqliteConnector) Driver() driver.Driver { return c.driver }

// busyWait is how long a connection to SQLite waits for the lock of another process.
const busyWait = 10 * time.Second

// openSQLite opens one connection that writes and a pool of connections that only read. The file holds private keys,
// so it is created with permissions for its owner alone.
func openSQLite(path string, wraps []Wrap) (write, read *sqlx.DB, err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, nil, err
	}
	// A file that exists must not be opened: closing it again would drop SQLite's own locks on it (fcntl).
	if file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL, 0o600); err == nil {
		file.Close()
	}
	// FULL makes a commit survive a power cut. In WAL mode readers do not wait for the writer.
	dsn := "file:" + (&url.URL{Path: path}).EscapedPath() + "?_time_format=sqlite&_timezone=UTC" +
		"&_pragma=busy_timeout(" + strconv.FormatInt(busyWait.Milliseconds(), 10) + ")&_pragma=journal_mode(WAL)" +
		"&_pragma=foreign_keys(1)&_pragma=synchronous(FULL)&_pragma=journal_size_limit(" + strconv.Itoa(maxWAL) + ")"
	light, err := sqliteDriver()
	if err != nil {
		return nil, nil, err
	}
	// A transaction that begins as a reader and then writes may fail at once with SQLITE_BUSY, without the busy timeout.
	// So each takes the lock at its beginning (immediate). What undoes a statement stays in memory: one reply has more of
	// it than the 64 KiB that SQLite keeps there, and writing the rest to a file was a fifth of the statement's time.
	write = openDB("sqlite", sqliteConnector{light, dsn + "&_txlock=immediate&_pragma=analysis_limit(1000)" +
		"&_pragma=temp_store(MEMORY)"}, wraps)
	// SQLite has one writer; a second connection would only wait in its busy handler.
	write.SetMaxOpenConns(1)
	read = openDB("sqlite", sqliteConnector{light, dsn + "&_pragma=query_only(1)"}, wraps)
	read.SetMaxOpenConns(2 * runtime.NumCPU())
	read.SetMaxIdleConns(2 * runtime.NumCPU())
	read.SetConnMaxIdleTime(time.Minute) // each has a cache of its own, up to two megabytes
	// A connection reads the statistics of the tables only once.
	read.SetConnMaxLifetime(time.Hour)
	return write, read, nil
}

// sqliteDriver returns the driver that its package registered.
func sqliteDriver() (driver.Driver, error) {
	// This does not connect.
	db, err := sql.Open("sqlite", "")
	if err != nil {
		return nil, err
	}
	defer db.Close()
	return db.Driver(), nil
}

// postgresSettings returns an address with our settings. Settings of the address win over those set here.
func postgresSettings(address string) (string, error) {
	u, err := url.Parse(address)
	// The error of url.Parse would print the address, with its password.
	if err != nil {
		return "", errors.New("the address cannot be read; write it as postgres://user:password@host:5432/name")
	}
	// With binary_parameters a query and its arguments need one round trip.
	settings := u.Query()
	for name, value := range map[string]string{"binary_parameters": "yes", "timezone": "UTC", "connect_timeout": "5",
		"application_name": "causerie", "statement_timeout": "20000", "sslmode": "prefer",
		// Compiling a plan to machine code takes longer than any statement here.
		"jit": "off"} {
		if !settings.Has(name) {
			settings.Set(name, value)
		}
	}
	u.RawQuery = settings.Encode()
	return u.String(), nil
}

const (
	// patience is how long background work waits for a paused server, which would otherwise hold a query long past its
	// context. It leaves the server time to end a slow query itself (statement_timeout).
	patience = 25 * time.Second
	// watchPatience is how long Watch waits for its small query before it says that the database does not answer.
	watchPatience = 3 * time.Second
)

// openPostgres opens the pools for PostgreSQL.
func openPostgres(address string, wraps []Wrap, presence *presence) (databases, error) {
	settings, err := postgresSettings(address)
	if err != nil {
		return databases{}, err
	}
	connect := func(most int, dialer deadlineDialer) *sqlx.DB {
		connector, failed := pq.NewConnector(settings)
		if failed != nil {
			err = failed
			return nil
		}
		connector.Dialer(dialer)
		db := openDB("postgres", connector, wraps)
		db.SetMaxOpenConns(most)
		// A new connection costs as much as many queries, so all of them are kept for a while.
		db.SetMaxIdleConns(most)
		db.SetConnMaxIdleTime(5 * time.Minute)
		return db
	}
	write := connect(4+4*runtime.NumCPU(), deadlineDialer{limit: patience})
	return databases{write: write, read: write,
		prompt: connect(4+2*runtime.NumCPU(), deadlineDialer{limit: patience, presence: presence}),
		watch:  connect(1, deadlineDialer{limit: watchPatience})}, err
}

// openMigrating opens a pool for migrations; nil where the ordinary one will do. A migration may read whole tables, so
// its statements have no time limit.
func (d dialect) openMigrating(address string) (*sql.DB, error) {
	if !d.postgres {
		return nil, nil
	}
	settings, err := postgresSettings(address)
	if err != nil {
		return nil, err
	}
	u, err := url.Parse(settings)
	if err != nil {
		return nil, err
	}
	query := u.Query()
	query.Set("statement_timeout", "0")
	u.RawQuery = query.Encode()
	connector, err := pq.NewConnector(u.String())
	if err != nil {
		return nil, err
	}
	return sql.OpenDB(connector), nil
}

// deadlineDialer dials connections whose every read ends within the limit.
type deadlineDialer struct {
	limit    time.Duration
	presence *presence // closes the connections when the database does not answer; nil for those that wait
}

func (p deadlineDialer) Dial(network, address string) (net.Conn, error) {
	return p.DialTimeout(network, address, 5*time.Second)
}

func (p deadlineDialer) DialTimeout(network, address string, timeout time.Duration) (net.Conn, error) {
	ctx, cancel := context.WithTimeout(context.Background(), timeout)
	defer cancel()
	return p.DialContext(ctx, network, address)
}

func (p deadlineDialer) DialContext(ctx context.Context, network, address string) (net.Conn, error) {
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(ctx, network, address)
	if err != nil {
		return nil, err
	}
	if p.presence != nil {
		if err := p.presence.add(conn); err != nil {
			return nil, err
		}
	}
	return &deadlineConn{Conn: conn, deadlineDialer: p}, nil
}

type deadlineConn struct {
	net.Conn
	deadlineDialer
}

func (c *deadlineConn) Close() error {
	if c.presence != nil {
		c.presence.remove(c.Conn)
	}
	return c.Conn.Close()
}

func (c *deadlineConn) Read(p []byte) (int, error) {
	if err := c.Conn.SetReadDeadline(time.Now().Add(c.limit)); err != nil {
		return 0, err
	}
	return c.Conn.Read(p)
}

// bind rewrites the ? of a query as the driver wants them, once per query.
func (d dialect) bind(query string) string {
	if !d.postgres {
		return query
	}
	if bound, ok := d.bound.Load(query); ok {
		return bound.(string)
	}
	bound := sqlx.Rebind(sqlx.DOLLAR, query)
	d.bound.Store(query, bound)
	return bound
}

// unique reports whether an error is a violation of a unique index.
func (d dialect) unique(err error) bool {
	var light *sqlite.Error
	if errors.As(err, &light) {
		return light.Code() == sqlite3.SQLITE_CONSTRAINT_UNIQUE || light.Code() == sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY
	}
	var post *pq.Error
	return errors.As(err, &post) && post.Code == "23505"
}

// deadlocked reports whether the database ended a transaction because it and another one waited for each other, or
// could not be put in an order.
func (d dialect) deadlocked(err error) bool {
	var post *pq.Error
	return errors.As(err, &post) && (post.Code == "40P01" || post.Code == "40001")
}

// unavailable reports whether an error says that the database cannot answer now: a connection that cannot be made or
// breaks, a lock that others hold, a query that ran too long, or a server that starts, stops or has no room.
func (d dialect) unavailable(err error) bool {
	// The caller's own deadline says nothing about the database, although context.DeadlineExceeded is a net.Error.
	if errors.Is(err, context.DeadlineExceeded) || errors.Is(err, context.Canceled) {
		return false
	}
	var light *sqlite.Error
	if errors.As(err, &light) {
		switch light.Code() & 0xff { // the higher bits of an extended code say more about it
		case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_FULL:
			return true
		}
		return false
	}
	var post *pq.Error
	if errors.As(err, &post) {
		switch post.Code.Class() {
		case "08", "53": // connection exception, insufficient resources
			return true
		}
		switch post.Code {
		case "57P01", "57P02", "57P03": // the server is shut down, crashed, or does not take connections yet
			return true
		case "57014": // the statement timeout; the caller of unavailable rules out a cancelled query
			return true
		}
		return false
	}
	var network net.Error
	return errors.Is(err, driver.ErrBadConn) || errors.Is(err, sql.ErrConnDone) || errors.As(err, &network)
}

// What an operator can do about errors of the database, by their codes.
const (
	freeSpace = "free some space on the disk that has the database; what was saved before is safe"
	giveRight = "give the user who runs Causerie the right to write to the database file and to its folder"
)

var sqliteRemedies = map[int]string{
	sqlite3.SQLITE_FULL:     freeSpace,
	sqlite3.SQLITE_READONLY: giveRight,
	sqlite3.SQLITE_PERM:     giveRight,
	sqlite3.SQLITE_CANTOPEN: giveRight,
	sqlite3.SQLITE_IOERR:    "check the disk that has the database, and the log of the system",
	sqlite3.SQLITE_BUSY:     "try again in a moment: another program keeps the database busy",
	sqlite3.SQLITE_CORRUPT:  "the file is damaged: stop the server and go back to a backup",
}

var postgresRemedies = map[string]string{
	"53100": freeSpace,
	"53200": "give the database server more memory",
	"53300": "raise max_connections of the database server, or let fewer programs use it",
	"42501": "let the owner of the database GRANT its user the right to read and write all tables",
	"25006": "use the address of the primary: this database server only reads",
}

// Remedy returns what an operator can do about an error that a store returned, as a sentence without a capital and a
// full stop; "" when there is no advice.
func Remedy(err error) string {
	var light *sqlite.Error
	if errors.As(err, &light) {
		return sqliteRemedies[light.Code()&0xff]
	}
	var post *pq.Error
	if errors.As(err, &post) {
		return postgresRemedies[string(post.Code)]
	}
	switch {
	case errors.Is(err, syscall.ENOSPC):
		return freeSpace
	case errors.Is(err, syscall.EROFS), errors.Is(err, fs.ErrPermission):
		return giveRight
	}
	return ""
}

// lanes is how many groups may be committed at once.
func (d dialect) lanes() int {
	// A connection answers one query after another, and most of that time is the way there and back.
	if d.postgres {
		return 4
	}
	return 1
}

// gathers reports whether the database itself flushes commits of the same moment to disk together.
func (d dialect) gathers() bool { return d.postgres }

// lockRow is appended to a SELECT whose rows are about to be changed.
func (d dialect) lockRow() string {
	// NO KEY lets others still write rows that refer to these.
	if d.postgres {
		return " FOR NO KEY UPDATE"
	}
	// SQLite has one writer.
	return ""
}

// shareRow is appended to a SELECT whose rows of one table, by its name in there, must stay as they are until the
// transaction ends.
func (d dialect) shareRow(of string) string {
	if d.postgres {
		return " FOR SHARE OF " + of
	}
	return ""
}

// lockTables returns the statement that keeps others from writing to tables; "" where there is one writer.
func (d dialect) lockTables(tables []string) string {
	if d.postgres {
		return "LOCK TABLE " + strings.Join(tables, ", ") + " IN SHARE ROW EXCLUSIVE MODE"
	}
	return ""
}

// skipLocked lets several workers claim different rows at once.
func (d dialect) skipLocked(table string) string {
	if d.postgres {
		return " FOR UPDATE OF " + table + " SKIP LOCKED"
	}
	return ""
}

// integrity returns queries that list what is broken in the database, a line each. PostgreSQL checks its own files.
func (d dialect) integrity() []string {
	if d.postgres {
		return nil
	}
	return []string{
		`SELECT quick_check AS trouble FROM pragma_quick_check WHERE quick_check <> 'ok' LIMIT 5`,
		`SELECT 'a row of ' || "table" || ' points to nothing in ' || parent AS trouble FROM pragma_foreign_key_check
			LIMIT 5`,
	}
}

// statistics returns the statement that renews the statistics of the query planner; "" where the database does this
// itself.
func (d dialect) statistics() string {
	if d.postgres {
		return ""
	}
	// 0x02 runs ANALYZE where it is useful. 0x10000 covers all tables, also those that this connection has not queried.
	return `PRAGMA optimize = 0x10002`
}

// bytewise is appended to a text that is compared byte by byte, whatever the language of the database.
func (d dialect) bytewise() string {
	if d.postgres {
		return ` COLLATE "C"`
	}
	// SQLite compares no other way.
	return ""
}

// unindexed is a text column that SQLite compares without an index. It would choose an index of the states, although
// nearly all rows have the same one. PostgreSQL knows how many have it, and knows nothing about an expression.
func (d dialect) unindexed(column string) string {
	if d.postgres {
		return column
	}
	return column + ` || ''`
}

// indexedBy makes SQLite use an index. It knows nothing about an index without rows, and would then rather read
// thousands of rows by another one.
func (d dialect) indexedBy(index string) string {
	if d.postgres {
		return ""
	}
	return ` INDEXED BY ` + index
}

// size returns the query for the bytes of the whole database.
func (d dialect) size() string {
	if d.postgres {
		return `SELECT pg_database_size(current_database())`
	}
	return `SELECT c.page_count * s.page_size FROM pragma_page_count c, pragma_page_size s`
}

// migrator returns goose's options for this database. It leaves out the files that are for the other database.
func (d dialect) migrator(files fs.FS) (goose.Dialect, []goose.ProviderOption, error) {
	other := "*.postgres.sql"
	if d.postgres {
		other = "*.sqlite.sql"
	}
	names, err := fs.Glob(files, other)
	if err != nil {
		return "", nil, err
	}
	options := []goose.ProviderOption{goose.WithExcludeNames(names)}
	if !d.postgres {
		return goose.DialectSQLite3, options, nil
	}
	// Processes that start together wait for the one that migrates.
	locker, err := lock.NewPostgresSessionLocker()
	return goose.DialectPostgres, append(options, goose.WithSessionLocker(locker)), err
}

// Redact returns a database address without its password and settings, for errors and logs.
func Redact(address string) string {
	scheme, _, found := strings.Cut(address, "://")
	if !found {
		return address
	}
	u, err := url.Parse(address)
	// In an address that cannot be parsed, or with a # in the password, anything may be part of the password.
	if err != nil || u.Fragment != "" {
		return scheme + "://…"
	}
	u.RawQuery = ""
	return u.Redacted()
}
