package store

import (
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"time"
)

const (
	// maxWAL is how large SQLite's write-ahead log stays, in bytes. A burst of writes, or a long reader, lets it grow.
	maxWAL = 16 << 20
	// checkpointWait is how long a checkpoint waits for readers that began before it. Writers wait as long.
	checkpointWait = 500 * time.Millisecond
)

// ShrinkWAL writes SQLite's write-ahead log into the database and empties it, if it is longer than it should stay.
// Under constant load the usual checkpoint never finds a moment without readers, and the log would grow for ever. A
// reader of more than half a second makes it give up until the next call.
func (s *Store) ShrinkWAL(ctx context.Context) error {
	if s.sql.postgres {
		return nil
	}
	info, err := os.Stat(s.url + "-wal")
	if errors.Is(err, fs.ErrNotExist) || err == nil && info.Size() <= maxWAL {
		return nil
	}
	if err != nil {
		return err
	}
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return s.translateError(ctx, err)
	}
	defer conn.Close()
	pragma := func(text string) error {
		_, err := conn.ExecContext(ctx, `PRAGMA `+text)
		return s.translateError(ctx, err)
	}
	wait := func(d time.Duration) error {
		return pragma(`busy_timeout = ` + strconv.FormatInt(d.Milliseconds(), 10))
	}
	if err := wait(checkpointWait); err != nil {
		return err
	}
	// The connection goes back to the pool, so its usual patience must come back in any case.
	defer wait(busyWait)
	// A checkpoint that gives up says so in its row, and is no error. TRUNCATE lets new readers begin while it waits for
	// the old ones: they read the database alone, and need the log no more.
	return pragma(`wal_checkpoint(TRUNCATE)`)
}
