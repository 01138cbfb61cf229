package store_test

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"causerie/internal/store"
	"causerie/internal/store/storetest"
)

func TestNoPasswordIsEverPrinted(t *testing.T) {
	for _, address := range []string{"postgres://ilse:geheim@127.0.0.1:1/causerie",
		"postgres://ilse:gehe%im@127.0.0.1:1/causerie geheim",
		"postgres://127.0.0.1:1/causerie?user=ilse&password=geheim", "postgres://ilse:geheim#@127.0.0.1:1/causerie",
		"postgresql://ilse:geheim@[::1/causerie"} {
		if got := store.Redact(address); strings.Contains(got, "geheim") || strings.Contains(got, "gehe%im") ||
			!strings.HasPrefix(got, "postgres") {
			t.Errorf("%q becomes %q", address, got)
		}
		if _, err := store.Open(t.Context(), address+"&connect_timeout=1"); err == nil ||
			strings.Contains(err.Error(), "geheim") || strings.Contains(err.Error(), "gehe%im") {
			t.Errorf("opening %q: %v", address, err)
		}
	}
	if got := store.Redact("data/causerie.db"); got != "data/causerie.db" {
		t.Errorf("a path becomes %q", got)
	}
}

func TestOnlyTheOwnerCanReadADatabaseFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "causerie.db")
	s, err := store.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if err := s.Migrate(t.Context()); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(path + "*")
	if err != nil || len(files) < 2 {
		t.Fatalf("files = %v, %v", files, err)
	}
	for _, file := range files {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, %v", file, info.Mode(), err)
		}
	}
}

func TestATerminatedBackendIsAnUnavailableDatabase(t *testing.T) {
	url := storetest.Postgres(t)
	s := open(t, url)
	if _, err := s.CountAuthors(t.Context()); err != nil {
		t.Fatal(err)
	}
	err := s.InTx(t.Context(), func(s *store.Store) error {
		if _, err := s.CountAuthors(t.Context()); err != nil {
			return err
		}
		storetest.EndBackends(t, url)
		_, err := s.CountAuthors(t.Context())
		if !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a query after the end of its backend: %v", err)
		}
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the transaction: %v", err)
	}
	err = s.InTx(t.Context(), func(s *store.Store) error {
		_, err := s.CountAuthors(t.Context())
		storetest.EndBackends(t, url)
		return err
	})
	if !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("the commit: %v", err)
	}
	if _, err := s.CountAuthors(t.Context()); err != nil {
		t.Errorf("the next query has no connection of its own: %v", err)
	}
}

func TestAServerThatCannotBeReachedIsAnUnavailableDatabase(t *testing.T) {
	s, leave := storetest.PostgresAway(t)
	leave()
	if _, err := s.CountAuthors(t.Context()); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a query: %v", err)
	}
	if err := s.InTx(t.Context(), func(*store.Store) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a transaction: %v", err)
	}
	if _, err := s.Seen(t.Context(), "kade", "1", "Like", now); !errors.Is(err, store.ErrUnavailable) {
		t.Errorf("a statement: %v", err)
	}
}

// Somebody else's transaction holds the table, so the statement waits until PostgreSQL ends it.
func TestAStatementTimeoutIsAnUnavailableDatabase(t *testing.T) {
	url := storetest.Postgres(t)
	limited := url + "?statement_timeout=200"
	if strings.Contains(url, "?") {
		limited = url + "&statement_timeout=200"
	}
	quick, patient := open(t, limited), open(t, url)
	db, err := sql.Open("postgres", url)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	tx, err := db.BeginTx(t.Context(), nil)
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback()
	if _, err := tx.Exec(`LOCK TABLE authors`); err != nil {
		t.Fatal(err)
	}
	if _, err := quick.CountAuthors(t.Context()); !errors.Is(err, store.ErrUnavailable) ||
		!strings.Contains(err.Error(), "statement timeout") {
		t.Errorf("a query that runs too long: %v", err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 200*time.Millisecond)
	defer cancel()
	if _, err := patient.CountAuthors(ctx); errors.Is(err, store.ErrUnavailable) ||
		!errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("a query whose caller gave up: %v", err)
	}
	ctx, cancel = context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	if _, err := patient.CountAuthors(ctx); errors.Is(err, store.ErrUnavailable) || !errors.Is(err, context.Canceled) {
		t.Errorf("a query whose caller left: %v", err)
	}
}

