package storetest

import (
	"context"
	"database/sql/driver"
	"net"
	"sync/atomic"
	"testing"

	"causerie/internal/store"
)

// EndBackends makes PostgreSQL end the connections of all stores of a database.
func EndBackends(t testing.TB, url string) {
	t.Helper()
	Change(t, url, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
		WHERE datname = current_database() AND application_name = 'causerie'`)
}

// PostgresAway opens a fresh migrated PostgreSQL database. leave ends its connections, and no new one can be made.
func PostgresAway(t testing.TB) (s *store.Store, leave func()) {
	t.Helper()
	url, away := Postgres(t), &atomic.Bool{}
	s, err := store.Open(t.Context(), url, func(inner driver.Connector) driver.Connector { return leaving{inner, away} })
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, func() {
		away.Store(true)
		EndBackends(t, url)
	}
}

// leaving makes connections until the server is away.
type leaving struct {
	driver.Connector
	away *atomic.Bool
}

func (l leaving) Connect(ctx context.Context) (driver.Conn, error) {
	if l.away.Load() {
		_, err := net.Dial("tcp", "127.0.0.1:1") // nobody listens there
		return nil, err
	}
	return l.Connector.Connect(ctx)
}
