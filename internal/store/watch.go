package store

import (
	"context"
	"time"
)

// Changes is a counter that rises with every change that readers can see: at once for changes by this process, within
// half a second for others (see Watch). The page cache compares it.
func (s *Store) Changes() uint64 { return s.changes.Load() }

func (s *Store) sawChange(n uint64) {
	// Commits and the watcher report in any order. The counter must never go back.
	for {
		have := s.changes.Load()
		if n <= have || s.changes.CompareAndSwap(have, n) {
			return
		}
	}
}

const watchEvery = 300 * time.Millisecond

// Watch starts to look for changes by other processes. It ends with Close.
func (s *Store) Watch(ctx context.Context) error {
	var n uint64
	if err := s.one(ctx, &n, `SELECT n FROM changes`); err != nil {
		return err
	}
	s.sawChange(n)
	// The caller's context is for the start only.
	ctx, s.stop = context.WithCancel(context.WithoutCancel(ctx))
	s.watching.Add(1)
	go func() {
		defer s.watching.Done()
		s.watch(ctx)
	}()
	return nil
}

func (s *Store) watch(ctx context.Context) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		var n uint64
		// The timeout lets the next tick try again when a connection hangs. For the same reason an error is ignored.
		ask, cancel := context.WithTimeout(ctx, 5*time.Second)
		if s.one(ask, &n, `SELECT n FROM changes`) == nil {
			s.sawChange(n)
		}
		cancel()
	}
}
