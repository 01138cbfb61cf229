package store

import (
	"context"
	"errors"
	"net"
	"time"

	"github.com/jmoiron/sqlx"

	"causerie/internal/changes"
)

// Changes counts the changes that readers can see: at once for changes by this process, and a moment later for others
// (see Watch). The page cache compares the numbers.
func (s *Store) Changes() *changes.Counter { return &s.changes }

// watchEvery is how often Watch looks without a hint. With watchPatience it bounds how long a database can be silent
// unnoticed.
const watchEvery = time.Second

// Watch starts to look for changes by other processes. It ends with Close. mail is called when another process has
// added deliveries; it must not block.
//
// A hint makes it look at once: a notification of PostgreSQL, or a changed SQLite file. Hints can get lost, so it also
// looks without one. Watch is also what notices that the database does not answer (see Prompt).
func (s *Store) Watch(ctx context.Context, mail func()) error {
	w := watcher{Store: s, db: s.watchDB()}
	if err := w.look(ctx, func() {}); err != nil {
		return err
	}
	// The caller's context is for the start only.
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	hints := make(chan struct{}, 1)
	s.watching.Go(func() { s.sql.hints(ctx, s.pool, hints) })
	s.watching.Go(func() { w.watch(ctx, mail, hints) })
	return nil
}

// watcher looks for changes by other processes.
type watcher struct {
	*Store
	db   *sqlx.DB
	seen uint64 // all changes up to this number were seen
}

func (w *watcher) watch(ctx context.Context, mail func(), hints <-chan struct{}) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		case <-hints:
		}
		// Other errors say nothing new: whoever needs the database gets them too.
		var network net.Error
		err := w.look(ctx, mail)
		w.presence.set(w.sql.postgres && errors.As(err, &network) && network.Timeout())
	}
}

// look reads what changed since the last look.
func (w *watcher) look(ctx context.Context, mail func()) error {
	var newest uint64
	err := w.db.GetContext(ctx, &newest, `SELECT n FROM changes`)
	if err != nil || newest == w.seen {
		return err
	}
	var rows []struct {
		Topic changes.Topic
		N     uint64
	}
	err = w.db.SelectContext(ctx, &rows, w.sql.bind(`SELECT topic, n FROM page_changes WHERE n > ?`), w.seen)
	if err != nil {
		return err
	}
	// The numbers have the order of the commits. So nothing with a lower number than the newest of these can follow.
	w.seen = newest
	mailed := w.changes.Of(changes.Mail)
	for _, row := range rows {
		w.changes.Saw(row.N, row.Topic)
		w.seen = max(w.seen, row.N)
	}
	w.changes.Saw(newest)
	if w.changes.Of(changes.Mail) > mailed {
		mail()
	}
	return nil
}

// hintGap is the shortest time between two hints of one process.
const hintGap = 50 * time.Millisecond

// hint tells other processes to look for changes. It returns at once. Hints of the same moment become one.
func (s *Store) hint() {
	if s.sql.notify() == "" {
		return
	}
	if s.hinting.join(struct{}{}) {
		s.watching.Go(func() {
			for s.hinting.take(batchSize) != nil {
				// After the commit, and not in its transaction: PostgreSQL commits transactions that notify one by one.
				ctx, cancel := context.WithTimeout(context.Background(), time.Second)
				_, _ = s.write.ExecContext(ctx, s.sql.notify(), s.name)
				cancel()
				time.Sleep(hintGap)
			}
		})
	}
}
