package store

import (
	"context"
	"time"
)

// Changes rises whenever what a reader can see has changed, in this process at once, in others within half a second
// (see Watch). Kept pages are judged by it.
func (s *Store) Changes() uint64 { return s.changes.Load() }

func (s *Store) sawChange(n uint64) {
	for {
		have := s.changes.Load()
		if n <= have || s.changes.CompareAndSwap(have, n) {
			return
		}
	}
}

const watchEvery = 300 * time.Millisecond

// Watch begins to notice what other processes commit, by asking for the change counter. It ends with Close.
func (s *Store) Watch(ctx context.Context) error {
	var n uint64
	if err := s.one(ctx, &n, `SELECT n FROM changes`); err != nil {
		return err
	}
	s.sawChange(n)
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
		ask, cancel := context.WithTimeout(ctx, 5*time.Second)
		if s.one(ask, &n, `SELECT n FROM changes`) == nil {
			s.sawChange(n)
		}
		cancel()
	}
}
