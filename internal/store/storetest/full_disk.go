package storetest

import (
	"context"
	"database/sql/driver"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"

	"causerie/internal/store"
)

// Disk is a disk that can be full.
type Disk struct{ full atomic.Bool }

// Fill lets a SQLite file on this disk grow no more: SQLite itself refuses with SQLITE_FULL.
func (d *Disk) Fill() { d.full.Store(true) }

// Free gives the disk its room back.
func (d *Disk) Free() { d.full.Store(false) }

// OnDisk opens a fresh migrated SQLite store, and the disk that it is on.
func OnDisk(t testing.TB) (*store.Store, *Disk) {
	t.Helper()
	disk := &Disk{}
	wrap := func(inner driver.Connector) driver.Connector { return diskConnector{inner, disk} }
	s, err := store.Open(t.Context(), SQLite(t), wrap)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { s.Close() })
	return s, disk
}

type diskConnector struct {
	driver.Connector
	disk *Disk
}

func (c diskConnector) Connect(ctx context.Context) (driver.Conn, error) {
	conn, err := c.Connector.Connect(ctx)
	if err != nil {
		return nil, err
	}
	return &diskConn{failingConn: failingConn{conn.(fullConn), &Faults{}}, disk: c.disk}, nil
}

// diskConn has the limit of its disk before each transaction and each statement outside of one.
type diskConn struct {
	failingConn
	disk *Disk

	mu   sync.Mutex
	full bool
}

func (c *diskConn) BeginTx(ctx context.Context, options driver.TxOptions) (driver.Tx, error) {
	if err := c.limit(ctx); err != nil {
		return nil, err
	}
	return c.failingConn.BeginTx(ctx, options)
}

// limit sets max_page_count, which SQLite never sets below the number of pages that the file has.
func (c *diskConn) limit(ctx context.Context) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	full := c.disk.full.Load()
	if full == c.full {
		return nil
	}
	pages := 1 << 30
	if full {
		pages = 1
	}
	_, err := c.failingConn.ExecContext(ctx, fmt.Sprintf("PRAGMA max_page_count = %d", pages), nil)
	if err == nil {
		c.full = full
	}
	return err
}
