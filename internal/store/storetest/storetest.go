// Package storetest runs one test on both databases: a fresh SQLite file, and a database in a temporary PostgreSQL
// server. At the end of a test, each kept count is compared with the rows. The PostgreSQL database is a copy of a
// migrated template. The server starts once per test binary, from binaries in
// PATH or in Debian's folders. It runs as an unprivileged user when the tests run as root, and ends with the test
// binary.
//
// Without these binaries the PostgreSQL half of each test is skipped, or fails where it is required (see [Required]).
package storetest

import (
	"context"
	"database/sql"
	"fmt"
	"io"
	"net/url"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/lib/pq"

	"causerie/internal/store"
)

// Each runs the test on each database with an empty migrated store.
func Each(t *testing.T, test func(t *testing.T, store *store.Store)) {
	t.Helper()
	EachURL(t, func(t *testing.T, url string) { test(t, open(t, url)) })
}

// EachURL is Each for tests that open the database themselves, such as those that start the whole program.
func EachURL(t *testing.T, test func(t *testing.T, url string)) {
	t.Helper()
	t.Run("sqlite", func(t *testing.T) { test(t, SQLite(t)) })
	t.Run("postgres", func(t *testing.T) { test(t, Postgres(t)) })
}

// Backup copies a database that is in use into a new file, with the tool of the database itself: VACUUM INTO, or
// pg_dump.
func Backup(ctx context.Context, url, file string) error {
	if strings.HasPrefix(url, "postgres") {
		dump, err := binary("pg_dump")
		if err != nil {
			return err
		}
		// As an operator would on a server that is in use.
		cmd := exec.CommandContext(ctx, "nice", "-n", "19", dump, "--format=custom", "--compress=1", "--file", file, url)
		if out, err := cmd.CombinedOutput(); err != nil {
			return fmt.Errorf("pg_dump: %w: %s", err, out)
		}
		return nil
	}
	db, err := sql.Open("sqlite", "file:"+url+"?_pragma=busy_timeout(10000)")
	if err != nil {
		return err
	}
	defer db.Close()
	_, err = db.ExecContext(ctx, `VACUUM INTO ?`, file)
	return err
}

// SQLite returns the path of a fresh migrated database.
func SQLite(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "causerie.db")
	migrate(t, path)
	t.Cleanup(func() { checkStore(t, path) })
	return path
}

// Postgres returns the address of a fresh migrated database. It skips the test where there is no PostgreSQL.
func Postgres(t testing.TB) string {
	t.Helper()
	startOnce.Do(func() { shared, startErr = start() })
	if startErr != nil {
		missing(t, startErr)
	}
	// Tests of one binary share the server, so each has a database of its own.
	name := fmt.Sprintf("t%d", clones.Add(1))
	if err := shared.clone(name); err != nil {
		t.Fatalf("clone the PostgreSQL template: %v", err)
	}
	t.Cleanup(func() { shared.drop(name) })
	t.Cleanup(func() { checkStore(t, shared.url(name)) })
	return shared.url(name)
}

func open(t testing.TB, url string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s
}

// Open returns a fresh migrated store on SQLite, for tests and benchmarks that need one database only.
func Open(t testing.TB) *store.Store {
	t.Helper()
	return open(t, SQLite(t))
}

func migrate(t testing.TB, url string) {
	t.Helper()
	if err := migrateURL(url); err != nil {
		t.Fatal(err)
	}
}

func migrateURL(url string) error {
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
	defer cancel()
	s, err := store.Open(ctx, url)
	if err != nil {
		return err
	}
	defer s.Close()
	return s.Migrate(ctx)
}

var (
	startOnce sync.Once
	shared    *server
	startErr  error
	clones    atomic.Int64
)

// server is one temporary PostgreSQL server. A socket in its folder leads to it.
type server struct {
	dir   string
	alive io.Closer // our end of the pipe; the field keeps it from being collected and closed
	admin *sql.DB
	mu    sync.Mutex // CREATE DATABASE fails while another one uses the template
}

func (s *server) url(database string) string {
	return "postgres://postgres@/" + database + "?sslmode=disable&host=" + url.QueryEscape(s.dir)
}

func (s *server) clone(name string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	_, err := s.admin.Exec(`CREATE DATABASE ` + pq.QuoteIdentifier(name) + ` TEMPLATE template_causerie`)
	return err
}

func (s *server) drop(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	// The server is deleted soon, so an error does no harm. FORCE ends connections that a failed test left open.
	s.admin.Exec(`DROP DATABASE IF EXISTS ` + pq.QuoteIdentifier(name) + ` WITH (FORCE)`)
}

// prepare waits for the server and makes the template.
func (s *server) prepare() error {
	db, err := sql.Open("postgres", s.url("postgres"))
	if err != nil {
		return err
	}
	s.admin = db
	deadline := time.Now().Add(20 * time.Second)
	// The server accepts connections some hundred milliseconds after it was started.
	for err = db.Ping(); err != nil; err = db.Ping() {
		if time.Now().After(deadline) {
			return fmt.Errorf("PostgreSQL does not answer: %w", err)
		}
		time.Sleep(30 * time.Millisecond)
	}
	if _, err := db.Exec(`CREATE DATABASE template_causerie`); err != nil {
		return err
	}
	return migrateURL(s.url("template_causerie"))
}
