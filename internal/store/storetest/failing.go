package storetest

import (
	"context"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"causerie/internal/store"
)

// ErrInjected is the error of a query that a test lets fail.
var ErrInjected = errors.New("disk I/O error (injected by a test)")

// Faults makes single queries of a store fail in its database driver, and counts all queries. Every other query
// reaches the real database.
type Faults struct {
	mu     sync.Mutex
	asked  int
	text   string
	skip   int // matching queries that must still succeed
	armed  bool
	failed []string
}

// Fail lets the n-th query from now on whose text contains text fail once with ErrInjected. n counts from 1. Only one
// fault is armed at a time. Arguments are $1, $2 in PostgreSQL and ? in SQLite, so choose a text without them.
func (f *Faults) Fail(text string, n int) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.text, f.skip, f.armed = text, n-1, true
}

// Failed returns the queries that failed since the last call.
func (f *Faults) Failed() []string {
	f.mu.Lock()
	defer f.mu.Unlock()
	failed := f.failed
	f.failed = nil
	return failed
}

// Disarm removes a fault that did not occur yet, and reports whether there was one.
func (f *Faults) Disarm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	armed := f.armed
	f.armed = false
	return armed
}

// Asked returns the number of queries since the last call.
func (f *Faults) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

// Armed reports whether a fault is still to occur.
func (f *Faults) Armed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.armed
}

// check counts a query, and returns an error if it is the one that must fail.
func (f *Faults) check(query string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	// A hint to other processes follows a commit in the background and belongs to no call. When it fails, the next look
	// finds the same, so there is nothing to log.
	if f.text == "" && strings.Contains(query, "pg_notify") {
		return nil
	}
	f.asked++
	if !f.armed || !strings.Contains(query, f.text) {
		return nil
	}
	if f.skip > 0 {
		f.skip--
		return nil
	}
	// A fault occurs once: a retry by the store then succeeds.
	f.armed = false
	f.failed = append(f.failed, query)
	return fmt.Errorf("%w: %s", ErrInjected, f.text)
}

// Failing opens a fresh migrated SQLite store and the faults of its driver.
func Failing(t testing.TB) (*store.Store, *Faults) {
	t.Helper()
	return OpenFailing(t, SQLite(t))
}

// EachFailing is Each with the faults of the store's driver.
func EachFailing(t *testing.T, test func(t *testing.T, s *store.Store, faults *Faults)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) {
		s, faults := OpenFailing(t, url)
		test(t, s, faults)
	})
}

// OpenFailing opens a migrated database at an address. A second store at the same address has no faults.
func OpenFailing(t testing.TB, url string) (*store.Store, *Faults) {
	t.Helper()
	faults := &Faults{}
	wrap := func(inner driver.Connector) driver.Connector { return failingConnector{inner, faults} }
	s, err := store.Open(t.Context(), url, wrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, faults
}

type failingConnector struct {
	driver.Connector
	faults *Faults
}

func (c failingConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	// Without the optional interfaces, database/sql would take slower paths than the program does. A driver that lacks
	// one fails the test here.
	return failingConn{conn.(fullConn), c.faults}, nil
}

// fullConn has the optional interfaces that the connections of both drivers implement.
type fullConn interface {
	driver.Conn
	driver.ConnBeginTx
	driver.ConnPrepareContext
	driver.ExecerContext
	driver.QueryerContext
	driver.Pinger
	driver.SessionResetter
	driver.Validator
}

// failingConn checks each query against the faults.
type failingConn struct {
	fullConn
	faults *Faults
}

func (c failingConn) ExecContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Result, error) {
	if err := c.faults.check(query); err != nil {
		return nil, err
	}
	return c.fullConn.ExecContext(ctx, query, args)
}

func (c failingConn) QueryContext(ctx context.Context, query string, args []driver.NamedValue) (driver.Rows, error) {
	if err := c.faults.check(query); err != nil {
		return nil, err
	}
	return c.fullConn.QueryContext(ctx, query, args)
}

func (c failingConn) PrepareContext(ctx context.Context, query string) (driver.Stmt, error) {
	stmt, err := c.fullConn.PrepareContext(ctx, query)
	if err != nil {
		return nil, err
	}
	// The query may fail each time the statement runs, not when it is prepared: that happens once, in the background.
	return failingStmt{stmt.(fullStmt), query, c.faults}, nil
}

// CheckNamedValue lets the driver convert arguments, if it does so itself.
func (c failingConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	// This selects the conversion that database/sql uses for a driver without one.
	return driver.ErrSkip
}

// fullStmt has the interfaces that the prepared statements of both drivers implement.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// failingStmt checks its query against the faults each time it runs.
type failingStmt struct {
	fullStmt
	query  string
	faults *Faults
}

func (s failingStmt) ExecContext(ctx context.Context, args []driver.NamedValue) (driver.Result, error) {
	if err := s.faults.check(s.query); err != nil {
		return nil, err
	}
	return s.fullStmt.ExecContext(ctx, args)
}

func (s failingStmt) QueryContext(ctx context.Context, args []driver.NamedValue) (driver.Rows, error) {
	if err := s.faults.check(s.query); err != nil {
		return nil, err
	}
	return s.fullStmt.QueryContext(ctx, args)
}
