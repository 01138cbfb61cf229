package store

import (
	"context"
	"time"

	"causerie/internal/changes"
)

// Changes counts the changes that readers can see: at once for changes by this process, within half a second for
// others (see Watch). The page cache compares the numbers.
func (s *Store) Changes() *changes.Counter { return &s.changes }

const watchEvery = 300 * time.Millisecond

// Watch starts to look for changes by other processes. It ends with Close.
func (s *Store) Watch(ctx context.Context) error {
	w := watcher{Store: s}
	if err := w.look(ctx); err != nil {
		return err
	}
	// The caller's context is for the start only.
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.watching.Go(func() { w.watch(ctx) })
	return nil
}

// watcher looks for changes by other processes.
type watcher struct {
	*Store
	seen uint64 // all changes up to this number were seen
}

func (w *watcher) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		// The timeout lets the next tick try again when a connection hangs. For the same reason an error is ignored.
		ask, cancel := context.WithTimeout(ctx, 5*time.Second)
		_ = w.look(ask)
		cancel()
	}
}

// look reads what changed since the last look.
func (w *watcher) look(ctx context.Context) error {
	var newest uint64
	if err := w.one(ctx, &newest, `SELECT n FROM changes`); err != nil || newest == w.seen {
		return err
	}
	var rows []struct {
		Topic changes.Topic
		N     uint64
	}
	if err := w.all(ctx, &rows, `SELECT topic, n FROM page_changes WHERE n > ?`, w.seen); err != nil {
		return err
	}
	// The numbers have the order of the commits. So nothing with a lower number than the newest of these can follow.
	w.changes.Saw(newest)
	w.seen = newest
	for _, row := range rows {
		w.changes.Saw(row.N, row.Topic)
		w.seen = max(w.seen, row.N)
	}
	return nil
}
