package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"time"

	"causerie/internal/federation/inbox"
)

// drainTime is how long requests and deliveries that are on their way may take to finish when the server ends.
const drainTime = 10 * time.Second

// serve answers requests and does the work behind them until the context ends; then everything is finished or handed
// back.
func (s *server) serve(ctx context.Context, listeners []net.Listener) error {
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	defer stop()
	var working sync.WaitGroup
	for _, work := range []func(context.Context){s.courier.Run, s.inbox.Run, s.jobs.Run, inbox.NewBackfill(s.inbox).Run} {
		working.Go(func() { work(background) })
	}
	server := s.server()
	broken := make(chan error, len(listeners))
	for _, l := range listeners {
		go func() { broken <- server.Serve(l) }()
	}
	var err error
	select {
	case <-ctx.Done():
	case err = <-broken:
		err = fmt.Errorf("the server stopped listening: %w", err)
	}
	s.draining.Store(true)
	stop()
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainTime)
	defer cancel()
	if late := server.Shutdown(limit); late != nil {
		server.Close()
	}
	if !waited(limit, &working) {
		// Both are reported: why the server stopped, and that it did not stop cleanly.
		err = errors.Join(err, errors.New("some deliveries were not handed back in time; they are tried again when their "+
			"lease ends"))
	}
	return err
}

// waited reports whether the work ended in time.
func waited(limit context.Context, working *sync.WaitGroup) bool {
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