// A lock that is held longer than the busy timeout, which is ten seconds.
func TestALockedFileIsAnUnavailableDatabase(t *testing.T) {
	path := storetest.SQLite(t)
	one, other := open(t, path), open(t, path)
	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if _, err := conn.ExecContext(t.Context(), `BEGIN IMMEDIATE`); err != nil {
		t.Fatal(err)
	}
	var waiting sync.WaitGroup
	waiting.Go(func() {
		if err := one.InTx(t.Context(), func(*store.Store) error { return nil }); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a transaction: %v", err)
		}
	})
	waiting.Go(func() {
		if _, err := other.Seen(t.Context(), "kade", "1", "Like", now); !errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a statement: %v", err)
		}
	})
	waiting.Wait()
	if _, err := conn.ExecContext(t.Context(), `ROLLBACK`); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Seen(t.Context(), "kade", "1", "Like", now); err != nil {
		t.Errorf("once the lock is gone: %v", err)
	}
}

// A caller that gives up says nothing about the database.
func TestACancelledQueryIsNoUnavailableDatabase(t *testing.T) {
	storetest.Each(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		_, err := s.CountAuthors(ctx)
		if !errors.Is(err, context.Canceled) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a cancelled query: %v", err)
		}
		late, cancel := context.WithTimeout(t.Context(), -time.Second)
		defer cancel()
		_, err = s.CountAuthors(late)
		if !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, store.ErrUnavailable) {
			t.Errorf("a query that is too late: %v", err)
		}
	})
}

func TestErrorsThatAnOperatorCanEndHaveARemedy(t *testing.T) {
	light, err := sql.Open("sqlite", filepath.Join(t.TempDir(), "small.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer light.Close()
	light.SetMaxOpenConns(1)
	notAFolder := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(notAFolder, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	elsewhere, err := sql.Open("sqlite", filepath.Join(notAFolder, "causerie.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer elsewhere.Close()
	post, err := sql.Open("postgres", storetest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	defer post.Close()
	for _, c := range []struct {
		what  string
		in    *sql.DB
		query string
		want  string
	}{
		{"a full disk", light, `CREATE TABLE a (b); PRAGMA max_page_count = 3;
			INSERT INTO a VALUES (zeroblob(1000000))`, "free some space"},
		{"a file that can only be read", light, `PRAGMA query_only = 1; CREATE TABLE c (d)`, "the right to write"},
		{"a file that cannot be opened", elsewhere, `CREATE TABLE a (b)`, "the right to write"},
		{"a full disk of PostgreSQL", post, `DO $$ BEGIN RAISE 'no space left' USING ERRCODE = '53100'; END $$`,
			"free some space"},
		{"a user without rights", post, `CREATE ROLE weak; SET ROLE weak; SELECT count(*) FROM articles`, "GRANT"},
		{"a standby", post, `BEGIN READ ONLY; CREATE TABLE a (b int)`, "the primary"},
	} {
		_, err := c.in.ExecContext(t.Context(), c.query)
		if got := store.Remedy(fmt.Errorf("commit: %w", err)); err == nil || !strings.Contains(got, c.want) {
			t.Errorf("%s: %v has the remedy %q, want %q in it", c.what, err, got, c.want)
		}
	}
	if got := store.Remedy(fmt.Errorf("write: %w", syscall.ENOSPC)); !strings.Contains(got, "free some space") {
		t.Errorf("a file on a full disk has the remedy %q", got)
	}
	if got := store.Remedy(errors.New("the boat has a hole")); got != "" {
		t.Errorf("an unknown error has the remedy %q", got)
	}
}

func TestAMigrationMayTakeItsTime(t *testing.T) {
	s := open(t, storetest.Postgres(t))
	limit, err := s.MigrationTimeout(t.Context())
	if err != nil || limit != "0" {
		t.Errorf("a statement of a migration ends after %q, %v", limit, err)
	}
}
