package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"
)

// drainTime is how long running requests and deliveries may take to finish when the server stops.
const drainTime = 10 * time.Second

// serve answers requests and runs the background work until ctx ends. Then it finishes what is running, or gives it
// back to the queue.
func (s *server) serve(ctx context.Context, listeners []net.Listener) error {
	// Not a child of ctx: the background work must go on until readyz has changed to "leaving".
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var working sync.WaitGroup
	for _, work := range []func(context.Context){s.courier.Run, s.inbox.Run, s.jobs.Run, s.backfill.Run} {
		working.Go(func() { work(background) })
	}
	server := s.httpServer()
	failed := make(chan error, len(listeners)) // room for all, so that no goroutine blocks after the first error
	for _, l := range listeners {
		go func() { failed <- server.Serve(l) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-failed:
		err = fmt.Errorf("the server stopped listening: %w", err)
	}
	s.draining.Store(true)
	stop()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime) // ctx has ended already
	defer cancel()
	if late := server.Shutdown(limit); late != nil {
		server.Close()
	}
	if !finished(limit, &working) {
		// Both are reported: why the server stopped, and that it did not stop cleanly.
		err = errors.Join(err, errors.New("some deliveries were not given back in time; they are tried again when their "+
			"lease ends"))
	}
	return err
}

// finished waits for the background work. It reports false when limit ends first.
func finished(limit context.Context, working *sync.WaitGroup) bool {
	ended := make(chan struct{})
	go func() {
		working.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return true
	case <-limit.Done():
		return false
	}
}
