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

// ErrInjected is the error with which the driver refuses a query that a test lets fail.
var ErrInjected = errors.New("disk I/O error (injected by a test)")

// Faults makes single queries of a store fail in its database driver, and counts them all. Everything else reaches the
// real database.
type Faults struct {
	mu     sync.Mutex
	asked  int
	text   string
	skip   int // matching queries that still succeed
	armed  bool
	failed []string
}

// Fail lets the n-th query from now on whose text contains text fail once with ErrInjected; n counts from 1. Only one
// fault is armed at a time. Arguments are written $1, $2 in PostgreSQL and ? in SQLite, so text is best a part without
// them.
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

// Disarm takes back a fault that was not met, and reports whether there was one.
func (f *Faults) Disarm() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	armed := f.armed
	f.armed = false
	return armed
}

// Asked returns how many queries were asked since the last call.
func (f *Faults) Asked() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := f.asked
	f.asked = 0
	return n
}

// Armed reports whether a fault waits to be met.
func (f *Faults) Armed() bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.armed
}

func (f *Faults) check(query string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	if !f.armed || !strings.Contains(query, f.text) {
		return nil
	}
	if f.skip > 0 {
		f.skip--
		return nil
	}
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

// OpenFailing opens a migrated database at an address. A second store at the same address is not disturbed by the
// faults.
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
	return failingConn{conn.(fullConn), c.faults}, nil
}

// fullConn is what the connections of both drivers can do.
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

// failingConn asks the faults before each query.
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
	return failingStmt{stmt.(fullStmt), query, c.faults}, nil
}

// CheckNamedValue lets the driver convert arguments itself, where it wants to.
func (c failingConn) CheckNamedValue(value *driver.NamedValue) error {
	if checker, ok := c.fullConn.(driver.NamedValueChecker); ok {
		return checker.CheckNamedValue(value)
	}
	return driver.ErrSkip
}

// fullStmt is what the prepared statements of both drivers can do.
type fullStmt interface {
	driver.Stmt
	driver.StmtExecContext
	driver.StmtQueryContext
}

// failingStmt asks the faults each time it runs.
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
